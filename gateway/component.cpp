#include "gateway/component.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <random>

#include "gateway/audit_trail.h"
#include "gateway/component_log.h"
#include "gateway/debug_stream.h"
#include "protocol/printable.h"
#include "gateway/utc.h"
#include "gateway/utf8_lossy.h"

namespace gateway {

using protocol::json;
using kind = component_config::kind;

namespace {

// How often somebody else's dlv is looked for on behalf of callers: it takes a walk through /proc.
constexpr auto look_again = std::chrono::seconds(1);

std::string new_session_id() {
    static std::random_device entropy;
    static constexpr char digits[] = "0123456789abcdef";
    std::string id;
    for (int i = 0; i < 4; ++i)
        for (auto word = entropy(), n = 0u; n < 4; ++n, word >>= 4) id += digits[word & 15];
    return id;
}

}  // namespace

component::component(asio::io_context& context, component_config configuration, const limits& bounds,
                     const permissions& rights, std::uint64_t& refused_replies, const launcher_parts* by_launcher)
    : context_(context),
      configuration_(std::move(configuration)),
      bounds_(bounds),
      rights_(rights),
      refused_replies_(refused_replies),
      hub_(context, configuration_.name, {.max_viewers = configuration_.max_viewers,
                                          .longest_park = configuration_.longest_park(),
                                          .baton = configuration_.baton,
                                          .resume_time = bounds.resume_time,
                                          .call_time = bounds.call_time,
                                          .outsiders = configuration_.how == kind::connect,
                                          .output_kept = bounds.output_kept}),
      process_watch_(context),
      output_watch_(context) {
    hub_.before_exit = [this] { show_output(64); };
    hub_.on_lost = [this](std::string why) { failed(std::move(why)); };
    if (!configuration_.sources.empty()) sources_ = std::make_unique<source_lines>(configuration_.sources);
    hub_.budget().change(configuration_.budget);
    hub_.budget().on_event = [this](const std::string& what) {
        if (audit_) audit_->administration({}, name() + ": " + what);
    };
    if (configuration_.how != kind::launcher || !by_launcher) return;
    launched_ = std::make_unique<launched>(context, *by_launcher, hub_, name());
    launched_->on_attached = [this](const std::string& error) {
        if (error.empty()) return attached({});
        let_wait_no_more();
    };
}

component::~component() {
    // The descriptors are the launcher's; Asio only watched them.
    if (process_watch_.is_open()) process_watch_.release();
    if (output_watch_.is_open()) output_watch_.release();
}

bool component::admits(const auth::identity& who) const {
    return rights_.of(who, name()).sees();
}

void component::permissions_changed() {
    // A view that ends may take its stream with it.
    const std::vector<debug_stream*> all(streams_.begin(), streams_.end());
    for (auto* stream : all)
        if (std::find(streams_.begin(), streams_.end(), stream) != streams_.end()) stream->permissions_changed();

    clear_forbidden();
}

std::vector<std::int64_t> component::forbidden_breakpoints() const {
    std::vector<std::int64_t> lost;
    for (const auto& [id, record] : hub_.breakpoints().all()) {
        if (record.user.empty()) continue;  // of before the gateway came
        // Who is here is shown out as a whole.
        const bool revoked = !record.owner && !rights_.revoked(record.who).empty();
        if (revoked || !rights_.of(record.who, name()).allows(record.operation, record.needs)) lost.push_back(id);
    }
    return lost;
}

// Those of people who may not have them any more. One that is just being set is on no list yet.
void component::clear_forbidden() {
    if (forbidden_breakpoints().empty() && !hub_.working()) return;
    hub_.change(
        nullptr,
        [this]() -> asio::awaitable<void> {
            const auto lost = forbidden_breakpoints();
            for (auto id : lost) {
                const auto* record = hub_.breakpoints().find(id);
                if (!record) continue;
                auto* owner = record->owner;
                co_await hub_.clear_breakpoint(id);
                for (auto* stream : streams_)
                    stream->lost_breakpoint(owner, id, "cleared: you may not have it any more, the policy has changed");
            }
        },
        [](const std::string&) {});
}

view_limits component::limits_for_views() const {
    view_limits l;
    l.rpc_request = bounds_.rpc_request;
    l.dap_request = bounds_.dap_request;
    l.rpc_reply = bounds_.rpc_reply;
    l.dap_reply = bounds_.dap_reply;
    l.refused_replies = &refused_replies_;
    l.depth = bounds_.depth;
    l.buffer = bounds_.viewer_buffer;
    return l;
}

// --- dlv's life -------------------------------------------------------------------------------------------

void component::remember_in(const std::string& file) {
    if (configuration_.how == kind::exec) return;
    memory_ = std::make_unique<session_memory>(file, name());
    memory_->journal().open();
    hub_.remember_in(*memory_);
}

void component::start() {
    if (stopping_) return;
    last_start_ = std::chrono::steady_clock::now();
    failure_.clear();
    attach_error_.clear();
    if (launched_)
        launched_->start();
    else if (configuration_.how == kind::exec)
        start_exec();
    else
        start_connect();
}

void component::start_exec() {
    auto started = launcher::dlv_process::start(configuration_.exec);
    if (!started) return failed(started.error());
    process_.emplace(std::move(*started));
    ready_ = false;
    warnings_.clear();
    hub_.begin_start();
    component_log(name()).info("dlv {} started, pid {}, output in {}", to_string(process_->version()),
                 process_->dlv_pid(), process_->output_file());
    process_watch_.assign(process_->event_fd());
    watch_process();
    if (auto reader = launcher::output_reader::open(process_->output_file(), process_->output_start())) {
        output_.emplace(std::move(*reader));
        output_watch_.assign(output_->event_fd());
    } else {
        component_log(name()).warn("the program's output cannot be shown: {}", reader.error());
    }
}

void component::start_connect() {
    auto checked = launcher::check_foreign(configuration_.address, configuration_.dlv_user);
    if (!checked) return failed(checked.error());
    component_log(name()).info("dlv of pid {} at {} checked", checked->pid, to_string(configuration_.address));
    hub_.attach(configuration_.address, false, [this](std::string error) { attached(error); });
}

void component::watch_process() {
    process_watch_.async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code ec) {
        if (!ec && process_) process_events();
    });
}

