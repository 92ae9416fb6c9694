// A peer's text as one line that a terminal and a log take as text.
#pragma once

#include <string>
#include <string_view>

namespace protocol {

// A space for each control character (C0, DEL, C1) and for each mark that turns the direction of writing or ends
// a line (bidi controls, U+2028, U+2029); in text that is not UTF-8 every byte above 0x7f becomes '?'.
std::string printable(std::string_view text);

}  // namespace protocol
