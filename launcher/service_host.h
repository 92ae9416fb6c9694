// Whoever keeps dlv with its debuggee, and a guard, as services of their own: systemd where it is the first process, else a
// cgroup for each. What has been started does not notice when the launcher ends, and any other host object, in this process
// or a later one, finds it again by its unit's name.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "launcher/launcher_config.h"
#include "launcher/outcome.h"
#include "launcher/plan.h"
#include "launcher/transient_service.h"

namespace launcher {

struct service_state {
    enum class phase {
        none,      // nothing is known of it
        starting,
        running,
        ending,    // its main process has ended, or is being ended, and something of it is left
        ended,     // nothing of it runs
    };
    phase now = phase::none;
    pid_t main_pid = 0;     // while it runs
    std::string how_ended;  // "exit code 1", "signal 9"; empty: not known, or it has not ended

    bool is_running() const { return now == phase::starting || now == phase::running; }
    bool is_alive() const { return is_running() || now == phase::ending; }
};

class service_host {
public:
    virtual ~service_host() = default;

    // Returns when argv[0] has been executed, or says why it was not; then nothing of it is left. Everything that the
    // service asks for is done, or it is refused.
    virtual outcome<void> start(const transient_service& service) = 0;
    virtual outcome<service_state> state(const std::string& unit) = 0;
    // All of them, the main process among them; none of what is not known.
    virtual outcome<std::vector<pid_t>> processes(const std::string& unit) = 0;
    // To all of its processes; fine when there is none.
    virtual outcome<void> kill(const std::string& unit, int signal) = 0;
    // SIGTERM to all, after the service's own timeout_stop SIGKILL; returns when none is left, or says which one is.
    virtual outcome<void> stop(const std::string& unit, std::chrono::milliseconds deadline = default_deadline) = 0;
    // What is kept of one that has ended. Fine when there is nothing, and of no effect on one that runs.
    virtual outcome<void> forget(const std::string& unit) = 0;

    static constexpr std::chrono::milliseconds default_deadline = std::chrono::seconds(100);
};

// systemd where it has booted this node and launcher.yaml does not say `systemd: none`, else cgroups, with their records below the runtime directory. There always is
// one: where no cgroup can be made start is refused, and all else is done as far as it can be.
outcome<std::unique_ptr<service_host>> make_service_host(const std::string& runtime_directory, systemd_scope scope);

// What it means for a plan: who must be running, and a refusal where nothing could be started. Changes nothing on the node.
void plan_service_host(component_plan& plan, systemd_scope scope = systemd_scope::system);
// The command that ends guard and debuggee of a component by hand.
std::string end_by_hand(const std::string& name, systemd_scope scope = systemd_scope::system);

}  // namespace launcher
