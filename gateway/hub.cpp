// Who is here, what they may do now, and in which order: the hub's queues. Runs are in hub_runs.cpp,
// dlv's coming and going in hub_attach.cpp.
#include "gateway/hub.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

#include "gateway/breakpoint_list.h"
#include "gateway/dap_windows.h"
#include "gateway/hub_looks.h"
#include "gateway/hub_roster.h"
#include "gateway/utc.h"

namespace gateway {

using protocol::json;

std::string_view to_string(phase p) {
    switch (p) {
        case phase::down: return "unavailable";
        case phase::starting: return "starting";
        case phase::stopped: return "stopped";
        case phase::running: return "running";
        case phase::exited: return "exited";
    }
    return "unavailable";
}

hub::hub(asio::io_context& context, std::string name, hub_settings settings)
    : context_(context),
      name_(std::move(name)),
      settings_(settings),
      turns_(context, [this](auto since) { return others_wait(since); }),
      halt_timer_(context),
      grace_timer_(context),
      limit_timer_(context),
      baton_(*this, settings_.baton, context),
      roster_(std::make_unique<hub_roster>(*this, settings_.output_kept)) {
    windows_ = std::make_unique<dap_windows>(*this);
}

hub::~hub() = default;

hub::entry* hub::find(const viewer& v) {
    auto found = std::find_if(viewers_.begin(), viewers_.end(), [&](auto& e) { return e.v == &v; });
    return found == viewers_.end() ? nullptr : &*found;
}

const hub::entry* hub::find(const viewer& v) const { return const_cast<hub*>(this)->find(v); }

void hub::join(viewer& v) {
    viewers_.push_back({&v, 0, 0, std::chrono::system_clock::now(), 0});
    if (v.who().again && found_ == stops_ && knew_.contains(person_key(v.who().who))) viewers_.back().knows = found_;
    breakpoints_.adopt(&v, v.who().who.user, v.speaks_dap());
    remember();
    // Delve's own client knows no other way: it stops at every panic.
    if (!v.speaks_dap()) want_exceptions(v, {std::begin(exception_wishes::both), std::end(exception_wishes::both)});
}

void hub::leave(viewer& v) {
    viewers_.remove_if([&](auto& e) { return e.v == &v; });
    std::erase_if(waiters_, [&](auto& w) { return w.v == &v; });
    std::erase_if(early_halts_, [&](auto& w) { return w.v == &v; });
    desk_.take(&v);
    answers_.take(v);
    turns_.forget(v);
    drop_queued([&](const auto& q) { return q.v == &v; });
    // A run or a breakpoint that was asked for is still done: `dlv connect`'s last request before it
    // closes is a continue (Delve service/rpc2/client.go, Disconnect). Only nobody is told.
    for (auto& j : jobs_)
        if (j.v == &v) j.v = nullptr;
    if (run_.runner == &v) run_.runner = nullptr;
    breakpoints_.abandon(&v, std::chrono::steady_clock::now() + (ending_ ? time_to_come_back() : std::chrono::milliseconds(0)));
    exceptions_.forget(&v);
    schedule_grace();
    baton_.left(person_of(v.who().who));
    roster_->went(v);
    remember();
    pump();
}

std::chrono::system_clock::time_point hub::since(const viewer& v) const {
    const auto* e = find(v);
    return e ? e->since : std::chrono::system_clock::time_point{};
}

void hub::withdraw(viewer& v, const std::string& reason, bool all) {
    turns_.hurry(v);
    std::vector<std::function<void()>> told;
    const auto take = [&](auto& from, auto tell) {
        for (auto at = from.begin(); at != from.end();) {
            if (at->v != &v) {
                ++at;
                continue;
            }
            told.push_back([one = std::make_shared<std::decay_t<decltype(*at)>>(std::move(*at)), tell] { tell(*one); });
            at = from.erase(at);
        }
    };
    const auto end = [reason](waiter& w) { w.end({.error = reason, .state = {}, .stop = nullptr}); };
    take(jobs_, [reason](job& j) { j.refused(reason); });
    take(early_halts_, end);
    for (auto& r : desk_.take(&v)) told.push_back([refused = std::move(r.refused), reason] { refused(reason); });
    for (auto& w : answers_.take(v)) told.push_back([refused = std::move(w.refused), reason] { refused(reason); });
    if (all) take(waiters_, end);
    drop_queued([&](const auto& q) {
        if (q.v != &v) return false;
        told.push_back([sink = q.sink, reason] { sink->broken(reason); });
        return true;
    });
    for (auto& one : told) one();
    pump();
    halt_early_ones();
}

std::vector<const viewer*> hub::viewers() const {
    std::vector<const viewer*> all;
    for (auto& e : viewers_) all.push_back(e.v);
    return all;
}

void hub::notice(const std::string& text, const std::function<bool(const viewer&)>& whom) {
    tell_all([&](viewer& v) {
        if (whom(v)) v.on_notice(text);
    });
}

void hub::tell_all(const std::function<void(viewer&)>& what) {
    for (auto* v : everybody())
        if (find(*v)) what(*v);
}

std::string hub::not_your_turn(const viewer& v) const {
    if (phase_ != phase::stopped || run_pending()) return {};
    return baton_.refusal(person_of(v.who().who));
}

bool hub::told(const viewer& v) const {
    auto* e = find(v);
    return e && e->told == stops_ && v.heard() >= e->told_by;
}

bool hub::may_mean_another_stop(const viewer& v) const {
    const auto* e = find(v);
    if (!e || told(v)) return false;
    return e->told > 0 || (v.who().again && e->knows != stops_);
}

std::string hub::exit_error() const {
    return "Process " + std::to_string(pid_) + " has exited with status " + std::to_string(exit_status_);
}

std::string hub::running_words() const {
    auto who = run_.by.empty() ? std::string("the program runs") : run_.by + " runs the program";
    return who + " since " + utc_time(run_.since) + "; pause it first";
}

std::string hub::moved_words() const {
    const auto at = stop_.state.position();
    return std::string("the program ") + (stop_.entry ? "was restarted" : "has moved") + " since you were told: it stands" +
           (at.empty() ? "" : " at " + at) + " since " +
           utc_time(stop_.since) + (stop_.by.empty() ? "" : ", for " + stop_.by) + "; look again before you do this";
}

std::string hub::gone_reason() const {
    if (phase_ == phase::exited) return exit_error();
    if (phase_ == phase::running) return running_words();
    return down_reason_;
}

const std::string* hub::fixed_reply(std::string_view method) const {
    auto found = fixed_.find(method);
    return found == fixed_.end() ? nullptr : &found->second;
}

json hub::describe() const {
    json out = json::object{};
    out.set("state", to_string(phase_));
    if (!dlv_version_.empty()) out.set("dlvVersion", dlv_version_);
    if (pid_) out.set("pid", pid_);
    if (phase_ == phase::stopped) {
        out.set("since", utc_time(stop_.since));
        out.set("reason", stop_.cause.reason);
        if (auto at = stop_.state.position(); !at.empty()) out.set("position", at);
        if (!stop_.by.empty()) out.set("by", stop_.by);
    }
    if (phase_ == phase::running) {
        out.set("since", utc_time(run_.since));
        if (!run_.by.empty()) out.set("by", run_.by);
    }
    if (phase_ == phase::exited) out.set("exitStatus", exit_status_);
    if (phase_ == phase::down) out.set("reason", down_reason_);
    json::array people;
    for (auto& e : viewers_) {
        json person = json::object{};
        person.set("user", e.v->who().who.user);
        person.set("address", e.v->who().address);
        person.set("protocol", e.v->speaks_dap() ? "DAP" : "JSON-RPC");
        person.set("ide", e.v->ide());
        person.set("role", e.v->role());
        person.set("since", utc_time(e.since));
        people.push_back(std::move(person));
    }
    out.set("viewers", std::move(people));
    out.set("breakpoints", static_cast<std::uint64_t>(breakpoints_.size()));
    if (auto budget = budget_.describe(); !budget.is_null()) out.set("stopBudget", std::move(budget));
    out.set("runControl", baton_.describe());
    if (phase_ == phase::stopped) out.set("stop", park_.name());
    if (auto parked = park_.describe(); !parked.is_null()) out.set("park", std::move(parked));
    return out;
}

// --- the order of things ----------------------------------------------------------------------------

void hub::change(viewer* v, work w, refusal refused, bool patient) {
    if (phase_ == phase::down || phase_ == phase::starting) return refused(gone_reason());
    if (v && v->may_run()) baton_.seen(person_of(v->who().who));
    auto then_note = [this, w = std::move(w)]() -> asio::awaitable<void> {
        auto generation = generation_;
        // Of what an earlier gateway knew nothing is done before dlv has said whether it is there.
        if (door_ && breakpoint_list_ == no_breakpoints_known) co_await note_breakpoints(*door_);
        if (generation == generation_) co_await w();
        if (generation == generation_ && door_) co_await keep_exceptions();
        if (generation == generation_) co_await budget_.keep_off();
        if (door_) co_await note_breakpoints(*door_);
    };
    jobs_.push_back({v, job::when::running_too, std::move(then_note), std::move(refused), nullptr, patient});
    pump();
}

void hub::alone(viewer& v, work w, refusal refused, bool drives) {
    if (phase_ != phase::stopped) return refused(gone_reason());
    if (drives) {
        if (auto why = not_here_and_now(v); !why.empty()) return refused(why);
        jobs_.push_back(driven(v, std::move(w), std::move(refused)));
    } else {
        jobs_.push_back(at_this_stop(v, std::move(w), std::move(refused)));
    }
    pump();
}

void hub::at_rest(work w, refusal refused) {
    if (phase_ != phase::stopped) return refused(gone_reason());
    jobs_.push_back({nullptr, job::when::stopped, std::move(w), std::move(refused), nullptr});
    pump();
}

// Why somebody may not change now what the target does next.
std::string hub::not_here_and_now(const viewer& v) {
    if (may_mean_another_stop(v) && !alone_at_entry()) {
        catch_up(v);
        return moved_words();
    }
    return turn_refusal(v);
}

std::string hub::baton_refused(std::string why) {
    if (!why.empty()) ++measures_.baton_refusals;
    return why;
}

// Work that means the stop at which it was asked for.
hub::job hub::at_this_stop(viewer& v, work w, refusal refused) {
    const auto ended = std::make_shared<refusal>(std::move(refused));
    auto body = [this, number = stops_, w = std::move(w), ended]() -> asio::awaitable<void> {
        if (number != stops_) {
            (*ended)(moved_words());
            co_return;
        }
        co_await w();
    };
    return {&v, job::when::stopped, std::move(body), [ended](std::string why) { (*ended)(std::move(why)); }, nullptr};
}

// Work for which one must have the baton: it may have gone to somebody else while the work waited.
hub::job hub::driven(viewer& v, work w, refusal refused) {
    const auto ended = std::make_shared<refusal>(std::move(refused));
    auto body = [this, v = &v, who = person_of(v.who().who), w = std::move(w), ended]() -> asio::awaitable<void> {
        if (auto why = baton_refused(baton_.refusal(who)); !why.empty()) {
            (*ended)(std::move(why));
            co_return;
        }
        if (find(*v)) baton_.runs(who, false);
        co_await w();
    };
    return at_this_stop(v, std::move(body), [ended](std::string why) { (*ended)(std::move(why)); });
}

// Starts what can start now. Called after everything that changes what can.
void hub::pump() {
    if (job_active_ || !door_) return;
    refuse_jobs_unfit();
    if (job_active_) return;
    auto fits = [&](const job& j) {
        if (phase_ == phase::exited) return j.allowed != job::when::stopped;
        return motion_ == motion::still || j.allowed == job::when::running_too;
    };
    auto next = std::find_if(jobs_.begin(), jobs_.end(), fits);
    switch (motion_) {
        case motion::still:
            if (next == jobs_.end()) return release_looks();
            // What looks at the target must be done before it moves: an answer begun before a resume
            // would come after the next stop and mix the two.
            if (desk_.in_flight() > 0) return hurry_looks();
            break;
        case motion::held:
            if (next != jobs_.end() && !run_.steps) break;
            if (!run_.halted_by_person) return resume("{\"name\":\"directionCongruentContinue\"}");
            // It stands already, for the hub's own work: that is the stop a person asked for.
            motion_ = motion::concluding;
            asio::co_spawn(context_, conclude(), asio::detached);
            return;
        case motion::free:
            if (next != jobs_.end() && run_.through_door && !awaits_step()) {
                run_.halted_by_hub = true;
                send_halt();
            }
            return;
        case motion::resuming:
        case motion::halting:
        case motion::concluding:
            return;
    }
    auto j = std::move(*next);
    jobs_.erase(next);
    start_job(std::move(j));
}

// Of the waiting jobs, those that cannot be done in the phase the target is in now.
void hub::refuse_jobs_unfit() {
    if (phase_ == phase::stopped) return;
    std::vector<job> unfit;
    std::erase_if(jobs_, [&](job& j) {
        bool fits = j.allowed == job::when::running_too ||
                    (phase_ == phase::exited && j.allowed == job::when::exited_too);
        if (!fits) unfit.push_back(std::move(j));
        return !fits;
    });
    for (auto& j : unfit) {
        if (phase_ == phase::running && j.joins)
            j.joins();
        else
            j.refused(gone_reason());
    }
    if (!unfit.empty()) halt_early_ones();
}

// Whether somebody's run has been asked for and has not begun yet.
bool hub::run_pending() const {
    return run_starting_ || std::any_of(jobs_.begin(), jobs_.end(), [](auto& j) { return j.joins != nullptr; });
}

void hub::halt_early_ones() {
    if (run_pending() || early_halts_.empty()) return;
    auto early = std::exchange(early_halts_, {});
    for (auto& e : early)
        if (find(*e.v)) halt(*e.v, std::move(e.end));
}

void hub::start_job(job j) {
    answers_.clear();
    job_active_ = true;
    run_starting_ = j.joins != nullptr;
    asio::co_spawn(context_, run_job(std::move(j)), asio::detached);
}

asio::awaitable<void> hub::run_job(job j) {
    auto generation = generation_;
    co_await j.w();
    if (generation != generation_) co_return;  // dlv went away meanwhile; detach() has tidied up
    job_active_ = run_starting_ = false;
    ++jobs_done_;
    answers_.clear();
    pump();
    halt_early_ones();
}

// --- what depends on the image only -------------------------------------------------------------------

const std::string* hub::cached(std::string_view method, std::string_view params) const {
    auto found = image_.find(std::string(method) + " " + std::string(params));
    return found == image_.end() ? nullptr : &found->second;
}

void hub::cache(std::string_view method, std::string_view params, std::string reply) {
    auto key = std::string(method) + " " + std::string(params);
    if (image_.contains(key) || image_bytes_ + reply.size() + key.size() > settings_.image_cache) return;
    image_bytes_ += reply.size() + key.size();
    image_.emplace(std::move(key), std::move(reply));
}

void hub::output(std::string_view category, std::string_view text) {
    if (category != "important") roster_->output().add(text);
    tell_all([&](viewer& v) { v.on_output(category, text); });
}

}  // namespace gateway
