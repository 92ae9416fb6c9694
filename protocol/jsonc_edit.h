// Changes of a JSONC text in place: what is added is written as the text around it is, and taking it out again leaves what
// was there before. All else stays byte for byte.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/jsonc.h"

namespace protocol {

// Positions in what read_jsonc() gave end with the change: the new text is to be read anew.

// Adds behind the last item of an object (with `key`) or an array, on a line of its own, indented as its neighbours are and
// with the text's own line ends. A comment that follows on a neighbour's line stays that neighbour's; a text that has a comma
// behind its last item has one then, too.
std::string add_item(std::string_view text, const jsonc& to, std::string_view key, const json& value);

// Takes out item `index` of an object or an array, with its line and its comma. Exactly what add_item() added, when nobody
// has written into it since; but of an array or object that was empty before, the white space within is not brought back.
std::string remove_item(std::string_view text, const jsonc& from, std::size_t index);

// Puts another value in the place of one.
std::string replace_value(std::string_view text, const jsonc& old, const json& value);

}  // namespace protocol
