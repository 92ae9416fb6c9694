// The table of every operation of both protocols, and the one function that judges a request: which
// classes it needs, how the hub serves it, and the exact canonical arguments that dlv will get.
//
// Sources: Delve v1.27.1 service/rpccommon/suitablemethods.go, service/rpc2/server.go,
// service/dap/server.go, service/api/types.go; go-dap schematypes.go.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/dap.h"
#include "protocol/json.h"
#include "protocol/rpc.h"

namespace protocol {

enum class op_class : std::uint8_t {
    observe,     // state, threads, goroutines, stacks, positions, breakpoints, roster
    read,        // values: variables, memory, registers
    trace,       // breakpoints that do not stop
    breakpoint,  // breakpoints that do
    control,     // continue, step, halt
    mutate,      // writes to, or runs code in, the debuggee
    files,       // makes dlv read or write files or fetch something on the node
    lifecycle,   // restart, kill, start, stop
};

class class_set {
public:
    constexpr class_set() = default;
    constexpr class_set(std::initializer_list<op_class> list) {
        for (auto c : list) add(c);
    }
    constexpr void add(op_class c) { bits_ |= bit(c); }
    constexpr void add(class_set more) { bits_ = static_cast<std::uint8_t>(bits_ | more.bits_); }
    constexpr bool has(op_class c) const { return (bits_ & bit(c)) != 0; }
    constexpr bool within(class_set other) const { return (bits_ & ~other.bits_) == 0; }
    constexpr class_set without(class_set other) const {
        class_set s;
        s.bits_ = bits_ & static_cast<std::uint8_t>(~other.bits_);
        return s;
    }
    constexpr bool empty() const { return bits_ == 0; }
    constexpr bool operator==(const class_set&) const = default;

private:
    static constexpr std::uint8_t bit(op_class c) {
        return static_cast<std::uint8_t>(1u << static_cast<unsigned>(c));
    }
    std::uint8_t bits_ = 0;
};
std::string_view to_string(op_class c);
std::string to_string(class_set set);  // "observe, read"

// How the hub serves an operation, and with that what it gets while the target runs.
enum class service : std::uint8_t {
    local,       // answered from the hub's own state, running or not
    image,       // depends on the process image only: while running from the cache, else refused
    look,        // forwarded while the target is stopped; refused at once while it runs
    breakpoint,  // changes breakpoints: halt, do, resume
    run,         // resumes the target: continue, steps
    halt,        // stops it
    select,      // switches the selected goroutine or thread (JSON-RPC)
    call,        // runs code in the debuggee, or writes into it: alone, everybody's view is stale after
    restart,     // JSON-RPC Restart
    leave,       // ends the caller's view, never the target
    refuse,      // never reaches dlv: judged.reason says why
};

// Upper bounds put on what a client may ask dlv to load (facts: one Eval can hold everything).
struct clamps {
    std::int64_t max_variable_recurse = 10;
    std::int64_t max_string_len = 64 << 20;  // bytes
    std::int64_t max_array_values = 100'000;
    std::int64_t max_struct_fields = 10'000;  // -1 (all) is left
    std::int64_t max_stack_depth = 5'000;
    std::int64_t max_goroutines = 20'000;  // ListGoroutines Count; 0 (all) becomes this
    std::int64_t max_memory = 65'536;      // ExamineMemory Length, readMemory count
    std::int64_t max_instructions = 10'000;  // DAP disassemble, count and distance

    static constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();
    static constexpr clamps none() {
        return {unlimited, unlimited, unlimited, unlimited, unlimited,
                unlimited, unlimited, unlimited};
    }
};

struct judged {
    service how = service::refuse;
    class_set classes;
    std::string operation;  // for people and the audit: "Command continue", "evaluate call"
    json arguments;         // canonical: typed, canonical keys, clamped, unknown members dropped
    std::string reason;     // of refuse, a sentence for the person: what and why
    bool malformed = false;  // refuse because it is not what dlv's types take (wrong types)
    int dap_error = 0;        // of refuse, the id and summary that Delve itself would answer with:
    std::string dap_summary;  // 9999 "Unsupported command"; 0 and "" where it has none
    // Of DAP's set…Breakpoints, what each entry of its list needs by itself (of setExceptionBreakpoints:
    // of `filters`, then of `filterOptions`), so that they can be refused one by one.
    std::vector<class_set> each;
};

judged judge(const rpc_request& request, const clamps& limits = {});
judged judge(const dap_request& request, const clamps& limits = {});

// Narrows a request that needs more than `granted` to one that does not, where that leaves something
// worth having: a Stacktrace without the variables of its frames. False, and nothing changed, where it
// does not.
bool narrow(judged& j, class_set granted);

// Takes the values out of a reply of Delve's JSON-RPC, as its type would be without them: what a
// breakpoint loaded when it was hit, what a function returned, and a goroutine's labels. For those who
// may look at state and stacks and not at values.
void strip_values(json& reply);

// Takes `customCommands` out of a reply of Delve's JSON-RPC, in whatever case and with whatever escapes: terminal
// commands that every `dlv connect` runs on its own host when it sees the breakpoint they are on
// (pkg/terminal/command.go, executeBreakpointCustomCommands). Whoever can act as dlv, the program among them,
// could put them there. An unreadable reply becomes "null"; one without them stays as it is, byte for byte.
void remove_commands(std::string& reply);
// False: certainly none in there. Fast, without reading the reply.
bool may_hold_commands(std::string_view reply);

// One row of the table, for documentation and tests that walk all of it.
struct operation_row {
    bool dap = false;
    std::string_view name;  // "RPCServer.State", "Command halt" (by name), a DAP command, or
                            // "evaluate call", "evaluate dlv config" (by expression)
    service how = service::refuse;
    class_set classes;
};
const std::vector<operation_row>& operation_table();

}  // namespace protocol
