// When something was: the wall clock for people, the boot clock for deadlines, since a wall clock may be set.
#pragma once

#include <cstdint>
#include <string>

namespace launcher {

struct moment {
    std::int64_t wall = 0;  // seconds since the epoch
    std::int64_t boot = 0;  // nanoseconds since boot, sleep included (CLOCK_BOOTTIME)
    std::string boot_id;    // which boot that is; empty: unknown, equal to none
    bool operator==(const moment&) const = default;
};

moment now();

// "2026-11-26T03:10:00Z"
std::string utc_text(std::int64_t wall);

// Whether `deadline` has passed at `at`: by the boot clock on the same boot, by the wall clock on another.
bool passed(const moment& deadline, const moment& at);

}  // namespace launcher
