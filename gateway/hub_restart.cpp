// Another process under the same dlv: by a Restart of somebody here, or behind our back.
#include <algorithm>
#include <utility>

#include "gateway/breakpoint_replies.h"
#include "gateway/fixed_methods.h"
#include "gateway/hub.h"
#include "gateway/hub_looks.h"
#include "gateway/hub_roster.h"

namespace gateway {

using protocol::json;

namespace {

// What dlv could not set again, by id, and why.
std::map<std::int64_t, std::string> discarded_in(const rpc_outcome& out) {
    std::map<std::int64_t, std::string> reasons;
    const auto reply = parsed(out);
    const auto* list = reply.find("DiscardedBreakpoints");
    if (const auto* all = list ? list->if_array() : nullptr)
        for (const auto& one : *all)
            if (const auto* b = one.find("Breakpoint")) reasons[b->get_int("id")] = one.get_string("Reason");
    return reasons;
}

// Of Restart's reply, those that nobody could set again.
std::string reply_without(const rpc_outcome& out, const std::map<std::int64_t, std::string>& lost) {
    auto reply = parsed(out);
    json::array left;
    const auto* list = reply.find("DiscardedBreakpoints");
    if (const auto* all = list ? list->if_array() : nullptr)
        for (const auto& one : *all)
            if (const auto* b = one.find("Breakpoint"); b && lost.contains(b->get_int("id"))) left.push_back(one);
    reply.set("DiscardedBreakpoints", std::move(left));
    return protocol::to_text(reply);
}

}  // namespace

void hub::restart(viewer& v, std::string params, std::function<void(const rpc_outcome&)> done) {
    if (phase_ != phase::stopped && phase_ != phase::exited)
        return done({.lost = false, .error = gone_reason(), .result = {}});
    auto by = v.who().who.user;
    auto again = [this, v = &v, by, params = std::move(params), done]() -> asio::awaitable<void> {
        auto generation = generation_;
        refuse_looks("the program is being restarted by " + by);
        auto out = co_await door("RPCServer.Restart", params);
        if (generation != generation_) co_return;
        if (!out.ok()) {
            rpc_outcome state_out;
            auto state = co_await ask_state(state_out, true);
            if (generation != generation_) co_return;
            if (state && !state->exited && !state->running) stop_.state = std::move(*state);
            if (find(*v)) done(out);
            // dlv had ended the old process already.
            const auto status = state && state->exited ? std::optional(state->exit_status) : exit_status_in(state_out.error);
            if (status && phase_ != phase::exited) become_exited(*status);
            co_return;
        }
        rpc_outcome state_out;
        auto state = co_await ask_state(state_out, true);
        if (generation != generation_) co_return;
        if (!state) co_return channel_lost("dlv gave no state after the restart: " + state_out.error);
        auto lost = discarded_in(out);
        run_ = {};
        run_.by = by;
        const bool met = co_await meet_new_process(by, lost);
        if (!met) co_return;
        at_entry_ = true;
        auto cause = explain_stop(*state, run_kind::go_on, true);
        cause.reason = "entry";
        bool here = find(*v) != nullptr;
        co_await become_stopped(std::move(*state), std::move(cause), {});
        if (generation != generation_) co_return;
        if (!here || !find(*v)) co_return;
        out.result = reply_without(out, lost);
        done(out);
        tell(*v);
    };
    jobs_.push_back({&v, job::when::exited_too, std::move(again),
                     [done](std::string reason) { done({.lost = false, .error = std::move(reason), .result = {}}); },
                     nullptr});
    pump();
}

// What was true of the old process only is forgotten, and what people want of it is wanted of the new one. `lost`: why
// dlv has discarded which breakpoints; those that could be set again are taken out. False: dlv has gone meanwhile.
asio::awaitable<bool> hub::meet_new_process(std::string by, std::map<std::int64_t, std::string>& lost) {
    const auto generation = generation_;
    ++measures_.new_programs;
    image_.clear();
    image_bytes_ = 0;
    budget_.forget();
    park_.forget();
    hits_.clear();
    roster_->output().clear();
    const auto build = [this] { return fixed_["RPCServer.BuildID"] + fixed_["RPCServer.LastModified"]; };
    const auto before = build();
    for (auto method : fixed_methods) {
        auto reply = co_await request(*ask_, method, "{}");
        if (generation != generation_) co_return false;
        if (reply.ok()) fixed_[std::string(method)] = reply.result;
    }
    const auto program = protocol::parse_json(fixed_["RPCServer.ProcessPid"], {.fold_keys = false});
    if (const auto pid = program ? program->get_int("Pid") : 0; pid != 0) meet_program(pid);
    const bool rebuilt = build() != before;
    co_await set_breakpoints_again(lost, rebuilt);
    if (generation != generation_) co_return false;
    kept_ = false;  // the flag is not carried over to the new process
    turns_.catch_up();
    tell_all([&](viewer& one) { one.on_restart(by); });
    co_return true;
}

}  // namespace gateway
