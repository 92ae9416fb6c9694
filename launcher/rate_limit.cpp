#include "launcher/rate_limit.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace launcher {

rate_limit::rate_limit(std::uint32_t burst, std::chrono::milliseconds period, clock now)
    : burst_(burst), period_(std::max(period, std::chrono::milliseconds(1))), now_(std::move(now)) {}

std::chrono::milliseconds rate_limit::take(const std::string& name) {
    const std::lock_guard hold(lock_);
    if (burst_ == 0) return period_;
    const auto now = now_();
    const double per_ms = static_cast<double>(burst_) / static_cast<double>(period_.count());
    auto [at, fresh] = buckets_.try_emplace(name, bucket{static_cast<double>(burst_), now});
    bucket& one = at->second;
    const auto passed = std::max(now - one.at, std::chrono::milliseconds(0));
    one.turns = std::min(static_cast<double>(burst_), one.turns + static_cast<double>(passed.count()) * per_ms);
    one.at = now;
    if (one.turns >= 1) {
        one.turns -= 1;
        return std::chrono::milliseconds(0);
    }
    return std::chrono::milliseconds(std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil((1 - one.turns) / per_ms))));
}

}  // namespace launcher
