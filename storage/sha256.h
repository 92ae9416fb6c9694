// SHA-256, as 64 lower-case hex digits: what two files are compared by.
#pragma once

#include <string>
#include <string_view>

namespace storage {

// Empty only when OpenSSL cannot do it (memory): no text has that hash, so the comparison fails.
std::string sha256_hex(std::string_view bytes);

// The same of HMAC (RFC 2104) with that key.
std::string hmac_sha256_hex(std::string_view key, std::string_view bytes);

}  // namespace storage
