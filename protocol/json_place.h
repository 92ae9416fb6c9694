// Where a text stops being JSON, for a person who has to mend it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace protocol {

// The byte at which the grammar is broken; none when it is not, and parse_json had another reason (depth, keys).
std::optional<std::size_t> json_fault(std::string_view text);

}  // namespace protocol