void component::process_events() {
    auto events = process_->poll_events();
    if (events.announced && !stopping_)
        hub_.attach(process_->address(), true, [this](std::string error) { attached(error); });
    if (!events.exited) return watch_process();

    auto info = *events.exited;
    process_watch_.release();
    if (output_watch_.is_open()) {
        show_output();
        output_watch_.release();
    }
    output_.reset();
    process_.reset();
    if (stopping_) {
        hub_.detach("the gateway is stopping");
        if (stopped_) std::exchange(stopped_, nullptr)();
        return;
    }
    // Said before the hub's own "connection closed", which knows no reason.
    failure_ = info.asked && !attach_error_.empty() ? name() + "'s dlv could not be used: " + attach_error_ : info.reason;
    const std::string why = failure_;
    hub_.detach(why);
    failed(why);
}

void component::attached(const std::string& error) {
    if (!error.empty()) {
        if (!process_) return failed(error);
        // Our own dlv is about to end, and then tells the reason in its own words, or to be ended.
        attach_error_ = error;
        return process_->terminate();
    }
    if (process_ && output_) {
        auto printed = output_->read_new();
        warnings_ = launcher::warnings_in(configuration_.exec, printed);
        for (auto& w : warnings_) component_log(name()).warn("{}", w);
        ready_ = true;
        watch_output();
    }
    ++hub_.measures().attached;
    component_log(name()).info("dlv {} answers; the program is {}", hub_.dlv_version(), to_string(hub_.now()));
    // Before it goes on: there is nobody yet whom that keeps waiting.
    if (sources_) sources_->keep_up(hub_);
    if (configuration_.how == kind::exec && !configuration_.stop_on_entry) hub_.go_on();
    // What was kept, or is remembered, may be allowed no more.
    clear_forbidden();
    let_wait_no_more();
}

void component::let_wait_no_more() {
    auto waiting = std::exchange(waiting_, {});
    for (auto& w : waiting) w();
}

void component::failed(std::string why) {
    if (stopping_) return;
    // A broken connection to a dlv of ours is the beginning of its end; the exit says why.
    if (process_) return;
    ++hub_.measures().dlv_failures;
    if (launched_) {
        launched_->lost(why);
        return let_wait_no_more();
    }
    failure_ = why;
    hub_.set_down(why);
    component_log(name()).error("{}", protocol::printable(why));
    let_wait_no_more();
}

// Somebody else's dlv is looked for again at every call, and so is one of ours that lives. One that has ended stays ended until
// the node's administrator says so (start_again): a program is not begun anew because a laptop knocks.
bool component::present() {
    if (hub_.now() != phase::down) return true;
    if (stopping_ || std::chrono::steady_clock::now() - last_start_ < look_again) return false;
    if (configuration_.how == kind::connect)
        start();
    else if (process_ && ready_)
        attach_again();
    return hub_.now() != phase::down;
}

// dlv of ours lives, only the connections to it are broken; the program is where it was.
void component::attach_again() {
    last_start_ = std::chrono::steady_clock::now();
    component_log(name()).warn("the connection to dlv is made anew: {}", protocol::printable(hub_.down_reason()));
    hub_.attach(process_->address(), false, [this](const std::string& error) {
        if (error.empty()) {
            failure_.clear();
            ++hub_.measures().attached;
            clear_forbidden();
        } else {
            hub_.set_down(error);
        }
        let_wait_no_more();
    });
}

