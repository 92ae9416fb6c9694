// How often one place is hit, and how long the program stood there for it.
#pragma once

#include <chrono>
#include <deque>
#include <utility>

namespace gateway {

// What is dealt with at each hit by us halts the whole program for a moment: with more than 100 of them a second over three
// seconds, or when it stands for most of that time, the program hardly runs any more.
class hit_rate {
public:
    using time = std::chrono::steady_clock::time_point;
    using duration = std::chrono::steady_clock::duration;

    // A hit that is dealt with now, for which the program stood that long. Returns whether that is too much.
    bool hit(duration stood, time now);
    void forget();

private:
    std::deque<std::pair<time, duration>> hits_;
    duration standing_{};
};

}  // namespace gateway
