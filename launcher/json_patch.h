// JSON patches (RFC 6902) as the API server applies them: to foresee what one makes, and to say it by hand.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "launcher/outcome.h"
#include "protocol/json.h"

namespace launcher {

// One operation each. A path is a JSON pointer; json_pointer() escapes one member's name for it.
protocol::json patch_test(const std::string& path, protocol::json value);
protocol::json patch_add(const std::string& path, protocol::json value);
protocol::json patch_replace(const std::string& path, protocol::json value);
protocol::json patch_remove(const std::string& path);
std::string json_pointer(std::string_view member);  // "a/b" becomes "a~1b"

// The value there, or null where there is none.
const protocol::json* at_pointer(const protocol::json& value, std::string_view path);

// Whole, or the error of the first operation that does not fit: then `value` is not to be used any more. Knows test, add,
// replace and remove. Members of objects compare in any order.
outcome<void> apply_patch(protocol::json& value, const protocol::json& patch);

// Equal whatever the order of members.
bool same_json(const protocol::json& a, const protocol::json& b);

}  // namespace launcher
