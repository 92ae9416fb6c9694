#include "launcher/unit_hindrances.h"

#include <algorithm>
#include <string_view>

namespace launcher {

namespace {

bool below(const std::string& path, std::string_view directory) {
    return path == directory || (path.starts_with(directory) && path.size() > directory.size() && path[directory.size()] == '/');
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

// The systemd.exec names that the filter does not let through. Names may carry an error: "ptrace:EPERM".
std::vector<std::string> missing_of(const syscall_filter& filter, const std::vector<std::string>& needed) {
    std::vector<std::string> missing;
    if (!filter.is_set()) return missing;
    for (const auto& name : needed) {
        const bool listed = std::any_of(filter.names.begin(), filter.names.end(), [&](const std::string& entry) {
            return entry.substr(0, entry.find(':')) == name;
        });
        if (listed != filter.allow_list) missing.push_back(name);
    }
    return missing;
}

class search {
public:
    search(const unit_properties& unit, const unit_surroundings& around) : unit_(unit), around_(around) {}

    unit_hindrances run() {
        kind();
        sandbox();
        hidden_files();
        limits();
        life();
        return std::move(found_);
    }

private:
    void refuse(const std::string& text, const std::string& mend = {}) {
        found_.findings.push_back({severity::refusal, text, mend});
    }
    void warn(const std::string& text, const std::string& mend = {}) {
        found_.findings.push_back({severity::warning, text, mend});
    }
    void note(const std::string& text) { found_.findings.push_back({severity::note, text, {}}); }
    void only_beside(const std::string& why) {
        if (found_.beside.empty()) found_.beside = why;
    }
    void loosen(const std::string& line, const std::string& why) {
        found_.loosened.push_back(line);
        warn("the drop-in loosens the unit by " + line + ": " + why);
    }

    void kind() {
        const auto& type = unit_.type;
        if (type == "forking" || type == "oneshot")
            refuse(unit_.id + " is Type=" + type + ": only a service whose program stays in the foreground can be debugged");
        if (unit_.exec_start.size() > 1)
            refuse(unit_.id + " has several ExecStart lines, of which one program cannot be chosen");
        if (!unit_.root_directory.empty() || !unit_.root_image.empty())
            refuse(unit_.id + " has a root directory of its own, in which there is no dlv");
        if (unit_.dynamic_user)
            refuse(unit_.id + " has DynamicUser=yes: its user exists only while systemd runs it",
                   "give the unit a user of its own by a drop-in");
        for (const auto& trigger : unit_.triggered_by) {
            if (trigger.ends_with(".socket"))
                refuse(unit_.id + " gets its sockets from " + trigger + ", which a program under dlv cannot be handed",
                       "systemctl stop " + trigger + ", if it can do without");
            else
                warn(unit_.id + " is started by " + trigger + " too, perhaps while it is out");
        }
        if (type == "notify" || type == "notify-reload" || type == "dbus")
            warn("Type=" + type + " becomes Type=simple: units after it are started before it is ready");
        if (!unit_.exec_start.empty() && unit_.exec_start[0].argv.size() > 0 &&
            unit_.exec_start[0].argv[0] != unit_.exec_start[0].path)
            note("its argv[0] is \"" + unit_.exec_start[0].argv[0] + "\"; under dlv it is the debug binary's path");
    }

    void sandbox() {
        const auto calls = missing_of(unit_.syscalls, {"ptrace", "process_vm_readv", "process_vm_writev", "personality",
                                                       "wait4", "waitid", "tgkill", "kill", "execve", "clone", "clone3",
                                                       "vfork", "setpgid", "socket", "bind", "listen", "accept4"});
        if (!calls.empty()) loosen("SystemCallFilter=" + joined(calls), "dlv cannot work without these calls");
        const auto families = missing_of(unit_.address_families, {"AF_UNIX", "AF_INET", "AF_INET6"});
        if (!families.empty()) loosen("RestrictAddressFamilies=" + joined(families), "dlv listens on such a socket");
        if (unit_.private_network)
            warn(unit_.id + " has a network of its own: a dlv without Unix sockets (before 1.22.1) cannot be reached in it");
        if (unit_.proc_subset == "pid") note("ProcSubset=pid: expressions that dlv evaluates may see less of /proc");
        const bool root = unit_.user.empty() || unit_.user == "root" || unit_.user == "0";
        if (around_.ptrace_scope >= 3)
            refuse("this node forbids debuggers: kernel.yama.ptrace_scope is 3", "reboot with another value: it cannot be lowered");
        else if (around_.ptrace_scope == 2 && !root)
            refuse("this node lets only root debug (kernel.yama.ptrace_scope is 2), and the unit runs as " + unit_.user,
                   "sysctl kernel.yama.ptrace_scope=1");
        if (around_.file_capabilities)
            warn("its program has file capabilities, which a debugged program does not get",
                 "give them to the unit by AmbientCapabilities=");
        if (unit_.no_new_privileges && !root)
            note("NoNewPrivileges=yes: neither dlv nor the program gets more rights by what it executes");
    }

    void hidden_files() {
        const auto check = [&](const std::string& path, const char* what) {
            if (path.empty()) return;
            const bool home = below(path, "/home") || below(path, "/root") || below(path, "/run/user");
            const auto cannot = [&](const std::string& setting) {
                only_beside(std::string(what) + " " + path + " cannot be seen or executed in the unit (" + setting + ")");
            };
            if (home && (unit_.protect_home == "yes" || unit_.protect_home == "tmpfs"))
                cannot("ProtectHome=" + unit_.protect_home);
            if (unit_.private_tmp && (below(path, "/tmp") || below(path, "/var/tmp"))) cannot("PrivateTmp=yes");
            for (const auto& hidden : unit_.inaccessible_paths)
                if (below(path, bare(hidden))) cannot("InaccessiblePaths=" + hidden);
            for (const auto& barred : unit_.no_exec_paths)
                if (below(path, bare(barred)) || bare(barred) == "/") cannot("NoExecPaths=" + barred);
        };
        check(around_.dlv, "dlv");
        check(around_.binary, "the debug binary");
    }

    // Paths of the unit may begin with - (may be missing) and + (below the root directory).
    static std::string bare(const std::string& path) { return path.substr(std::min(path.find('/'), path.size())); }

    void limits() {
        if (unit_.tasks_max < 128) loosen("TasksMax=" + std::to_string(unit_.tasks_max + 128), "dlv has threads too");
        if (unit_.runtime_max_usec != no_limit) loosen("RuntimeMaxSec=infinity", "systemd would end it in the middle");
    }

    void life() {
        if (unit_.watchdog_usec != 0 && unit_.watchdog_usec != no_limit)
            warn("its watchdog is off while it is debugged: systemd would end a program that stands");
        if (unit_.restart != "no") note("Restart=" + unit_.restart + " becomes Restart=no: its end is seen, and put right, by delvegate");
        if (!unit_.exec_stop_post.empty()) note("its ExecStopPost runs whenever the unit is stopped: once at the start, once at the end");
        if (!unit_.exec_reload.empty()) note("systemctl reload " + unit_.id + " does nothing while it is out: its signal would end dlv");
        if (!unit_.on_failure.empty()) warn(joined(unit_.on_failure) + " is started should dlv fail");
        if (unit_.kill_mode != "control-group" && unit_.kill_mode != "mixed")
            note("KillMode=" + unit_.kill_mode + ": what else runs in its cgroup stays when it is stopped");
        if (unit_.delegate) note("it manages cgroups of its own below the unit's (Delegate=yes)");
    }

    const unit_properties& unit_;
    const unit_surroundings& around_;
    unit_hindrances found_;
};

}  // namespace

std::uint64_t memory_with_dlv(std::uint64_t own, std::uint64_t needed, std::uint64_t limit) {
    const auto more = std::max(needed, debugger_memory);
    const auto raised = own > no_limit - more ? no_limit : own + more;
    return limit == 0 ? raised : std::min(raised, limit);
}

unit_hindrances find_hindrances(const unit_properties& unit, const unit_surroundings& around) {
    return search(unit, around).run();
}

}  // namespace launcher
