// JSON values as text: the encoder, and what text must satisfy to be a string of ours.
#include <array>
#include <cstdint>
#include <cstring>

#include "protocol/json.h"

namespace protocol {
namespace {

// The length of the valid UTF-8 sequence at `p` (RFC 3629: no overlong form, no surrogate, nothing
// above U+10FFFF), or 0.
std::size_t sequence_length(const unsigned char* p, const unsigned char* end) {
    const auto left = static_cast<std::size_t>(end - p);
    const auto tail = [&](std::size_t i) { return (p[i] & 0xC0) == 0x80; };
    if (p[0] < 0x80) return 1;
    if (p[0] < 0xC2) return 0;
    if (p[0] < 0xE0) return left >= 2 && tail(1) ? 2 : 0;
    if (p[0] < 0xF0) {
        if (left < 3 || !tail(1) || !tail(2)) return 0;
        if (p[0] == 0xE0 && p[1] < 0xA0) return 0;
        if (p[0] == 0xED && p[1] > 0x9F) return 0;
        return 3;
    }
    if (p[0] > 0xF4 || left < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
    if (p[0] == 0xF0 && p[1] < 0x90) return 0;
    if (p[0] == 0xF4 && p[1] > 0x8F) return 0;
    return 4;
}

// Bytes that cannot be copied as they are: to escape, or to check as UTF-8.
constexpr std::array<bool, 256> special_bytes() {
    std::array<bool, 256> table{};
    for (std::size_t c = 0; c < 0x20; ++c) table[c] = true;
    for (std::size_t c = 0x80; c < 0x100; ++c) table[c] = true;
    table['"'] = table['\\'] = true;
    return table;
}
constexpr auto special = special_bytes();

void append_escape(std::string& out, unsigned char c) {
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\b':
            out += "\\b";
            return;
        case '\f':
            out += "\\f";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    constexpr char digits[] = "0123456789abcdef";
    out += "\\u00";
    out += digits[c >> 4];
    out += digits[c & 15];
}

// The next character of a key as Go folds it; moves `at` past it.
inline char next_folded(std::string_view key, std::size_t& at) {
    const char c = key[at++];
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    if (static_cast<unsigned char>(c) < 0x80) return c;
    const auto rest = key.substr(at);
    if (c == '\xC5' && rest.starts_with('\xBF')) return at += 1, 's';      // U+017F, long s
    if (c == '\xE2' && rest.starts_with("\x84\xAA")) return at += 2, 'k';  // U+212A, Kelvin sign
    return c;
}

}  // namespace

bool valid_utf8(std::string_view text) {
    const auto* p = reinterpret_cast<const unsigned char*>(text.data());
    const auto* const end = p + text.size();
    while (p != end) {
        // Eight ASCII bytes at a time: nearly all text is.
        while (end - p >= 8) {
            std::uint64_t word;
            std::memcpy(&word, p, sizeof word);
            if (word & 0x8080808080808080u) break;
            p += 8;
        }
        if (p == end) break;
        const auto n = sequence_length(p, end);
        if (n == 0) return false;
        p += n;
    }
    return true;
}

void append_string(std::string& out, std::string_view text) {
    out += '"';
    const auto* p = reinterpret_cast<const unsigned char*>(text.data());
    const auto* const end = p + text.size();
    const auto* plain = p;  // first byte not yet copied
    const auto flush = [&] {
        out.append(reinterpret_cast<const char*>(plain), static_cast<std::size_t>(p - plain));
    };
    while (p != end) {
        if (!special[*p]) {
            ++p;
        } else if (*p < 0x80) {
            flush();
            append_escape(out, *p);
            plain = ++p;
        } else if (const auto n = sequence_length(p, end)) {
            p += n;
        } else {
            // Text from elsewhere (a file name, a log line): as Go writes it.
            flush();
            out += "\xEF\xBF\xBD";
            plain = ++p;
        }
    }
    flush();
    out += '"';
}

void append_text(std::string& out, const json& value) {
    if (const auto* members = value.if_object()) {
        out += '{';
        for (const auto& member : *members) {
            if (&member != members->data()) out += ',';
            append_string(out, member.first);
            out += ':';
            append_text(out, member.second);
        }
        out += '}';
    } else if (const auto* elements = value.if_array()) {
        out += '[';
        for (const auto& element : *elements) {
            if (&element != elements->data()) out += ',';
            append_text(out, element);
        }
        out += ']';
    } else if (const auto* text = value.if_string()) {
        append_string(out, *text);
    } else if (const auto* n = value.if_number()) {
        out += n->token;
    } else if (const auto* b = value.if_bool()) {
        out += *b ? "true" : "false";
    } else {
        out += "null";
    }
}

std::string to_text(const json& value) {
    std::string out;
    append_text(out, value);
    return out;
}

std::string fold_key(std::string_view key) {
    std::string folded;
    folded.reserve(key.size());
    for (std::size_t at = 0; at < key.size();) folded += next_folded(key, at);
    return folded;
}

bool fold_equal(std::string_view a, std::string_view b) {
    std::size_t i = 0;
    std::size_t k = 0;
    while (i < a.size() && k < b.size())
        if (next_folded(a, i) != next_folded(b, k)) return false;
    return i == a.size() && k == b.size();
}

}  // namespace protocol
