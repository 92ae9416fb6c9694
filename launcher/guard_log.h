// The guard's log: one line an event, with its UTC time; what a gateway caused is rationed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace launcher {

class guard_log {
public:
    guard_log(int fd, std::string component) : fd_(fd), component_(std::move(component)) {}

    void say(std::string_view text);
    // At most 20 in a minute; then how many were left out.
    void say_rationed(std::string_view text, std::chrono::milliseconds now);

private:
    int fd_;
    std::string component_;
    std::chrono::milliseconds minute_{0};
    std::uint64_t said_ = 0;
};

}  // namespace launcher
