// `$(VAR)` in a container's command, arguments and environment, as the kubelet expands it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace launcher {

// Names to values, first table first. A name that none has is left as it was written.
using variable_tables = std::vector<const std::map<std::string, std::string, std::less<>>*>;

// `$(NAME)`, up to the first ')', is the value (which is not expanded again) or stays; `$$` is '$'; everything else
// is as it was. There is nothing else to it: no nesting, no defaults, no `${}`.
std::string expand_references(std::string_view text, const variable_tables& tables);

// For subPathExpr: the names that are undefined or empty, which make the kubelet refuse it.
std::vector<std::string> missing_references(std::string_view text, const variable_tables& tables);

}  // namespace launcher
