// policy.yaml as a policy: read whole or not at all, every error one line with its place.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "auth/policy.h"
#include "auth/tls.h"

namespace auth {

// What a policy may be at most; beyond it is refused.
struct policy_limits {
    std::size_t file = 256 * 1024;  // bytes
    std::size_t depth = 8;          // lists and maps in each other
    std::size_t nodes = 65'536;     // keys and values
    std::size_t roles = 64;
    std::size_t bindings = 1024;
    std::size_t names = 1024;       // users, groups, components, classes, allow or deny of one entry
    std::size_t name = 256;         // bytes of a user or group
    std::size_t glob = 128;         // bytes of a component's or operation's
};

// Errors: `policy.yaml:7:3: unknown role "debuger"; there are observer, …`. Refused: unknown and doubled keys,
// roles, classes and operations; anchors, aliases, tags and further documents; a file that does not end
// with a line `...`, for one that is half written would otherwise be taken for a whole one.
outcome<policy> parse_policy(std::string_view text, const std::string& file,
                             const policy_limits& limits = {});
outcome<policy> read_policy(const std::string& file, const policy_limits& limits = {});

// The keys and limits as docs/policy.md has them, in Markdown; what is read and this come from one table.
std::string policy_reference();

}  // namespace auth
