// The way back, from wherever an interruption has left things.
#include <signal.h>

#include "launcher/engine_run.h"
#include "launcher/health_probe.h"
#include "launcher/left_behind.h"
#include "launcher/plan_store.h"
#include "launcher/port_use.h"
#include "launcher/waiting.h"

namespace launcher {

using std::chrono::seconds;

namespace {

constexpr auto default_grace = seconds(30);
constexpr auto ports_patience = seconds(10);
// The kubelet's crash back-off ends after five minutes.
constexpr seconds running_patience = std::chrono::minutes(6);

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
    auto manager = host();
    if (!manager) return error_text(manager.error());
    // What cannot be asked is taken to be there: a unit is then stopped in vain, and nothing runs twice.
    const auto unit = (*manager)->state(debuggee_unit_of(definition.name));
    found.unit_active = !unit || unit->is_alive();
    if (auto seen = kind.look(row, found); !seen) return error_text(seen.error());
    return found;
}

// What a cgroup that is gone does not say any more.
outcome<void> engine::run::end_by_journal(const std::optional<detachment>& row, const found_on_disk& found) {
    if (!row || !found.same_boot) return {};
    if (takes_away(definition.kind) && still_running(row->debuggee)) {
        ::kill(row->debuggee.pid, SIGTERM);
        wait_until(default_grace, [&] { return !still_running(row->debuggee); });
    }
    for (const auto& one : {takes_away(definition.kind) ? row->debuggee : process_mark{}, row->dlv, row->guard}) {
        if (!still_running(one)) continue;
        ::kill(one.pid, SIGKILL);
        if (!wait_until(ports_patience, [&] { return !still_running(one); }))
            return "process " + std::to_string(one.pid) + " cannot be ended: it hangs in the kernel";
    }
    return {};
}

outcome<void> engine::run::end_processes(const std::optional<detachment>& row, const found_on_disk& found) {
    auto manager = host();
    if (!manager) return manager.error();
    const auto files = files_of(of.configuration_, definition.name, row ? row->id : std::string(32, '0'));
    const auto plan = row ? stored_plan(of.configuration_.state_directory, row->id) : std::nullopt;
    const auto grace = plan ? plan->process.grace : default_grace;
    // The program is the node's, or a file: it is not ours to end. dlv lets go of it when it ends.
    const bool ours = takes_away(definition.kind);
    const bool own_unit = row && !row->drop_in.empty();
    const auto debuggee = ours && row && found.same_boot ? row->debuggee : process_mark{};
    const auto unit = debuggee_unit_of(definition.name);
    // A program that has never run beyond its entry must not begin to, beside the original.
    const bool ran = !ours || own_unit || !row || row->deadline;
    if (!ran) {
        say(component_state::stopping, "ending the program, which has not begun");
        if (auto killed = (*manager)->kill(unit, SIGKILL); !killed) return killed;
    } else if (definition.kind != component_kind::core) {
        say(component_state::stopping, "breakpoints are cleared, and " + definition.name + (ours ? " goes on to its end" : " goes on"));
        (void)ask_guard(files.control, protocol::json(protocol::json::object{{"verb", "end"}}), seconds(15));
        say(component_state::stopping, ours ? "ending the program under dlv (at most " + std::to_string(grace.count()) + " s)"
                                            : "dlv lets go");
    }
    // In the component's own unit only the program is ended here; the unit is the kind's to stop and start.
    if (own_unit && still_running(debuggee)) {
        ::kill(debuggee.pid, SIGTERM);
        if (!wait_until(grace, [&] { return !still_running(debuggee); })) ::kill(debuggee.pid, SIGKILL);
    }
    if (auto ended = end_debuggee_unit(**manager, unit, own_unit || !ran ? process_mark{} : debuggee, grace); !ended)
        return ended;
    (void)(*manager)->stop(guard_unit_of(definition.name));
    (void)(*manager)->forget(guard_unit_of(definition.name));
    if (of.configuration_.scope == systemd_scope::none)
        if (auto ended = end_by_journal(row, found); !ended) return ended;
    // Where it was away its ports are the debuggee's. A stranger at one of them is no reason to keep the component away.
    if (plan && ours && ran && !own_unit && !wait_until(ports_patience, [&] { return ports_in_use(plan->process.ports).empty(); }))
        say(component_state::stopping, "somebody else listens at a port of " + definition.name + ": ss -ltnp says who");
    return {};
}

outcome<std::string> engine::run::bring_back(found_on_disk::occasion why, bool wait_until_it_runs) {
    using manifest = recovery_decision::manifest_action;
    using drop_in = recovery_decision::drop_in_action;
    using patch = recovery_decision::patch_action;
    // A journal that cannot be read is no reason to leave a component away: the disk says enough.
    auto read = of.row_of(definition.name);
    const auto row = read ? *read : std::nullopt;
    if (!kind_) kind_ = of.make_(definition, of.configuration_);
    auto found = look(row, *kind_, why);
    if (!found) return error_text(found.error());
    if (!read) found->journal = found_on_disk::journal_state::unreadable;
    // An edit of ours that is there after all is undone again.
    const bool still_patched = found->patch == found_on_disk::patch_state::ours || found->patch == found_on_disk::patch_state::changed;
    here.unasked = !row && found->patch == found_on_disk::patch_state::unreachable;
    if (row && row->step == journal_step::returned && !still_patched && why != found_on_disk::occasion::root_set_aside) {
        touched_ = true;
        return settle(row, here.returned.empty() ? definition.name + " is back" : here.returned, wait_until_it_runs);
    }
    const auto decision = decide_recovery(*found);
    if (decision.leave_running) {
        if (decision.restart_guard && row) {
            auto copy = *row;
            if (auto renewed = renew_guard(copy); !renewed) return error_text(renewed.error());
        }
        return text(decision.reason);
    }
    touched_ = row || decision.end_processes || decision.manifest != manifest::none || decision.drop_in != drop_in::none ||
               decision.patch != patch::none || found->unit_stopped;
    if (!touched_) return text(decision.reason);
    const bool held = decision.manifest == manifest::hold_and_report || decision.patch == patch::hold_and_report;
    if (held && !decision.end_processes) return leave_to_root(row, decision);
    const bool left_alone = decision.report && !takes_away(definition.kind);
    if (left_alone && row)
        if (auto kept = keep_left_behind(of.configuration_.state_directory, definition.name, row->debuggee); !kept)
            say(component_state::stopping, kept.error());
    // What follows is done whether or not it can be written down. What was never taken is not on its way back.
    auto copy = row;
    if (copy && copy->step >= journal_step::detaching) (void)of.advance(*copy, journal_step::returning, {});
    if (decision.end_processes)
        if (auto ended = end_processes(row, *found); !ended) return error_text(ended.error());
    if (takes_away(definition.kind)) say(component_state::restoring, "putting " + definition.name + " back");
    auto back = kind_->put_back(row, decision);
    if (!back) {
        say(component_state::not_put_back, back.error());
        return error_text(back.error());
    }
    std::string words = decision.reason;
    for (const auto& remark : back->remarks) words += "; " + remark;
    if (held) return leave_to_root(row, decision);
    remove_session_files(files_of(of.configuration_, definition.name, row ? row->id : std::string(32, '0')));
    if (copy) (void)of.advance(*copy, journal_step::returned, {});
    say(component_state::returned, words);
    here.returned = words;
    const bool set_aside = why == found_on_disk::occasion::root_set_aside;
    theirs_kept_ = back->theirs_kept && !set_aside;
    // What is there now is not ours to wait for.
    auto settled = back->theirs_kept || set_aside ? close(copy, words) : settle(copy, words, wait_until_it_runs);
    // The session is over all the same; but nobody is to take it for one that ended well.
    if (settled && left_alone) return error_text(*settled);
    return settled;
}

// Nothing more is done until root has decided; what lives goes on, and is reachable.
outcome<std::string> engine::run::leave_to_root(const std::optional<detachment>& row, const recovery_decision& decision) {
    if (row) {
        auto copy = *row;
        detachment_changes changes;
        if (row->kind == component_kind::static_pod) changes.note = decision.reason;
        (void)of.advance(copy, journal_step::failed, changes);
        if (decision.restart_guard) (void)renew_guard(copy);
    }
    undecided_ = true;
    say(component_state::not_put_back, decision.reason);
    return error_text(decision.reason);
}

// Returned is not running: the row stays until it is.
outcome<std::string> engine::run::settle(const std::optional<detachment>& row, std::string words, bool wait_until_it_runs) {
    std::string last;
    const bool runs = wait_until(wait_until_it_runs ? running_patience : seconds(0), [&] {
        auto missing = kind_->missing(row);
        const auto what = missing ? *missing : missing.error();
        if (wait_until_it_runs && what != last && !what.empty()) say(component_state::returned, what);
        last = what;
        return what.empty();
    });
    if (!runs) {
        const auto hint = kind_->patience_hint();
        words += "; it does not run yet: " + last + (hint.empty() ? "" : "; " + hint);
        say(component_state::returned, words);
        return text(words);
    }
    return close(row, takes_away(definition.kind) ? words + "; it runs" : words);
}

outcome<std::string> engine::run::close(const std::optional<detachment>& row, std::string words) {
    if (row) {
        forget_plan(of.configuration_.state_directory, row->id);
        auto copy = *row;
        (void)of.advance(copy, journal_step::closed, {});
    }
    here.returned.clear();
    say(component_state::available, words);
    return text(words);
}

outcome<void> engine::run::renew_guard(detachment& row) {
    auto manager = host();
    if (!manager) return error_text(manager.error());
    const auto plan = stored_plan(of.configuration_.state_directory, row.id);
    if (!plan) return "the guard of " + definition.name + " has ended, and the plan it was started by cannot be read: "
                      "delvegate stop " + definition.name + " puts the component back";
    const auto address = parse_address(row.socket);
    if (!address) return error_text(address.error());
    (void)(*manager)->stop(guard_unit_of(definition.name));
    auto guard = start_guard(**manager, *plan, files_of(of.configuration_, definition.name, row.id), *address,
                             of.configuration_.find(definition.name) ? definition.ceiling : protocol::class_set());
    {  // It is told what it may before anybody is let to it.
        const std::lock_guard lock(of.places_lock_);
        here.ceiling.reset();
    }
    if (!guard) return error_text(guard.error());
    if (definition.kind != component_kind::core)
        (void)ask_guard(files_of(of.configuration_, definition.name, row.id).control,
                        protocol::json(protocol::json::object{{"verb", "counting"}}));
    detachment_changes changes;
    changes.guard = *guard;
    return of.advance(row, row.step, changes);
}

}  // namespace launcher
