// How long a process that dlv attaches to may stand still: whoever watches over it goes on to.
#pragma once

#include <cstdint>

#include "launcher/attach_target.h"
#include "launcher/plan.h"

namespace launcher {

// Shortens the plan's budget to what systemd's watchdog and the kubelet's liveness probe leave, unless root has set another.
// Where they leave less than a second, that is a refusal.
void limit_attach_budget(component_plan& plan, const attach_target& target);

// How long dlv takes to read what a plan says it will keep in memory: the process stands still meanwhile.
std::chrono::milliseconds attach_time_estimate(std::uint64_t memory_needed);

// Tells it, and warns where that is near the budget. After limit_attach_budget().
void tell_attach_time(component_plan& plan);

}  // namespace launcher
