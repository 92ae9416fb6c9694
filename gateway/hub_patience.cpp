// How long others wait for what somebody runs, and how it ends then: in words, as a stop for everybody.
//
// Code that is called in the program holds the hub, and the window of whoever calls it, so it has a limit. A step is not
// halted for somebody's breakpoints: dlv that changes them and goes on with the step can crash the program (measured on
// 1.27.1), so they wait for its end, and where it is long in coming the step is given up before anything changes.
#include <algorithm>

#include "gateway/component_log.h"
#include "gateway/config.h"
#include "gateway/hub.h"
#include "gateway/hub_looks.h"
#include "protocol/printable.h"

namespace gateway {

namespace {

constexpr auto patience = std::chrono::seconds(1);

// Of the jobs that are done while the program runs, too, the first that a step is given up for.
template <class Jobs>
const typename Jobs::value_type* first_urgent(const Jobs& jobs) {
    using job = typename Jobs::value_type;
    const auto found = std::find_if(jobs.begin(), jobs.end(), [](const job& j) { return j.allowed == job::when::running_too && !j.patient; });
    return found == jobs.end() ? nullptr : &*found;
}

}  // namespace

void hub::limit_call() {
    limit_timer_.expires_after(settings_.call_time);
    limit_timer_.async_wait([this, generation = generation_, number = stops_](error_code ec) {
        if (ec || generation != generation_ || number != stops_ || phase_ != phase::running) return;
        if (run_.kind != run_kind::call || run_.halted_by_person) return;
        run_.halted_by_person = true;
        run_.halted_by = run_.by;
        run_.why = "the call by " + run_.by + " was halted after " + format_duration(settings_.call_time) +
                   ", for which it may run (limits.callTime); where the program stands now, continue goes on with it";
        component_log(name_).warn("{}", protocol::printable(run_.why));
        if (motion_ == motion::free) send_halt();
        else if (motion_ == motion::held) pump();
    });
}

// Whether what waits to be done while the program runs waits for the end of a step that is under way.
bool hub::awaits_step() {
    if (!run_.steps || run_.gives_up || run_.halted_by_person) return false;
    if (run_.patience_runs || !first_urgent(jobs_)) return true;
    run_.patience_runs = true;
    limit_timer_.expires_after(patience);
    limit_timer_.async_wait([this, generation = generation_, number = stops_](error_code ec) {
        if (!ec && generation == generation_ && number == stops_ && phase_ == phase::running) lose_patience();
    });
    return true;
}

void hub::lose_patience() {
    run_.patience_runs = false;
    const auto* first = first_urgent(jobs_);
    if (!first) return;  // nobody waits for it any more
    run_.gives_up = true;
    run_.why = "the step of " + run_.by + " was given up, because " + (first->v ? first->v->who().who.user : "delvegate") +
               " changes breakpoints and it lasts longer than " + format_duration(patience);
    pump();
}

asio::awaitable<void> hub::give_up_step(target_state& state) {
    const auto generation = generation_;
    co_await door("RPCServer.CancelNext", "{}");
    if (generation != generation_) co_return;
    rpc_outcome out;
    auto asked = co_await ask_state(out, true);
    if (generation != generation_) co_return;
    if (asked) state = std::move(*asked);
    mark_hits(state);
}

void hub::values_changed(const viewer& by) {
    tell_all([&](viewer& v) {
        if (&v != &by) v.on_values_changed();
    });
}

}  // namespace gateway
