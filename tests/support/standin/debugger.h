// A program that a stand-in for dlv debugs, and what a debugger knows of it: where it stands, its breakpoints, its step.
// One goroutine walks a list of lines round and round. Pure: no sockets, no time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/json.h"

namespace standin {

using protocol::json;

struct place {
    std::string function;
    std::int64_t line = 0;
    int depth = 0;  // of calls
};

inline constexpr std::string_view file = "/src/loop/main.go";

// One round. What is called is deeper, and the line after it is where it returns to.
const std::vector<place>& script();
std::uint64_t pc_of(std::size_t index);

struct breakpoint {
    std::int64_t id = 0;
    std::size_t at = 0;  // in the script
    json settings;       // as it was created or amended
    std::uint64_t hits = 0;
};

class debugger {
public:
    // --- the program ------------------------------------------------------------------------------------------
    std::size_t at() const { return at_; }
    std::int64_t round() const { return round_; }
    std::int64_t pid() const { return pid_; }
    void restart();

    // --- runs -------------------------------------------------------------------------------------------------
    // The command of a Command: continue, directionCongruentContinue, next, step, stepOut, stepInstruction.
    void begin(std::string_view command);
    // One line further. Returns whether it has come to rest there.
    bool advance();
    void halt();  // it rests where it is
    bool stepping() const { return step_.has_value(); }
    void cancel_step() { step_.reset(); }
    // A halt and a tracepoint let a step go on (dlv's KeepSteppingBreakpoints, which a DAP session sets).
    bool keeps_steps = false;

    // --- questions, as dlv answers them: the result, or an error's text -----------------------------------------
    json state(bool running) const;
    json threads() const;
    json stack() const;
    json breakpoints() const;
    struct answer {
        json result;
        std::string error;
    };
    answer create(const json& arguments);
    answer amend(const json& arguments);
    answer clear(std::int64_t id);
    answer get(std::int64_t id) const;
    answer find_location(std::string_view what) const;
    answer evaluate(std::string_view expression) const;

private:
    json described(const breakpoint& b) const;
    json location(std::size_t index) const;
    json thread() const;
    std::vector<std::size_t> callers() const;
    bool holds(std::string_view condition) const;

    struct step {
        std::string command;
        int depth = 0;
    };

    std::size_t at_ = 0;
    std::int64_t round_ = 0;
    std::int64_t pid_ = 4711;
    std::map<std::int64_t, breakpoint> breakpoints_;
    std::int64_t next_id_ = 1;
    std::optional<step> step_;
    std::int64_t hit_ = 0;  // the breakpoint that it has come to rest at
    std::string reason_ = "launched";
};

}  // namespace standin
