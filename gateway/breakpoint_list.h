// What the hub says of breakpoints before it has seen any list of dlv's.
#pragma once

#include <string_view>

namespace gateway {

inline constexpr std::string_view no_breakpoints_known = "{\"Breakpoints\":[]}";

}  // namespace gateway
