#include "gateway/hub_budget.h"

#include <algorithm>

#include "gateway/component_log.h"
#include "gateway/config.h"
#include "gateway/hub.h"
#include "gateway/hub_looks.h"
#include "protocol/printable.h"

namespace gateway {

using protocol::json;
using mark = budget_clock::mark;

namespace {

constexpr std::string_view all_breakpoints = "{\"All\":false}";

// To a tenth of a second: what people read.
std::string seconds(budget_clock::duration time) {
    const auto tenths = (time.count() + 50) / 100;
    std::string text = std::to_string(tenths / 10);
    if (tenths % 10 != 0) text += "." + std::to_string(tenths % 10);
    return text + " s";
}

// Each of a ListBreakpoints reply that is a person's: Delve's own have ids below 1.
std::vector<json> listed(const rpc_outcome& out) {
    std::vector<json> all;
    if (!out.ok()) return all;
    const auto parsed = protocol::parse_json(out.result, {.max_depth = 512, .fold_keys = false});
    if (!parsed) return all;
    if (const auto* list = parsed->find("Breakpoints"); list && list->if_array())
        for (const auto& one : *list->if_array())
            if (one.get_int("id") > 0) all.push_back(one);
    return all;
}

std::string amendment(json breakpoint, bool disabled) {
    breakpoint.set("disabled", disabled);
    return protocol::to_text(json(json::object{{"Breakpoint", std::move(breakpoint)}}));
}

}  // namespace

hub_budget::hub_budget(hub& of) : hub_(of), timer_(of.context_) {}

void hub_budget::change(stop_budget budget) {
    if (budget == clock_.budget()) return;
    clock_.change(budget);
    if (!budget.any()) {
        clock_.forget();
        if (off_) switch_on();
    } else if (hub_.phase_ == phase::stopped) {
        return stands();
    }
    look();
}

void hub_budget::stands() {
    // At its entry it has not begun what it is for.
    if (!clock_.budget().any() || (hub_.phase_ == phase::stopped && hub_.stop_.entry)) return;
    look();  // a duty that was done before this stop
    clock_.stands(clock::now());
    look();
}

void hub_budget::runs() {
    clock_.runs(clock::now());
    arm();
}

void hub_budget::forget() {
    clock_.forget();
    timer_.cancel();
    all_.off = off_for();
    off_ = forcing_ = false;
    switched_off_.clear();
}

bool hub_budget::hold(clock::time_point until) {
    if (off_) return false;
    clock_.hold(clock::now(), until);
    arm();
    return true;
}

std::chrono::milliseconds hub_budget::off_for() const {
    return all_.off + (off_ ? std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - off_since_) : std::chrono::milliseconds(0));
}

// What people missed while it did its duty: hits of a breakpoint that is off nobody counts.
std::string hub_budget::skipped_words() const {
    const auto count = [](std::uint64_t n, std::string_view what) {
        return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s");
    };
    const auto time = std::chrono::duration_cast<budget_clock::duration>(clock::now() - off_since_);
    return count(were_off_.size(), "breakpoint") + " had no effect for " + seconds(time) + ", " + count(skipped_.resumes, "stop") +
           (skipped_.resumes == 1 ? " was" : " were") + " cut short, " + count(skipped_.halts, "halt") +
           (skipped_.halts == 1 ? " was" : " were") + " refused";
}

void hub_budget::arm() {
    const auto next = clock_.next();
    if (!next) {
        timer_.cancel();
        return;
    }
    timer_.expires_at(*next);
    timer_.async_wait([this](const error_code& ec) {
        if (!ec) look();
    });
}

void hub_budget::look() {
    switch (const auto due = clock_.due(clock::now())) {
        case mark::none: break;
        case mark::disturb:
        case mark::half:
        case mark::most: warn(due); break;
        case mark::used_up: force(); break;
        case mark::duty_done:
            if (off_) switch_on();
            break;
    }
    arm();
}

void hub_budget::tell(const std::string& what, bool everybody) {
    component_log(hub_.name_).warn("{}", protocol::printable(what));
    if (everybody) hub_.output("important", "delvegate: " + hub_.name_ + ": " + what + "\n");
    if (on_event) on_event(what);
}

void hub_budget::warn(mark due) {
    const auto now = clock::now();
    const auto& terms = clock_.budget();
    std::string text = "kept from its duty for " + seconds(clock_.used(now)) + " of " + seconds(terms.damage);
    if (due == mark::disturb || (terms.disturb.count() > 0 && clock_.used(now) >= terms.disturb))
        text += ", and others notice by now";
    tell(text + "; in " + seconds(clock_.left(now)) + " its breakpoints are switched off and it goes on");
}

std::string hub_budget::refusal() const {
    const auto left = clock_.until_duty(clock::now()).value_or(clock_.budget().whole_duty());
    return "the stop budget of " + hub_.name_ + " is used up; it can be stopped again when it has run for another " +
           seconds(left);
}

