// What the gateway may still ask of the kernel once it serves: enough for its sockets, its files and its threads, and
// nothing else, so that whoever takes it over has no more than its open connections.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "gateway/config.h"
#include "launcher/outcome.h"

namespace gateway {

// Why this configuration's gateway cannot be confined, one line; empty: it can.
std::string hindrance_to_confinement(const config& configuration);

struct open_paths {
    std::vector<std::string> read;   // files, or directories with all below them
    std::vector<std::string> write;  // directories with all below them
    std::vector<std::string> alone;  // of `read`: files that are not seen when they are replaced
};
// What it reads again or writes while it runs. Of /etc/kubernetes and of the CA's directory only the very files that the
// configuration names, never what is beside them: one of those that is replaced is not seen until the next start.
open_paths paths_of(const config& configuration);

struct confinement {
    open_paths paths;
    // Landlock, where the kernel has it. It hides other processes' descriptors, by which a foreign dlv is found.
    bool landlock = true;
    pid_t signer = 0;  // the one process that may be signalled; 0: none
};
confinement confinement_of(const config& configuration, pid_t signer);

// For the calling thread, and for those that it starts: there must be no other. Cannot be undone. No new privileges, not
// dumpable, no capability and none to be had, Landlock, and seccomp with a list of what is allowed: what would execute,
// trace, read another process, mount or load kills the process, all else is EPERM. The text says what was done, for the log.
launcher::outcome<std::string> confine_gateway(const confinement& how);

// By the key `confine`, after what it needs is open, and logged. False: it goes on as it is.
launcher::outcome<bool> confine_as_configured(const config& configuration, pid_t signer);

}  // namespace gateway
