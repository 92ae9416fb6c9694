// Which process a component of kind `attach` is: found by root's definition, checked, and held so that it cannot be
// mistaken for another one later.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "launcher/fd.h"
#include "launcher/live_process.h"
#include "launcher/outcome.h"
#include "launcher/plan.h"
#include "launcher/process_mark.h"

namespace launcher {

struct attach_target {
    live_process process;
    // Opened before the process was read: while it is not readable, what was read is of the process that has the number.
    unique_fd pidfd;
    std::string found_in;  // "kubelet.service (pid 812)"
    std::uint64_t watchdog_usec = 0;  // of its unit; 0: none
    std::optional<std::chrono::seconds> probe_patience;  // its liveness probe's (failureThreshold - 1) * period
};

// Asks systemd, the container runtime or /proc, as the definition says. The error: nothing, or more than one, is meant.
outcome<attach_target> find_attach_target(const component_definition& definition);

bool still_there(const attach_target& target);

// What speaks against dlv in this process: another user or program than root has said, a tracer, Yama, capabilities
// that dlv would not have. `proc` is where procfs is.
void check_attach_target(const component_definition& definition, const live_process& process, std::vector<finding>& findings,
                         const std::string& proc = "/proc");

// The dlv whose thread traces the process; 0: nobody's. `proc` is where procfs is.
pid_t tracer_of(pid_t process, const std::string& proc = "/proc");

// A user's name or number as a uid.
outcome<uid_t> uid_of(const std::string& user);

}  // namespace launcher
