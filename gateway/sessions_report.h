// What `delvegate sessions` shows of the gateway's answer to GET /v1/sessions. Pure; others' words are made printable.
#pragma once

#include <string>
#include <string_view>

#include "protocol/json.h"

namespace gateway {

// A line for each component, and a table of people's IDEs; what no row has is no column.
std::string sessions_text(const protocol::json& answer);
// The answer without other components; empty: all of them.
protocol::json sessions_of(const protocol::json& answer, std::string_view component);
// Whether it is what /v1/sessions answers.
bool is_sessions_answer(const protocol::json& answer);

}  // namespace gateway
