// A peer's text as one printable line.
#pragma once

#include <string>
#include <string_view>

namespace gateway {

// Control characters become spaces; in text that is not UTF-8 every byte above 0x7f becomes '?'.
std::string printable(std::string_view text);

}  // namespace gateway
