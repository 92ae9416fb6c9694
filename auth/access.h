// Who may use a component: the users and groups its configuration lists.
#pragma once

#include <string>
#include <vector>

#include "auth/identity.h"

namespace auth {

struct access_list {
    std::vector<std::string> users;   // CN
    std::vector<std::string> groups;  // O
};

// Whether the list names this identity's user or one of its groups, byte for byte. An empty list admits
// nobody, and an empty name, on either side, matches nothing.
bool admitted(const identity& who, const access_list& list);

}  // namespace auth
