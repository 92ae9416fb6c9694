// What the hub says of breakpoints before it has seen any list of dlv's, and what it makes of those on the first.
#pragma once

#include <string_view>

namespace gateway {

inline constexpr std::string_view no_breakpoints_known = "{\"Breakpoints\":[]}";

// The group of those that an earlier gateway has set for somebody: whoever sets one there now takes its place.
inline constexpr std::string_view left_behind = "left behind";

}  // namespace gateway
