// What the hub remembers of itself beyond the gateway's end (session_memory.h), and what a new gateway makes of that.
#include <algorithm>

#include "gateway/breakpoint_list.h"
#include "gateway/breakpoint_replies.h"
#include "gateway/hub.h"
#include "gateway/hub_looks.h"
#include "gateway/hub_roster.h"
#include "gateway/log.h"

namespace gateway {

// Whose connection ended with the earlier gateway may come back for as long as a broken link is kept; others had left before.
void hub::remember_in(session_memory& memory) {
    memory_ = &memory;
    past_ = memory.recall();
    if (past_.wishes.empty() && !past_.setting && !past_.baton) return;
    const auto now = std::chrono::steady_clock::now();
    // Everybody's time is breakpoint_grace from when they left.
    const auto longer = settings_.resume_time.count() > 0 ? settings_.resume_time - settings_.breakpoint_grace : std::chrono::milliseconds(0);
    for (auto& w : past_.wishes) {
        const bool was_here = std::find(past_.was_here.begin(), past_.was_here.end(), w.id) != past_.was_here.end();
        w.left_at = was_here ? now + longer : now;
    }
    if (past_.setting) past_.setting->left_at = now + longer;
    if (past_.baton) baton_.recall(past_.baton->first, past_.baton->second);
    breakpoints_.recall(std::exchange(past_.wishes, {}), std::exchange(past_.sites, {}));
    roster_->recalled();
    log().info("{}: {} breakpoints of an earlier gateway are remembered", name_, breakpoints_.size());
}

void hub::remember() {
    roster_->breakpoints_changed();
    if (memory_) memory_->keep(breakpoints_, pid_, past_.setting);
}

void hub::remember_baton() {
    if (memory_) memory_->keep_baton(baton_.holder_since());
}

// Before dlv's list is compared with what was known: another process has none of it.
asio::awaitable<void> hub::forget_another_process(rpc_channel& on) {
    const auto known = std::exchange(past_.pid, 0);
    if (known == 0) co_return;
    const auto generation = generation_;
    const auto reply = parsed(co_await request(on, "RPCServer.ProcessPid", "{}"));
    if (generation != generation_) co_return;
    const auto pid = reply.get_int("Pid");
    if (pid == 0 || pid == known) co_return;
    another_program_ = true;
    if (breakpoints_.sites().empty()) co_return;
    log().info("{}: the program is another one than the earlier gateway's: its breakpoints are forgotten", name_);
    past_.setting.reset();
    std::vector<std::int64_t> all;
    for (const auto& [id, site] : breakpoints_.sites()) all.push_back(id);
    for (const auto id : all) forget_site(id, {});
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
