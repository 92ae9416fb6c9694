// What systemd says of a unit, taken from D-Bus: strings are unquoted and their specifiers resolved, but no variable
// is expanded in them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace launcher {

constexpr std::uint64_t no_limit = UINT64_MAX;  // systemd's "infinity"

struct exec_line {
    std::string path;
    std::vector<std::string> argv;   // argv[0] differs from path where the unit says @
    std::vector<std::string> flags;  // "ignore-failure", "no-env-expand", "privileged", "no-setuid", "ambient"
    bool has(const std::string& flag) const;
};

struct environment_file {
    std::string path;  // may be a glob
    bool optional = false;
};

struct syscall_filter {
    bool allow_list = false;
    std::vector<std::string> names;  // groups are resolved; both empty and not allow_list: none is set
    bool is_set() const { return allow_list || !names.empty(); }
};

struct unit_properties {
    std::string id;  // "kubelet.service", whatever alias was asked for
    std::string load_state;    // "loaded", "not-found", "bad-setting", "error", "masked"
    std::string load_error;    // in systemd's words
    std::string active_state;  // "active", "inactive", "failed", "activating", "deactivating", "reloading"
    std::string sub_state;
    std::string fragment_path;
    std::vector<std::string> drop_in_paths;  // in the order in which they are applied
    std::vector<std::string> triggered_by;
    std::vector<std::string> on_failure;
    bool need_daemon_reload = false;
    bool transient = false;
    std::string invocation_id;  // 32 hex digits; empty when it does not run

    // What follows is a service's.
    std::string type;    // "simple", "exec", "forking", "oneshot", "dbus", "notify", "idle"
    std::string result;  // "success", "exit-code", "resources", …
    pid_t main_pid = 0;
    std::vector<exec_line> exec_start, exec_start_pre, exec_start_post, exec_stop, exec_stop_post, exec_reload;
    std::vector<std::string> environment;  // NAME=VALUE
    std::vector<environment_file> environment_files;
    std::vector<std::string> pass_environment, unset_environment;
    std::string working_directory;  // "~" the home, a leading "!" where it may be missing; empty: /
    std::string user, group;
    std::vector<std::string> supplementary_groups;
    std::string kill_mode, restart, notify_access, pid_file;
    std::uint64_t watchdog_usec = 0;  // no_limit before it has ever run; 0: off
    std::uint64_t timeout_stop_usec = 0, runtime_max_usec = no_limit;
    std::string control_group;
    std::uint64_t memory_max = no_limit, memory_high = no_limit, memory_current = no_limit, tasks_max = no_limit;
    std::uint64_t limit_nofile = no_limit;
    std::int32_t oom_score_adjust = 0;
    syscall_filter syscalls, address_families;
    std::string protect_home, protect_system;  // "no", "yes", "read-only", "tmpfs"; "full", "strict"
    std::string protect_proc, proc_subset;     // "default", "invisible", …; "all", "pid"
    std::string root_directory, root_image;
    std::vector<std::string> read_only_paths, inaccessible_paths, no_exec_paths;
    bool no_new_privileges = false, private_tmp = false, private_network = false, private_users = false;
    bool dynamic_user = false, remain_after_exit = false, delegate = false;
    std::uint64_t capability_bounding_set = no_limit;

    bool is_active() const { return active_state == "active" || active_state == "reloading"; }
    bool is_down() const { return active_state == "inactive" || active_state == "failed"; }
};

}  // namespace launcher
