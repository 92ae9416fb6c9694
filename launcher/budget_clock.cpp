#include "launcher/budget_clock.h"

#include <algorithm>

namespace launcher {

budget_clock::budget_clock(time disturb, time damage, time duty) : disturb_(disturb), damage_(damage), duty_(duty) {}

void budget_clock::start(time now, time spent) {
    counting_ = true;
    spent_ = spent;
    last_at_ = now;
    free_since_ = now;
}

void budget_clock::see(time now, seen what) {
    if (!known_) {
        known_ = true;
        last_at_ = free_since_ = now;
    }
    const bool was_free = last_ == seen::running && what == seen::running;
    const bool gone = last_ == seen::exited || what == seen::exited;
    if (counting_ && !was_free && !gone) spent_ += now - last_at_;
    if (!was_free) free_since_ = now;
    if (what != seen::stopped) let_go(now);
    if (gone) spent_ = excused_ = time(0);
    last_ = what;
    last_at_ = now;
    if (was_free && now - free_since_ >= duty_) {
        spent_ = excused_ = time(0);
        duty_done_ = true;
        duty_done_at_ = now;
    }
}

void budget_clock::let_go(time now) {
    if (held_until_ == time(0)) return;
    const time after = now > held_until_ ? now - held_until_ : time(0);
    excused_ = std::max({excused_, spent_ - after - damage_, time(0)});
    held_until_ = time(0);
}

void budget_clock::interrupted(time now) {
    let_go(now);
    if (last_ == seen::running) free_since_ = now;
}

budget_clock::time budget_clock::spent(time now) const {
    if (!counting_) return time(0);
    return known_ && last_ == seen::stopped ? spent_ + (now - last_at_) : spent_;
}

budget_clock::time budget_clock::left(time now) const {
    if (damage_ == time(0)) return time::max();
    return std::max(time(0), damage_ - spent(now));
}

budget_clock::level budget_clock::at(time now) const {
    if (damage_ == time(0) || !counting_) return level::fine;
    const auto so_far = spent(now);
    if (so_far >= damage_ && !held(now)) return level::used_up;
    return disturb_ > time(0) && so_far >= disturb_ ? level::disturbed : level::fine;
}

budget_clock::time budget_clock::used_up_at(time now) const {
    if (!counting_ || damage_ == time(0) || !known_ || last_ != seen::stopped) return time::max();
    return std::max(now + left(now), held_until_);
}

budget_clock::time budget_clock::overdue(time now) const {
    if (at(now) != level::used_up) return time(0);
    const auto beyond = spent(now) - damage_;
    const auto excused = held_until_ == time(0) ? excused_ : std::max(excused_, beyond - (now - held_until_));
    return std::max(time(0), beyond - excused);
}

}  // namespace launcher
