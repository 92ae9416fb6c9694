// A process by more than its number: numbers are given out again, the time of its start is not.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace launcher {

struct process_mark {
    pid_t pid = 0;              // 0: none
    std::uint64_t started = 0;  // clock ticks since boot (field 22 of /proc/PID/stat)
    bool operator==(const process_mark&) const = default;
};

// Of a process that is there now; pid 0 when it is not, or is a zombie.
process_mark mark_process(pid_t pid);

// That very process, still running. True only on the boot that the mark was made in: see launcher/moment.h.
bool still_running(const process_mark& mark);

}  // namespace launcher
