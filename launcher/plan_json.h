// A plan, a status and a report as JSON, for the socket, the control API and scripts; and a plan's hash.
#pragma once

#include <string>

#include "launcher/component_manager.h"
#include "launcher/outcome.h"
#include "launcher/plan.h"
#include "protocol/json.h"

namespace launcher {

// Whether a value of that name is as good as a password: tokens, keys, credentials. Plans are shown without such values to
// everybody but root.
bool is_secret_name(std::string_view name);

enum class shown { everything, masked };
// {"component","kind","foundIn","hash":"sha256:…","refused",…}; docs/api.md has the whole.
protocol::json to_json(const component_plan& plan, shown how);

// sha256, hex, over the canonical JSON of what start would do: definition, process, binary, manifest. Findings, estimates and
// texts are not of it.
outcome<std::string> plan_hash(const component_plan& plan);

protocol::json to_json(const component_status& status);
protocol::json to_json(const restore_report& report);
protocol::json to_json(const progress_step& step);

}  // namespace launcher
