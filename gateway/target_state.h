// What dlv says of the target, read from the DebuggerState JSON of its replies
// (Delve service/api/types.go). Pure: no sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/json.h"

namespace gateway {

// A breakpoint as a thread's stop names it.
struct hit_breakpoint {
    std::int64_t id = 0;
    std::string name;
    std::string file;
    std::int64_t line = 0;
    bool tracepoint = false;  // does not stop by itself (JSON key "continue")
    bool watchpoint = false;
    std::int64_t hits = 0;    // so far, by dlv's count
};

struct thread_state {
    std::int64_t id = 0;
    std::int64_t goroutine = 0;
    std::uint64_t pc = 0;
    std::string file;
    std::int64_t line = 0;
    std::string function;
    std::optional<hit_breakpoint> breakpoint;
    bool call_return = false;
};

struct target_state {
    bool running = false;
    bool exited = false;
    std::int64_t exit_status = 0;
    std::int64_t pid = 0;
    bool next_in_progress = false;
    bool watch_out_of_scope = false;  // a watched variable's frame has returned: dlv stops for it
    std::optional<std::int64_t> selected_goroutine;
    std::optional<thread_state> current_thread;
    std::vector<thread_state> threads;
    std::string stop_reason;  // Delve's own word, since 1.26.1; empty before

    // The exact JSON text of the state, for those who want what dlv said.
    std::string text;

    // The goroutine a person would be shown: the selected one, else the current thread's.
    std::int64_t goroutine() const;
    // "main.work() in /src/main.go:12", or empty when dlv does not know.
    std::string position() const;
};

// Reads the "State" member of a reply's result. Members that are absent read as Go's zero values.
protocol::result<target_state> read_state(std::string_view result_text);

// Why the target stands, in DAP's words, and what hit it.
struct stop_cause {
    std::string reason;       // DAP's stopped.reason: entry, breakpoint, step, pause, ...
    std::string description;  // of an exception: panic, fatal error, runtime error
    std::int64_t goroutine = 0;
    std::vector<std::int64_t> hit_breakpoints;
    std::string breakpoint_name;  // of Delve's own: unrecovered-panic, runtime-fatal-throw
};

enum class run_kind { go_on, step, call };

// Delve's DAP server decides alike (service/dap/server.go, runUntilStopAndNotify and stoppedGs), but
// from its internal stop reason, which JSON-RPC clients of dlv < 1.26.1 are not told.
// `halted`: a halt was asked for by a person during this run.
stop_cause explain_stop(const target_state& state, run_kind run, bool halted);

// Whether a thread stands at a breakpoint that stops (not a tracepoint), or at a hard-coded one.
bool stands_at_breakpoint(const target_state& state);
// Whether it has not run yet.
bool stands_at_entry(const target_state& state);
// The tracepoints hit in this stop, one entry a thread.
std::vector<const thread_state*> tracepoints_hit(const target_state& state);

// Of "Process 8593 has exited with status 3" (Delve pkg/proc, ErrProcessExited).
std::optional<std::int64_t> exit_status_in(std::string_view error);

}  // namespace gateway
