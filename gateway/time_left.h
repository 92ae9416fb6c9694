// What is left of a certificate, for people.
#pragma once

#include <string>

namespace gateway {

// "23 h", "12 min", "9 d"; "expired". All in seconds since the epoch.
std::string time_left(long long not_after, long long now);

// From when to when a certificate is good, in seconds since the epoch.
struct lifetime {
    long long not_before = 0, not_after = 0;
};

// Its last tenth has begun (or it is over).
bool nearly_over(long long not_before, long long not_after, long long now);

}  // namespace gateway
