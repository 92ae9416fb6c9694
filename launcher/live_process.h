// Processes that run a program, as /proc shows them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "launcher/outcome.h"

namespace launcher {

struct live_process {
    pid_t pid = 0;
    std::uint64_t start_time = 0;  // clock ticks since boot; with the pid it names the process for good
    std::vector<std::string> argv;
    std::string executable;  // readlink of /proc/PID/exe, without " (deleted)"; empty when it may not be read
    // Empty with `environment_hidden` when it may not be read.
    std::vector<std::pair<std::string, std::string>> environment;
    bool environment_hidden = false;
    std::string working_directory;
    uid_t uid = 0;  // effective
    bool one_uid = true;  // real, effective, saved and file system's are the same
    gid_t gid = 0;
    std::vector<gid_t> groups;
    std::string cgroup;       // the file's text
    bool in_container = false;  // in a pid namespace below ours
    bool of_the_kubelet = false;  // kubelets_cgroup.h
};

// Every process whose argv[0] or executable has this base name (empty: every process), by pid. `proc` is where procfs is.
std::vector<live_process> find_processes(std::string_view program, const std::string& proc = "/proc");

// That process; nothing when it is gone.
std::optional<live_process> read_process(pid_t pid, const std::string& proc = "/proc");

// The kubelet of this node: root's by every uid and by the name of its file, in our own pid namespace (on a host with kind
// nodes there are others). A name in argv is anybody's to choose.
outcome<live_process> find_kubelet(const std::string& proc = "/proc");

// Whether the process that was seen is still there (a zombie is gone).
bool still_runs(const live_process& process, const std::string& proc = "/proc");

}  // namespace launcher
