// What must never be out, or not at this time, whatever kind it is of: the node could not heal itself.
#pragma once

#include <string>
#include <vector>

#include "launcher/lifecycle_request.h"
#include "launcher/plan.h"

namespace launcher {

// Refusals, or warnings by root's --force-not-together: etcd; what may be the way to the API server; anything while kubeadm
// runs. `names` is all that it is called by: its program, pod, container, unit. What needs another component that is out is
// the engine's to say (engine_rules.h).
void forbid_together(component_plan& plan, const std::vector<std::string>& names, const lifecycle_request& request,
                     const std::string& proc = "/proc");

}  // namespace launcher
