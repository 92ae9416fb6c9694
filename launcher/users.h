// Who a component runs as.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "launcher/outcome.h"

namespace launcher {

struct user_account {
    uid_t uid = 0;
    gid_t gid = 0;
    std::string name;
    std::string home;
    std::string shell;
    std::vector<gid_t> groups;  // all of them, gid among them
    bool is_caller = true;      // no change of identity is needed
};

// An empty name is the caller. Another user than the caller needs root; the error says so, or that
// there is no such user.
outcome<user_account> resolve_user(const std::string& name);

}  // namespace launcher
