// One dlv and its debuggee, started and ended as a whole.
//
// A small supervisor process of ours is dlv's parent and the subreaper of everything below it: when
// this object asks for it, or when the process that owns this object dies (however), the supervisor
// kills dlv, the debuggee and every descendant, and reaps them. It exits last.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "launcher/dlv_address.h"
#include "launcher/dlv_version.h"
#include "launcher/exec_spec.h"
#include "launcher/failure.h"
#include "launcher/foreign.h"
#include "launcher/outcome.h"
#include "launcher/output_reader.h"

namespace launcher {

class dlv_process {
public:
    // Starts dlv. Throws nothing; the error says why in the words a person needs. On success dlv
    // has been spawned (its exec succeeded), no more: wait until it announces where it listens.
    // Blocks for some milliseconds (and, once per dlv, for `dlv version`).
    static outcome<dlv_process> start(const exec_spec& spec);

    dlv_process(dlv_process&&) noexcept;
    dlv_process& operator=(dlv_process&&) noexcept;
    // kill_now() if still running, and waits for the supervisor, which takes as long as the kernel
    // needs to end the debuggee (at most destructor_wait_ms: a process stuck in the kernel is then
    // left to the supervisor). Whoever must not block calls terminate() or kill_now() and waits for
    // `exited` first.
    ~dlv_process();

    // Readable (POLLIN) when the supervisor has something to say; then call poll_events(). The same
    // descriptor for the object's whole life; it stays readable after `exited`.
    int event_fd() const;

    struct exit_info {
        int code = 0;        // dlv's exit code, when signal is 0
        int signal = 0;      // what ended dlv
        std::string reason;  // one line for a person, from dlv's own words where they explain it
        bool asked = false;  // terminate(), kill_now(), or SIGTERM to the supervisor came before
        bool over_memory = false;  // the memory limit ended it
    };
    struct events {
        bool announced = false;  // address() is known now; dlv may still fail to launch the program
        std::optional<exit_info> exited;  // dlv is gone, everything below it killed and reaped
    };
    // Does not block (but for some milliseconds where somebody has killed the supervisor, because
    // the rest must then be ended from here). Each event is told once; `exited` is the last.
    events poll_events();

    // Valid after announced; checked: loopback or our socket. On a Unix socket SO_PEERCRED must
    // name dlv_pid(): with another `user` the socket's directory is that user's.
    const dlv_address& address() const;
    pid_t dlv_pid() const;
    const dlv_version& version() const;

    void terminate();  // asks dlv to end (SIGTERM), then SIGKILL to everything after `grace_ms`
    void kill_now();   // SIGKILL to dlv and everything below it

    static constexpr int grace_ms = 3000;
    static constexpr int destructor_wait_ms = 10000;

    // The path of the file that gets dlv's and the debuggee's output, and where in it this run's
    // begins. The file is kept and appended to from run to run; when it has grown past output_cap
    // it is cut to nothing (checked five times a second), and a line in it says so.
    const std::string& output_file() const;
    std::uint64_t output_start() const;
    static constexpr std::uint64_t output_cap = 64ull << 20;

    // The memory limit in force, for a person: "4096 MiB for dlv and the program together", "… for
    // dlv alone", or "none".
    std::string memory_limit() const;

private:
    struct impl;
    explicit dlv_process(std::unique_ptr<impl> p) noexcept;
    std::unique_ptr<impl> impl_;
};

}  // namespace launcher
