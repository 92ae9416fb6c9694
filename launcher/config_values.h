// The small syntaxes of both configuration files: durations, sizes, and the name that was meant.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/outcome.h"

namespace launcher {

// "500ms", "10s", "15m", "12h", "7d"
outcome<std::chrono::milliseconds> parse_duration(std::string_view text);
// "65536", "64KiB", "4MiB", "1GiB"
outcome<std::uint64_t> parse_size(std::string_view text);
std::string format_duration(std::chrono::milliseconds time);  // the shortest that parses to it
std::string format_size(std::uint64_t bytes);

// The name nearest to a misspelt one; empty when nothing is near.
std::string nearest_name(std::string_view wrong, const std::vector<std::string_view>& known);

}  // namespace launcher
