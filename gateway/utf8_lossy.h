// Any bytes as text that JSON can carry.
#pragma once

#include <string>
#include <string_view>

namespace gateway {

// `bytes` with every byte that is not part of a UTF-8 character replaced by U+FFFD. A character cut off
// at the end is kept in `tail` for the next call.
std::string utf8_lossy(std::string_view bytes, std::string& tail);

}  // namespace gateway
