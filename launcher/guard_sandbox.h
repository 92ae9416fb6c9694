// What the guard may still ask of the kernel once it is set up.
#pragma once

#include <string>

#include "launcher/outcome.h"

namespace launcher {

// No new privileges, not dumpable (so that a process of the same uid cannot trace it), no capability; by Landlock, where
// the kernel has it, no file but those below `directory`, its state's; and a seccomp filter: sockets, poll, files below open
// directories, memory that cannot be executed, time. What would start, trace, signal or read another process kills the
// guard; all else is EPERM. The text says what was done, for the log.
outcome<std::string> confine_guard(const std::string& directory);

}  // namespace launcher
