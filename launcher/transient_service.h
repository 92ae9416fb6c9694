// A service that exists only while it runs: dlv and its debuggee, whose cgroup is the handle by which they are found,
// killed and reaped after whatever crash.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "launcher/plan.h"

namespace launcher {

// For what reads a few files and talks on one socket: no new privileges, no capability, everything read-only but `writable`,
// the homes and /tmp empty but for `readable`, and, without `network`, no network but Unix sockets.
struct sealed_service {
    std::vector<std::string> writable;
    std::vector<std::string> readable;  // absolute, without links
    bool network = false;
};

struct transient_service {
    std::string unit;         // "delvegate-kube-scheduler.service"
    std::string description;
    std::vector<std::string> argv;  // argv[0] an absolute path; nothing in it is expanded
    std::vector<std::pair<std::string, std::string>> environment;  // over systemd's own (PATH, LANG, INVOCATION_ID)
    // Where the environment is written to (0600) for systemd to read, in a directory of root's. Empty: it stands in the unit,
    // and whoever may ask systemd anything sees it.
    std::string environment_file;
    std::string working_directory = "/";

    // Numbers, exactly these: no account is needed, and no HOME, USER, … are set. Needs util-linux's setpriv where it
    // is not plain root; the job is then done when setpriv runs, which becomes argv in the same process.
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
    std::vector<bind_mount> mounts;  // makes the mount namespace private; what the host mounts later is still seen

    std::uint64_t memory_max = 0;  // bytes, no swap beside it; cgroup v2 kills all together beyond it. 0: no limit
    std::optional<int> oom_score_adjust;
    std::optional<std::uint64_t> limit_nofile;
    std::optional<mode_t> umask;
    std::optional<sealed_service> sealed;
    std::chrono::microseconds timeout_stop = std::chrono::seconds(30);  // SIGTERM to SIGKILL
    std::string kill_mode = "control-group";
    std::string slice;                // empty: systemd's default
    std::string runtime_directory;    // name below /run, 0700, the uid's, removed with the unit; empty: none
    std::string output_file;          // appended to; make it first with the mode it is to have. Empty: the journal
    std::vector<std::string> after;   // units it is ordered after
    int standard_input = -1;          // a descriptor that becomes its standard input; -1: /dev/null

    // For what needs nothing of the system but its sockets and these directories: no new privileges, the rest of the file
    // system read-only and the homes hidden, no devices, no capability but those that become `uid`, only these socket
    // families, no memory that is written and executed.
    bool hardened = false;
    std::vector<std::string> writable;
};

}  // namespace launcher
