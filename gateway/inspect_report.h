// `delvegate inspect` for a person: the launcher's plan (docs/api.md has its JSON) as text.
#pragma once

#include <string>

#include "protocol/json.h"

namespace gateway {

std::string inspect_report(const protocol::json& plan);
// The findings alone, worst first; empty when there are none.
std::string findings_text(const protocol::json& plan);
// The commands that undo a start by hand.
std::string undo_text(const protocol::json& plan);

}  // namespace gateway
