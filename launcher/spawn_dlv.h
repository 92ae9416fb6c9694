// fork and exec of dlv, from the supervisor. Async-signal-safe.
#pragma once

#include <sys/types.h>

#include "launcher/supervisor.h"

namespace launcher {

struct spawned_dlv {
    pid_t pid = -1;  // -1: it failed
    supervisor_report::step where = supervisor_report::step::fork;
    int error = 0;
    bool in_cgroup = false;
};

// Waits until exec has succeeded or failed. dlv gets /dev/null and the output file, no other
// descriptor, default signals, and SIGKILL when its parent dies.
spawned_dlv spawn_dlv(const supervisor_plan& plan) noexcept;

}  // namespace launcher
