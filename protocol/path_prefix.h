// One rule applied to one path; not for use outside this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace protocol::paths {

inline bool is_separator(char c) { return c == '/' || c == '\\'; }
bool windows_absolute(std::string_view path);  // C:\x, C:/x, \\host\share
bool absolute(std::string_view path);
// Whether `path` begins with `prefix`, letters of any case and separators of either kind being equal where either
// of the two is of Windows.
bool has_prefix(std::string_view path, std::string_view prefix);
// None: the rule does not fit.
std::optional<std::string> apply(std::string_view path, std::string_view from, std::string_view to);

}  // namespace protocol::paths
