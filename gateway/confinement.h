// What the gateway may still ask of the kernel once it serves: enough for its sockets, its files and its threads, and
// nothing else, so that whoever takes it over has no more than its open connections.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "gateway/config.h"
#include "launcher/outcome.h"
#include "protocol/json.h"

namespace gateway {

// Why this configuration's gateway cannot be confined, one line; empty: it can.
std::string hindrance_to_confinement(const config& configuration);
// Why it would still reach what it must not: a directory that it writes to holds the CA or /etc/kubernetes. Empty: it
// would not.
std::string hole_in_confinement(const config& configuration);

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
    bool whole = false;  // Landlock that the kernel has and does not give is an error; else it goes on without
};
confinement confinement_of(const config& configuration, pid_t signer);

// What it came to.
struct confined {
    confined() = default;  // no aggregate: an error's text must not look like one
    bool calls = false;    // seccomp, no capabilities, no new privileges
    long landlock = 0;     // its version; 0: files are open as before
    std::string why;       // what is not closed, and why; one line; empty: everything is closed
    std::string lacking;   // of `why`: what should be otherwise, and is to be warned of
    std::string text() const;
    // {"systemCalls":true,"files":true,"why":"…"}
    protocol::json describe() const;
};
// For people: of describe()'s, one line with its end; empty where everything is closed.
std::string confinement_text(const protocol::json& described);

// For the calling thread, and for those that it starts: there must be no other. Cannot be undone. No new privileges, not
// dumpable, no capability and none to be had, Landlock, and seccomp with a list of what is allowed: what would execute,
// trace, read another process, mount or load kills the process, all else is EPERM.
launcher::outcome<confined> confine_gateway(const confinement& how);

// By the key `confine`, after what it needs is open, and logged.
launcher::outcome<confined> confine_as_configured(const config& configuration, pid_t signer);

}  // namespace gateway
