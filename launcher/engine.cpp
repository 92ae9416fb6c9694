#include "launcher/engine.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "launcher/engine_run.h"
#include "launcher/guard.h"
#include "launcher/plan_store.h"

namespace launcher {

namespace {

constexpr std::int64_t beat_interval = 30'000'000'000;  // nanoseconds between heartbeats that reach the journal
constexpr auto status_patience = std::chrono::milliseconds(500);

unix_seconds seconds_of(std::chrono::system_clock::time_point at) {
    return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

bool same_session(const std::optional<detachment>& row, const std::string& session) {
    return row && (session.empty() || row->id == session);
}

}  // namespace

engine::engine(const launcher_config& configuration) : configuration_(configuration) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(configuration_.state_directory).parent_path(), error);
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
    return make_detacher(**definition, configuration_)->inspect({});
}

outcome<component_status> engine::start(const std::string& name, const lifecycle_request& request,
                                        const progress_callback& progress) {
    const auto definition = definition_of(name);
    if (!definition) return error_text(definition.error());
    return run(*this, **definition, progress).start(request);
}

outcome<component_status> engine::stop(const std::string& name, const lifecycle_request& request,
                                       const progress_callback& progress) {
    const auto definition = definition_of(name);
    if (!definition) return error_text(definition.error());
    run one(*this, **definition, progress);
    const auto row = row_of(name);
    if (row && !*row) return error_text(name + " is not out: there is nothing to stop");
    if (row && !same_session(*row, request.session))
        return error_text("the session that was to be stopped is over; " + name + " is out in another one, by " + (*row)->started_by);
    auto back = one.bring_back(found_on_disk::occasion::restore_asked, true);
    if (!back) return error_text(back.error());
    auto status = status_of(**definition);
    status.notes.push_back(*back);
    return status;
}

std::vector<component_definition> engine::known() {
    auto all = configuration_.components;
    const std::lock_guard lock(journal_lock_);
    const auto rows = journal_ ? journal_->active() : outcome<std::vector<detachment>>(error_text(journal_trouble_));
    if (!rows) return all;
    for (const auto& row : *rows) {
        if (configuration_.find(row.component) != nullptr) continue;
        component_definition gone;  // taken out of launcher.yaml while it was out
        gone.name = row.component;
        gone.kind = row.kind;
        if (row.kind == component_kind::systemd) gone.unit = row.target_file;
        if (row.kind == component_kind::daemon_set) {
            const auto path = std::filesystem::path(row.target_file);  // daemonset/NAMESPACE/NAME
            gone.daemon_set = path.filename();
            gone.name_space = path.parent_path().filename();
        }
        all.push_back(std::move(gone));
    }
    return all;
}

outcome<std::vector<restore_report>> engine::restore(const std::string& name, const lifecycle_request& request,
                                                     const progress_callback& progress) {
    using occasion = found_on_disk::occasion;
    const auto why = request.decide == decision::keep_theirs     ? occasion::root_set_aside
                     : request.decide == decision::put_back_ours ? occasion::root_put_back
                                                                 : occasion::restore_asked;
    std::vector<restore_report> reports;
    for (const auto& definition : known()) {
        if (!name.empty() && definition.name != name) continue;
        restore_report report;
        report.name = definition.name;
        run one(*this, definition, progress);
        auto back = one.bring_back(why, false);
        report.restored = back.has_value();
        report.text = back ? *back : back.error();
        report.nothing_to_do = back && !one.touched();
        if (!back)
            report.decide = {"delvegate restore " + definition.name + " --put-back-ours",
                             "delvegate restore " + definition.name + " --keep-theirs"};
        reports.push_back(std::move(report));
    }
    if (reports.empty() && !name.empty()) return definition_of(name).error();
    return reports;
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
    const auto row = row_of(definition.name);
    if (!row) {
        status.warnings.push_back(row.error());
        return status;
    }
    if (!*row) {
        if (!working && status.state != component_state::failed) status.state = component_state::available;
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
        status.duty = guard_settings{}.duty;
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
        if (guard && guard->breakpoints_off)
            status.warnings.push_back(std::string("the guard has switched its breakpoints off: the stop budget was used up; they come on "
                                                  "again ") + (guard->duty_done ? "at its next stop" : "when one duty has been done"));
    }
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
    if (!same_session(*row, session) || (*row)->step != journal_step::running)
        return name + " does not run under dlv" + (*row ? " in that session" : "") + ": delvegate start " + name;
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

std::vector<restore_report> engine::recover(const progress_callback& progress) {
    std::vector<restore_report> reports;
    for (const auto& definition : known()) {
        run one(*this, definition, progress);
        auto back = one.bring_back(found_on_disk::occasion::launcher_start, false);
        if (back && !one.touched()) continue;
        restore_report report;
        report.name = definition.name;
        const auto after = row_of(definition.name);
        report.restored = back && after && !*after;
        report.text = back ? *back : back.error();
        reports.push_back(std::move(report));
    }
    watch();
    return reports;
}

outcome<std::unique_ptr<component_manager>> make_component_manager(const launcher_config& configuration) {
    return outcome<std::unique_ptr<component_manager>>(boost::system::in_place_value,
                                                       std::make_unique<engine>(configuration));
}

}  // namespace launcher
