// What each `delvegate ca` subcommand does. Each returns the exit code: 0 done; 1 failed; 2 the command line
// makes no sense.
#pragma once

#include <string>
#include <vector>

#include "gateway/usual_state.h"

namespace gateway {

struct ca_arguments {
    std::string state_directory;  // of the command line; may be empty
    usual_state state;            // that, or where it is by itself
    std::string name;
    std::string key_type = "ecdsa";
    std::string ttl;
    std::string user;
    std::vector<std::string> groups;
    std::string out;
    bool renewable = false;
    std::string serial;
    std::string fingerprint;
    std::string reason;
    std::string output = "text";
};

int ca_init(const ca_arguments& a);
int ca_issue(const ca_arguments& a);
int ca_list(const ca_arguments& a);
int ca_revoke(const ca_arguments& a);
int ca_unrevoke_user(const ca_arguments& a);
int ca_crl(const ca_arguments& a);

}  // namespace gateway
