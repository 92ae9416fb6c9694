// Who is whose child, and the end of a whole family. Everything here is async-signal-safe and
// allocates nothing from the heap: it runs in the forked supervisor.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace launcher {

struct process_stat {
    char state = 0;  // as in ps: R S D Z T t X …
    pid_t parent = 0;
    pid_t group = 0;
    pid_t session = 0;
};
bool read_stat(pid_t pid, process_stat& stat) noexcept;

// Resident memory of a process in bytes; 0 when it cannot be read.
std::uint64_t resident_memory(pid_t pid) noexcept;

// SIGKILL to every descendant of `ancestor`, the deepest generations first: a debuggee that is held
// by its tracer must die before the tracer does, or it would run on for a moment. Returns how many
// processes there were to kill (zombies are not counted).
int kill_descendants(pid_t ancestor) noexcept;

// SIGKILL to every process of a session but its leader `session`; returns how many there were.
int kill_session(pid_t session) noexcept;

}  // namespace launcher
