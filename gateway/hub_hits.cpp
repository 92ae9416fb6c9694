// Whose hit it is: what dlv found at a rest, where it cannot tell by itself.
#include <algorithm>
#include <chrono>
#include <utility>

#include "gateway/breakpoint_replies.h"
#include "gateway/component_log.h"
#include "gateway/hub.h"
#include "gateway/hub_looks.h"
#include "gateway/hub_roster.h"
#include "protocol/printable.h"

namespace gateway {

using protocol::json;

namespace {

constexpr std::int64_t go_bool = 1;  // reflect.Bool, Delve's Variable.kind

}  // namespace

asio::awaitable<evaluated> hub::evaluate_condition(std::int64_t goroutine, std::string condition) {
    // A thread without a goroutine has no frame to look from: nothing holds there, and nothing is wrong with the condition.
    if (goroutine <= 0) co_return evaluated{};
    json scope = json::object{};
    scope.set("GoroutineID", goroutine);
    scope.set("Frame", 0);
    json args = json::object{};
    args.set("Scope", std::move(scope));
    args.set("Expr", condition);
    const auto out = co_await door("RPCServer.Eval", protocol::to_text(args));
    evaluated result;
    if (!out.ok()) {
        result.error = out.error;
        co_return result;
    }
    const auto reply = protocol::parse_json(out.result, {.max_depth = 512, .fold_keys = false});
    const auto* value = reply ? reply->find("Variable") : nullptr;
    if (!value || value->get_int("kind") != go_bool)
        result.error = "condition expression not boolean";
    else if (const auto unreadable = value->get_string("unreadable"); !unreadable.empty())
        result.error = "condition expression unreadable: " + std::string(unreadable);
    else
        result.holds = value->get_string("value") == "true";
    co_return result;
}

// Tells apart the hits at the places where dlv cannot, and those whose condition could not be evaluated (`error` is then dlv's
// and is taken away): who is to be told is told. What is nobody's is no hit in `state` any more. Returns whether the program
// may go on, as far as those hits are concerned, although it has come to rest.
asio::awaitable<bool> hub::judge_hits(target_state& state, std::string& error) {
    const auto generation = generation_;
    hits_.clear();
    // Where a step ends, dlv names a breakpoint that is there, whatever its condition says: of one place it knows one reason to stop
    // (pkg/proc/breakpoints.go, checkCondition).
    const bool step_ended = run_.steps && !state.next_in_progress;
    bool passes = !tracepoints_hit(state).empty();
    // One that only passes stands all the same while it is dealt with.
    if (passes) budget_.stands();
    if (breakpoints_.sites().empty()) co_return passes;

    std::vector<std::pair<std::int64_t, std::string>> erring;
    for (const auto& thread : state.threads) {
        const auto* site = thread.breakpoint ? breakpoints_.site(thread.breakpoint->id) : nullptr;
        if (!site) continue;
        std::map<std::string, evaluated> values;
        for (const auto& condition : breakpoints_.open_conditions(*site, step_ended || !error.empty())) {
            auto value = co_await evaluate_condition(thread.goroutine, condition);
            if (generation != generation_) co_return false;
            values[condition] = std::move(value);
        }
        site = breakpoints_.site(thread.breakpoint->id);
        if (!site) continue;
        const auto counted = step_ended ? std::optional(thread.breakpoint->hits) : std::nullopt;
        auto hit = breakpoints_.judge(*site, thread.goroutine, values, counted);
        for (auto& one : hit.erring) erring.push_back(std::move(one));
        passes = passes || hit.stop.empty();
        hits_[thread.id] = std::move(hit);
    }
    mark_hits(state);

    for (const auto& [wish, why] : erring) {
        error.clear();
        co_await switch_off(wish, "its condition could not be evaluated: " + why);
        if (generation != generation_) co_return false;
    }
    const auto threads = state.threads;
    for (const auto& thread : threads) {
        const auto hit = hits_.find(thread.id);
        if (hit == hits_.end()) continue;
        const auto traces = hit->second.trace;
        for (const auto id : traces) {
            co_await pass_trace(thread, id, state.text);
            if (generation != generation_) co_return false;
        }
    }
    std::set<std::int64_t> places;
    for (const auto& [thread, hit] : hits_) places.insert(hit.site);
    for (const auto id : places) {
        auto* site = breakpoints_.site(id);
        const auto costs = site ? breakpoints_.costliest(*site) : 0;
        // It stood since it came to rest, and before, until it ran again.
        const auto now = std::chrono::steady_clock::now();
        const auto stood = now - rested_at_ + (settled_at_ - resumed_at_);
        if (costs == 0 || !site->rate.hit(stood, now)) continue;
        site->rate.forget();
        co_await switch_off(costs, "it is hit too often: more than 100 times a second, or the program hardly runs for it");
        if (generation != generation_) co_return false;
    }
    co_return passes;
}

// What judge_hits() found, in a state that dlv was asked for once more.
void hub::mark_hits(target_state& state) const {
    const auto mark = [&](thread_state& thread) {
        const auto hit = hits_.find(thread.id);
        if (hit == hits_.end() || !thread.breakpoint || thread.breakpoint->id != hit->second.site) return;
        thread.breakpoint->tracepoint = hit->second.stop.empty();
        if (hit->second.stop.empty() && hit->second.trace.empty()) thread.breakpoint.reset();
    };
    for (auto& thread : state.threads) mark(thread);
    if (state.current_thread) mark(*state.current_thread);
}

// As at a breakpoint of dlv's own: a step that comes to one on its way is given up.
asio::awaitable<void> hub::end_step_at_hit(target_state& state) {
    if (run_.kind != run_kind::step || !state.next_in_progress) co_return;
    const auto ends = [&](const thread_state& thread) {
        const auto hit = hits_.find(thread.id);
        const auto* site = hit == hits_.end() || hit->second.stop.empty() ? nullptr : breakpoints_.site(hit->second.site);
        return site && thread.goroutine == run_.goroutine && !breakpoints_.dlv_judges(*site);
    };
    if (std::none_of(state.threads.begin(), state.threads.end(), ends)) co_return;
    const auto generation = generation_;
    co_await door("RPCServer.CancelNext", "{}");
    if (generation != generation_) co_return;
    rpc_outcome out;
    auto asked = co_await ask_state(out, true);
    if (generation != generation_ || !asked) co_return;
    state = std::move(*asked);
    mark_hits(state);
}

// dlv names its own breakpoints; people know theirs.
void hub::name_hits(stop_cause& cause) const {
    std::vector<std::int64_t> named;
    const auto add = [&](std::int64_t id) {
        if (std::find(named.begin(), named.end(), id) == named.end()) named.push_back(id);
    };
    for (const auto id : cause.hit_breakpoints) {
        const auto* site = breakpoints_.site(id);
        bool judged = false;
        for (const auto& [thread, hit] : hits_) {
            if (hit.site != id) continue;
            judged = true;
            for (const auto wish : hit.stop) add(wish);
        }
        if (judged) continue;
        if (!site) add(id);
        for (const auto wish : site ? site->wishes : std::vector<std::int64_t>{})
            if (const auto* w = breakpoints_.find(wish); w && w->active()) add(wish);
    }
    cause.hit_breakpoints = std::move(named);
}

bool hub::only_pins_stopped_it() const {
    const auto& hit = stop_.cause.hit_breakpoints;
    return !hit.empty() && std::all_of(hit.begin(), hit.end(), [&](auto id) {
        const auto* w = breakpoints_.find(id);
        return w && w->pinned && !w->owner;
    });
}

// Where a wish passes, its owner is told, if they are here, and so is whoever follows them. With nobody to tell nothing is asked.
asio::awaitable<void> hub::pass_trace(const thread_state& thread, std::int64_t wish, const std::string& state) {
    const auto* w = breakpoints_.find(wish);
    if (!w) co_return;
    const auto copy = *w;  // the board may change while the message is worked out
    auto* owner = copy.owner && find(*copy.owner) ? copy.owner : nullptr;
    const auto followers = roster_->followers(copy);
    if (copy.group == "rpc") {
        for (auto* v : followers) v->on_log("came by line " + std::to_string(copy.line), thread.goroutine, copy);
        // Its client prints the values from the state and sends continue again, which joins the run.
        std::vector<waiter> due;
        std::erase_if(waiters_, [&](auto& one) {
            if (!owner || one.v != owner) return false;
            due.push_back(std::move(one));
            return true;
        });
        for (auto& one : due) one.end({.error = {}, .state = state, .stop = nullptr});
        co_return;
    }
    // In the window of the first who has one.
    auto looking = followers;
    if (owner) looking.insert(looking.begin(), owner);
    std::optional<std::string> text;
    for (auto* v : looking) {
        if (!find(*v)) continue;
        text = co_await v->log_text(thread, copy);
        if (text) break;
    }
    if (!text) co_return;
    if (owner && find(*owner)) owner->on_log(*text, thread.goroutine, copy);
    for (auto* v : roster_->followers(copy)) v->on_log(*text, thread.goroutine, copy);
}

asio::awaitable<void> hub::switch_off(std::int64_t wish, std::string why) {
    const auto* w = breakpoints_.find(wish);
    if (!w) co_return;
    const auto sites = w->sites;
    const auto generation = generation_;
    for (const auto at : sites) co_await settle_site(at);
    auto* now = breakpoints_.find(wish);
    if (generation != generation_ || !now) co_return;
    now->off_because = why;
    component_log(name_).warn("breakpoint {} of {} at {}:{} is switched off: {}", wish, protocol::printable(now->user),
               protocol::printable(now->file), now->line, protocol::printable(why));
    auto* owner = now->owner;
    for (const auto at : sites) co_await apply_site(at);
    if (generation != generation_) co_return;
    if (owner && find(*owner)) owner->lost_breakpoint(wish, "switched off: " + why);
    if (door_) co_await note_breakpoints(*door_);
}

// --- panics -----------------------------------------------------------------------------------------------------

void hub::want_exceptions(const viewer& v, std::set<std::string> names) { exceptions_.want(&v, std::move(names)); }

std::set<std::string> hub::exceptions_of(const viewer& v) const {
    const auto* names = exceptions_.of(&v);
    return names ? *names : std::set<std::string>{};
}

// Delve ≥ 1.26 offers its two internal breakpoints as exception filters. By JSON-RPC they cannot be amended: it does not
// take the names that they have.
asio::awaitable<void> hub::keep_exceptions() {
    if (!exceptions_offered_ || !keeper_ || !exceptions_.take_changed()) co_return;
    json::array filters;
    for (const char* name : exception_wishes::both)
        if (exceptions_.wanted(name)) filters.emplace_back(name);
    json arguments = json::object{};
    arguments.set("filters", std::move(filters));
    const auto generation = generation_;
    const auto out = co_await request(*keeper_, "setExceptionBreakpoints", arguments);
    if (generation == generation_ && !out.success)
        component_log(name_).warn("where it stops at panics cannot be changed: {}", protocol::printable(out.error));
    if (generation == generation_ && door_) co_await note_breakpoints(*door_);
}

// --- who leaves -------------------------------------------------------------------------------------------------

void hub::schedule_grace() {
    const auto next = breakpoints_.next_leaver();
    if (!next) {
        grace_timer_.cancel();
        return;
    }
    grace_timer_.expires_at(*next + settings_.breakpoint_grace);
    grace_timer_.async_wait([this](error_code ec) {
        if (ec) return;
        change(
            nullptr,
            [this]() -> asio::awaitable<void> {
                const auto overdue = breakpoints_.overdue(std::chrono::steady_clock::now() - settings_.breakpoint_grace);
                for (const auto id : overdue) co_await clear_breakpoint(id);
                schedule_grace();
            },
            [](const std::string&) {}, true);
    });
}

void hub::pin_breakpoint(std::int64_t id, bool stays) {
    auto* w = breakpoints_.find(id);
    if (!w) return;
    w->pinned = stays;
    schedule_grace();
    remember();
}

// dlv drops a watchpoint when the function whose variable it watches returns.
asio::awaitable<void> hub::drop_ended_watches() {
    const auto generation = generation_;
    if (door_) co_await note_breakpoints(*door_);
    if (generation != generation_) co_return;
    const auto list = protocol::parse_json(breakpoint_list_, {.max_depth = 512, .fold_keys = false});
    if (!list) co_return;
    std::set<std::int64_t> there;
    for (const auto& b : breakpoints_in(*list)) there.insert(b.get_int("id"));
    std::vector<std::int64_t> gone;
    for (const auto& [id, site] : breakpoints_.sites())
        if (site.watches && !there.contains(id)) gone.push_back(id);
    for (const auto id : gone) forget_site(id, "gone: what it watched is out of scope");
}

// After a restart: what dlv has not set again is set again, in the same program at the same addresses; what it watched has
// gone with the old process. In another build (`rebuilt`) addresses mean nothing: what dlv could not find by itself has no place.
asio::awaitable<void> hub::set_breakpoints_again(std::map<std::int64_t, std::string>& lost, bool rebuilt) {
    const auto generation = generation_;
    breakpoints_.forget_hits();
    exceptions_.forgotten();
    const auto all = co_await door("RPCServer.ListBreakpoints", "{\"All\":false}");
    const auto reply = all.ok() ? protocol::parse_json(all.result, {.max_depth = 512, .fold_keys = false})
                                : protocol::result<json>(protocol::errc::bad_reply);
    if (!reply || generation != generation_) co_return;
    std::map<std::int64_t, bool> there;  // and whether it has a place
    const auto reason = [&](std::int64_t id) {
        const auto said = lost.find(id);
        return std::string("gone: it could not be set again after the restart") + (said == lost.end() ? "" : ": " + said->second);
    };
    for (const auto& b : breakpoints_in(*reply)) {
        const auto* addresses = b.find("addrs");
        const auto* list = addresses ? addresses->if_array() : nullptr;
        there[b.get_int("id")] = (list && !list->empty()) || b.get_bool("disabled");
        if (auto* site = breakpoints_.site(b.get_int("id")); site && list && !list->empty()) site->addresses = site_in(b).addresses;
    }
    std::vector<std::int64_t> missing;
    for (const auto& [id, site] : breakpoints_.sites())
        if (const auto found = there.find(id); found == there.end() || !found->second || site.watches) missing.push_back(id);
    for (const auto id : missing) {
        const auto* site = breakpoints_.site(id);
        if (!site) continue;
        if (there.contains(id)) co_await door("RPCServer.ClearBreakpoint", "{\"Id\":" + std::to_string(id) + "}");
        if (generation != generation_) co_return;
        if (site->watches) {
            forget_site(id, "what it watched has gone with the process that was restarted");
            continue;
        }
        if (rebuilt) {
            forget_site(id, reason(id));
            continue;
        }
        auto settings = breakpoints_.settings(*site);
        const auto addresses = site->addresses;
        auto again = co_await create_at(addresses, settings);
        if (generation != generation_) co_return;
        if (again.id == 0) {
            forget_site(id, reason(id));
            continue;
        }
        const auto now = again.id;
        std::vector<breakpoint_site> by;
        by.push_back(std::move(again));
        breakpoints_.replace(id, std::move(by));
        lost.erase(id);
        co_await apply_site(now);
        if (generation != generation_) co_return;
    }
    for (const auto& [id, flag] : there)
        if (breakpoints_.site(id)) co_await apply_site(id);
    if (generation == generation_ && door_) co_await note_breakpoints(*door_);
}

}  // namespace gateway
