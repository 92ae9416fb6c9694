// How long a component has been kept from its duty: pure, fed with what was seen and when.
#pragma once

#include <chrono>

namespace launcher {

// Stopped time adds up until the component has been seen running freely for one whole duty: who steps, or
// stands at a hot breakpoint, keeps it from its duty as well. Between two sights that differ it counts as stopped.
class budget_clock {
public:
    using time = std::chrono::milliseconds;  // since any fixed point, never backwards

    enum class seen { stopped, running, exited };
    enum class level { fine, disturbed, used_up };

    // A damage of 0 is no budget: never used up.
    budget_clock(time disturb, time damage, time duty);

    // Begins to count, with what was spent before; from here on a duty has to be done anew.
    void start(time now, time spent = time(0));
    void see(time now, seen what);
    // It is stopped on purpose: until then it is not used up, however long it stands. Time goes on being spent. Ends when it
    // runs or exits.
    void hold(time until) { held_until_ = until; }
    bool held(time now) const { return now < held_until_; }
    time held_for(time now) const { return held(now) ? held_until_ - now : time(0); }
    // It was stopped in between, though nobody saw it: a resume was asked for.
    void interrupted(time now);

    bool counting() const { return counting_; }
    time spent(time now) const;
    time left(time now) const;
    level at(time now) const;
    // For how long it has been used up, where the time of a hold does not count.
    time overdue(time now) const;
    // Whether one whole duty has been done since `since`.
    bool duty_done_since(time since) const { return duty_done_ && duty_done_at_ >= since; }
    // When it will be used up if it stays as it is; time::max() while it runs or nothing is counted.
    time used_up_at(time now) const;

private:
    time disturb_, damage_, duty_;
    bool counting_ = false;
    bool known_ = false;
    seen last_ = seen::running;
    time last_at_{0};
    time spent_{0};
    time free_since_{0};
    void let_go(time now);
    time held_until_{0};
    time excused_{0};  // spent beyond the damage in a hold
    bool duty_done_ = false;
    time duty_done_at_{0};
};

}  // namespace launcher
