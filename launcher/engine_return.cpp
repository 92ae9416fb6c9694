// The way back, from wherever an interruption has left things.
#include <signal.h>

#include "launcher/engine_run.h"
#include "launcher/health_probe.h"
#include "launcher/plan_store.h"
#include "launcher/port_use.h"
#include "launcher/waiting.h"

namespace launcher {

using std::chrono::seconds;

namespace {

constexpr auto default_grace = seconds(30);
constexpr auto ports_patience = seconds(10);
// The kubelet's crash back-off ends after five minutes.
constexpr auto running_patience = std::chrono::minutes(6);

}  // namespace

outcome<found_on_disk> engine::run::look(const std::optional<detachment>& row, detacher& kind, found_on_disk::occasion why) {
    found_on_disk found;
    found.kind = definition.kind;
    found.why = why;
    if (!of.journal_) found.journal = found_on_disk::journal_state::unreadable;
    if (row) {
        found.journal = found_on_disk::journal_state::active;
        found.step = row->step;
        found.same_boot = row->since.boot_id == now().boot_id;
        found.dlv_alive = found.same_boot && still_running(row->dlv);
        found.debuggee_alive = found.same_boot && still_running(row->debuggee);
        found.guard_alive = found.same_boot && still_running(row->guard);
        found.deadline_passed = row->deadline && passed(*row->deadline, now());
    }
    auto manager = systemd();
    if (!manager) return error_text(manager.error());
    if (const auto unit = (*manager)->properties(debuggee_unit_of(definition.name)))
        found.unit_active = unit->is_active() || unit->active_state == "activating" || unit->active_state == "deactivating";
    if (auto seen = kind.look(row, found); !seen) return error_text(seen.error());
    return found;
}

outcome<void> engine::run::end_processes(const std::optional<detachment>& row) {
    auto manager = systemd();
    if (!manager) return error_text(manager.error());
    const auto files = files_of(of.configuration_, definition.name, row ? row->id : std::string(32, '0'));
    const auto plan = row ? stored_plan(of.configuration_.state_directory, row->id) : std::nullopt;
    const auto grace = plan ? plan->process.grace : default_grace;
    // The program is the node's, or a file: it is not ours to end. dlv lets go of it when it ends.
    const bool ours = takes_away(definition.kind);
    if (row && still_running(row->guard) && definition.kind != component_kind::core) {
        say(component_state::stopping, "breakpoints are cleared, and " + definition.name + (ours ? " goes on to its end" : " goes on"));
        (void)ask_guard(files.control, protocol::json(protocol::json::object{{"verb", "end"}}), seconds(15));
    }
    say(component_state::stopping, ours ? "ending the program under dlv (at most " + std::to_string(grace.count()) + " s)"
                                        : "dlv lets go");
    const auto debuggee = ours && row && row->since.boot_id == now().boot_id ? row->debuggee : process_mark{};
    const bool own_unit = row && !row->drop_in.empty();
    // In the component's own unit only the program is ended here; the unit is the kind's to stop and start.
    if (own_unit && still_running(debuggee)) {
        ::kill(debuggee.pid, SIGTERM);
        if (!wait_until(grace, [&] { return !still_running(debuggee); })) ::kill(debuggee.pid, SIGKILL);
    }
    if (auto ended = end_debuggee_unit(**manager, debuggee_unit_of(definition.name), own_unit ? process_mark{} : debuggee, grace);
        !ended)
        return ended;
    (void)(*manager)->stop(guard_unit_of(definition.name));
    (void)(*manager)->reset_failed(guard_unit_of(definition.name));
    // Where it was away its ports are the debuggee's. A stranger at one of them is no reason to keep the component away.
    const bool away = row && (row->step == journal_step::detached || row->step == journal_step::running ||
                              row->step == journal_step::returning);
    if (plan && away && !own_unit && !wait_until(ports_patience, [&] { return ports_in_use(plan->process.ports).empty(); }))
        say(component_state::stopping, "somebody else listens at a port of " + definition.name + ": ss -ltnp says who");
    return {};
}

outcome<std::string> engine::run::bring_back(found_on_disk::occasion why, bool wait_until_it_runs) {
    std::optional<detachment> row;
    if (of.journal_) {
        auto read = of.row_of(definition.name);
        if (!read) return error_text(read.error());
        row = *read;
    }
    if (!kind_) kind_ = make_detacher(definition, of.configuration_);
    auto found = look(row, *kind_, why);
    if (!found) return error_text(found.error());
    const auto decision = decide_recovery(*found);
    if (decision.leave_running) {
        if (decision.restart_guard && row)
            if (auto renewed = renew_guard(*row); !renewed) return error_text(renewed.error());
        return text(decision.reason);
    }
    using manifest = recovery_decision::manifest_action;
    using drop_in = recovery_decision::drop_in_action;
    touched_ = row || decision.end_processes || decision.manifest != manifest::none || decision.drop_in != drop_in::none;
    if (!touched_) return text(decision.reason);
    // What follows is done whether or not it can be written down.
    if (row) (void)of.advance(*row, journal_step::returning, {});
    if (decision.end_processes)
        if (auto ended = end_processes(row); !ended) return error_text(ended.error());
    if (takes_away(definition.kind)) say(component_state::restoring, "putting " + definition.name + " back");
    auto back = kind_->put_back(row, decision);
    if (!back) {
        if (row) {
            detachment_changes changes;
            changes.note = row->kind == component_kind::systemd ? row->note : back.error();
            (void)of.advance(*row, journal_step::failed, changes);
        }
        say(component_state::not_put_back, back.error());
        return error_text(back.error());
    }
    std::string words = decision.reason;
    for (const auto& remark : back->remarks) words += "; " + remark;
    const auto files = files_of(of.configuration_, definition.name, row ? row->id : std::string(32, '0'));
    remove_session_files(files);
    if (decision.report && !decision.close_row) {
        if (row) (void)of.advance(*row, journal_step::failed, {});
        say(component_state::not_put_back, words);
        return error_text(words);
    }
    if (row) (void)of.advance(*row, journal_step::returned, {});
    say(component_state::returned, words);
    if (wait_until_it_runs && !back->theirs_kept && takes_away(definition.kind)) {
        std::string last;
        const bool runs = wait_until(running_patience, [&] {
            auto missing = kind_->missing(row);
            const auto what = missing ? *missing : missing.error();
            if (what != last && !what.empty()) say(component_state::returned, what);
            last = what;
            return what.empty();
        });
        if (!runs) {
            const auto hint = kind_->patience_hint();
            return text(definition.name + " is back where it was, but does not run yet: " + last +
                        (hint.empty() ? "" : "; " + hint));
        }
        words += "; it runs again";
    }
    if (row) {
        forget_plan(of.configuration_.state_directory, row->id);
        (void)of.advance(*row, journal_step::closed, {});
    }
    say(component_state::available, words);
    return text(words);
}

outcome<void> engine::run::renew_guard(detachment& row) {
    auto manager = systemd();
    if (!manager) return error_text(manager.error());
    const auto plan = stored_plan(of.configuration_.state_directory, row.id);
    if (!plan) return "the guard of " + definition.name + " has ended, and the plan it was started by cannot be read: "
                      "delvegate stop " + definition.name + " puts the component back";
    const auto address = parse_address(row.socket);
    if (!address) return error_text(address.error());
    (void)(*manager)->stop(guard_unit_of(definition.name));
    auto guard = start_guard(**manager, *plan, files_of(of.configuration_, definition.name, row.id), *address,
                             definition.ceiling);
    if (!guard) return error_text(guard.error());
    if (definition.kind != component_kind::core)
        (void)ask_guard(files_of(of.configuration_, definition.name, row.id).control,
                        protocol::json(protocol::json::object{{"verb", "counting"}}));
    detachment_changes changes;
    changes.guard = *guard;
    return of.advance(row, row.step, changes);
}

}  // namespace launcher
