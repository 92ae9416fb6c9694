#include "protocol/printable.h"

#include <algorithm>

#include "protocol/json.h"

namespace protocol {

namespace {

struct range {
    std::string_view first, last;  // UTF-8, of one length
};
constexpr range harmful[] = {
    {"\xc2\x80", "\xc2\x9f"},          // C1: U+009B begins an escape sequence as ESC [ does
    {"\xd8\x9c", "\xd8\x9c"},          // Arabic letter mark
    {"\xe2\x80\x8e", "\xe2\x80\x8f"},  // left-to-right and right-to-left mark
    {"\xe2\x80\xa8", "\xe2\x80\xae"},  // line and paragraph separator, embeddings and overrides
    {"\xe2\x81\xa6", "\xe2\x81\xa9"},  // isolates
};

// How many bytes at the beginning of `text` are one of them.
std::size_t harmful_at(std::string_view text) {
    for (const auto& [first, last] : harmful) {
        const auto c = text.substr(0, first.size());
        if (c.size() == first.size() && c >= first && c <= last) return c.size();
    }
    return 0;
}

}  // namespace

std::string printable(std::string_view text) {
    const bool utf8 = valid_utf8(text);
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto byte = static_cast<unsigned char>(text.front());
        std::size_t length = 1;
        if (byte < 0x20 || byte == 0x7f) {
            out += ' ';
        } else if (byte < 0x80) {
            out += text.front();
        } else if (!utf8) {
            out += '?';
        } else if (const auto bad = harmful_at(text); bad > 0) {
            out += ' ';
            length = bad;
        } else {
            out += text.front();
        }
        text.remove_prefix(length);
    }
    return out;
}

}  // namespace protocol
