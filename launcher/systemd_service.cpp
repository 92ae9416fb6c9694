// The kind `systemd`: the unit's own place under dlv by a runtime drop-in, or a transient service beside the stopped
// unit where that cannot be.
#include <unistd.h>


#include "launcher/arguments.h"
#include "launcher/debuggee_unit.h"
#include "launcher/detacher.h"
#include "launcher/dlv_version.h"
#include "launcher/health_probe.h"
#include "launcher/leadership.h"
#include "launcher/node_notice.h"
#include "launcher/plan_json.h"
#include "launcher/port_use.h"
#include "launcher/running_program.h"
#include "launcher/service_host.h"
#include "launcher/stopped_unit.h"
#include "launcher/systemd_component.h"
#include "launcher/together.h"
#include "launcher/unit_dependents.h"
#include "launcher/unit_hindrances.h"
#include "storage/sha256.h"
#include "storage/shell_word.h"

namespace launcher {

namespace {

using storage::shell_word;

class systemd_service final : public detacher {
public:
    systemd_service(component_definition definition, const launcher_config& configuration)
        : definition_(std::move(definition)), configuration_(configuration) {}

    outcome<component_plan> inspect(const lifecycle_request& request) override;
    bool starts_dlv_itself(const component_plan&) const override { return found_.way == unit_way::drop_in; }
    outcome<detachment_changes> intend(const component_plan& plan, const stand_in& who) override;
    outcome<void> take_out(const component_plan& plan, const stand_in& who) override;
    outcome<std::string> remains(const component_plan& plan) override;
    outcome<void> look(const std::optional<detachment>& row, found_on_disk& found) override;
    outcome<put_back_summary> put_back(const std::optional<detachment>& row, const recovery_decision& decision) override;
    outcome<std::string> missing(const std::optional<detachment>& row) override;

private:
    outcome<systemd_component*> component();
    outcome<drop_in> make(const component_plan& plan, const stand_in& who);
    void tell_of_dependents(component_plan& plan) const;
    void tell_of_memory(component_plan& plan) const;
    std::vector<std::string> by_hand() const;

