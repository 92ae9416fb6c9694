// The one loop in which splitting JSON spends its time.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace protocol {

// The first '"' or '\\' at or after `at`, or the size: eight bytes at a time, since a message's
// bulk is inside its strings.
inline std::size_t find_quote_or_escape(std::string_view text, std::size_t at) {
    constexpr std::uint64_t ones = 0x0101010101010101u;
    constexpr std::uint64_t highs = 0x8080808080808080u;
    const auto has_zero = [](std::uint64_t word) { return (word - ones) & ~word & highs; };
    for (; text.size() - at >= 8; at += 8) {
        std::uint64_t word;
        std::memcpy(&word, text.data() + at, sizeof word);
        if (has_zero(word ^ (ones * '"')) | has_zero(word ^ (ones * '\\'))) break;
    }
    while (at < text.size() && text[at] != '"' && text[at] != '\\') ++at;
    return at;
}

}  // namespace protocol
