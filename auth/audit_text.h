// Text of audit records: escaped so that a line is harmless on a terminal, bounded, hashed, timed.
#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace auth {

// SHA-256 with one context for its lifetime; not for several threads at once.
class sha256_hasher {
public:
    sha256_hasher();
    ~sha256_hasher();
    sha256_hasher(const sha256_hasher&) = delete;
    sha256_hasher& operator=(const sha256_hasher&) = delete;

    void add(std::string_view bytes);
    // Lower-case hex of everything added since the last call, and begins anew.
    void append_hex(std::string& out);
    std::string hex(std::string_view bytes);

private:
    EVP_MD_CTX* context_;
};

inline constexpr std::size_t hash_length = 64;  // hex digits
// What the first record of a chain has for the hash of the one before.
inline constexpr std::string_view no_hash = "0000000000000000000000000000000000000000000000000000000000000000";

// The inside of a JSON string: quotes, backslashes, control characters (C1 too), line separators and
// what turns the direction of text around are escaped; a byte that is not UTF-8 becomes \xNN, spelt out.
// The result is valid UTF-8, and the same for the same text.
void append_escaped(std::string& out, std::string_view text);

// The same of at most `limit` bytes of result; what is longer is cut at a character and followed by
// "…[N bytes, sha256:HEX]" over the whole text. So `out` grows by at most limit + 120 bytes.
void append_clamped(std::string& out, std::string_view text, std::size_t limit);

// "2026-11-25T20:56:58.123456789Z" for nanoseconds since the epoch, 1970 to 2262, and back. Reading
// takes that form only.
void append_time(std::string& out, std::int64_t nanoseconds);
std::optional<std::int64_t> parse_time(std::string_view text);

std::int64_t wall_clock();  // nanoseconds since the epoch, now

}  // namespace auth