    component_definition definition_;
    const launcher_config& configuration_;
    std::optional<stopped_unit> stopped_;  // by the last look
    std::optional<systemd_manager> systemd_;
    std::optional<systemd_component> component_;
    unit_plan found_;  // of the last inspect
    std::vector<std::string> dependents_;  // that ran then, and are stopped with it
};

outcome<systemd_component*> systemd_service::component() {
    if (!component_) {
        auto systemd = systemd_manager::connect(manager_scope::system);
        if (!systemd) return error_text(systemd.error());
        systemd_.emplace(std::move(*systemd));
        component_.emplace(*systemd_, definition_);
    }
    return &*component_;
}

outcome<component_plan> systemd_service::inspect(const lifecycle_request& request) {
    if (auto fine = check_dlv(definition_, examined_); !fine) return error_text(fine.error());
    auto unit = component();
    if (!unit) return error_text(unit.error());
    auto found = (*unit)->inspect();
    if (!found) return "component " + definition_.name + ": " + found.error();
    found_ = std::move(*found);

    component_plan plan;
    plan.definition = definition_;
    plan.found_in = found_.properties.fragment_path;
    plan.manifest_hash = storage::sha256_hex(found_.identity);
    plan.process = found_.process;
    plan.findings = found_.findings;
    for (const auto& word : definition_.extra_arguments)
        plan.process.argv.push_back({word, "delvegate: extraArgs of " + definition_.name + " in launcher.yaml"});
    if (!definition_.ports.empty()) plan.process.ports = definition_.ports;
    const auto program = base_name(found_.program);
    if (definition_.health == "none") plan.process.health.port = 0;
    else if (!definition_.health.empty()) {
        auto health = parse_health(definition_.health);
        if (!health) return error_text(health.error());
        plan.process.health = *health;
    } else if (program == "kubelet") {
        plan.process.health = {"http", "127.0.0.1", 10248, "/healthz"};
    }
    forbid_together(plan, {program, found_.unit}, request);
    plan_leadership(plan, program, request, {api_of(definition_, configuration_), notice_place_of(configuration_).node(), {}});
    auto dependents = running_dependents(*systemd_, found_.unit);
    if (!dependents) return error_text(dependents.error());
    dependents_ = std::move(*dependents);
    if (!dependents_.empty()) tell_of_dependents(plan);
    plan.process.image_version = found_.main_pid != 0 ? kubernetes_version_of(found_.main_pid) : kubernetes_version_of(found_.program);
    if (auto fine = plan_binary(plan, found_.program, plan.process.image_version, request, examined_); !fine) return error_text(fine.error());
    plan_budget(plan, program);

    const auto& name = found_.unit;
    if (found_.way == unit_way::beside) {
        // The change of uid is made by a program that still runs as root under these.
        for (const auto& [variable, word] : plan.process.env)
            if (plan.process.uid != 0 && steers_the_loader(variable))
                plan.findings.push_back({severity::refusal, "its environment has " + variable + ", which would steer a program "
                                         "of root's before it becomes the component's user", "remove it from " + name});
        plan.findings.push_back({severity::note, "dlv runs beside the stopped unit: " + found_.why_beside, {}});
        plan.moved = name + " is stopped; its program runs under dlv as delvegate-debuggee-" + definition_.name + ".service";
        plan.comes_back = name + " is started again";
    } else {
        const auto file = systemd_->runtime_unit_directory() + "/" + name + ".d/" + drop_in_name;
        plan.moved = name + " is stopped, gets the runtime drop-in " + file + " and is started under dlv";
        plan.comes_back = "the drop-in is removed and the unit started as before; a reboot does the same";
        tell_of_memory(plan);
    }
    plan.undo_by_hand = by_hand();
    plan.needed = {"systemd"};
    auto hash = plan_hash(plan);
    if (!hash) return error_text(hash.error());
    plan.hash = *hash;
    return plan;
}

// The unit's own name may need quotes: instances have "\x2d" in them.
std::vector<std::string> systemd_service::by_hand() const {
    const auto name = shell_word(found_.unit);
    std::vector<std::string> out;
    if (found_.way == unit_way::drop_in) {
        out = {"systemctl stop " + shell_word(guard_unit_of(definition_.name)) + " " + name,
               "rm " + shell_word(systemd_->runtime_unit_directory() + "/" + found_.unit + ".d/" + drop_in_name),
               "systemctl daemon-reload"};
    } else {
        out = {end_by_hand(definition_.name)};
    }
    out.push_back("rm " + shell_word(stopped_file_of(configuration_.state_directory, unit_of(definition_))));
    if (found_.was_active) out.push_back("systemctl start " + name);
    return out;
}

void systemd_service::tell_of_memory(component_plan& plan) const {
    const auto& unit = found_.properties;
    const auto tell = [&](const char* name, std::uint64_t own, std::uint64_t limit) {
        if (own == no_limit) return;
        const auto most = memory_with_dlv(own, plan.memory_needed, limit);
        const auto line = std::string(name) + "=" + std::to_string(most);
        if (most > own)
            plan.findings.push_back({severity::warning, "the drop-in loosens the unit by " + line + ": dlv needs memory beside the "
                                     "program; the unit's own is " + std::to_string(own), {}});
        else
            plan.findings.push_back({severity::warning, "the drop-in sets " + line + ", the component's memoryLimit, which is no "
                                     "more than the unit's own " + std::to_string(own) + ": dlv needs memory beside the program",
                                     "raise memoryLimit of " + definition_.name + " in launcher.yaml"});
    };
    tell("MemoryMax", unit.memory_max, definition_.memory_limit);
    tell("MemoryHigh", unit.memory_high, 0);
    if (definition_.memory_limit != 0 && (unit.delegate || (unit.kill_mode != "control-group" && unit.kill_mode != "mixed")))
        plan.findings.push_back({severity::note, "memoryLimit counts whatever else is in the unit's cgroup", {}});
}

outcome<drop_in> systemd_service::make(const component_plan& plan, const stand_in& who) {
    auto dlv = find_dlv(definition_.dlv);
    if (!dlv) return error_text(dlv.error());
    drop_in_request request;
    request.session = who.session;
    request.dlv = *dlv;
    request.binary = plan.binary;
    request.listen = who.listen;
    request.extra_arguments = definition_.extra_arguments;
    request.continue_at_once = !who.stop_on_entry;
    request.memory_limit = definition_.memory_limit;
    request.memory_needed = plan.memory_needed;
    request.undo = plan.undo_by_hand;
    return (*component())->prepare(found_, request);
}

outcome<detachment_changes> systemd_service::intend(const component_plan& plan, const stand_in& who) {
    detachment_changes changes;
    changes.target_file = found_.unit;
    changes.target_hash = plan.manifest_hash;
    changes.note = found_.was_active ? "was active" : "was not active";
    changes.node = dependents_text(dependents_);
    if (found_.way == unit_way::drop_in) {
        auto made = make(plan, who);
        if (!made) return error_text(made.error());
        changes.drop_in = made->path;
        changes.drop_in_hash = made->hash;
        changes.unit = found_.unit;
    }
    return changes;
}

outcome<void> systemd_service::take_out(const component_plan& plan, const stand_in& who) {
    auto unit = component();
    if (!unit) return error_text(unit.error());
    auto made = found_.way == unit_way::beside ? outcome<drop_in>(drop_in{}) : make(plan, who);
    if (!made) return error_text(made.error());
    stopped_unit record;
    record.unit = (*unit)->unit();
    record.component = definition_.name;
    record.session = who.session;
    record.by = who.by;
    record.since = now();
    record.was_active = found_.was_active;
    record.dependents = dependents_text(dependents_);
    record.undo = plan.undo_by_hand;
    if (auto kept = keep_stopped(configuration_.state_directory, record); !kept) return kept;
    if (found_.way == unit_way::beside) return (*unit)->stop_unit();
    auto run = (*unit)->detach_and_launch(*made);
    if (!run) return error_text(run.error());
    // They need the unit, and it runs again: under dlv. One that does not start is no reason to undo it all.
    (void)start_dependents(*systemd_, dependents_);
    return {};
}

void systemd_service::tell_of_dependents(component_plan& plan) const {
    std::string names;
    for (const auto& each : dependents_) names += (names.empty() ? "" : ", ") + each;
    const bool beside = found_.way == unit_way::beside;
    plan.findings.push_back({severity::warning, "systemd stops with it what depends on it: " + names + "; started again " +
                             (beside ? "when it is back" : "as soon as it runs under dlv, and when it is back"), {}});
}

outcome<std::string> systemd_service::remains(const component_plan& plan) {
    if (found_.way == unit_way::drop_in) return text({});  // stop_unit has proved it
    auto unit = component();
    if (!unit) return error_text(unit.error());
    const auto state = (*unit)->state_on_disk();
    if (!state) return error_text(state.error());
    if (state->active_state != "inactive" && state->active_state != "failed")
        return text("the unit, which is " + state->active_state);
    if (const auto taken = ports_in_use(plan.process.ports); !taken.empty())
        return text("a listener at its port " + std::to_string(taken.front()));
    return text({});
}

outcome<void> systemd_service::look(const std::optional<detachment>& row, found_on_disk& found) {
    auto unit = component();
    if (!unit) return error_text(unit.error());
    const auto state = (*unit)->state_on_disk();
    if (!state) return error_text(state.error());
    using drop = found_on_disk::drop_in_state;
    found.drop_in = state->file.state == drop_in_found::none   ? drop::none
                    : state->file.state == drop_in_found::ours ? drop::ours
                                                               : drop::changed;
    if (state->runs_dlv) found.unit_active = true;
    stopped_ = find_stopped(configuration_.state_directory, (*unit)->unit());
    found.unit_stopped = stopped_.has_value();
    // It knows better than a row, which has a boot's id only; a unit that runs is not started again.
    if (stopped_ && (!row || stopped_->session == row->id)) found.same_boot = of_this_boot(*stopped_);
    return {};
}

outcome<put_back_summary> systemd_service::put_back(const std::optional<detachment>& row,
                                                    const recovery_decision& decision) {
    using action = recovery_decision::drop_in_action;
    put_back_summary summary;
    auto unit = component();
    if (!unit) return error_text(unit.error());
    const auto state = (*unit)->state_on_disk();
    if (!state) return error_text(state.error());
    if (!stopped_) stopped_ = find_stopped(configuration_.state_directory, (*unit)->unit());
    const bool start = row ? row->note != "was not active" : !stopped_ || stopped_->was_active;
    if (decision.drop_in != action::none || state->applied) {
        auto done = (*unit)->put_back(row ? row->id : state->file.session, start);
        if (!done) return error_text(done.error());
        for (const auto& each : *done) {
            summary.remarks.push_back(each.text);
            summary.theirs_kept = summary.theirs_kept || decision.drop_in == action::store_and_report;
        }
    } else if (decision.restart_unit && start) {
        if (auto done = (*unit)->start_unit(); !done) return done.error();
    }
    // At boot it is not waited for a job that is ordered after us.
    const auto dependents = row ? row->node : stopped_ ? stopped_->dependents : std::string();
    if (start && decision.restart_unit)
        for (auto& each : start_dependents(*systemd_, dependents_in(dependents))) summary.remarks.push_back(std::move(each));
    if (auto gone = forget_stopped(configuration_.state_directory, (*unit)->unit()); !gone) summary.remarks.push_back(gone.error());
    return summary;
}

outcome<std::string> systemd_service::missing(const std::optional<detachment>& row) {
    auto unit = component();
    if (!unit) return error_text(unit.error());
    const auto state = (*unit)->state_on_disk();
    if (!state) return error_text(state.error());
    if (row ? row->note == "was not active" : stopped_ && !stopped_->was_active) return text({});
    if (state->active_state != "active") return text("the unit is " + state->active_state);
    return text({});
}

}  // namespace

std::unique_ptr<detacher> make_systemd_service(const component_definition& definition,
                                               const launcher_config& configuration) {
    return std::make_unique<systemd_service>(definition, configuration);
}

}  // namespace launcher
