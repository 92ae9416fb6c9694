#include "gateway/time_left.h"

namespace gateway {

std::string time_left(long long not_after, long long now) {
    const long long left = not_after - now;
    if (left <= 0) return "expired";
    if (left < 120) return std::to_string(left) + " s";
    if (left < 120 * 60) return std::to_string(left / 60) + " min";
    if (left < 48 * 3600) return std::to_string(left / 3600) + " h";
    return std::to_string(left / 86400) + " d";
}

bool nearly_over(long long not_before, long long not_after, long long now) {
    return (not_after - now) * 10 <= not_after - not_before;
}

}  // namespace gateway
