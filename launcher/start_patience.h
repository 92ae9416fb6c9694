// How long a start waits for dlv. A process that dlv attaches to stands still while dlv reads its debug information: all the
// waiting together then keeps within its stop budget.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include "launcher/plan.h"

namespace launcher {

class start_patience {
public:
    using clock = std::chrono::steady_clock;
    using time = std::chrono::milliseconds;

    explicit start_patience(const component_plan& plan, clock::time_point now = clock::now())
        : begun_(now), bounded_(plan.process.mode == dlv_mode::attach && plan.budget.damage > time(0)), budget_(plan.budget.damage) {}

    // `patience`, or what there is of it.
    time most(time patience, clock::time_point now = clock::now()) const {
        if (!bounded_) return patience;
        return std::clamp(budget_ - std::chrono::duration_cast<time>(now - begun_), time(0), patience);
    }
    // It has stood for as long as it may.
    bool over(clock::time_point now = clock::now()) const { return bounded_ && now - begun_ >= budget_; }

private:
    clock::time_point begun_;
    bool bounded_;
    time budget_;
};

// "8 s", "0.5 s".
inline std::string in_seconds(std::chrono::milliseconds time) {
    const auto tenths = time.count() % 1000 / 100;
    return std::to_string(time.count() / 1000) + (tenths == 0 ? "" : "." + std::to_string(tenths)) + " s";
}

}  // namespace launcher
