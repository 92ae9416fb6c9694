#include "gateway/look_desk.h"

#include <algorithm>
#include <utility>

namespace gateway {

bool look_desk::admits(bool drives, clock::time_point now) const {
    return drives || (waiting_.empty() && others_.size() < at_once && !held(now));
}

void look_desk::begin(const viewer& v, bool drives) {
    if (drives)
        ++mine_;
    else
        others_.insert(&v);
}

void look_desk::end(const viewer* v, clock::time_point now) {
    if (const auto other = others_.find(v); other != others_.end()) {
        others_.erase(other);
        return;
    }
    if (mine_ == 0) return;
    --mine_;
    last_ = now;
}

std::optional<look_desk::request> look_desk::next(const std::function<bool(const viewer&)>& drives, clock::time_point now) {
    if (waiting_.empty()) return std::nullopt;
    auto at = std::find_if(waiting_.begin(), waiting_.end(), [&](const request& r) { return drives(*r.v); });
    const bool first = at != waiting_.end();
    if (!first) at = waiting_.begin();
    if (!first && (others_.size() >= at_once || (held(now) && now < at->since + patience))) return std::nullopt;
    auto found = std::move(*at);
    waiting_.erase(at);
    begin(*found.v, first);
    return found;
}

std::optional<look_desk::clock::time_point> look_desk::later(clock::time_point now) const {
    if (waiting_.empty() || others_.size() >= at_once || !held(now)) return std::nullopt;
    const auto patient = waiting_.front().since + patience;
    return mine_ > 0 ? patient : std::min(patient, *last_ + quiet);
}

std::optional<look_desk::clock::time_point> look_desk::hold(clock::time_point since, clock::time_point now) const {
    const auto patient = since + patience;
    if (!held(now) || now >= patient) return std::nullopt;
    // How long a look takes is not known.
    return std::min(patient, (mine_ > 0 ? now : *last_) + quiet);
}

std::vector<look_desk::request> look_desk::take(const viewer* v) {
    std::vector<request> taken;
    std::deque<request> rest;
    for (auto& r : waiting_) {
        if (v && r.v != v)
            rest.push_back(std::move(r));
        else
            taken.push_back(std::move(r));
    }
    waiting_ = std::move(rest);
    return taken;
}

void look_desk::forget_flights() {
    others_.clear();
    mine_ = 0;
    last_.reset();
}

}  // namespace gateway
