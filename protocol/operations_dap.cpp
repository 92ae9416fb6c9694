// The DAP half of the table: Delve v1.27.1 service/dap/server.go, handleRequest; go-dap v0.12.0.
#include <charconv>
#include <string>

#include "protocol/operations_judge.h"
#include "protocol/operations_types.h"

namespace protocol {
namespace table {
namespace {

// service/dap/error_ids.go
constexpr int unsupported_command = 9999;
constexpr int internal_error = 8888;
constexpr int not_yet_implemented = 7777;
constexpr int failed_to_launch = 3000;
constexpr int failed_to_attach = 3001;
constexpr int failed_to_initialize = 3002;

constexpr class_set observe{op_class::observe};
constexpr class_set read{op_class::read};
constexpr class_set breakpoint{op_class::breakpoint};
constexpr class_set control{op_class::control};
constexpr class_set mutate{op_class::mutate};
constexpr class_set lifecycle{op_class::lifecycle};

// Delve's wording: `cannot process "source" request`.
void unsupported(judged& j, const clamps&) {
    refuse(j, "cannot process \"" + j.operation + "\" request", unsupported_command,
           "Unsupported command");
}

void unimplemented(judged& j, const clamps&) {
    refuse(j, "cannot process \"" + j.operation + "\" request", not_yet_implemented,
           "Not yet implemented");
}

// Reverse requests: Delve would answer one of them, come from a client, as an internal error.
void reverse(judged& j, const clamps&) {
    refuse(j, "\"" + j.operation + "\" is a request that only a debug adapter sends",
           internal_error, "Internal Error");
}

void launch(judged& j, const clamps&) {
    refuse(j, "the program is already running under Delve behind this gateway; use \"request\": "
              "\"attach\" with \"mode\": \"remote\"", failed_to_launch, "Failed to launch");
}

void initialize(judged& j, const clamps&) {
    const std::string_view format = j.arguments.get_string("pathFormat");
    if (format != "path")
        refuse(j, std::string("Unsupported 'pathFormat' value '").append(format).append("'."),
               failed_to_initialize, "Failed to initialize");
    else if (!j.arguments.get_bool("linesStartAt1"))
        refuse(j, "Only 1-based line numbers are supported.", failed_to_initialize,
               "Failed to initialize");
    else if (!j.arguments.get_bool("columnsStartAt1"))
        refuse(j, "Only 1-based column numbers are supported.", failed_to_initialize,
               "Failed to initialize");
}

void attach(judged& j, const clamps& limits) {
    const std::string_view mode = j.arguments.get_string("mode", "local");
    if (mode != "remote")
        return refuse(j, std::string("\"mode\" is \"").append(mode.empty() ? "local" : mode)
                             .append("\"; the gateway only offers a target that already runs under "
                                     "Delve: set \"mode\": \"remote\""),
                      failed_to_attach, "Failed to attach");
    lower(j.arguments, "stackTraceDepth", limits.max_stack_depth);
    lower(j.arguments, "maxStringLen", limits.max_string_len);
    lower(j.arguments, "maxArrayValues", limits.max_array_values);
}

const json::array* breakpoints_of(const judged& j) {
    const json* list = j.arguments.find("breakpoints");
    return list ? list->if_array() : nullptr;
}

// An empty set clears the caller's own breakpoints, which needs no permission.
void set_breakpoints(judged& j, const clamps&) {
    const auto* list = breakpoints_of(j);
    j.classes = list && !list->empty() ? class_set{} : observe;
    if (!list) return;
    for (const json& bp : *list) {
        const std::string_view message = bp.get_string("logMessage");
        class_set& needs = j.each.emplace_back();
        needs.add(message.empty() ? op_class::breakpoint : op_class::trace);
        if (has_text(bp, "condition") || message.find('{') != std::string_view::npos)
            needs.add(op_class::read);
        j.classes.add(needs);
    }
}

void set_data_breakpoints(judged& j, const clamps& limits) {
    const auto* list = breakpoints_of(j);
    if (!list || list->empty()) {
        j.classes = observe;
        return;
    }
    j.each.assign(list->size(), j.classes);
    // Delve's data ids are `goroutine,frame,expression`, and it believes the frame.
    for (const json& bp : *list) {
        const std::string_view id = bp.get_string("dataId");
        const auto first = id.find(',');
        const auto second = first == id.npos ? id.npos : id.find(',', first + 1);
        if (second == id.npos) continue;  // Delve says so, for this breakpoint alone
        const std::string_view text = id.substr(first + 1, second - first - 1);
        std::int64_t frame = -1;
        auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), frame);
        if (ec != std::errc() || end != text.data() + text.size() || frame < 0 ||
            frame >= limits.max_stack_depth)
            return refuse(j, "the frame in the dataId \"" + std::string(id) + "\" is out of range");
    }
}

// Delve's two are one for everybody, so even switching them off takes the class.
void set_exception_breakpoints(judged& j, const clamps&) {
    for (std::string_view key : {"filters", "filterOptions"})
        if (const json* list = j.arguments.find(key); list && list->if_array())
            j.each.insert(j.each.end(), list->if_array()->size(), j.classes);
}

void stack_trace(judged& j, const clamps& limits) {
    lower(j.arguments, "startFrame", limits.max_stack_depth);
    lower(j.arguments, "levels", limits.max_stack_depth);
}

void variables(judged& j, const clamps& limits) {
    if (not_negative(j, j.arguments, "start") && not_negative(j, j.arguments, "count"))
        lower(j.arguments, "count", limits.max_array_values);
}

void read_memory(judged& j, const clamps& limits) {
    if (not_negative(j, j.arguments, "count")) lower(j.arguments, "count", limits.max_memory);
}

void disassemble(judged& j, const clamps& limits) {
    if (!not_negative(j, j.arguments, "instructionCount")) return;
    lower(j.arguments, "instructionCount", limits.max_instructions);
    const std::int64_t distance = j.arguments.get_int("instructionOffset");
    if (distance > limits.max_instructions || distance < -limits.max_instructions)
        refuse(j, "instructionOffset must be within " + std::to_string(limits.max_instructions) +
                      " instructions");
}

constexpr row dap[] = {
    {"initialize", service::local, observe, &types::initialize, initialize},
    {"launch", service::refuse, lifecycle, nullptr, launch},
    {"attach", service::local, observe, &types::attach, attach},
    {"configurationDone", service::local, observe, &types::empty},
    {"disconnect", service::leave, observe, &types::disconnect},
    {"terminate", service::leave, observe, &types::terminate},
    {"restart", service::refuse, lifecycle, nullptr, nullptr,
     "restarting from the IDE is not offered: Delve would try to rebuild the program, and kill it "
     "when it cannot"},
    {"pause", service::halt, control, &types::thread_id},
    {"threads", service::look, observe, nullptr},
    {"setBreakpoints", service::breakpoint, breakpoint, &types::set_breakpoints, set_breakpoints},
    {"setFunctionBreakpoints", service::breakpoint, breakpoint, &types::set_function_breakpoints,
     set_breakpoints},
    {"setInstructionBreakpoints", service::breakpoint, breakpoint,
     &types::set_instruction_breakpoints, set_breakpoints},
    {"dataBreakpointInfo", service::look, read, &types::data_breakpoint_info},
    {"setDataBreakpoints", service::breakpoint, {op_class::read, op_class::breakpoint},
     &types::set_data_breakpoints, set_data_breakpoints},
    {"setExceptionBreakpoints", service::breakpoint, breakpoint,
     &types::set_exception_breakpoints, set_exception_breakpoints},
    {"stackTrace", service::look, observe, &types::stack_trace, stack_trace},
    {"scopes", service::look, observe, &types::frame_id},
    {"variables", service::look, read, &types::variables, variables},
    {"exceptionInfo", service::look, read, &types::thread_id},
    {"disassemble", service::look, read, &types::disassemble, disassemble},
    {"evaluate", service::look, read, &types::evaluate, judge_evaluate},
    {"readMemory", service::look, read, &types::read_memory, read_memory},
    {"writeMemory", service::call, mutate, &types::write_memory},
    {"setVariable", service::call, mutate, &types::set_variable},
    {"continue", service::run, control, &types::continue_},
    {"next", service::run, control, &types::step},
    {"stepIn", service::run, control, &types::step_in},
    {"stepOut", service::run, control, &types::step},
    {"stepBack", service::refuse, control, &types::step, nullptr,
     "the gateway does not offer recordings: the target runs live and cannot step back"},
    {"reverseContinue", service::refuse, control, &types::continue_, nullptr,
     "the gateway does not offer recordings: the target runs live and cannot run backwards"},
    {"source", service::refuse, observe, &types::source, unsupported},
    {"setExpression", service::refuse, mutate, &types::set_expression, unimplemented},
    {"loadedSources", service::refuse, observe, &types::empty, unimplemented},
    {"cancel", service::refuse, observe, &types::cancel, unimplemented},
    {"modules", service::refuse, observe, &types::modules, unsupported},
    {"restartFrame", service::refuse, control, &types::frame_id, unsupported},
    {"goto", service::refuse, control, &types::goto_, unsupported},
    {"terminateThreads", service::refuse, control, &types::terminate_threads, unsupported},
    {"stepInTargets", service::refuse, observe, &types::frame_id, unsupported},
    {"gotoTargets", service::refuse, observe, &types::goto_targets, unsupported},
    {"completions", service::refuse, observe, &types::completions, unsupported},
    {"breakpointLocations", service::refuse, observe, &types::breakpoint_locations, unsupported},
    {"runInTerminal", service::refuse, lifecycle, &types::run_in_terminal, reverse},
    {"startDebugging", service::refuse, lifecycle, &types::start_debugging, reverse},
};

}  // namespace

std::span<const row> dap_rows() { return dap; }

}  // namespace table

judged judge(const dap_request& request, const clamps& limits) {
    if (const table::row* row = table::find(table::dap_rows(), request.command)) {
        judged j = table::apply(*row, row->name, request.arguments, limits);
        // Arguments that were absent stay absent, and where Delve reads none there are none.
        const auto* members = j.arguments.if_object();
        if (members && members->empty() && (request.arguments.is_null() || !row->arguments))
            j.arguments = json();
        return j;
    }
    judged j;
    j.classes = {op_class::lifecycle};
    j.operation = request.command;
    // go-dap's wording, which Delve passes on.
    table::refuse(j,
                  "Request command '" + request.command + "' is not supported (seq: " +
                      std::to_string(request.seq) + ")",
                  table::internal_error, "Internal Error");
    return j;
}

}  // namespace protocol
