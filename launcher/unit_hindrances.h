// What in a unit's settings a debugger in its place would run into, and what is done about it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "launcher/plan.h"
#include "launcher/unit_properties.h"

namespace launcher {

struct unit_hindrances {
    std::vector<std::string> loosened;  // [Service] lines for the drop-in
    std::string beside;                 // not empty: the drop-in way is closed, and why
    std::vector<finding> findings;      // a refusal: neither way is open
};

// What is known of the node beside the unit.
struct unit_surroundings {
    std::string dlv;     // absolute; empty: not found, which somebody else tells
    std::string binary;  // the debug binary or its directory, absolute; may be empty
    int ptrace_scope = 0;  // Yama's; 0 where there is none
    bool file_capabilities = false;  // of the original program
};

// More than dlv was seen to need with a kubelet; given to it on top of what the unit may have.
inline constexpr std::uint64_t debugger_memory = 1ull << 30;

// What dlv and the program together may have in the unit's place. `own`: what the unit may have by itself (MemoryMax=,
// MemoryHigh=); `needed`: what dlv is thought to need; `limit`: the component's memoryLimit, 0 for none. Pure.
std::uint64_t memory_with_dlv(std::uint64_t own, std::uint64_t needed, std::uint64_t limit);

// Pure.
unit_hindrances find_hindrances(const unit_properties& unit, const unit_surroundings& around);

}  // namespace launcher
