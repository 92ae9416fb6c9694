#include "launcher/service_host.h"

#include <systemd/sd-daemon.h>

#include "launcher/cgroup_host.h"
#include "launcher/debuggee_unit.h"
#include "launcher/systemd_manager.h"

namespace launcher {

namespace {

class systemd_host final : public service_host {
public:
    explicit systemd_host(systemd_manager manager) : manager_(std::move(manager)) {}

    outcome<void> start(const transient_service& service) override { return manager_.start_transient(service); }

    outcome<service_state> state(const std::string& unit) override {
        using phase = service_state::phase;
        const auto said = manager_.properties(unit);
        if (!said) return error_text(said.error());
        service_state state;
        state.main_pid = said->main_pid;
        if (said->load_state == "not-found") state.now = phase::none;
        else if (said->is_active()) state.now = phase::running;
        else if (said->active_state == "activating") state.now = phase::starting;
        else if (said->active_state == "deactivating") state.now = phase::ending;
        else state.now = phase::ended;
        if (state.now == phase::ended && said->result != "success") state.how_ended = said->result;
        return state;
    }

    outcome<std::vector<pid_t>> processes(const std::string& unit) override { return manager_.unit_processes(unit); }
    outcome<void> kill(const std::string& unit, int signal) override { return manager_.kill_unit(unit, signal); }
    outcome<void> stop(const std::string& unit, std::chrono::milliseconds deadline) override {
        return manager_.stop(unit, deadline);
    }
    outcome<void> forget(const std::string& unit) override { return manager_.reset_failed(unit); }

private:
    systemd_manager manager_;
};

bool by_systemd(systemd_scope scope) { return scope != systemd_scope::none && ::sd_booted() > 0; }

}  // namespace

outcome<std::unique_ptr<service_host>> make_service_host(const std::string& runtime_directory, systemd_scope scope) {
    using made = outcome<std::unique_ptr<service_host>>;
    if (!by_systemd(scope))
        return made(boost::system::in_place_value, std::make_unique<cgroup_host>(runtime_directory + "/.services", find_cgroups()));
    auto manager = systemd_manager::connect(manager_scope::system);
    if (!manager) return error_text(manager.error());
    return made(boost::system::in_place_value, std::make_unique<systemd_host>(std::move(*manager)));
}

void plan_service_host(component_plan& plan, systemd_scope scope) {
    if (by_systemd(scope)) {
        plan.needed.emplace_back("systemd");
        return;
    }
    const auto cgroups = find_cgroups();
    if (auto fine = cgroups.can_hold(plan.definition.memory_limit); !fine) {
        plan.findings.push_back({severity::refusal, fine.error(), {}});
        return;
    }
    plan.needed.push_back("nobody for dlv and debuggee: there is no systemd, and they get a cgroup below " + cgroups.directory());
    plan.findings.push_back({severity::note,
                             "there is no systemd: what dlv leaves behind when it is killed is ended by the launcher, once it runs",
                             {}});
}

std::string end_by_hand(const std::string& name, systemd_scope scope) {
    if (by_systemd(scope)) return "systemctl stop '" + guard_unit_of(name) + "' '" + debuggee_unit_of(name) + "'";
    const auto directory = find_cgroups().directory() + "/";
    return "kill -9 $(cat '" + directory + guard_unit_of(name) + "/cgroup.procs' '" + directory + debuggee_unit_of(name) +
            "/cgroup.procs')";
}

}  // namespace launcher
