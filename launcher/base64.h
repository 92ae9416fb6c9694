// base64 as the API writes what need not be text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace launcher {

// Padded, without white space; none where it is anything else.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace launcher
