#include "auth/access.h"

#include <algorithm>

namespace auth {

namespace {

bool lists(const std::vector<std::string>& names, const std::string& name) {
    return !name.empty() && std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool admitted(const identity& who, const access_list& list) {
    // Without a user there is no identity to admit, whatever groups it claims.
    if (who.user.empty()) return false;
    return lists(list.users, who.user) ||
           std::any_of(who.groups.begin(), who.groups.end(),
                       [&](const std::string& group) { return lists(list.groups, group); });
}

}  // namespace auth
