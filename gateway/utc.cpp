#include "gateway/utc.h"

#include <ctime>

namespace gateway {

std::string utc_time(std::chrono::system_clock::time_point at) {
    auto seconds = std::chrono::system_clock::to_time_t(at);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
    return text;
}

}  // namespace gateway
