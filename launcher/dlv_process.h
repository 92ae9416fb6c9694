// One dlv and its debuggee, started and ended as a whole.
//
// A small supervisor process of ours is dlv's parent and the subreaper of everything below it: when
// this object asks for it, or when the process that owns this object dies (however), the supervisor
// kills dlv, the debuggee and every descendant, and reaps them. It exits last.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/system/result.hpp>

namespace launcher {

struct exec_spec {
    std::string name;                 // component name, for messages and file names
    std::string binary;               // absolute path of the Go program
    std::vector<std::string> args;
    std::vector<std::pair<std::string, std::string>> env;  // added to a scrubbed base environment
    std::string working_directory;    // empty: where the caller runs
    std::string user;                 // empty: the caller's own; another one needs root
    std::string dlv = "dlv";          // path, or a name looked up in PATH
    std::string runtime_directory;    // 0700, ours: sockets live in fresh 0700 directories below it
    std::string output_file;          // dlv's and the debuggee's output, appended; 0600
    std::uint64_t memory_limit = 4ull << 30;  // bytes, of dlv and debuggee together where a cgroup can be
                                              // had, of dlv alone (watched) where not; 0: none
};

// Where a headless dlv answers.
struct dlv_address {
    enum class kind { unix_socket, tcp } how = kind::unix_socket;
    std::string path;        // of a Unix socket
    std::string host;        // of TCP: 127.0.0.1 or ::1
    std::uint16_t port = 0;
};
std::string to_string(const dlv_address& address);

// A failure in words for a person: what happened to what, and what to do next, on one line.
template <class T>
using outcome = boost::system::result<T, std::string>;

class dlv_process {
public:
    // Starts dlv. Throws nothing; the error says why in the words a person needs. On success dlv has
    // been spawned, no more: wait with address() until it announces where it listens.
    static outcome<dlv_process> start(const exec_spec& spec);

    dlv_process(dlv_process&&) noexcept;
    dlv_process& operator=(dlv_process&&) noexcept;
    ~dlv_process();  // kill_now() if still running, and waits for the supervisor

    // Readable (POLLIN) when the supervisor has something to say; then call poll_events().
    int event_fd() const;

    struct exit_info {
        int code = 0;           // exit code, when signal is 0
        int signal = 0;
        std::string reason;     // one line for a person, from dlv's own words where they explain it
    };
    struct events {
        bool announced = false;               // address() is known now; dlv may still fail to launch the program
        std::optional<exit_info> exited;      // dlv is gone, everything below it killed and reaped
    };
    events poll_events();

    const dlv_address& address() const;  // valid after announced; checked: loopback or our socket
    pid_t dlv_pid() const;

    void terminate();  // asks dlv to end (SIGTERM), then SIGKILL to everything after `grace_ms`
    void kill_now();   // SIGKILL to dlv and everything below it

    static constexpr int grace_ms = 3000;

    // The path of the file that gets dlv's and the debuggee's output.
    const std::string& output_file() const;

private:
    struct impl;
    explicit dlv_process(impl* p);
    impl* impl_;
};

// What dlv printed, put for a person: stripped binary, wrong Go version, ptrace denied, file missing,
// … (facts: Delve cmd/dlv/cmds/commands.go, pkg/proc). `output` is what dlv wrote since its start.
std::string explain_failure(const exec_spec& spec, std::string_view output, int code, int signal);

struct dlv_version {
    int major = 0, minor = 0, patch = 0;
    auto operator<=>(const dlv_version&) const = default;
};
// Runs `dlv version`; the error names the path and what to install.
outcome<dlv_version> version_of(const std::string& dlv);

// Checks a headless dlv that somebody else started, before a byte is sent to it: who listens there
// (by /proc), that it is a dlv in headless mode with --accept-multiclient (asking one without it kills
// its debuggee), on loopback or a Unix socket. The error says which of these does not hold.
struct foreign_dlv {
    pid_t pid = 0;
    std::string command_line;
};
outcome<foreign_dlv> check_foreign(const dlv_address& address);

// "127.0.0.1:2345", "[::1]:2345", "localhost:2345" or "unix:/run/x.sock"; anything not loopback is refused.
outcome<dlv_address> parse_address(std::string_view text);

}  // namespace launcher
