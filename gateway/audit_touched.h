// What a request touches, for the audit: read from its canonical arguments, whatever its protocol.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "protocol/operations.h"

namespace gateway {

// Names ("file", "line", "expression", "condition", "goroutine", …) and texts, each name once; several
// breakpoints' are joined with ", ". A value to be written is never there, only its size. Long arguments
// are there as their size and digest too, unless they hold a value.
std::vector<std::pair<std::string, std::string>> touched_by(const protocol::judged& request);

// Whether it does nothing but release the target or what somebody holds: resume, halt, clear, leave.
bool only_releases(const protocol::judged& request);

}  // namespace gateway
