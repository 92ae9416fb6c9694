// systemd, asked and told over D-Bus (sd-bus). Every call blocks until systemd has answered or the deadline is over.
//
// For the system manager root talks to systemd's private socket, which needs no D-Bus daemon; others go through the
// system bus. Each call has a connection of its own: PID 1 sends whoever is connected every signal there is, and keeps
// in its memory what is not read. So calls may come from several threads, and a daemon-reexec does not matter. Errors are one line for a person: what, which unit, what to do.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "launcher/outcome.h"
#include "launcher/transient_service.h"
#include "launcher/unit_properties.h"

namespace launcher {

enum class manager_scope {
    system,
    user,  // the manager at $XDG_RUNTIME_DIR/systemd/private
};

// Fine, or why this is not the name of a service: "kubelet.service", no path, no blanks.
outcome<void> check_unit_name(const std::string& unit);

class systemd_manager {
public:
    static outcome<systemd_manager> connect(manager_scope scope);

    manager_scope scope() const { return scope_; }
    int version() const { return version_; }  // 252
    // Where drop-ins go that a reboot forgets: /run/systemd/system, or the user manager's.
    const std::string& runtime_unit_directory() const { return runtime_units_; }

    // Loads the unit if need be. A unit that is not there is no error: load_state is "not-found".
    outcome<unit_properties> properties(const std::string& unit);
    outcome<bool> unit_exists(const std::string& unit);

    // Return when the job is over. Starting what runs, and stopping what does not, is fine. After the deadline the
    // job goes on without us, and the error says so.
    outcome<void> start(const std::string& unit, std::chrono::milliseconds deadline = default_deadline);
    outcome<void> stop(const std::string& unit, std::chrono::milliseconds deadline = default_deadline);
    outcome<void> restart(const std::string& unit, std::chrono::milliseconds deadline = default_deadline);
    // Returns when argv[0] has been executed (Type=exec), or says why it could not be.
    outcome<void> start_transient(const transient_service& service,
                                  std::chrono::milliseconds deadline = default_deadline);

    outcome<void> reload();  // daemon-reload: applies everybody's edits, see units_needing_reload()
    // Loaded units whose files are not what systemd has in memory, new drop-in directories too (which systemd's own
    // NeedDaemonReload does not see).
    outcome<std::vector<std::string>> units_needing_reload();

    // Every process of its cgroup, control processes too. A unit that is not loaded has none.
    outcome<std::vector<pid_t>> unit_processes(const std::string& unit);
    // To all of them, or only to the main process. Fine when there is none.
    outcome<void> kill_unit(const std::string& unit, int signal, bool only_main = false);
    outcome<void> reset_failed(const std::string& unit);  // fine when there is nothing to reset
    outcome<std::vector<std::string>> manager_environment();  // NAME=VALUE: what every service begins with

    static constexpr std::chrono::milliseconds default_deadline = std::chrono::seconds(100);

private:
    systemd_manager() = default;
    outcome<void> run_job(const char* method, const std::string& unit, const char* done,
                          std::chrono::milliseconds deadline);

    manager_scope scope_ = manager_scope::system;
    int version_ = 0;
    std::string runtime_units_;
};

}  // namespace launcher
