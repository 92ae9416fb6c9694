// The one door: how the target is resumed, halted and found standing.
//
// Measured on dlv 1.20.2 and 1.27.1, and kept here:
// - a halt sent before the resume has really happened is lost: an IsMulticlient pipelined behind the
//   resume on the door is answered only afterwards (Delve rpccommon waits for setupDone), so a halt
//   waits for that answer;
// - a halt's own reply sets dlv's running flag for a moment: looks are admitted only after both the
//   door's and the halt's reply;
// - in the rare case that a halt is lost all the same, one on another connection does it.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>

#include "gateway/await.h"
#include "gateway/breakpoint_list.h"
#include "gateway/component_log.h"
#include "gateway/hub.h"
#include "gateway/hub_looks.h"

namespace gateway {

using protocol::json;

namespace {

constexpr std::ptrdiff_t most_waiting = 256;  // requests of one view
constexpr auto halt_again_after = std::chrono::milliseconds(250);
constexpr std::string_view halt_command = "{\"name\":\"halt\"}";

std::string exited_state(std::int64_t pid, std::int64_t status) {
    // What Delve's Command answers after an exit (service/debugger/debugger.go).
    return "{\"Pid\":" + std::to_string(pid) +
           ",\"TargetCommandLine\":\"\",\"Running\":false,\"Recording\":false,\"CoreDumping\":false,\"Threads\":null,"
           "\"NextInProgress\":false,\"WatchOutOfScope\":null,\"exited\":true,\"exitStatus\":" +
           std::to_string(status) + ",\"When\":\"\"}";
}

}  // namespace

asio::awaitable<rpc_outcome> hub::request(rpc_channel& on, std::string_view method, std::string params) {
    return await_callback<rpc_outcome>(
        [&on, method = std::string(method), params = std::move(params)](auto done) {
            on.call(method, params, done);
        });
}

asio::awaitable<dap_outcome> hub::request(dap_window& on, std::string command, json arguments) {
    return await_callback<dap_outcome>(
        [&on, command = std::move(command), arguments = std::move(arguments)](auto done) {
            on.call(command, arguments, done);
        });
}

asio::awaitable<rpc_outcome> hub::door(std::string_view method, std::string params) {
    if (!door_) co_return rpc_outcome{.lost = true, .error = down_reason_, .result = {}};
    co_return co_await request(*door_, method, std::move(params));
}

// --- what viewers ask for -----------------------------------------------------------------------------

void hub::run(viewer& v, run_order order, on_end end) {
    // A run that somebody has begun, or a stop nobody knew of, answers "go on" as well; a call it does not.
    const bool joins = order.kind != run_kind::call;
    const auto refuse = [&](std::string why) { end({.error = std::move(why), .state = {}, .stop = nullptr}); };
    switch (phase_) {
        case phase::down:
        case phase::starting:
            return refuse(gone_reason());
        case phase::exited:
            if (!joins) return refuse(exit_error());
            return end({.error = {}, .state = exited_state(pid_, exit_status_), .stop = nullptr});
        case phase::running:
            if (!joins) return refuse(running_words());
            return wait(v, std::move(end));
        case phase::stopped:
            break;
    }
    if (!told(v) && !alone_at_entry()) {
        // The sender means the state it last saw; what it gets is the stop it has not seen yet.
        if (joins)
            end({.error = {}, .state = stop_.state.text, .stop = &stop_});
        else
            refuse(moved_words());
        return catch_up(v);
    }
    if (auto why = turn_refusal(v); !why.empty()) return refuse(std::move(why));
    order.who = person_of(v.who().who);
    auto shared = std::make_shared<on_end>(std::move(end));
    auto number = stops_;
    jobs_.push_back({&v, job::when::stopped,
                     [this, v = &v, by = v.who().who.user, order = std::move(order), number, shared] {
                         bool here = find(*v) != nullptr;
                         return start_run(here ? v : nullptr, by, order, number, here ? *shared : on_end{});
                     },
                     [shared](std::string reason) { (*shared)({.error = std::move(reason), .state = {}, .stop = nullptr}); },
                     [this, v = &v, shared, joins] {
                         if (!joins)
                             (*shared)({.error = running_words(), .state = {}, .stop = nullptr});
                         else if (find(*v))
                             waiters_.push_back({v, *shared});
                     }});
    pump();
}

void hub::go_on(std::string by) {
    if (phase_ != phase::stopped) return;
    jobs_.push_back({nullptr, job::when::stopped,
                     [this, by = std::move(by), number = stops_] {
                         return start_run(nullptr, by, {.command = "continue", .arguments = json::object{}, .goroutine = {}}, number, {});
                     },
                     [](const std::string&) {}, [] {}});
    pump();
}

// Each is a promise to be kept all at once at the next stop: nobody gets as many as they like.
void hub::wait(viewer& v, on_end end) {
    const auto mine = std::count_if(waiters_.begin(), waiters_.end(), [&](const auto& w) { return w.v == &v; });
    if (mine < most_waiting) return waiters_.push_back({&v, std::move(end)});
    end({.error = "too many requests of yours wait for the program to stop: pause it, or wait for it", .state = {}, .stop = nullptr});
}

void hub::wait_for_stop(viewer& v, on_end end) {
    if (phase_ == phase::running) return wait(v, std::move(end));
    if (phase_ == phase::stopped) {
        end({.error = {}, .state = stop_.state.text, .stop = &stop_});
        return catch_up(v);
    }
    if (phase_ == phase::exited) return end({.error = exit_error(), .state = {}, .stop = nullptr});
    end({.error = gone_reason(), .state = {}, .stop = nullptr});
}

void hub::halt(viewer& v, on_end end) {
    if (phase_ == phase::exited) return end({.error = {}, .state = exited_state(pid_, exit_status_), .stop = nullptr});
    if (phase_ == phase::stopped && run_pending()) {
        // The run it means is about to begin: dlv would read this request after that one.
        early_halts_.push_back({&v, std::move(end)});
        return;
    }
    if (phase_ != phase::running) return wait_for_stop(v, std::move(end));
    if (budget_.off()) {
        budget_.refused_halt();
        return end({.error = budget_.refusal(), .state = {}, .stop = nullptr});
    }
    run_.halted_by_person = true;
    run_.halted_by = v.who().who.user;
    wait(v, std::move(end));
    baton_.pauses(person_of(v.who().who));
    if (motion_ == motion::free) send_halt();
}

// --- the run itself -------------------------------------------------------------------------------------

asio::awaitable<void> hub::start_run(viewer* v, std::string by, run_order order, std::uint64_t stop_number, on_end end) {
    if (phase_ != phase::stopped || stop_number != stops_) {
        if (v && end) {
            if (order.kind == run_kind::call)
                end({.error = phase_ == phase::stopped ? moved_words() : gone_reason(), .state = {}, .stop = nullptr});
            else if (phase_ == phase::running)
                waiters_.push_back({v, std::move(end)});
            else
                wait_for_stop(*v, std::move(end));
        }
        co_return;
    }
    if (order.who) {
        // The baton may have gone to somebody else while this waited.
        if (auto why = baton_refused(baton_.refusal(*order.who)); !why.empty()) {
            if (v && end && find(*v)) end({.error = std::move(why), .state = {}, .stop = nullptr});
            co_return;
        }
    }
    if (order.goroutine && *order.goroutine > 0) {
        auto chosen = co_await door("RPCServer.Command", "{\"name\":\"switchGoroutine\",\"goroutineID\":" +
                                                             std::to_string(*order.goroutine) + "}");
        if (!chosen.ok()) {
            if (v && end && find(*v)) end({.error = chosen.error, .state = stop_.state.text, .stop = nullptr});
            co_return;
        }
    }
    if (!order.goroutine && order.thread != 0) {
        const std::string chosen = "{\"name\":\"switchThread\",\"threadID\":" + std::to_string(order.thread) + "}";
        co_await door("RPCServer.Command", chosen);
    }
    // A guard may have switched some on at this stop.
    if (route_.dial) {
        const auto generation = generation_;
        co_await note_breakpoints(*door_);
        if (generation != generation_) co_return;
    }
    // Whose IDE has left meanwhile leaves nobody to be told, and has no baton.
    if (v && !find(*v)) v = nullptr;
    if (order.who && v) baton_.runs(*order.who, order.kind == run_kind::step);
    run_ = {};
    run_.kind = order.kind;
    run_.by = by;
    run_.runner = v;
    run_.since = std::chrono::system_clock::now();
    run_.goroutine = order.goroutine && *order.goroutine > 0 ? *order.goroutine : stop_.state.goroutine();
    run_.steps = order.kind == run_kind::step || (order.kind == run_kind::go_on && stop_.state.next_in_progress);
    if (order.kind == run_kind::call) limit_call();
    phase_ = phase::running;
    remember_told();
    at_entry_ = false;
    if (v && end) waiters_.push_back({v, std::move(end)});
    park_.runs(by);
    for (auto* each : everybody()) each->on_moving();
    auto command = order.arguments;
    command.set("name", order.command);
    resume(protocol::to_text(command));
    if (order.measured) order.measured->add(time_histogram::clock::now() - order.asked);
    tell_running(by, v);
    turns_.again();
    // Those that queued behind this run would else wait for its end, and their IDE's pause behind them.
    refuse_looks_in_turn();
}

void hub::resume(std::string command) {
    motion_ = motion::resuming;
    resumed_at_ = settled_at_ = rested_at_ = std::chrono::steady_clock::now();
    run_.settled = false;
    run_.passes.reset();
    run_.returned.reset();
    run_.halted_by_hub = false;
    run_.through_door = true;
    budget_.runs();
    auto generation = generation_;
    door_->call("RPCServer.Command", command, [this, generation](rpc_outcome out) {
        if (generation != generation_) return;
        rested_at_ = std::chrono::steady_clock::now();
        run_.returned = std::move(out);
        maybe_conclude();
    });
    door_->call("RPCServer.IsMulticlient", "{}", [this, generation](rpc_outcome) {
        if (generation != generation_) return;
        run_.settled = true;
        settled_at_ = std::chrono::steady_clock::now();
        if (run_.returned) return maybe_conclude();
        motion_ = motion::free;
        if (run_.halted_by_person)
            send_halt();
        else
            pump();
    });
}

void hub::send_halt() {
    motion_ = motion::halting;
    ++run_.halts_open;
    auto generation = generation_;
    ask_->call("RPCServer.Command", halt_command, [this, generation](rpc_outcome) {
        if (generation != generation_) return;
        --run_.halts_open;
        maybe_conclude();
    });
    retry_halt();
}

void hub::retry_halt() {
    halt_timer_.expires_after(halt_again_after);
    halt_timer_.async_wait([this, generation = generation_](error_code ec) {
        if (ec || generation != generation_ || motion_ != motion::halting || run_.returned) return;
        auto idle = std::find_if(spare_.begin(), spare_.end(), [](auto& c) { return c->pending() == 0; });
        if (idle == spare_.end()) {
            if (spare_.size() >= (route_.dial ? 1u : 8u)) return;  // dlv is wedged; the process supervisor is the remedy
            spare_.push_back(std::make_unique<rpc_channel>(
                context_, route_, [this](std::string reason) { channel_lost(std::move(reason)); }));
            idle = spare_.end() - 1;
        }
        ++run_.halts_open;
        (*idle)->call("RPCServer.Command", halt_command, [this, generation](rpc_outcome) {
            if (generation != generation_) return;
            --run_.halts_open;
            maybe_conclude();
        });
        retry_halt();
    });
}

void hub::maybe_conclude() {
    if (!run_.returned || !run_.settled || run_.halts_open > 0 || motion_ == motion::concluding) return;
    halt_timer_.cancel();
    motion_ = motion::concluding;
    asio::co_spawn(context_, conclude(), asio::detached);
}

asio::awaitable<protocol::result<target_state>> hub::ask_state(rpc_outcome& out, bool blocking) {
    out = co_await request(*ask_, "RPCServer.State", blocking ? "{\"NonBlocking\":false}" : "{\"NonBlocking\":true}");
    if (!out.ok()) co_return protocol::errc::bad_reply;
    co_return read_state(out.result);
}

// The target has come to rest: is it a stop for people, or did it only pass a tracepoint or stand for
// the hub's own work?
asio::awaitable<void> hub::conclude() {
    auto generation = generation_;
    std::string error;
    target_state state;
    bool known = false;
    if (run_.returned) {
        auto out = std::move(*run_.returned);
        run_.returned.reset();
        if (out.lost) co_return;  // the connection's end is told elsewhere
        if (out.ok()) {
            if (auto read = read_state(out.result)) {
                state = std::move(*read);
                known = !state.running;
            }
        } else {
            error = out.error;
        }
    }
    if (!known) {
        if (auto status = exit_status_in(error)) co_return become_exited(*status);
        rpc_outcome out;
        auto asked = co_await ask_state(out, true);
        if (generation != generation_) co_return;
        if (!asked) {
            if (auto status = exit_status_in(out.error)) co_return become_exited(*status);
            co_return channel_lost("dlv gave no state: " + out.error);
        }
        state = std::move(*asked);
    }
    if (state.exited) co_return become_exited(state.exit_status);
    co_await meet_at_rest();
    if (generation != generation_) co_return;
    if (pid_ != 0 && state.pid != 0 && state.pid != pid_) {
        std::map<std::int64_t, std::string> lost;
        at_entry_ = stands_at_entry(state);
        const bool met = co_await meet_new_process(run_.by, lost);
        if (!met) co_return;
    }

    // Once at each rest: a hit counts once, and says its log message once.
    if (run_.passes) {
        mark_hits(state);
    } else {
        const bool judged = co_await judge_hits(state, error);
        if (generation != generation_) co_return;
        run_.passes = judged;
    }
    const bool passes = *run_.passes;
    co_await end_step_at_hit(state);
    if (generation != generation_) co_return;

    if (halted_outside(state, error, passes)) {
        run_.halted_by_person = true;
        run_.halted_by = outsider;
    }
    const bool step_done = run_.steps && !state.next_in_progress;
    bool passing = !run_.halted_by_person && error.empty() && !stands_at_breakpoint(state) && !step_done &&
                   (run_.halted_by_hub || (passes && !run_.outside));
    const bool given_up = passing && run_.gives_up && state.next_in_progress;
    if (given_up) passing = false;
    if (passing) {
        // For the hub's own work it is kept from its duty as for anything else.
        budget_.stands();
        motion_ = motion::held;
        pump();
        co_return;
    }
    if ((run_.halted_by_person || given_up) && state.next_in_progress) {
        // As Delve's DAP server does on a pause: the step is given up.
        co_await give_up_step(state);
        if (generation != generation_) co_return;
    }
    if (!given_up && run_.gives_up) run_.why.clear();  // it came to its end, or somewhere else, all the same
    auto cause = explain_stop(state, step_done ? run_kind::step : run_.kind, run_.halted_by_person || given_up);
    if (at_entry_) cause.reason = "entry";
    if (!error.empty()) {
        cause.reason = "exception";
        cause.description = "runtime error";
    }
    co_await become_stopped(std::move(state), std::move(cause), std::move(error));
}

asio::awaitable<void> hub::become_stopped(target_state state, stop_cause cause, std::string error) {
    auto generation = generation_;
    if (!kept_) {
        co_await open_keeper();
        if (generation != generation_) co_return;
    }
    if (breakpoint_list_ == no_breakpoints_known) {
        co_await note_breakpoints(*door_);
        if (generation != generation_) co_return;
    }
    co_await keep_exceptions();
    if (generation == generation_ && state.watch_out_of_scope) co_await drop_ended_watches();
    if (generation != generation_) co_return;
    name_hits(cause);
    stop next;
    next.number = stops_ + 1;
    if (cause.reason == "exception" && error.empty()) {
        next.text = co_await exception_text(cause);
        if (generation != generation_) co_return;
    } else {
        next.text = error;
    }
    next.by = run_.halted_by_person ? run_.halted_by : run_.by;
    next.cause = std::move(cause);
    next.state = std::move(state);
    next.error = std::move(error);
    next.entry = at_entry_;
    next.why = run_.why;
    next.since = std::chrono::system_clock::now();
    stop_ = std::move(next);
    announce_stop();
    remember();
}

void hub::announce_stop() {
    stops_ = stop_.number;
    if (stop_.state.pid) pid_ = program_ = stop_.state.pid;
    phase_ = phase::stopped;
    motion_ = motion::still;
    baton_.stops(stop_);
    stop_.runner = run_.runner;
    answers_.clear();
    remember_told();
    tell_of_stop();
    ++measures_.stops;
    if (run_.through_door && !run_.outside && rested_at_ != resumed_at_)
        measures_.stop_told.add(std::chrono::steady_clock::now() - std::exchange(rested_at_, resumed_at_));
    turns_.later(nullptr, [this, number = stops_] {
        if (number == stops_ && phase_ == phase::stopped) baton_.tell_who_is_first();
    }, true);
    budget_.stands();
    outsiders_.stands();
    pump();
    if (run_.abandoned && viewers_.empty() && stop_.cause.reason != "exception") return go_on_without(abandoned_by_);
    if (viewers_.empty() && !budget_.terms().any() && only_pins_stopped_it()) {
        component_log(name_).warn("a pinned breakpoint stopped the program, and neither is anybody here nor has it a stop budget: it goes on");
        go_on();
    }
}

void hub::become_exited(std::int64_t status) {
    turns_.catch_up();
    if (before_exit) before_exit();
    phase_ = phase::exited;
    motion_ = motion::still;
    budget_.forget();
    park_.forget();
    exit_status_ = status;
    auto state = exited_state(pid_, status);
    auto due = std::exchange(waiters_, {});
    for (auto& w : due)
        if (find(*w.v)) w.end({.error = {}, .state = state, .stop = nullptr});
    tell_all([&](viewer& v) { v.on_exit(status); });
    refuse_looks(exit_error());
    pump();
}

// --- work beside runs -----------------------------------------------------------------------------------

asio::awaitable<void> hub::refresh_state() {
    auto generation = generation_;
    rpc_outcome out;
    auto asked = co_await ask_state(out, true);
    if (generation != generation_) co_return;
    if (asked && !asked->running && !asked->exited) {
        mark_hits(*asked);
        stop_.state = std::move(*asked);
    }
    if (!asked)
        if (auto status = exit_status_in(out.error)) become_exited(*status);
}

void hub::call(viewer& v, work w, refusal refused) {
    if (phase_ != phase::stopped) return refused(gone_reason());
    if (auto why = not_here_and_now(v); !why.empty()) return refused(std::move(why));
    auto by = v.who().who.user;
    auto body = [this, v = &v, by, w = std::move(w)]() -> asio::awaitable<void> {
        auto generation = generation_;
        run_ = {};
        run_.kind = run_kind::call;
        run_.by = by;
        run_.runner = find(*v) ? v : nullptr;
        run_.since = std::chrono::system_clock::now();
        run_.through_door = false;
        run_.settled = true;
        limit_call();
        phase_ = phase::running;
        remember_told();
        motion_ = motion::free;
        at_entry_ = false;
        hits_.clear();
        park_.runs(by);
        const auto* runner = run_.runner;
        for (auto* each : everybody())
            if (each != runner) each->on_moving();
        tell_running(by, runner);
        refuse_looks_in_turn();
        co_await w();
        if (generation != generation_) co_return;
        motion_ = motion::concluding;
        halt_timer_.cancel();
        rpc_outcome out;
        auto asked = co_await ask_state(out, true);
        while (generation == generation_ && run_.halts_open > 0) asked = co_await ask_state(out, true);
        if (generation != generation_) co_return;
        if (!asked || asked->exited) {
            auto status = asked ? std::optional(asked->exit_status) : exit_status_in(out.error);
            if (!status) co_return channel_lost("dlv gave no state: " + out.error);
            co_return become_exited(*status);
        }
        auto cause = explain_stop(*asked, run_kind::call, run_.halted_by_person);
        if (!run_.halted_by_person && !stands_at_breakpoint(*asked)) cause.reason = "step";
        co_await become_stopped(std::move(*asked), std::move(cause), {});
    };
    // The lambda is kept by the job until its coroutine has ended (run_job holds it).
    jobs_.push_back(driven(v, std::move(body), std::move(refused)));
    pump();
}

}  // namespace gateway
