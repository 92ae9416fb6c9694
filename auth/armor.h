// Bytes as text: base64 and hex, read strictly; and SHA-256.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace auth {

std::string to_base64(std::string_view bytes);  // RFC 4648 with padding, on one line

// Only what to_base64() would write: nothing for other alphabets, white space, missing padding or bits
// left over.
std::optional<std::string> from_base64(std::string_view text);

std::string to_hex(std::string_view bytes);      // lower case
std::string sha256(std::string_view bytes);      // 32 bytes
std::string sha256_hex(std::string_view bytes);  // 64 lower-case digits

}  // namespace auth
