#include "launcher/engine.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "launcher/config_values.h"
#include "launcher/engine_run.h"
#include "launcher/guard.h"
#include "launcher/left_behind.h"
#include "launcher/oom_score.h"
#include "launcher/plan_store.h"
#include "launcher/stray_holds.h"

namespace launcher {

namespace {

constexpr std::int64_t beat_interval = 30'000'000'000;  // nanoseconds between heartbeats that reach the journal
constexpr auto status_patience = std::chrono::milliseconds(500);
constexpr auto notice_patience = std::chrono::seconds(3);  // of a process that ends, for the node's annotation

unix_seconds seconds_of(std::chrono::system_clock::time_point at) {
    return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

bool same_session(const std::optional<detachment>& row, const std::string& session) {
    return row && (session.empty() || row->id == session);
}

}  // namespace

engine::engine(const launcher_config& configuration, detacher_factory make)
    : configuration_(configuration), make_(std::move(make)), notice_(notice_place_of(configuration_)) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(configuration_.state_directory).parent_path(), error);
    plan_key_ = plan_key::open(configuration_.state_directory);
    auto opened = journal::open(configuration_.state_directory);
    if (opened)
        journal_.emplace(std::move(*opened));
    else
        journal_trouble_ = opened.error();
}

engine::~engine() {
    {
        const std::lock_guard lock(watch_lock_);
        ending_ = true;
    }
    watch_wakes_.notify_all();
    if (watch_.joinable()) watch_.join();
    looks_.clear();  // each is waited for
    notice_.settle(notice_patience);
}

engine::place& engine::place_of(const std::string& name) {
    const std::lock_guard lock(places_lock_);
    auto& entry = places_[name];
    if (!entry) entry = std::make_unique<place>();
    return *entry;
}

outcome<const component_definition*> engine::definition_of(const std::string& name) const {
    if (const auto* found = configuration_.find(name)) return found;
    return error_text("no component " + name + " is defined in launcher.yaml of this node");
}

outcome<std::optional<detachment>> engine::row_of(const std::string& name) {
    const std::lock_guard lock(journal_lock_);
    if (!journal_) return error_text(journal_trouble_);
    return journal_->find(name);
}

outcome<void> engine::advance(detachment& row, journal_step step, const detachment_changes& changes) {
    const std::lock_guard lock(journal_lock_);
    if (!journal_) return error_text(journal_trouble_);
    if (auto kept = journal_->advance(row.id, step, changes); !kept) return kept;
    if (step == journal_step::closed) return {};
    auto read = journal_->find(row.component);
    if (!read) return error_text(read.error());
    if (*read) row = **read;
    return {};
}

outcome<component_plan> engine::inspect(const std::string& name) {
    const auto definition = definition_of(name);
    if (!definition) return error_text(definition.error());
    const auto row = row_of(name);
    if (row && *row && (*row)->step != journal_step::returned)
        return error_text(name + " is out since " + utc_text((*row)->since.wall) + " by " + (*row)->started_by +
                       ": what start would do can be said when it is back");
    return keyed(make_(**definition, configuration_)->inspect({}));
}

outcome<component_plan> engine::keyed(outcome<component_plan> plan) {
    if (!plan) return plan;
    auto sealed = plan_key_->seal(plan->hash);
    if (!sealed) return error_text(sealed.error());
    plan->hash = *sealed;
    tell_back_off(*plan);
    if (takes_away(plan->definition.kind))
        plan->findings.push_back({severity::note, oom_words(plan->definition.name, own_oom_score(plan->process)), {}});
    return plan;
}

outcome<component_status> engine::start(const std::string& name, const lifecycle_request& request,
                                        const progress_callback& progress) {
    const auto definition = definition_of(name);
    if (!definition) return error_text(definition.error());
    return run(*this, **definition, progress).start(request);
}

outcome<component_status> engine::stop(const std::string& name, const lifecycle_request& request,
                                       const progress_callback& progress) {
    // What gives back works for what is not in launcher.yaml any more.
    const auto all = known();
    const auto definition = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
    if (definition == all.end()) return error_text(definition_of(name).error());
    run one(*this, *definition, progress);
    const auto row = row_of(name);
    if (row && !*row) return error_text(name + " is not out: there is nothing to stop");
    if (row && !same_session(*row, request.session))
        return error_text("the session that was to be stopped is over; " + name + " is out in another one, by " + (*row)->started_by);
    auto back = one.bring_back(found_on_disk::occasion::restore_asked, true);
    if (!back) return error_text(back.error());
    auto status = status_of(*definition);
    status.notes.push_back(*back);
    return status;
}

