// One IDE's view of a session, as the hub knows it: who looks, and what they are told.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/breakpoint_board.h"
#include "gateway/directory.h"
#include "gateway/target_state.h"

namespace gateway {

namespace asio = boost::asio;
class viewer;

// One stop of the target. A resume counts only if its sender was told of this very one.
struct stop {
    std::uint64_t number = 0;
    stop_cause cause;
    target_state state;
    std::string by;     // who ran or halted it last; empty: nobody here
    std::string error;  // dlv's, when the run ended with one ("runtime error")
    std::string text;   // of an exception: the panic's words
    bool entry = false; // never resumed since its start
    std::string why;    // delvegate's own words, where it was delvegate that ended the run
    std::chrono::system_clock::time_point since;
    const viewer* runner = nullptr;  // only to be compared
};

// What a request that waits for the target's next stop gets.
struct run_end {
    std::string error;  // dlv's words; empty on success
    std::string state;  // the JSON text of the DebuggerState
    const struct stop* stop = nullptr;  // null when the debuggee exited or dlv is gone
};
using on_end = std::function<void(const run_end&)>;

// What the hub tells an IDE's view.
class viewer {
public:
    virtual ~viewer() = default;
    virtual const caller& who() const = 0;
    virtual bool speaks_dap() const = 0;
    // What it says it is ("Visual Studio Code"), or what can be told of it ("a JSON-RPC client"). A stranger's words.
    virtual std::string ide() const = 0;
    // What this person may do by the policy of now, as people call it ("debugger"); and whether that is to see values.
    virtual std::string role() const = 0;
    virtual bool may_read() const = 0;
    // When its link broke, if that has not come back.
    virtual std::optional<std::chrono::system_clock::time_point> link_down_since() const = 0;
    // Whether it has chosen what the stop does not say: another goroutine.
    virtual bool has_selection() const { return false; }
    // Bytes said to the IDE so far, and how many of them it has for certain (stream.h).
    virtual std::uint64_t said() const = 0;
    virtual std::uint64_t heard() const = 0;

    // The target moves: what it showed is of an earlier stop. Said at once, on_running() and on_stop() when it is one's turn.
    virtual void on_moving() {}
    virtual void on_running(std::string_view by, const viewer* runner) = 0;
    virtual void on_stop(const stop& at) = 0;
    virtual void on_exit(std::int64_t status) = 0;       // of the debuggee
    virtual void on_restart(std::string_view by) = 0;    // a new process stands at its entry; on_stop follows
    virtual void on_output(std::string_view category, std::string_view text) = 0;
    // A logpoint was hit, of this view or of somebody it follows: its message, worked out as this view may see it, while the
    // target stands still. Nothing: there is none to be had here.
    virtual asio::awaitable<std::optional<std::string>> log_text(const thread_state& thread, const breakpoint_wish& at) = 0;
    virtual void on_log(std::string_view text, std::int64_t goroutine, const breakpoint_wish& at) = 0;
    // One of this view's breakpoints does nothing any more.
    virtual void lost_breakpoint(std::int64_t id, const std::string& why) = 0;
    // dlv is gone; the view ends.
    virtual void on_lost(std::string_view reason) = 0;
    // The view hinders others (reads nothing while a reply waits); it ends at once.
    virtual void cut_off(std::string_view reason) = 0;
    // Somebody waits to run the target: a reply that waits for this view's IDE to read is taken on to the view's own
    // buffer, and the view ends where that is full.
    virtual void read_on() = 0;
    // Whether this person may run the target, by the policy of now.
    virtual bool may_run() const = 0;
    // What people are told of each other, where their IDE can show it.
    virtual void on_notice(std::string_view text) = 0;
    // Somebody else has written into the program, which stands where it stood.
    virtual void on_values_changed() {}
};

}  // namespace gateway
