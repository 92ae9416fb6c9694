#include "launcher/guard_filter.h"

#include <algorithm>
#include <array>
#include <utility>

namespace launcher {

namespace {

using protocol::class_set;
using protocol::json;
using protocol::judged;
using protocol::op_class;
using protocol::service;

// As the gateway's hub sends them (gateway/hub*.cpp), and the looks that it passes on for its viewers. What it
// answers itself is not here: Recorded, GetEvents, CancelDownloads; nor what would end or replace the target.
constexpr std::array rpc_operations = std::to_array<std::string_view>({
    "AmendBreakpoint", "Ancestors", "AttachedToExistingProcess", "BuildID", "CancelNext", "ClearBreakpoint",
    "CreateBreakpoint", "CreateWatchpoint", "DebugInfoDirectories", "Disassemble", "Eval", "ExamineMemory",
    "FindLocation", "FollowExec", "FollowExecEnabled", "FunctionReturnLocations", "GetBreakpoint",
    "GetBufferedTracepoints", "GetThread", "GetVersion", "GuessSubstitutePath", "IsMulticlient", "LastModified",
    "ListBreakpoints", "ListDynamicLibraries", "ListFunctionArgs", "ListFunctions", "ListGoroutines",
    "ListLocalVars", "ListPackageVars", "ListPackagesBuildInfo", "ListRegisters", "ListSources", "ListTargets",
    "ListThreads", "ListTypes", "ProcessPid", "Restart", "Set", "SetApiVersion", "Stacktrace", "State",
    "ToggleBreakpoint", "TypeInfo",
    "Command continue", "Command directionCongruentContinue", "Command next", "Command step", "Command stepOut",
    "Command stepInstruction", "Command nextInstruction", "Command halt", "Command switchThread",
    "Command switchGoroutine", "Command call",
});

// A viewer's window looks, and runs code where it is told to; runs and breakpoints go through JSON-RPC, but for the two that
// Delve has itself, at panics.
constexpr std::array dap_operations = std::to_array<std::string_view>({
    "initialize", "attach", "configurationDone", "setExceptionBreakpoints", "threads", "stackTrace", "scopes", "variables", "exceptionInfo",
    "disassemble", "dataBreakpointInfo", "readMemory", "writeMemory", "setVariable", "evaluate", "evaluate call",
    "evaluate dlv config", "evaluate dlv sources", "evaluate dlv help", "evaluate dlv examinemem", "evaluate dlv",
});

constexpr int internal_error = 8888;  // Delve's service/dap/error_ids.go

bool sets_breakpoint(const judged& j) {
    if (j.operation == "AmendBreakpoint") {
        const json* b = j.arguments.find("Breakpoint");
        return !b || !b->get_bool("disabled");
    }
    return j.how == service::breakpoint && j.operation != "ClearBreakpoint";
}

// CancelNext only decides what it does next.
bool runs_code(const judged& j) { return j.how == service::call && j.operation != "CancelNext"; }

// A program that runs would stand after it.
bool stops(const judged& j, bool dap, const filter_rules& rules) {
    if (dap) return j.operation == "attach" && !rules.stands;
    const bool runs_on = j.operation == "Command continue" || j.operation == "Command directionCongruentContinue";
    return j.how == service::halt || runs_code(j) || j.how == service::restart || (j.how == service::run && !runs_on);
}

bool changes_arguments(const judged& j) {
    const json* words = j.arguments.find("NewArgs");
    return j.arguments.get_bool("ResetArgs") || (words && words->if_array() && !words->if_array()->empty());
}

// What the operation does to the program, beyond its name: Delve halts it for an attach and, when nothing keeps it
// standing, resumes it at configurationDone.
class_set needs(const judged& j, bool dap, const filter_rules& rules) {
    class_set all = j.classes;
    if (dap && j.operation == "attach" && !rules.stands) all.add(op_class::control);
    if (dap && j.operation == "configurationDone") all.add(op_class::control);
    return all;
}

}  // namespace

bool hub_sends(bool dap, std::string_view operation) {
    if (dap) return std::ranges::find(dap_operations, operation) != dap_operations.end();
    return std::ranges::find(rpc_operations, operation) != rpc_operations.end();
}

std::optional<std::string> flaw_of(class_set ceiling) {
    if (ceiling.has(op_class::control)) return std::nullopt;
    for (const op_class c : {op_class::trace, op_class::breakpoint, op_class::mutate})
        if (ceiling.has(c))
            return "a ceiling with `" + std::string(to_string(c)) +
                   "` needs `control` too: Delve halts the program for it, and somebody must let it go on";
    return std::nullopt;
}

std::string why_not(const judged& j, bool dap, const filter_rules& rules) {
    if (!rules.closed.empty()) return rules.closed;
    if (j.how == service::refuse) return j.reason;
    if (!hub_sends(dap, j.operation)) return j.operation + " is nothing that the gateway asks dlv for";
    if (dap && j.operation == "attach" && !j.arguments.get_bool("stopOnEntry"))
        return "an attach without stopOnEntry is refused: Delve would resume the program";
    if (j.how == service::restart && changes_arguments(j))
        return "new arguments are refused: those of " + rules.component + " are root's to choose";
    const class_set wanted = needs(j, dap, rules);
    if (const class_set beyond = wanted.without(rules.ceiling); !beyond.empty())
        return "the ceiling of " + rules.component + " on this node does not allow " + j.operation +
               ", which needs " + to_string(beyond) + ": root sets it in /etc/delvegate/launcher.yaml";
    if (!rules.no_breakpoints.empty() && sets_breakpoint(j)) return rules.no_breakpoints;
    if (!rules.no_stops.empty() && stops(j, dap, rules)) return rules.no_stops;
    return {};
}

void guard_filter::feed(std::string_view bytes) {
    if (ended_) return;
    if (!dialect_) {
        std::size_t skip = 0;
        const auto found = protocol::detect(bytes, skip);
        // dlv looks at the first byte only: white space before a 'C' is not DAP.
        if (!found || (*found && **found == protocol::dialect::dap && blank_)) {
            ended_ = true;
            return;
        }
        blank_ = true;
        if (!*found) return;
        dialect_ = **found;
        bytes.remove_prefix(skip);
    }
    if (*dialect_ == protocol::dialect::rpc)
        values_.feed(bytes);
    else
        frames_.feed(bytes);
}

std::size_t guard_filter::buffered() const { return values_.buffered() + frames_.buffered(); }

std::optional<guard_filter::piece> guard_filter::next(const filter_rules& rules) {
    if (ended_ || !dialect_) return std::nullopt;
    return *dialect_ == protocol::dialect::rpc ? next_rpc(rules) : next_dap(rules);
}

// The reason, in the protocol that is spoken here, of no request in particular.
guard_filter::piece guard_filter::end(const std::string& why) {
    ended_ = true;
    const std::string text = "the guard ends this connection: " + why;
    std::string bytes = *dialect_ == protocol::dialect::rpc
                            ? protocol::encode_rpc_error(json(), text)
                            : protocol::encode_dap_error(0, {}, internal_error, "Internal Error", text, false);
    return {piece::where::gateway, std::move(bytes), "malformed request", false, {}, {}};
}

std::optional<guard_filter::piece> guard_filter::next_rpc(const filter_rules& rules) {
    protocol::error_code ec;
    const auto text = values_.next(ec);
    if (ec) return end(ec.message());
    if (!text) return std::nullopt;
    const auto request = protocol::parse_rpc_request(*text);
    if (!request) return end(request.error().message());
    judged j = protocol::judge(*request);
    if (const auto why = why_not(j, false, rules); !why.empty()) {
        ended_ = !rules.closed.empty();
        return piece{piece::where::gateway, protocol::encode_rpc_error(request->id, why), j.operation, false, {}, {},
                     rules.for_duty(why)};
    }
    const bool runs = j.how == service::run || runs_code(j) || j.how == service::restart;
    piece out{piece::where::dlv, {}, {}, runs, {}, {}};
    if (j.operation == "FindLocation") {
        out.id = to_text(request->id);
        out.location = j.arguments.get_string("Loc");
    }
    out.bytes = protocol::encode(protocol::rpc_request{request->id, request->method, std::move(j.arguments)});
    return out;
}

std::optional<guard_filter::piece> guard_filter::next_dap(const filter_rules& rules) {
    protocol::error_code ec;
    const auto body = frames_.next(ec);
    if (ec) return end(ec.message());
    if (!body) return std::nullopt;
    const auto request = protocol::parse_dap_request(*body);
    if (!request) return end(request.error().message());
    judged j = protocol::judge(*request);
    std::string why = why_not(j, true, rules);
    if (why.empty() && j.operation == "configurationDone" && !attached_)
        why = "configurationDone without an attach before it is refused: Delve would resume the program";
    if (!why.empty()) {
        ended_ = !rules.closed.empty();
        const int id = j.dap_error != 0 ? j.dap_error : internal_error;
        const std::string_view summary = j.dap_summary.empty() ? std::string_view("Refused") : j.dap_summary;
        return piece{piece::where::gateway, protocol::encode_dap_error(0, *request, id, summary, why, false),
                     j.operation, false, {}, {}, rules.for_duty(why)};
    }
    if (j.operation == "attach") attached_ = true;
    return piece{piece::where::dlv,
                 protocol::encode(protocol::dap_request{request->seq, request->command, std::move(j.arguments)}),
                 {}, j.how == service::call, {}, {}};
}

}  // namespace launcher
