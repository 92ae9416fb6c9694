// Go types as data, and the one reading of JSON into them: what encoding/json would make of a value
// for that type, written back with the exact keys and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "protocol/json.h"

namespace protocol {

enum class go_kind : std::uint8_t { boolean, text, integer, structure, slice, array, map, any };

struct go_field;

// Pointers are not a kind of their own: for a value that is read, *T differs from T only in what
// `null` leaves behind, and a null member is dropped here either way.
struct go_type {
    go_kind kind = go_kind::any;
    std::uint8_t bits = 64;  // of integer
    bool is_signed = true;
    std::size_t length = 0;              // of array
    const go_type* element = nullptr;    // of slice, array and map (whose keys are strings)
    std::span<const go_field> fields{};  // of structure; an embedded struct's are listed in place
};

struct go_field {
    std::string_view key;   // as Go encodes it
    const go_type* type = nullptr;
    bool dropped = false;   // read and checked like any other, but not passed on
    bool required = false;  // by a custom UnmarshalJSON; such a struct cannot be null either
};

inline constexpr go_type go_bool{.kind = go_kind::boolean};
inline constexpr go_type go_string{.kind = go_kind::text};
inline constexpr go_type go_int{.kind = go_kind::integer};
inline constexpr go_type go_uint64{.kind = go_kind::integer, .is_signed = false};
inline constexpr go_type go_uint16{.kind = go_kind::integer, .bits = 16, .is_signed = false};
inline constexpr go_type go_uint8{.kind = go_kind::integer, .bits = 8, .is_signed = false};
inline constexpr go_type go_any{.kind = go_kind::any};

constexpr go_type slice_of(const go_type& element) {
    return {.kind = go_kind::slice, .element = &element};
}
constexpr go_type array_of(std::size_t length, const go_type& element) {
    return {.kind = go_kind::array, .length = length, .element = &element};
}
constexpr go_type map_of(const go_type& element) {
    return {.kind = go_kind::map, .element = &element};
}
constexpr go_type struct_of(std::span<const go_field> fields) {
    return {.kind = go_kind::structure, .fields = fields};
}

// Reads `in` as `type`. The result has every known member that was there and not null, in the order
// of the Go struct, keys as Go writes them; unknown members are gone; numbers keep their token;
// arrays have their exact length. A null is the type's zero value: {}, "", 0, false, or null itself
// for slices and maps. False when Go would report an error (a wrong type, a fraction or an exponent
// for an integer, an integer out of range); `error` then says where and what, for the person:
// "Scope.Frame must be an integer, not a string".
//
// Two members that fold to one key are an error too (parse_json with fold_keys refuses them first).
bool read_as(const json& in, const go_type& type, json& out, std::string& error);

}  // namespace protocol
