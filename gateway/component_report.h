// What the launcher says of its components, for a terminal.
#pragma once

#include <string>

#include "protocol/json.h"

namespace gateway {

// One component (launcher/plan_json.h: to_json of a status), one line and one for each note and warning.
std::string component_status_text(const protocol::json& status);
// The launcher's `status`: detached ones first, as it sends them. Empty: there is none.
std::string launcher_text(const protocol::json& report);
// "kube-scheduler is armed until …"
std::string armed_line(const protocol::json& answer);
// One line a report, with the commands that decide where there are two versions.
std::string restore_text(const protocol::json::array& reports);

}  // namespace gateway
