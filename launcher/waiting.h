// Waiting for a condition that nobody tells of.
#pragma once

#include <chrono>
#include <thread>

namespace launcher {

// Asks every 100 ms, at once at first. False: the time is over and it was still not so.
template <class Condition>
bool wait_until(std::chrono::milliseconds patience, Condition&& condition) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return true;
}

}  // namespace launcher
