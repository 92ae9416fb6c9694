#include "protocol/json.h"

#include <charconv>

namespace protocol {
namespace {

template <class Int>
std::optional<Int> read_int(const json::number* n) {
    if (!n) return std::nullopt;
    const char* const first = n->token.data();
    const char* const last = first + n->token.size();
    Int value{};
    const auto [end, ec] = std::from_chars(first, last, value);
    if (ec != std::errc() || end != last) return std::nullopt;
    return value;
}

}  // namespace

const json* json::find(std::string_view key) const {
    if (const auto* members = if_object())
        for (const auto& [name, value] : *members)
            if (name == key) return &value;
    return nullptr;
}

json* json::find(std::string_view key) {
    return const_cast<json*>(static_cast<const json&>(*this).find(key));
}

json& json::set(std::string_view key, json value) {
    if (json* old = find(key)) return *old = std::move(value);
    if (!is_object()) value_ = object();
    return std::get<object>(value_).emplace_back(key, std::move(value)).second;
}

std::string_view json::get_string(std::string_view key, std::string_view fallback) const {
    const json* found = find(key);
    const std::string* text = found ? found->if_string() : nullptr;
    return text ? std::string_view(*text) : fallback;
}

bool json::get_bool(std::string_view key, bool fallback) const {
    const json* found = find(key);
    const bool* b = found ? found->if_bool() : nullptr;
    return b ? *b : fallback;
}

std::int64_t json::get_int(std::string_view key, std::int64_t fallback) const {
    const json* found = find(key);
    return found ? found->as_int().value_or(fallback) : fallback;
}

std::optional<std::int64_t> json::as_int() const { return read_int<std::int64_t>(if_number()); }

std::optional<std::uint64_t> json::as_uint() const { return read_int<std::uint64_t>(if_number()); }

}  // namespace protocol
