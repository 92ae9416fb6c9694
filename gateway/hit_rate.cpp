#include "gateway/hit_rate.h"

namespace gateway {

namespace {

constexpr hit_rate::duration window = std::chrono::seconds(3);
constexpr std::size_t most = 300;
constexpr hit_rate::duration most_standing = std::chrono::milliseconds(1800);
// Fewer are no rate: dlv may be slow once.
constexpr std::size_t least = 10;

}  // namespace

bool hit_rate::hit(duration stood, time now) {
    standing_ += stood;
    hits_.emplace_back(now, stood);
    while (now - hits_.front().first > window) {
        standing_ -= hits_.front().second;
        hits_.pop_front();
    }
    return hits_.size() > most || (standing_ > most_standing && hits_.size() > least);
}

void hit_rate::forget() {
    hits_.clear();
    standing_ = {};
}

}  // namespace gateway
