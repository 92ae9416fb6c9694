// This very program, started again as a process beside this one.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "launcher/outcome.h"

namespace gateway {

struct own_process {
    own_process() = default;  // no aggregate: an error's text must not look like one
    pid_t pid = -1;
    int fd = -1;  // our end of a socket pair; the other is its descriptor 3
};

// Of the kind SOCK_SEQPACKET, non-blocking at our end. It inherits nothing else but standard error.
launcher::outcome<own_process> start_own_process(const std::string& program, const std::vector<std::string>& arguments);

// Kills it (when `kill`), waits for its end, and returns its exit code (128 + N when signal N ended it).
int end_own_process(own_process& process, bool kill);

}  // namespace gateway
