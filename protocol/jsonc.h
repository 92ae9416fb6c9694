// JSON with comments and trailing commas, as editors keep their settings: where each value stands in its text, so that a
// change touches its own bytes and no others.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

#include "protocol/json.h"

namespace protocol {

// A value of a text. Positions are bytes of that very text, and mean nothing in another one.
struct jsonc {
    enum class kind { object, array, string, other };
    struct item;

    jsonc() = default;  // no aggregate: an error's text must not look like one
    kind what = kind::other;     // other: a number, true, false, null
    std::size_t begin = 0;
    std::size_t end = 0;         // behind its last byte
    std::string text;            // of a string, without its escapes
    std::vector<item> items;     // of an object or an array, in their order

    // The member of that name; null: there is none, or this is no object.
    const jsonc* find(std::string_view key) const;
};

struct jsonc::item {
    std::string key;                   // in an object
    std::size_t begin = 0;             // of the key, or in an array of the value
    jsonc value;
    std::optional<std::size_t> comma;  // the one behind it
};

constexpr std::size_t longest_jsonc = 4u << 20;

// The one value of a text, with white space and comments around it; a byte order mark may stand in front. A line that says
// what is wrong and in which line, when the text is anything else: also one in which two members of an object have the
// same name, whose meaning depends on the reader, and one that is not UTF-8 or longer than longest_jsonc.
boost::system::result<jsonc, std::string> read_jsonc(std::string_view text);

// What a value means, without comments. `text` is the one it was read from.
json to_json(const jsonc& value, std::string_view text);

}  // namespace protocol
