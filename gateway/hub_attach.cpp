// dlv's coming and going: the first questions, the housekeeping session, the end.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

#include "gateway/breakpoint_list.h"
#include "gateway/fixed_methods.h"
#include "gateway/hub.h"
#include "gateway/dap_windows.h"
#include "gateway/hub_looks.h"
#include "gateway/hub_roster.h"

namespace gateway {

using protocol::json;

namespace {

// "Delve Debugger\nVersion: 1.27.1\nBuild: …" or "1.27.1" alone, by version.
std::string version_number(std::string_view text) {
    constexpr std::string_view mark = "Version: ";
    if (auto at = text.find(mark); at != text.npos) text.remove_prefix(at + mark.size());
    return std::string(text.substr(0, text.find_first_of("\n ")));
}

json remote_attach() {
    json a = json::object{};
    a.set("request", "attach");
    a.set("mode", "remote");
    a.set("stopOnEntry", true);
    return a;
}

json plain_initialize() {
    json a = json::object{};
    a.set("clientID", "delvegate");
    a.set("adapterID", "go");
    a.set("linesStartAt1", true);
    a.set("columnsStartAt1", true);
    a.set("pathFormat", "path");
    return a;
}

}  // namespace

void hub::begin_start() {
    phase_ = phase::starting;
    down_reason_ = "dlv is being started for " + name_ + "; try again in a moment";
}

void hub::set_down(std::string reason) {
    phase_ = phase::down;
    down_reason_ = std::move(reason);
}

void hub::attach(const upstream_route& route, bool fresh, std::function<void(std::string)> ready) {
    ++generation_;
    route_ = route;
    if (fresh) roster_->output().clear();
    begin_start();
    auto lost = [this](std::string reason) { channel_lost(std::move(reason)); };
    ask_ = std::make_unique<rpc_channel>(context_, route_, lost);
    door_ = std::make_unique<rpc_channel>(context_, route_, lost);
    if (route_.dial) {
        // Who hands them over may be away when they are needed.
        spare_.push_back(std::make_unique<rpc_channel>(context_, route_, lost));
        slots_.push_back(std::make_unique<look_slot>(*this));
    }
    asio::co_spawn(context_, attach_sequence(fresh, std::move(ready)), asio::detached);
}

// The first words: who dlv is. Empty on success, else the reason.
asio::awaitable<std::string> hub::greet() {
    auto version = co_await request(*ask_, "RPCServer.GetVersion", "{}");
    if (!version.ok()) co_return "dlv did not answer its first question: " + version.error;
    auto parsed = protocol::parse_json(version.result, {.fold_keys = false});
    if (!parsed) co_return "dlv did not tell its version";
    dlv_version_ = version_number(parsed->get_string("DelveVersion"));
    if (parsed->get_int("APIVersion") != 2) {
        // Global to the server (Delve < 1.24); ours is started with 2, so somebody chose 1 for this one.
        auto set = co_await request(*ask_, "RPCServer.SetApiVersion", "{\"APIVersion\":2}");
        if (!set.ok()) co_return "dlv speaks API version 1 only; start it with --api-version=2";
    }
    fixed_["RPCServer.GetVersion"] = version.result;
    co_return std::string{};
}

asio::awaitable<void> hub::attach_sequence(bool fresh, std::function<void(std::string)> ready) {
    auto generation = generation_;
    auto reason = co_await greet();
    if (generation != generation_) co_return;
    if (!reason.empty()) {
        detach(reason);
        co_return ready(reason);
    }
    rpc_outcome out;
    auto state = co_await ask_state(out, false);
    if (generation != generation_) co_return;
    if (!state && !out.error.starts_with("Process ")) {
        reason = "dlv gave no state: " + out.error;
        detach(reason);
        co_return ready(reason);
    }
    run_ = {};
    run_.since = std::chrono::system_clock::now();
    // Replays are refused before dlv is spoken to (launcher::check_foreign), and Recorded would wait
    // while the program runs.
    fixed_["RPCServer.Recorded"] = "{\"Recorded\":false,\"TraceDirectory\":\"\"}";
    outsiders_.begin();
    program_met_ = !state || !state->running;
    if (program_met_) co_await know_program(*ask_);
    if (generation != generation_) co_return;
    if (state && state->running) {
        // dlv says which program it is only while it stands (ProcessPid waits): till then it passes for the one that an earlier
        // gateway knew.
        same_program_ = same_program_ && program_ != 0;
        // Somebody else's run. It is waited for, never halted: joining changes nothing.
        phase_ = phase::running;
        motion_ = motion::free;
        remember_told();
        run_.settled = true;
        door_->call("RPCServer.State", "{\"NonBlocking\":false}", [this, generation](rpc_outcome stopped) {
            if (generation != generation_) return;
            run_.returned = std::move(stopped);
            maybe_conclude();
        });
        // What an earlier gateway's people left goes in time, though it may never stop.
        schedule_grace();
        co_return ready({});
    }
    for (auto method : fixed_methods) {
        auto reply = co_await request(*ask_, method, "{}");
        if (generation != generation_) co_return;
        if (reply.ok()) fixed_[std::string(method)] = reply.result;
    }
    co_await note_breakpoints(*ask_);
    if (generation != generation_) co_return;
    if (!state) {
        auto digits = out.error.substr(out.error.find_last_of(' ') + 1);
        become_exited(std::strtoll(digits.c_str(), nullptr, 10));
        co_return ready({});
    }
    if (state->exited) {
        become_exited(state->exit_status);
        co_return ready({});
    }
    at_entry_ = fresh || stands_at_entry(*state);
    auto cause = explain_stop(*state, run_kind::go_on, true);
    if (at_entry_) cause.reason = "entry";
    find_stop(*state);
    co_await become_stopped(std::move(*state), std::move(cause), {});
    if (generation != generation_) co_return;
    ready({});
}

// A DAP session that attaches and says configurationDone while the target stands, and is then idle:
// it makes halts and tracepoints keep a step in progress. It sees no event of others' runs (measured).
asio::awaitable<void> hub::open_keeper() {
    auto generation = generation_;
    kept_ = true;
    keeper_ = std::make_unique<dap_window>(
        context_, route_,
        dap_window::handlers{.event = nullptr, .closed = [this](std::string r) { channel_lost(std::move(r)); }});
    auto* window = keeper_.get();
    for (auto& [command, arguments] : std::initializer_list<std::pair<const char*, json>>{
             {"initialize", plain_initialize()}, {"attach", remote_attach()}, {"configurationDone", json{}}}) {
        auto out = co_await request(*window, command, arguments);
        if (generation != generation_) co_return;
        if (command == std::string_view("initialize"))
            if (const auto* body = out.message.find("body"))
                exceptions_offered_ = body->find("exceptionBreakpointFilters") != nullptr;
        // Without it steps are lost to halts of our own, nothing worse: go on.
        if (!out.success) co_return;
    }
}

void hub::channel_lost(std::string reason) {
    if (phase_ == phase::down) return;
    detach(reason);
    if (on_lost) on_lost(std::move(reason));
}

void hub::detach(std::string reason) {
    turns_.catch_up();
    ++generation_;
    phase_ = phase::down;
    motion_ = motion::still;
    down_reason_ = std::move(reason);
    job_active_ = run_starting_ = false;
    desk_.forget_flights();
    answers_.clear();
    answers_.forget_flights();
    at_entry_ = false;
    kept_ = false;
    budget_.forget();
    park_.forget();
    pid_ = 0;
    halt_timer_.cancel();
    grace_timer_.cancel();
    limit_timer_.cancel();
    outsiders_.end();
    // Whose they are is known when dlv is found again with the same ones (note_breakpoints).
    breakpoints_.abandon_all(std::chrono::steady_clock::now());
    hits_.clear();
    breakpoint_list_ = no_breakpoints_known;
    image_.clear();
    image_bytes_ = 0;
    fixed_.clear();
    queued_looks_.clear();
    windows_->forget();

    // Everything that hangs on the connection is destroyed later: one of them may be calling us.
    struct remains {
        std::unique_ptr<rpc_channel> ask, door;
        std::vector<std::unique_ptr<rpc_channel>> spare;
        std::unique_ptr<dap_window> keeper;
        std::vector<std::unique_ptr<look_slot>> slots;
    };
    auto old = std::make_shared<remains>();
    old->ask = std::move(ask_);
    old->door = std::move(door_);
    old->spare = std::move(spare_);
    old->keeper = std::move(keeper_);
    old->slots = std::move(slots_);
    spare_.clear();
    slots_.clear();
    for (auto& s : old->slots) s->sink = nullptr;
    asio::post(context_, [old] {});

    auto waiting = std::exchange(waiters_, {});
    for (auto& e : std::exchange(early_halts_, {})) waiting.push_back(std::move(e));
    auto jobs = std::exchange(jobs_, {});
    refuse_looks(down_reason_);
    for (auto& j : jobs) j.refused(down_reason_);
    for (auto& w : waiting)
        if (find(*w.v)) w.end({.error = down_reason_, .state = {}, .stop = nullptr});
    tell_all([this](viewer& v) { v.on_lost(down_reason_); });
}

}  // namespace gateway