component_status engine::status_of(const component_definition& definition) {
    component_status status;
    status.name = definition.name;
    status.kind = definition.kind;
    status.remote = definition.remote;
    bool working = false;
    {
        auto& here = place_of(definition.name);
        const std::lock_guard lock(places_lock_);
        working = here.working;
        status.state = here.doing;
        status.since = seconds_of(here.since);
        if (!here.note.empty()) status.notes.push_back(here.note);
    }
    if (const auto left = left_behind(configuration_.state_directory, definition.name); left && definition.kind == component_kind::attach)
        status.warnings.push_back(left_behind_text(*left));
    const auto row = row_of(definition.name);
    if (!row) {
        status.warnings.push_back(row.error());
        return status;
    }
    if (!*row) {
        if (!working && status.state != component_state::failed) status.state = component_state::available;
        if (!working && known_by_its_hold(definition)) {
            status.state = component_state::not_put_back;
            status.detached = true;
            status.notes.push_back(definition.manifest_directory + " is held, and neither launcher.yaml nor the journal speaks of "
                                                                   "it: delvegate restore " + definition.name + " puts it back");
        }
        return status;
    }
    const auto& out = **row;
    status.detached = takes_away(definition.kind) && out.step >= journal_step::detaching && out.step != journal_step::returned;
    status.by = out.started_by;
    status.session = out.id;
    if (!out.note.empty() && out.kind == component_kind::static_pod) status.notes.push_back(out.note);
    status.plan_hash = out.plan_hash;
    status.since = out.since.wall;
    if (out.deadline) status.deadline = out.deadline->wall;
    if (const auto plan = stored_plan(configuration_.state_directory, out.id)) {
        status.budget = plan->budget;
        status.duty = plan->budget.duty;
    }
    if (out.step == journal_step::failed) status.state = component_state::not_put_back;
    else if (out.step == journal_step::returned) status.state = component_state::returned;
    else if (out.step == journal_step::running && !working) {
        status.state = component_state::running;
        const auto files = files_of(configuration_, definition.name, out.id);
        const auto answer = ask_guard(files.control, protocol::json(protocol::json::object{{"verb", "status"}}), status_patience);
        const auto guard = answer ? read_guard_status(*answer) : outcome<guard_status>(error_text(answer.error()));
        if (!guard) status.warnings.push_back("its guard does not answer: " + guard.error());
        else if (guard->state == "stopped") status.state = component_state::stopped;
        else if (guard->state == "exited") status.state = component_state::exited;
        auto& here = place_of(definition.name);
        const std::lock_guard lock(places_lock_);
        if (here.leaders_session == out.id && !here.leaders_warning.empty()) status.warnings.push_back(here.leaders_warning);
        if (guard && guard->parked.count() > 0)
            status.park = {std::time(nullptr) + guard->parked.count() / 1000, guard->park.by, guard->park.note, guard->park.stop};
        if (guard && guard->forced_resumes > 0)
            status.notes.push_back("its guard has cut short " + std::to_string(guard->forced_resumes) + " stops and refused " +
                                   std::to_string(guard->stops_refused) + ", and kept breakpoints off for " +
                                   format_duration(std::chrono::floor<std::chrono::seconds>(guard->kept_off)) + " altogether");
        if (guard && guard->breakpoints_off)
            status.warnings.push_back(std::string("the guard has switched its breakpoints off: the stop budget was used up; they come on "
                                                  "again ") + (guard->duty_done ? "at its next stop" : "when one duty has been done"));
    }
    // A launcher that has just started looks first: what it will find out is not "available" until then.
    if (status.state == component_state::available)
        status.state = out.step == journal_step::running ? component_state::running : component_state::restoring;
    return status;
}

std::vector<component_status> engine::status() {
    std::vector<component_status> all;
    for (const auto& definition : known()) all.push_back(status_of(definition));
    return all;
}

outcome<unique_fd> engine::dial(const std::string& name, const std::string& session) {
    const auto row = row_of(name);
    if (!row) return error_text(row.error());
    if (!*row || !same_session(*row, session) || (*row)->step != journal_step::running)
        return name + " does not run under dlv" + (*row ? " in that session" : "") + ": delvegate start " + name;
    if (ceiling_of(**row).empty())
        return name + " is not armed any more: root on the node can arm it again: sudo delvegate arm " + name + " --for 2h";
    if (auto told = tell_ceiling(**row, false); !told) return error_text(told.error());
    const auto files = files_of(configuration_, name, (*row)->id);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (files.gateway.size() >= sizeof address.sun_path) return files.gateway + " is too long for a socket";
    files.gateway.copy(address.sun_path, files.gateway.size());
    give_breakpoints_back(files.control);
    // Not blocking: a guard that hangs must not hold up whoever dials.
    unique_fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        return "the guard of " + name + " does not answer: " + std::strerror(errno);
    ::fcntl(fd.get(), F_SETFL, 0);
    return fd;
}

outcome<void> engine::heartbeat(const std::string& name, const std::string& session, bool sessions) {
    const auto definition = definition_of(name);
    if (!definition) return error_text(definition.error());
    auto row = row_of(name);
    if (!row) return error_text(row.error());
    if (!same_session(*row, session)) return name + " is not out in that session";
    // Who has nothing to do there any more does not keep it out either.
    if (ceiling_of(**row).empty()) return name + " is not armed any more: it is put back when its sessionTimeout is over";
    const auto files = files_of(configuration_, name, (*row)->id);
    const auto told = ask_guard(files.control, protocol::json(protocol::json::object{{"verb", "alive"}}), status_patience);
    auto& here = place_of(name);
    const auto at = now();
    {
        const std::lock_guard lock(places_lock_);
        const bool news = sessions && !here.beaten_with_people;
        if (!news && at.boot - here.beaten < beat_interval) return told ? outcome<void>() : outcome<void>(told.error());
    }
    std::optional<moment> deadline;
    if (sessions) {
        // The journal is told twice a minute only: the deadline is that much later.
        const auto time = (*definition)->session_timeout + std::chrono::nanoseconds(beat_interval);
        deadline = at;
        deadline->wall += std::chrono::duration_cast<std::chrono::seconds>(time).count();
        deadline->boot += std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
    }
    {
        const std::lock_guard lock(journal_lock_);
        if (auto kept = journal_->beat((*row)->id, deadline); !kept) return kept;
    }
    const std::lock_guard lock(places_lock_);
    here.beaten = at.boot;
    here.beaten_with_people = sessions;
    return {};
}

outcome<std::unique_ptr<component_manager>> make_component_manager(const launcher_config& configuration) {
    return outcome<std::unique_ptr<component_manager>>(boost::system::in_place_value,
                                                       std::make_unique<engine>(configuration));
}

}  // namespace launcher
