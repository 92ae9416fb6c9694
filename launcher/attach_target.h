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

// A file for as long as something keeps it: while it is open, or runs.
struct file_inode {
    std::uint64_t dev = 0, ino = 0;
    bool operator==(const file_inode&) const = default;
};

struct attach_target {
    live_process process;
    // Opened before the process was read: while it is not readable, what was read is of the process that has the number.
    unique_fd pidfd;
    std::string found_in;  // "kubelet.service (pid 812)"
    std::uint64_t watchdog_usec = 0;  // of its unit; 0: none
    std::optional<std::chrono::milliseconds> probe_patience;  // its liveness probe's (failureThreshold - 1) * period
    std::optional<file_inode> program;  // what it runs
};

// Asks systemd, the container runtime or /proc, as the definition says. The error: nothing, or more than one, is meant.
outcome<attach_target> find_attach_target(const component_definition& definition);

bool still_there(const attach_target& target);

// The file that a process runs, whatever is at its path by now. An execve keeps number and start time, and changes this.
std::optional<file_inode> program_of(pid_t process);
// It has not ended, and has begun no other program since it was looked at.
bool still_itself(const attach_target& target);

// The one process of the definition's user, by every uid of its own and outside of containers, that runs its `executable`.
// Others who call themselves so are nobody's concern.
outcome<pid_t> find_named(const component_definition& definition, const std::string& proc = "/proc");

// The first process of a container: number 1 of the outermost pid namespace in it, or the only process there.
outcome<pid_t> first_in_container(const std::string& container_id, const std::string& what, const std::string& proc = "/proc");

// What speaks against dlv in this process: another user or program than root has said, a tracer, Yama, capabilities
// that dlv would not have. `proc` is where procfs is.
void check_attach_target(const component_definition& definition, const live_process& process, std::vector<finding>& findings,
                         const std::string& proc = "/proc");

// The dlv whose thread traces the process; 0: nobody's. `proc` is where procfs is.
pid_t tracer_of(pid_t process, const std::string& proc = "/proc");

// A user's name or number as a uid.
outcome<uid_t> uid_of(const std::string& user);

}  // namespace launcher
