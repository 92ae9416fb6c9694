// Small readers shared by the two protocols; not for use outside this room.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

#include "protocol/error.h"
#include "protocol/json.h"

namespace protocol {

// The member whose key Go would match to the field `folded` (lower case). At most one: the parser
// refuses fold-equal keys.
inline json* find_folded(json::object& members, std::string_view folded) {
    for (auto& [name, value] : members)
        if (fold_equal(name, folded)) return &value;
    return nullptr;
}

template <class Int>
struct leading_number {
    Int value;
    std::size_t size;
};

// A decimal integer as Go prints it (no leading zero), which something must follow: nullopt asks
// for more bytes.
template <class Int>
result<std::optional<leading_number<Int>>> read_number(std::string_view text) {
    Int value{};
    const char* const last = text.data() + text.size();
    const std::size_t sign = text.starts_with('-') ? 1 : 0;
    const auto digits = text.substr(sign);
    if (digits.empty() && (sign == 0 || std::is_signed_v<Int>))
        return std::optional<leading_number<Int>>();
    const auto [end, ec] = std::from_chars(text.data(), last, value);
    if (ec != std::errc()) return errc::bad_reply;
    const auto size = static_cast<std::size_t>(end - text.data());
    if (digits.front() == '0' && size - sign > 1) return errc::bad_reply;
    if (end == last) return std::optional<leading_number<Int>>();
    return leading_number<Int>{value, size};
}

}  // namespace protocol
