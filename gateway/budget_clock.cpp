#include "gateway/budget_clock.h"

#include <algorithm>

namespace gateway {

namespace {

using mark = budget_clock::mark;
constexpr mark gravest_first[] = {mark::used_up, mark::most, mark::half, mark::disturb};

}  // namespace

void budget_clock::stands(time_point now) {
    if (!budget_.any()) return;
    if (free_since_ && now - *free_since_ >= budget_.whole_duty() && told_ == 0) forget();  // done, nobody need be told
    if (!since_) since_ = now;
    free_since_.reset();
}

void budget_clock::hold(time_point now, time_point until) {
    if (!standing()) return;
    hold_from_ = now;
    hold_until_ = until;
    // Of a time that is longer than what was left there is word anew.
    if (until > *since_ + budget_.damage) told_ &= ~((1u << static_cast<unsigned>(mark::half)) | (1u << static_cast<unsigned>(mark::most)));
}

void budget_clock::runs(time_point now) {
    hold_from_.reset();
    hold_until_.reset();
    if (since_ && !free_since_) free_since_ = now;
}

void budget_clock::forget() {
    since_.reset();
    free_since_.reset();
    hold_from_.reset();
    hold_until_.reset();
    told_ = 0;
}

budget_clock::duration budget_clock::used(time_point now) const {
    if (!since_) return duration{0};
    return std::max(duration{0}, std::chrono::duration_cast<duration>(now - *since_));
}

budget_clock::duration budget_clock::left(time_point now) const {
    if (hold_until_ && since_) return std::max(duration{0}, std::chrono::duration_cast<duration>(at(mark::used_up) - now));
    return std::max(duration{0}, budget_.damage - used(now));
}

std::optional<budget_clock::duration> budget_clock::until_duty(time_point now) const {
    if (!since_ || !free_since_) return std::nullopt;
    return std::max(duration{0}, std::chrono::duration_cast<duration>(*free_since_ + budget_.whole_duty() - now));
}

budget_clock::time_point budget_clock::at(mark m) const {
    if (hold_until_ && *hold_until_ > *since_ + budget_.damage) {
        const auto whole = *hold_until_ - *hold_from_;
        if (m == mark::half) return *hold_from_ + whole / 2;
        if (m == mark::most) return *hold_from_ + whole * 4 / 5;
        if (m == mark::used_up) return *hold_until_;
    }
    switch (m) {
        case mark::disturb: return *since_ + budget_.disturb;
        case mark::half: return *since_ + budget_.damage / 2;
        case mark::most: return *since_ + budget_.damage * 4 / 5;
        default: return *since_ + budget_.damage;
    }
}

std::optional<budget_clock::time_point> budget_clock::next() const {
    if (!since_ || !budget_.any()) return std::nullopt;
    if (free_since_) return *free_since_ + budget_.whole_duty();
    std::optional<time_point> soonest;
    for (auto m : gravest_first) {
        if (told(m) || (m == mark::disturb && budget_.disturb.count() == 0)) continue;
        soonest = soonest ? std::min(*soonest, at(m)) : at(m);
    }
    return soonest;
}

mark budget_clock::due(time_point now) {
    if (!since_ || !budget_.any()) return mark::none;
    if (free_since_) {
        if (now - *free_since_ < budget_.whole_duty()) return mark::none;
        const bool any = told_ != 0;
        forget();
        return any ? mark::duty_done : mark::none;
    }
    if (told(mark::used_up)) return mark::used_up;  // stopped again before its duty was done
    mark gravest = mark::none;
    for (auto m : gravest_first) {
        if (told(m) || now < at(m) || (m == mark::disturb && budget_.disturb.count() == 0)) continue;
        if (gravest == mark::none) gravest = m;
        told_ |= 1u << static_cast<unsigned>(m);
    }
    return gravest;
}

}  // namespace gateway
