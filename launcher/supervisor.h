// The process between its owner and dlv: dlv's parent, and the subreaper of everything below it.
//
// It is forked, not executed, from a process that may have threads, so from fork to the end it uses
// only async-signal-safe calls and memory prepared here. It ends when dlv has ended or when it is
// told to, by the owner or by the owner's death (the control socket's end), and then leaves no
// process, no socket directory and no cgroup behind.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace launcher {

// One byte each, on the control socket, owner → supervisor.
enum class supervisor_order : char { terminate = 'T', kill = 'K' };

// One packet each, supervisor → owner.
struct supervisor_report {
    enum class kind : std::int32_t {
        spawned,       // pid: dlv runs
        spawn_failed,  // step, error
        announced,     // text: the address, checked
        elsewhere,     // text: the address; dlv is being killed for it
        exited,        // status (as wait gives it), and why
    } what = kind::spawned;
    enum class step : std::int32_t { fork, cgroup, user, directory, exec } where = step::fork;
    std::int32_t pid = -1;
    std::int32_t error = 0;
    std::int32_t status = 0;
    bool asked = false;          // the owner, or a signal to the supervisor, wanted the end
    bool escalated = false;      // dlv had not ended within the grace period
    bool over_memory = false;    // the memory limit ended it
    bool group_limited = false;  // the limit was the cgroup's (dlv and debuggee together)
    char text[256] = {};
};

struct supervisor_plan {
    int control = -1;       // SOCK_SEQPACKET; its end of file means the owner is gone
    int output_write = -1;  // dlv's stdout and stderr
    int output_read = -1;
    off_t output_start = 0;        // where this dlv's output begins
    std::uint64_t output_cap = 0;  // the file is cut when longer; 0: never

    const char* dlv = nullptr;
    char* const* argv = nullptr;
    char* const* envp = nullptr;
    const char* directory = nullptr;  // dlv's own working directory

    bool switch_user = false;
    uid_t uid = 0;
    gid_t gid = 0;
    const gid_t* groups = nullptr;
    std::size_t group_count = 0;

    const char* announced_socket = "";       // as dlv will print it; "": loopback TCP
    const char* socket_path = nullptr;       // removed at the end
    const char* socket_directory = nullptr;  // removed at the end

    int cgroup_procs = -1;                   // opened for writing; -1: no cgroup
    int cgroup_events = -1;                  // memory.events (v2) or memory.oom_control (v1)
    int cgroup_kill = -1;                    // cgroup.kill (v2)
    const char* cgroup_directory = nullptr;  // removed at the end
    std::uint64_t watched_memory =
        0;  // bytes of dlv's resident memory without a cgroup; 0: no limit

    int grace_ms = 3000;
};

[[noreturn]] void supervise(const supervisor_plan& plan) noexcept;

}  // namespace launcher
