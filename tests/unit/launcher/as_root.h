// Tests that only root can run: CI must, others may skip them.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

namespace launcher {

inline bool root_or_skip() {
    if (::geteuid() == 0) return true;
    if (std::getenv("CI") != nullptr) ADD_FAILURE() << "CI must run as root";
    return false;
}

}  // namespace launcher
