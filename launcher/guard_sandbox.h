// What the guard may still ask of the kernel once it is set up.
#pragma once

#include "launcher/outcome.h"

namespace launcher {

// No new privileges, not dumpable (so that a process of the same uid cannot trace it), no capability, and a seccomp
// filter: sockets, poll, files below open directories, memory, time. What would start, trace, signal or read another
// process kills the guard; all else is EPERM.
outcome<void> confine_guard();

}  // namespace launcher
