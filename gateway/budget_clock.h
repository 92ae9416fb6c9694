// How long a component has been kept from its duty, and what is due: a clock without a clock.
//
// It counts from the first stop until the component has run freely for one whole duty, not only while it stands: a
// lease that could not be renewed for 3 s, nor within the half second between two steps, is as old as both together.
// While it runs nothing is due but the end of its duty: what has been used up meanwhile shows at the next stop.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace gateway {

struct stop_budget {
    std::chrono::milliseconds disturb{0};  // from then on others notice. 0: nothing before `damage`
    std::chrono::milliseconds damage{0};   // it must run again by then. 0: no budget
    std::chrono::milliseconds duty{0};     // running freely for so long, it has done what it is for; 0: a quarter of `damage`

    bool any() const { return damage.count() > 0; }
    std::chrono::milliseconds whole_duty() const { return duty.count() > 0 ? duty : damage / 4; }
    bool operator==(const stop_budget&) const = default;
};

class budget_clock {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using duration = std::chrono::milliseconds;

    enum class mark : std::uint8_t {
        none,
        disturb,    // others notice
        half,       // half of `damage` is used up
        most,       // 80 % of it
        used_up,    // all of it: breakpoints off, go on
        duty_done,  // after one of these, it has run freely for one duty: what is past does not count any more
    };

    explicit budget_clock(stop_budget budget = {}) : budget_(budget) {}
    // What is used up stays used up.
    void change(stop_budget budget) { budget_ = budget; }
    const stop_budget& budget() const { return budget_; }

    // Said as often as one likes; the first one after the other counts.
    void stands(time_point now);
    void runs(time_point now);
    // It stands on purpose until then: nothing is due before, but word of half and most of that time. Ends with runs() and
    // forget(); what has been used up meanwhile stays used up. Only while it stands and something is left.
    void hold(time_point now, time_point until);
    bool held(time_point now) const { return hold_until_ && now < *hold_until_; }
    void forget();  // there is nothing to be kept from a duty any more

    bool counting() const { return since_.has_value(); }
    bool standing() const { return since_ && !free_since_; }
    duration used(time_point now) const;
    duration left(time_point now) const;  // never below zero; until the hold's end, where that is later
    // Until one duty is done, if nothing stops it; nothing while it stands.
    std::optional<duration> until_duty(time_point now) const;

    // When due() is to be asked next; nothing: not before stands() or runs().
    std::optional<time_point> next() const;
    // Warnings are told once between two duties, the gravest alone where several are due; used_up for as long as it
    // stands.
    mark due(time_point now);

private:
    time_point at(mark m) const;
    bool told(mark m) const { return (told_ & (1u << static_cast<unsigned>(m))) != 0; }

    stop_budget budget_;
    std::optional<time_point> since_;  // when it was stopped first, and no duty done since
    std::optional<time_point> free_since_;
    std::optional<time_point> hold_from_, hold_until_;
    unsigned told_ = 0;  // one bit a mark
};

}  // namespace gateway
