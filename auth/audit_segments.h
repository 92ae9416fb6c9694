// The files of one audit: audit.jsonl, and beside it audit-TIME.jsonl for each that was rotated away.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace auth {

// Rotated files of `file` as full paths, oldest first. The writer never gives a name that sorts before
// an earlier one, whatever the clock does.
std::vector<std::string> rotated_files(const std::string& file);

// The path for a file that is rotated away now: later than all of `earlier`.
std::string rotated_name(const std::string& file, const std::vector<std::string>& earlier, std::int64_t now);

}  // namespace auth
