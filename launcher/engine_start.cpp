// The way out: from a definition to a component that runs under dlv in its own place.
#include <signal.h>

#include <algorithm>

#include "launcher/engine_run.h"
#include "launcher/guarded_path.h"
#include "launcher/health_owner.h"
#include "launcher/health_probe.h"
#include "launcher/plan_store.h"
#include "launcher/start_patience.h"
#include "launcher/systemd_component.h"
#include "launcher/waiting.h"

namespace launcher {

using std::chrono::seconds;

namespace {

constexpr auto entry_patience = seconds(60);
constexpr auto settling = std::chrono::milliseconds(500);  // a program that cannot work ends within it
constexpr auto gone_margin = seconds(15);  // beside the pod's own grace

protocol::json verb(const char* name) { return protocol::json(protocol::json::object{{"verb", name}}); }

std::string first_refusal(const component_plan& plan) {
    std::string text;
    std::size_t more = 0;
    for (const auto& each : plan.findings) {
        if (each.how != severity::refusal) continue;
        if (text.empty()) text = each.text + (each.mend.empty() ? "" : "; " + each.mend);
        else ++more;
    }
    if (more > 0) text += " (and " + std::to_string(more) + " more: delvegate inspect " + plan.definition.name + ")";
    return text;
}

moment later(std::chrono::seconds time) {
    auto at = now();
    at.wall += time.count();
    at.boot += std::chrono::nanoseconds(time).count();
    return at;
}

}  // namespace

std::unique_ptr<detacher> make_detacher(const component_definition& definition, const launcher_config& configuration) {
    switch (definition.kind) {
        case component_kind::systemd: return make_systemd_service(definition, configuration);
        case component_kind::daemon_set: return make_daemon_set(definition, configuration);
        case component_kind::attach: return make_attached(definition);
        case component_kind::core: return make_core_dump(definition);
        case component_kind::static_pod: break;
    }
    return make_static_pod(definition, configuration);
}

engine::run::run(engine& e, const component_definition& d, const progress_callback& p)
    : run(e, d, p, std::unique_lock(e.place_of(d.name).busy)) {}

engine::run::run(engine& e, const component_definition& d, const progress_callback& p, std::unique_lock<std::mutex> taken)
    : of(e), definition(d), here(e.place_of(d.name)), progress(p), busy(std::move(taken)) {
    const std::lock_guard lock(of.places_lock_);
    here.working = true;
}

engine::run::~run() {
    const std::lock_guard lock(of.places_lock_);
    here.working = false;
}

void engine::run::say(component_state state, const std::string& text) {
    {
        const std::lock_guard lock(of.places_lock_);
        if (here.doing != state) here.since = std::chrono::system_clock::now();
        here.doing = state;
        here.note = text;
    }
    if (progress) progress({state, definition.name, text});
}

outcome<service_host*> engine::run::host() {
    if (!host_) {
        auto made = make_service_host(of.configuration_.runtime_directory, of.configuration_.scope);
        if (!made) return error_text(made.error());
        host_ = std::move(*made);
    }
    return host_.get();
}

outcome<component_status> engine::run::start(const lifecycle_request& request) {
    say(component_state::starting, "looking at " + definition.name);
    auto earlier = of.row_of(definition.name);
    if (earlier && *earlier && (*earlier)->step == journal_step::returned) {
        // It may run by now, and nobody has looked yet.
        (void)bring_back(found_on_disk::occasion::launcher_start, false);
        kind_.reset();
        earlier = of.row_of(definition.name);
    }
    if (!earlier) return error_text(earlier.error() + ": nothing is taken out without a journal");
    if (*earlier && (*earlier)->step == journal_step::returned)
        return error_text(definition.name + " is back from its last session, but does not run yet: try again when it does");
    if (*earlier)
        return error_text(definition.name + " is out already, since " + utc_text((*earlier)->since.wall) + " by " +
                       (*earlier)->started_by + ": delvegate stop " + definition.name + " puts it back");
    if (auto fine = forbid_together(request); !fine) return error_text(fine.error());
    kind_ = of.make_(definition, of.configuration_);
    auto plan = of.keyed(kind_->inspect(request));
    if (!plan) return error_text(plan.error());
    if (plan->refused()) return error_text(definition.name + " is not taken out: " + first_refusal(*plan));
    if (!request.plan_hash.empty() && request.plan_hash != plan->hash)
        return error_text("the plan of " + definition.name + " is another one by now (sha256:" + plan->hash +
                       "): look at it again with delvegate inspect " + definition.name);
    examined_ = kind_->examined();
    checked_ = examined_.binary;
    if (takes_away(definition.kind) && !checked_) return error_text(plan->binary + " was not examined");

    detachment_start begin;
    begin.component = definition.name;
    begin.kind = definition.kind;
    begin.started_by = request.by;
    begin.plan_hash = plan->hash;
    begin.known = kind_->known(*plan);
    auto row = [&] {
        const std::lock_guard lock(of.journal_lock_);
        return of.journal_->begin(begin);
    }();
    if (!row) return error_text(row.error());
    here.failures = 0;
    {
        const std::lock_guard lock(of.places_lock_);
        here.ceiling.reset();
    }
    // Once more, now that whoever starts at the same moment can see this one: at least one of them stops here.
    if (auto fine = forbid_together(request); !fine) {
        (void)of.advance(*row, journal_step::closed, {});
        return error_text(fine.error());
    }
    if (auto taken = take_place(*plan, *row, request); !taken) {
        const auto why = taken.error();
        say(component_state::stopping, "it did not work, and everything is put back: " + why);
        auto back = bring_back(found_on_disk::occasion::restore_asked, false);
        say(component_state::failed, why);
        if (!back) return error_text(why + "; and it could not be put back: " + back.error());
        return error_text(why + "; " + *back);
    }
    here.plan = std::make_shared<const component_plan>(std::move(*plan));
    here.examined = examined_;
    here.plan_session = row->id;
    here.restarts.clear();
    return of.status_of(definition);
}

// Everything that can fail without a loss comes first; the component is taken away last.
outcome<void> engine::run::take_place(component_plan& plan, detachment& row, const lifecycle_request& request) {
    const auto files = files_of(of.configuration_, definition.name, row.id);
    if (auto kept = store_plan(of.configuration_.state_directory, row.id, plan); !kept) return kept;
    if (auto made = kind_->prepare(plan); !made) return made;
    if (auto made = make_session_files(files, plan.process); !made) return made;
    stand_in who;
    who.session = row.id;
    who.by = row.started_by;
    who.stop_on_entry = request.stop_on_entry;
    if (kind_->starts_dlv_itself(plan)) {
        auto manager = systemd_manager::connect(manager_scope::system);
        if (!manager) return error_text(manager.error());
        systemd_component unit(*manager, definition);
        auto seen = unit.inspect();
        auto listen = seen ? unit.choose_listen(*seen, plan.definition.dlv, files.directory)
                           : outcome<std::string>(error_text(seen.error()));
        if (!listen) return error_text(listen.error());
        who.listen = *listen;
    } else {
        if (auto up = launch(plan, row); !up) return up;
        who.unit = row.unit;
        who.dlv = row.dlv;
    }

    auto intent = kind_->intend(plan, who);
    if (!intent) return error_text(intent.error());
    if (!who.listen.empty()) intent->socket = who.listen;
    if (auto kept = of.advance(row, journal_step::detaching, *intent); !kept) return kept;
    say(component_state::detaching, plan.moved);
    if (auto out = kind_->take_out(plan, who); !out) return out;
    if (auto kept = of.advance(row, journal_step::detached, {}); !kept) return kept;

    std::string last;
    outcome<void> asked;
    const bool gone = wait_until(plan.process.grace + gone_margin, [&] {
        auto left = kind_->remains(plan);
        if (!left) {
            asked = left.error();
            return true;
        }
        if (*left != last && !left->empty()) say(component_state::detaching, "waiting for " + *left + " to end");
        last = *left;
        return last.empty();
    });
    if (!asked) return asked;
    if (!gone)
        return definition.name + " did not go within " + std::to_string((plan.process.grace + gone_margin).count()) +
               " s: " + last + " is still there";
    if (!who.listen.empty())
        if (auto up = launched_in_its_unit(plan, row, who.listen); !up) return up;
    return go_on(plan, row, request);
}

outcome<void> engine::run::launch(const component_plan& plan, detachment& row) {
    auto manager = host();
    if (!manager) return error_text(manager.error());
    const auto files = files_of(of.configuration_, definition.name, row.id);
    // What is about to be started is known to whoever must end it.
    detachment_changes changes;
    changes.unit = debuggee_unit_of(definition.name);
    changes.socket = files.dlv_socket;
    // Of one that is started again the journal goes on saying that it is out.
    const auto step = [&row](journal_step next) { return std::max(row.step, next); };
    if (auto kept = of.advance(row, step(journal_step::planned), changes); !kept) return kept;
    say(component_state::starting, takes_away(definition.kind) ? "starting " + plan.binary + " under dlv, stopped at its entry"
                                                                : "starting dlv for " + plan.found_in);
    const start_patience patience(plan);
    auto up = launch_debuggee(**manager, plan, files, patience.most(entry_patience));
    if (!up) return error_text(up.error());
    changes = {};
    changes.socket = to_string(up->address);
    changes.dlv = up->dlv;
    if (auto kept = of.advance(row, step(journal_step::launched), changes); !kept) return kept;
    if (auto same = runs_checked_dlv(row.dlv); !same) return same;

    process_mark debuggee;
    const auto given_up = [&](outcome<void> why) {
        // Nobody has been let in yet: there is no breakpoint of anybody's to clear, and it has stood for as long as it may.
        if (patience.over()) (void)(*manager)->kill(row.unit, SIGKILL);
        return why;
    };
    const auto find_program = [&]() -> outcome<void> {
        outcome<void> wrong;
        const bool there = wait_until(patience.most(entry_patience), [&] {
            auto found = takes_away(definition.kind) ? find_debuggee(**manager, row.unit, row.dlv, *checked_)
                                                     : kind_->held_by(plan, row.dlv);
            if (!found) wrong = found.error();
            else debuggee = *found;
            return !found || debuggee.pid != 0;
        });
        if (!wrong) return wrong.error() + "; dlv's output is in " + files.output;
        if (!there) return "dlv runs, but does not have " + plan.found_in + "; its output is in " + files.output;
        return {};
    };
    // Of a process that was there before it is known at once, and before anybody is let in, whether it is the right one.
    if (!takes_away(definition.kind))
        if (auto found = find_program(); !found) return given_up(found);
    auto guard = start_guard(**manager, plan, files, up->address, definition.ceiling, patience.most(entry_patience));
    if (!guard) return given_up(error_text(guard.error()));
    if (takes_away(definition.kind))
        if (auto found = find_program(); !found) return found;
    changes = {};
    changes.guard = *guard;
    changes.debuggee = debuggee;
    return of.advance(row, step(journal_step::guarded), changes);
}

outcome<void> engine::run::runs_checked_dlv(const process_mark& dlv) const {
    const auto& seen = examined_.dlv;
    if (seen && same_file("/proc/" + std::to_string(dlv.pid) + "/exe", *seen)) return {};
    return "process " + std::to_string(dlv.pid) + " does not run the dlv that was checked: it was replaced meanwhile, or is a "
           "script; give the program itself as `dlv` of " + definition.name;
}

// The kind has started dlv in the component's unit: who it is, and a guard for it.
outcome<void> engine::run::launched_in_its_unit(const component_plan& plan, detachment& row, const std::string& listen) {
    auto manager = host();
    if (!manager) return error_text(manager.error());
    const auto unit = (*manager)->state(row.unit);
    if (!unit) return error_text(unit.error());
    detachment_changes changes;
    changes.dlv = mark_process(unit->main_pid);
    if (changes.dlv->pid == 0) return row.unit + " has ended: journalctl -u " + row.unit + " says why";
    if (auto same = runs_checked_dlv(*changes.dlv); !same) return same;
    auto address = parse_address(listen);
    if (!address) return error_text(address.error());
    const auto files = files_of(of.configuration_, definition.name, row.id);
    auto guard = start_guard(**manager, plan, files, *address, definition.ceiling);
    if (!guard) return error_text(guard.error());
    changes.guard = *guard;
    outcome<process_mark> debuggee = process_mark{};
    wait_until(entry_patience, [&] {
        debuggee = find_debuggee(**manager, row.unit, *changes.dlv, *checked_);
        return !debuggee || debuggee->pid != 0;
    });
    if (!debuggee) return error_text(debuggee.error());
    if (debuggee->pid == 0) return "dlv runs in " + row.unit + ", but not " + plan.binary + " below it: journalctl -u " + row.unit;
    changes.debuggee = *debuggee;
    return of.advance(row, journal_step::detached, changes);
}

std::string engine::run::stranger_at_health(const health_check& where, const detachment& row) {
    auto manager = host();
    if (!manager) return manager.error();
    const auto own = (*manager)->processes(row.unit);
    return own ? stranger_at(where, *own) : own.error();
}

outcome<void> engine::run::go_on(const component_plan& plan, detachment& row, const lifecycle_request& request) {
    const auto files = files_of(of.configuration_, definition.name, row.id);
    const bool dead = definition.kind == component_kind::core;
    const auto output = row.drop_in.empty() ? "the output of " + plan.binary + " is in " + files.output
                                            : "journalctl -u " + row.unit + " has the output of " + plan.binary;
    // From here on the program may run: a way back lets it end by itself.
    detachment_changes runs;
    runs.deadline = later(definition.session_timeout + definition.start_timeout);
    if (auto kept = of.advance(row, journal_step::detached, runs); !kept) return kept;
    if (request.stop_on_entry && !dead) {
        // What stands where dlv found it is kept from its duty at once; a program at its entry has none yet.
        auto counting = verb("counting");
        if (takes_away(definition.kind)) counting.set("entry", true);
        if (auto told = ask_guard(files.control, counting); !told) return error_text(told.error());
    }
    if (!request.stop_on_entry && !dead) {
        auto resume = verb("resume");
        resume.set("breakpoints", "keep");
        if (!plan.process.continue_at_once)
            if (auto going = ask_guard(files.control, resume); !going) return error_text(going.error());
        if (auto counting = ask_guard(files.control, verb("counting")); !counting) return error_text(counting.error());
        const auto& health = plan.process.health;
        std::string said = "nothing";
        outcome<void> ended;
        if (health.port != 0) {
            say(component_state::starting, "waiting for " + to_string(health) + " to answer");
            const bool healthy = wait_until(definition.start_timeout, [&] {
                const auto answer = probe(health, seconds(2));
                said = answer.said;
                if (!answer.healthy && !still_running(row.debuggee))
                    ended = plan.binary + " ended at once; " + output;
                if (!answer.healthy || !ended) return !ended;
                const auto stranger = takes_away(definition.kind) ? stranger_at_health(health, row) : std::string();
                if (!stranger.empty()) said = "what answered is somebody else's, " + stranger;
                return stranger.empty();
            });
            if (!ended) return ended;
            if (!healthy)
                return to_string(health) + " did not answer within " + std::to_string(definition.start_timeout.count()) +
                       " s: " + said + "; " + output;
        }
        if (wait_until(settling, [&] { return !still_running(row.debuggee); }))
            return plan.binary + " ended at once; " + output;
    }
    detachment_changes changes;
    changes.deadline = later(definition.session_timeout);
    if (auto kept = of.advance(row, journal_step::running, changes); !kept) return kept;
    say(component_state::running, dead                    ? definition.name + " can be looked at"
                                  : !request.stop_on_entry ? definition.name + " runs under dlv"
                                  : takes_away(definition.kind) ? definition.name + " stands at its entry under dlv"
                                                                : definition.name + " stands where dlv found it");
    return {};
}

}  // namespace launcher
