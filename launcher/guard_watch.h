// Whether the program runs, asked of dlv again and again on a connection of its own.
//
// State{NonBlocking:true} answers "running" at once, and else waits for dlv's lock: for a long look to end, or, where
// somebody resumes in that moment, for the next stop. Delve answers States out of order, so the next one is asked
// without waiting for it.
#pragma once

#include <functional>
#include <string>

#include "launcher/budget_clock.h"
#include "launcher/dlv_line.h"

namespace launcher {

class guard_watch {
public:
    using time = budget_clock::time;
    using on_seen = std::function<void(budget_clock::seen)>;

    guard_watch(const dlv_address& address, on_seen told, time now);

    // Asks when it is time; keeps the connection.
    void work(time now, time interval);
    time next(time interval) const { return asked_at_ + interval; }
    // dlv is gone, for good: the reason.
    const std::string& gone() const { return gone_; }
    dlv_line& line() { return line_; }

private:
    void answer(const outcome<protocol::json>& reply);
    void keep_open(time now);
    const dlv_address address_;
    on_seen told_;
    dlv_line line_;
    time asked_at_{0};
    time lost_at_;      // no answer since; meaningful while lost_
    bool lost_ = true;
    bool ever_ = false;
    time next_dial_{0};
    std::string gone_;
};

}  // namespace launcher
