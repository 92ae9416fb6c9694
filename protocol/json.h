// Strict JSON as a value: what was judged can be written out again without loss.
//
// Numbers keep the token they arrived as (64-bit addresses exceed double's 53 bits), members keep
// their order, `null` is not `[]`. Two keys of one object that Go's encoding/json would match to the
// same struct field (equal under Unicode simple folding: "Name"/"name", "paramſ"/"params") are
// refused, because Go would let the last one win (encoding/json, field matching by foldName).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/error.h"

namespace protocol {

class json {
public:
    struct number {  // the token, e.g. "13757652436686733312" or "1e3"
        std::string token;
        bool operator==(const number&) const = default;
    };
    using array = std::vector<json>;
    using member = std::pair<std::string, json>;
    using object = std::vector<member>;

    json() = default;  // null
    json(std::nullptr_t) {}
    json(bool b) : value_(b) {}
    json(const char* s) : value_(std::string(s)) {}
    json(std::string_view s) : value_(std::string(s)) {}
    json(std::string s) : value_(std::move(s)) {}
    json(number n) : value_(std::move(n)) {}
    json(int n) : json(static_cast<std::int64_t>(n)) {}
    json(std::int64_t n) : value_(number{std::to_string(n)}) {}
    json(std::uint64_t n) : value_(number{std::to_string(n)}) {}
    json(array a) : value_(std::move(a)) {}
    json(object o) : value_(std::move(o)) {}

    bool is_null() const { return value_.index() == 0; }
    bool is_bool() const { return std::holds_alternative<bool>(value_); }
    bool is_number() const { return std::holds_alternative<number>(value_); }
    bool is_string() const { return std::holds_alternative<std::string>(value_); }
    bool is_array() const { return std::holds_alternative<array>(value_); }
    bool is_object() const { return std::holds_alternative<object>(value_); }

    // Pointers into the value, null when it is of another kind.
    const bool* if_bool() const { return std::get_if<bool>(&value_); }
    const number* if_number() const { return std::get_if<number>(&value_); }
    const std::string* if_string() const { return std::get_if<std::string>(&value_); }
    const array* if_array() const { return std::get_if<array>(&value_); }
    const object* if_object() const { return std::get_if<object>(&value_); }
    array* if_array() { return std::get_if<array>(&value_); }
    object* if_object() { return std::get_if<object>(&value_); }

    // The member of that exact name, or null when absent or when this is no object.
    const json* find(std::string_view key) const;
    json* find(std::string_view key);
    // Replaces or appends a member; turns a null into an object first.
    json& set(std::string_view key, json value);

    // Readings with a fallback for "absent, null or of another kind". as_int: only tokens that are
    // an integer within int64.
    std::string_view get_string(std::string_view key, std::string_view fallback = {}) const;
    bool get_bool(std::string_view key, bool fallback = false) const;
    std::int64_t get_int(std::string_view key, std::int64_t fallback = 0) const;
    std::optional<std::int64_t> as_int() const;
    std::optional<std::uint64_t> as_uint() const;

    bool operator==(const json&) const = default;

private:
    std::variant<std::monostate, bool, number, std::string, array, object> value_;
};

struct json_limits {
    std::size_t max_depth = 64;  // arrays and objects nested in each other
    // Whether fold-equal keys are refused (requests), or only exact duplicates (our own files and
    // link frames). Objects that Go reads into a map, such as `env`, may have fold-equal keys.
    bool fold_keys = true;
};

// Parses exactly one value with nothing but white space around it. Numbers beyond double's range
// (1e400) are malformed, as they are to Go. `where` is set to the byte at which a text was found to be wrong.
result<json> parse_json(std::string_view text, const json_limits& limits = {}, std::size_t* where = nullptr);

// Compact, keys in order, strings escaped as RFC 8259 demands and no further; numbers as they came.
// Text that is not UTF-8 (never from parse_json) gets U+FFFD for each wrong byte, as Go writes it.
std::string to_text(const json& value);
void append_text(std::string& out, const json& value);
void append_string(std::string& out, std::string_view text);  // with quotes

// Go's folding of a key: ASCII letters lower-cased, U+017F as 's', U+212A as 'k'.
std::string fold_key(std::string_view key);
bool fold_equal(std::string_view a, std::string_view b);  // fold_key(a) == fold_key(b)

bool valid_utf8(std::string_view text);

}  // namespace protocol
