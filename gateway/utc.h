// Times as people and records read them.
#pragma once

#include <chrono>
#include <string>

namespace gateway {

std::string utc_time(std::chrono::system_clock::time_point at);  // "2026-11-23 14:03:11 UTC"

}  // namespace gateway