json hub_budget::describe() const {
    const auto& terms = clock_.budget();
    if (!terms.any()) return {};
    return json::object{{"damage", format_duration(terms.damage)},
                        {"duty", format_duration(terms.whole_duty())},
                        {"used", format_duration(clock_.used(clock::now()))},
                        {"counts", clock_.counting()},
                        {"breakpointsOff", off_},
                        {"forcedResumes", all_.resumes},
                        {"haltsRefused", all_.halts},
                        {"breakpointsOffFor", format_duration(off_for())}};
}

// --- off, and on again ----------------------------------------------------------------------------------------

void hub_budget::force() {
    if (forcing_ || !hub_.door_) return;
    ++skipped_.resumes;
    ++all_.resumes;
    if (!off_) {
        skipped_ = {.resumes = 1};
        were_off_.clear();
        off_since_ = clock::now();
        tell("the stop budget of " + seconds(clock_.budget().damage) + " is used up: its breakpoints are switched off and it goes on; "
             "they come on again when it has run for " + seconds(clock_.budget().whole_duty()));
    }
    off_ = true;
    if (hub_.phase_ == phase::running && !hub_.run_.through_door) {
        // A call that somebody makes in the program: it is halted, and that stop comes here again.
        hub_.run_.halted_by_hub = true;
        if (hub_.motion_ == hub::motion::free) hub_.send_halt();
        return;
    }
    forcing_ = true;
    hub_.jobs_.push_front({nullptr, hub::job::when::running_too, [this] { return forced(); }, [](const std::string&) {}, nullptr});
    hub_.pump();
}

boost::asio::awaitable<void> hub_budget::forced() {
    const auto generation = hub_.generation_;
    co_await switch_off();
    if (generation != hub_.generation_) co_return;
    if (hub_.phase_ == phase::stopped && hub_.stop_.state.next_in_progress) {
        // Somebody's step would stop it again where it ends.
        co_await hub_.door("RPCServer.CancelNext", "{}");
        if (generation != hub_.generation_) co_return;
    }
    forcing_ = false;
    // No co_await of an expression that makes an aggregate: GCC 12 destroys it twice.
    const auto run_again = [this] {
        return hub_.start_run(nullptr, "delvegate", {.command = "continue", .arguments = json::object{}, .goroutine = {}}, hub_.stops_, {});
    };
    if (hub_.phase_ == phase::stopped) co_await run_again();
}

boost::asio::awaitable<void> hub_budget::keep_off() {
    if (off_) co_await switch_off();
}

boost::asio::awaitable<void> hub_budget::switch_off() {
    const auto generation = hub_.generation_;
    const auto all = listed(co_await hub_.door("RPCServer.ListBreakpoints", std::string(all_breakpoints)));
    if (generation != hub_.generation_) co_return;
    for (const auto& one : all) {
        if (one.get_bool("disabled")) continue;
        const auto id = one.get_int("id");
        const auto out = co_await hub_.door("RPCServer.AmendBreakpoint", amendment(one, true));
        if (generation != hub_.generation_ || out.lost) co_return;
        if (out.ok()) {
            switched_off_.insert(id);
            were_off_.insert(id);
            continue;
        }
        // What cannot be switched off goes: it would stop the program again.
        component_log(hub_.name_).warn("breakpoint {} cannot be switched off and is cleared: {}", id, protocol::printable(out.error));
        co_await hub_.clear_site(id);
        if (generation != hub_.generation_) co_return;
    }
    if (hub_.door_) co_await hub_.note_breakpoints(*hub_.door_);
}

void hub_budget::switch_on() {
    all_.off = off_for();
    off_ = false;
    auto which = std::exchange(switched_off_, {});
    tell("it has done its duty; its breakpoints are on again (meanwhile " + skipped_words() + ")");
    if (which.empty()) return;
    hub_.change(nullptr, [this, which] { return put_back_on(which); }, [](const std::string&) {});
}

boost::asio::awaitable<void> hub_budget::put_back_on(std::set<std::int64_t> which) {
    const auto generation = hub_.generation_;
    const auto all = listed(co_await hub_.door("RPCServer.ListBreakpoints", std::string(all_breakpoints)));
    for (const auto& one : all) {
        if (generation != hub_.generation_ || off_) co_return;
        const auto id = one.get_int("id");
        if (!one.get_bool("disabled") || !which.contains(id)) continue;
        // Meanwhile everybody has switched theirs off.
        if (const auto* site = hub_.breakpoints_.site(id); site && hub_.breakpoints_.settings(*site).get_bool("disabled")) continue;
        const auto out = co_await hub_.door("RPCServer.AmendBreakpoint", amendment(one, false));
        if (out.ok() || out.lost) continue;
        tell("breakpoint " + std::to_string(id) + " could not be switched on again: " + out.error);
    }
}

}  // namespace gateway
