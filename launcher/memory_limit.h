// A limit on the memory of dlv and its debuggee together, by a cgroup of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "launcher/fd.h"

namespace launcher {

// A fresh cgroup whose processes are killed, all of them, when together they use more than the
// limit.
struct memory_group {
    std::string directory;
    unique_fd procs;   // write "0" to join
    unique_fd events;  // has a line "oom_kill N"
    unique_fd kill;    // write "1" to kill all; not with cgroup v1
};

// Makes one, or returns nothing where this process may not: cgroup v2 below our own cgroup or below
// the nearest part of the hierarchy that was delegated to us (systemd's rule: nothing is made
// elsewhere), else cgroup v1's memory controller below our own cgroup. The caller removes the
// directory; what an owner left that was killed together with its supervisor is removed here.
std::optional<memory_group> make_memory_group(const std::string& name, std::uint64_t bytes);

// SIGKILL to every process in it; returns how many there were.
int kill_members(const memory_group& group);

// Where cgroups are mounted and which is ours, from /proc/self/mountinfo and /proc/self/cgroup.
// Pure.
struct cgroup_place {
    std::string mount;  // mount point
    std::string path;   // absolute directory of our cgroup, below mount
};
std::optional<cgroup_place> unified_place(std::string_view mountinfo, std::string_view cgroups);
std::optional<cgroup_place> memory_v1_place(std::string_view mountinfo, std::string_view cgroups);

}  // namespace launcher
