// The guard: one process per running component, with the debuggee's uid, between the gateway and dlv.
//
// It keeps a connection of its own to dlv. Where it is in the path it stands in every connection between the
// gateway and dlv and passes on only what the component's ceiling allows and the gateway's hub sends
// (guard_filter.h). It counts how long the component has been kept from its duty (budget_clock.h), and when the
// budget is used up and the gateway is gone, or there and does not act, it switches the breakpoints off and resumes
// (guard_deeds.h). No heartbeat and no stop at the entry switches that off.
//
// It outlives launcher and gateway: both sockets are bound by the launcher in a directory that only root enters,
// and a later launcher finds the guard by their paths.
#pragma once

#include <chrono>
#include <string>

#include "launcher/dlv_address.h"
#include "launcher/outcome.h"
#include "launcher/plan.h"
#include "protocol/operations.h"

namespace launcher {

struct guard_settings {
    int control_fd = -1;  // a listening AF_UNIX SOCK_SEQPACKET socket: guard_control.h
    int listen_fd = -1;   // a listening AF_UNIX SOCK_STREAM socket; not used out of the path
    int log_fd = -1;      // one line per event
    dlv_address address;
    protocol::class_set ceiling;
    bool in_path = true;
    stop_budgets budget;
    // How long it must run freely until one duty counts as done (a lease renewed).
    std::chrono::milliseconds duty{10'000};
    // Without a heartbeat for this long the gateway is gone.
    std::chrono::milliseconds gateway_silence{5'000};
    // How long beyond the budget a gateway that is there may take to keep it by itself. Then the guard does, whatever
    // heartbeats it hears. Below 0: half of the budget, 2 s to 30 s.
    std::chrono::milliseconds mercy{-1};
    // The longest park: a stop that somebody holds on purpose, whatever the budget. 0: none.
    std::chrono::milliseconds park_limit{0};
    // How long it may stand at its entry, where no budget is counted.
    std::chrono::milliseconds entry_limit{600'000};
    std::string component;
    std::string state_file;  // absolute; its directory must be writable by the debuggee's uid
    bool confine = true;     // seccomp, no new privileges, not dumpable; off only in tests with sanitizers
};

// Works until dlv is gone or `end` was asked for; takes over what an earlier guard of this component noted in
// state_file. Returns the exit code: 0, or 1 with the reason in the log when it could not begin.
int run_guard(const guard_settings& settings);

// One packet on a connected AF_UNIX SOCK_SEQPACKET socket: JSON, with the three descriptors by SCM_RIGHTS. This
// way round nothing is in argv, and it works by fork and by a systemd unit's standard input alike.
outcome<void> send_guard_settings(int socket, const guard_settings& settings);
outcome<guard_settings> receive_guard_settings(int socket);

}  // namespace launcher
