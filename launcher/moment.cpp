#include "launcher/moment.h"

#include <time.h>

#include <fstream>

namespace launcher {

moment now() {
    moment out;
    timespec t{};
    if (::clock_gettime(CLOCK_REALTIME, &t) == 0) out.wall = t.tv_sec;
    if (::clock_gettime(CLOCK_BOOTTIME, &t) == 0) out.boot = std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> out.boot_id;
    return out;
}

std::string utc_text(std::int64_t wall) {
    const time_t seconds = wall;
    tm parts{};
    char text[32];
    if (!::gmtime_r(&seconds, &parts) || ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) return "?";
    return text;
}

bool passed(const moment& deadline, const moment& at) {
    const bool same_boot = !deadline.boot_id.empty() && deadline.boot_id == at.boot_id;
    return same_boot ? at.boot >= deadline.boot : at.wall >= deadline.wall;
}

}  // namespace launcher
