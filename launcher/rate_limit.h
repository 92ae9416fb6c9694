// How often something may be done, per name: a bucket of `burst` turns that fills up once in `period`.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace launcher {

class rate_limit {
public:
    using clock = std::function<std::chrono::milliseconds()>;  // monotonic
    rate_limit(std::uint32_t burst, std::chrono::milliseconds period, clock now);

    // Takes a turn. Zero: it may be done; else how long until the next turn, and none is taken.
    std::chrono::milliseconds take(const std::string& name);

private:
    struct bucket {
        double turns = 0;
        std::chrono::milliseconds at{0};
    };
    std::uint32_t burst_;
    std::chrono::milliseconds period_;
    clock now_;
    std::mutex lock_;
    std::map<std::string, bucket> buckets_;
};

}  // namespace launcher