void component::start_again() {
    if (launched_) return launched_->ask_now();
    if (hub_.now() == phase::down && !process_) start();
}

void component::stop(std::function<void()> done) {
    stopping_ = true;
    if (!process_) {
        if (launched_) launched_->stop();
        hub_.detach("the gateway is stopping");
        return asio::post(context_, std::move(done));
    }
    stopped_ = std::move(done);
    process_->terminate();
}

// --- output -----------------------------------------------------------------------------------------------

void component::watch_output() {
    if (!output_watch_.is_open()) return;
    output_watch_.async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code ec) {
        if (ec || !output_) return;
        show_output();
        watch_output();
    });
}

// Some at a time: a program that prints without end must not keep the gateway from its work. Its last words are to be
// there before its end is told.
void component::show_output(int turns) {
    if (!output_) return;
    for (int turn = 0; turn < turns; ++turn) {
        auto bytes = output_->read_new();
        if (bytes.empty()) return;
        if (ready_) hub_.output("stdout", utf8_lossy(bytes, shown_tail_));
    }
    if (ready_) asio::post(context_, [this] { show_output(); });
}

// --- people (component_people.cpp) -----------------------------------------------------------------------------------------------

verdict component::open(const caller& who, stream_peer& peer, std::unique_ptr<stream_user>& user) {
    verdict v;
    v.component = name();
    if (stopping_) {
        v.code = "draining";
        v.reason = "the gateway is stopping; try again when it is back";
        return v;
    }
    if (!present()) {
        v.code = "not-running";
        v.reason = "dlv is not running for " + name() + ": " + (failure_.empty() ? hub_.down_reason() : failure_);
        if (launched_) v.reason = launched_->why_not(rights_.of(who.who, name()));
        if (configuration_.how == kind::exec) v.reason += " (SIGHUP to the gateway starts it again)";
        return v;
    }
    if (places_taken() >= configuration_.max_viewers) give_way_to(who.who);
    if (places_taken() >= configuration_.max_viewers) {
        v.code = "busy";
        v.reason = name() + " is being debugged by " + who_is_here() + "; ask them to disconnect, or try later";
        return v;
    }
    v.accepted = true;
    v.user = who.who.user;
    // A program that ends with its gateway leaves nothing to go on with.
    v.rebuilds = configuration_.how != kind::exec;
    if (!who.stop.empty()) v.stop = hub_.park().words_of(who.stop);
    v.session = new_session_id();
    user = std::make_unique<debug_stream>(*this, peer, who, v.session);
    return v;
}

bool component::down() const {
    if (!launched_) return hub_.now() == phase::down;
    const auto state = launched_->state();
    return state == "unknown" || state == "not_put_back" || launched_->status().find("trouble") != nullptr;
}

component_summary component::summary() const {
    component_summary s;
    s.name = name();
    s.state = to_string(hub_.now());
    if (launched_ && hub_.now() == phase::down) s.state = launched_->state();
    switch (hub_.now()) {
        case phase::down: s.detail = failure_.empty() ? hub_.down_reason() : failure_; break;
        case phase::starting: s.detail = "dlv is starting"; break;
        case phase::exited: s.detail = hub_.exit_error(); break;
        case phase::running: s.detail = "since " + utc_time(hub_.running_since()); break;
        case phase::stopped:
            s.detail = hub_.last_stop().entry ? "at its entry" : hub_.last_stop().state.position();
            break;
    }
    if (auto parked = hub_.park().words(); !parked.empty()) s.detail += (s.detail.empty() ? "" : "; ") + parked;
    if (auto people = who_is_here(); !people.empty()) s.detail += (s.detail.empty() ? "" : "; ") + people;
    return s;
}

json component::status() const {
    auto out = hub_.describe();
    json with_name = json::object{};
    with_name.set("name", name());
    with_name.set("kind", to_string(configuration_.how));
    for (auto& [key, value] : *out.if_object()) with_name.set(key, value);
    if (hub_.now() == phase::down) with_name.set("reason", failure_.empty() ? hub_.down_reason() : failure_);
    if (launched_) {
        with_name.set("launcher", launched_->status());
        if (hub_.now() == phase::down) with_name.set("state", launched_->state());
    }
    if (process_) {
        with_name.set("dlvPid", static_cast<std::int64_t>(process_->dlv_pid()));
        with_name.set("memoryLimit", process_->memory_limit());
    }
    if (configuration_.how == kind::exec) with_name.set("output", configuration_.exec.output_file);
    json::array warnings;
    for (auto& w : warnings_) warnings.push_back(w);
    if (!warnings.empty()) with_name.set("warnings", std::move(warnings));
    return with_name;
}

}  // namespace gateway
