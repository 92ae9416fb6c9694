// What the hub remembers of itself beyond the gateway's end (session_memory.h), and what a new gateway makes of that.
#include <algorithm>
#include <set>
#include <string>

#include "gateway/breakpoint_list.h"
#include "gateway/breakpoint_replies.h"
#include "gateway/component_log.h"
#include "gateway/hub.h"
#include "gateway/hub_looks.h"
#include "gateway/hub_roster.h"
#include "storage/sha256.h"

namespace gateway {

namespace {

// The same for the same stop, also when another gateway asks for it.
std::string mark_of(const target_state& state) {
    std::set<std::string> threads;  // dlv has no order for them
    for (const auto& t : state.threads) {
        auto one = " " + std::to_string(t.id) + ":" + std::to_string(t.goroutine) + ":" + std::to_string(t.pc);
        if (t.breakpoint) one += ":" + std::to_string(t.breakpoint->id) + ":" + std::to_string(t.breakpoint->hits);
        threads.insert(std::move(one));
    }
    std::string all = std::to_string(state.pid) + " " + std::to_string(state.goroutine());
    for (const auto& one : threads) all += one;
    return storage::sha256_hex(all);
}

}  // namespace

// Whose connection ended with the earlier gateway may come back for as long as a broken link is kept; others had left before.
void hub::remember_in(session_memory& memory) {
    memory_ = &memory;
    past_ = memory.recall();
    program_ = past_.pid;
    if (past_.wishes.empty() && !past_.setting && !past_.baton) return;
    const auto now = std::chrono::steady_clock::now();
    // Everybody's time is breakpoint_grace from when they left.
    const auto longer = time_to_come_back();
    for (auto& w : past_.wishes) {
        const bool was_here = std::find(past_.was_here.begin(), past_.was_here.end(), w.id) != past_.was_here.end();
        w.left_at = was_here ? now + longer : now;
    }
    if (past_.setting) past_.setting->left_at = now + longer;
    if (past_.baton) baton_.recall(past_.baton->first, past_.baton->second);
    breakpoints_.recall(std::exchange(past_.wishes, {}), std::exchange(past_.sites, {}));
    roster_->recalled();
    component_log(name_).info("{} breakpoints of an earlier gateway are remembered", breakpoints_.size());
}

void hub::remember() {
    roster_->breakpoints_changed();
    if (memory_) memory_->keep(breakpoints_, program_, past_.setting, ending_);
}

void hub::remember_baton() {
    if (memory_ && !ending_) memory_->keep_baton(baton_.holder_since());
}

// Beyond breakpoint_grace, for those whose connection ends with a gateway.
std::chrono::milliseconds hub::time_to_come_back() const {
    if (settings_.resume_time.count() == 0) return std::chrono::milliseconds(0);
    return settings_.resume_time - settings_.breakpoint_grace;
}

// Which program it is, while it stands, before dlv's list is compared with what was known. Another process has none of the
// breakpoints.
asio::awaitable<void> hub::know_program(rpc_channel& on) {
    const auto generation = generation_;
    const auto out = co_await request(on, "RPCServer.ProcessPid", "{}");
    if (generation != generation_) co_return;
    const auto pid = parsed(out).get_int("Pid");
    if (pid != 0) fixed_["RPCServer.ProcessPid"] = out.result;
    meet_program(pid);
    if (pid == 0) co_return;
    if (const auto known = std::exchange(past_.pid, 0); known != 0 && known != pid) {
        // Both at once: of this program they never were.
        forget_breakpoints();
        remember();
    } else if (memory_) {
        memory_->keep_program(pid);
    }
}

// Views of an earlier gateway are of the program that it left. Of one that nobody knows, none is.
void hub::meet_program(std::int64_t pid) {
    same_program_ = same_program_ && pid != 0 && pid == program_;
    program_ = pid;
}

std::string hub::another_program_words() const {
    return "the program of " + name_ + " is another one than before the gateway was restarted; start the session anew";
}

// The first rest of a program that has run since dlv was found. Whose views of another one have been let in meanwhile are turned
// away, and nothing that they have asked for is done.
asio::awaitable<void> hub::meet_at_rest() {
    if (std::exchange(program_met_, true)) co_return;
    const auto generation = generation_;
    co_await know_program(*ask_);
    if (generation != generation_ || same_program_) co_return;
    const auto why = another_program_words();
    for (auto* v : everybody()) {
        if (!find(*v) || !v->who().again) continue;
        withdraw(*v, why, true);
        if (find(*v)) v->on_lost(why);
    }
}

void hub::forget_breakpoints() {
    if (breakpoints_.sites().empty()) return;
    component_log(name_).info("the program is another one than the earlier gateway's: its breakpoints are forgotten");
    past_.setting.reset();
    std::vector<std::int64_t> all;
    for (const auto& [id, site] : breakpoints_.sites()) all.push_back(id);
    for (const auto id : all) forget_site(id, {});
}

// Whether the stop that is found is the one of which an earlier gateway told: then its people know it.
void hub::find_stop(const target_state& state) {
    knew_.clear();
    found_ = 0;
    if (!memory_ || !same_program_) return;
    const auto past = memory_->stop();
    if (past.mark.empty() || past.mark != mark_of(state)) return;
    // Where others may have run it: a count has gone up wherever it came to a breakpoint, else nothing tells.
    const auto counted = [](const thread_state& t) { return t.breakpoint && t.breakpoint->hits > 0; };
    const bool surely = route_.dial || stands_at_entry(state) || std::any_of(state.threads.begin(), state.threads.end(), counted);
    if (!surely) return;
    found_ = stops_ + 1;
    knew_ = past.told;
}

// The protocol tells a JSON-RPC client of a stop when it asks. Somebody of whose clients one has not been told, or has chosen
// another goroutine, is not one who knows: another gateway cannot tell the clients of one person apart.
void hub::remember_told() {
    if (!memory_) return;
    if (phase_ != phase::stopped) return memory_->keep_stop({});
    if (ending_) return;
    auto told = found_ == stops_ ? knew_ : std::set<std::string>();
    std::set<std::string> not_told;
    for (const auto& e : viewers_) {
        if (e.v->speaks_dap()) continue;
        const bool knows = e.told == stops_ || (stops_ == found_ && e.knows == stops_);
        (knows && !e.v->has_selection() ? told : not_told).insert(person_key(e.v->who().who));
    }
    for (const auto& who : not_told) told.erase(who);
    memory_->keep_stop({mark_of(stop_.state), std::move(told)});
}

// One that dlv was asked for when the earlier gateway died: whoever asked may ask again, and then it makes way; else it goes
// with the others of that person.
void hub::claim_unfinished(breakpoint_wish& unknown) {
    if (!past_.setting) return;
    unknown.user = past_.setting->user;
    unknown.who = past_.setting->who;
    unknown.left_at = past_.setting->left_at;
    unknown.group = left_behind;
}

}  // namespace gateway
