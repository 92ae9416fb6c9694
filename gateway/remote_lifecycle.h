// start, stop, restore, inspect and status from a laptop: the launcher's verbs through a gateway's control API.
#pragma once

#include <functional>

#include "gateway/laptop_place.h"
#include "gateway/launcher_client.h"
#include "launcher/launcher_wire.h"
#include "protocol/json.h"

namespace gateway {

// Whether this laptop is enrolled with a gateway that is its current one, so that a command without a launcher on this
// host can ask that one.
bool has_current_context();

// Blocks until it is done. The result is what the launcher's would be on the node (inspect: the plan; start and stop:
// the component's status; restore: {"reports":[…]}; status: the list of those the caller may see).
// `progress` gets {"component","state","text"}. arm, disarm, force and decide are refused here already: they are root's,
// on the node. Codes of failures besides the launcher's: "usage", "certificate", "unreachable", "forbidden", "unknown".
launcher_answer ask_remote(const laptop_place& where, const launcher::launcher_request& request,
                           const std::function<void(const protocol::json& step)>& progress = {});

}  // namespace gateway
