// The JSON-RPC half of the table: Delve v1.27.1 service/rpccommon/suitablemethods.go.
#include <string>

#include "protocol/locations.h"
#include "protocol/operations_judge.h"
#include "protocol/operations_types.h"

namespace protocol {
namespace table {
namespace {

constexpr class_set observe{op_class::observe};
constexpr class_set read{op_class::read};
constexpr class_set control{op_class::control};
constexpr class_set mutate{op_class::mutate};
constexpr class_set files{op_class::files};
constexpr class_set lifecycle{op_class::lifecycle};

constexpr std::string_view no_recording =
    "the gateway does not offer recordings: the target runs live, so it cannot run backwards or "
    "keep checkpoints";
constexpr std::string_view no_dump =
    "core dumps are refused: Delve would write the whole process memory to a file of the client's "
    "choosing on the node";

void scope_and_load(judged& j, const clamps& limits) {
    if (limit_scope(j, j.arguments.find("Scope"), limits))
        limit_load(j, j.arguments.find("Cfg"), limits);
}

void eval(judged& j, const clamps& limits) {
    if (!judge_words(j, j.arguments.get_string("Expr"), false)) scope_and_load(j, limits);
}

void scope_only(judged& j, const clamps& limits) {
    limit_scope(j, j.arguments.find("Scope"), limits);
}

void load_only(judged& j, const clamps& limits) { limit_load(j, j.arguments.find("Cfg"), limits); }

void buffered_tracepoints(judged& j, const clamps& limits) {
    limit_load(j, j.arguments.find("LoadCfg"), limits);
}

void api_version(judged& j, const clamps&) {
    if (j.arguments.get_int("APIVersion") != 2)
        refuse(j, "unknown API version: the gateway serves version 2, for everybody");
}

void restart(judged& j, const clamps&) {
    if (j.arguments.get_bool("Rebuild"))
        return refuse(j, "Rebuild is refused: Delve would kill the target before it finds that it "
                         "cannot rebuild it");
    if (j.arguments.get_bool("Rerecord") || has_text(j.arguments, "Position"))
        return refuse(j, std::string(no_recording));
    if (const json* redirects = j.arguments.find("NewRedirects"))
        for (const json& path : *redirects->if_array())
            if (!path.if_string()->empty())
                return refuse(j, "NewRedirects are refused: Delve would open and truncate files of "
                                 "the client's choosing on the node");
}

// The classes of setting this breakpoint. What it reads at each hit counts as reading: a condition
// tells one value bit by bit.
bool breakpoint_classes(judged& j, json& bp, const clamps& limits) {
    if (const json* commands = bp.find("customCommands")) {
        if (!commands->if_array()->empty()) {
            refuse(j, "customCommands are refused: every `dlv connect` that stops here would run "
                      "them on its own workstation");
            return false;
        }
        erase(bp, "customCommands");
    }
    json* args = bp.find("LoadArgs");
    json* locals = bp.find("LoadLocals");
    if (!limit_load(j, args, limits) || !limit_load(j, locals, limits)) return false;
    lower(bp, "stacktrace", limits.max_stack_depth);
    if (bp.get_bool("continue")) j.classes = {op_class::trace};
    const json* variables = bp.find("variables");
    if (args || locals || (variables && !variables->if_array()->empty()) || has_text(bp, "Cond"))
        j.classes.add(op_class::read);
    return true;
}

void create_breakpoint(judged& j, const clamps& limits) {
    if (json* bp = j.arguments.find("Breakpoint")) {
        if (!breakpoint_classes(j, *bp, limits)) return;
        // A chosen id sets the server's counter for everybody.
        erase(*bp, "id");
    }
    if (location_computes(j.arguments.get_string("LocExpr"))) j.classes.add(op_class::read);
}

void amend_breakpoint(judged& j, const clamps& limits) {
    if (json* bp = j.arguments.find("Breakpoint")) breakpoint_classes(j, *bp, limits);
}

void stacktrace(judged& j, const clamps& limits) {
    json* config = j.arguments.find("Cfg");
    if (!not_negative(j, j.arguments, "Depth") || !limit_load(j, config, limits)) return;
    lower(j.arguments, "Depth", limits.max_stack_depth);
    // Delve loads locals and arguments of every frame as soon as there is a configuration.
    if (config || j.arguments.get_bool("Full")) j.classes.add(op_class::read);
}

void ancestors(judged& j, const clamps& limits) {
    if (!not_negative(j, j.arguments, "NumAncestors")) return;
    // Delve takes the last element of what it loaded, and panics when that is nothing.
    if (j.arguments.get_int("Depth") < 1) return refuse(j, "Depth must be at least 1");
    lower(j.arguments, "NumAncestors", limits.max_stack_depth);
    lower(j.arguments, "Depth", limits.max_stack_depth);
}

void examine_memory(judged& j, const clamps& limits) {
    if (not_negative(j, j.arguments, "Length")) lower(j.arguments, "Length", limits.max_memory);
}

void disassemble(judged& j, const clamps& limits) {
    if (!limit_scope(j, j.arguments.find("Scope"), limits)) return;
    const json* start = j.arguments.find("StartPC");
    const json* end = j.arguments.find("EndPC");
    const std::uint64_t first = start ? start->as_uint().value_or(0) : 0;
    const std::uint64_t last = end ? end->as_uint().value_or(0) : 0;
    // Without an end it is the function around the start. Delve allocates the whole range at once.
    constexpr std::uint64_t longest = 1 << 20;
    if (last != 0 && (last < first || last - first > longest))
        refuse(j, "StartPC to EndPC must be a range of at most 1048576 bytes");
}

void find_location(judged& j, const clamps& limits) {
    if (!limit_scope(j, j.arguments.find("Scope"), limits)) return;
    const std::string_view loc = j.arguments.get_string("Loc");
    if (location_computes(loc)) j.classes.add(op_class::read);
    // `*expr`, `+2`, `-2` and a bare line depend on where the target stands, all else on its image.
    if (loc.empty() || std::string_view("*+-0123456789").find(loc[0]) != std::string_view::npos)
        j.how = service::look;
}

void list_functions(judged& j, const clamps&) {
    if (j.arguments.get_int("FollowCalls") > 0)
        refuse(j, "FollowCalls is refused: Delve would set breakpoints of its own along the calls");
}

void list_goroutines(judged& j, const clamps& limits) {
    if (!not_negative(j, j.arguments, "Start") || !not_negative(j, j.arguments, "Count") ||
        !not_negative(j, j.arguments, "MaxGroupMembers") ||
        !limit_scope(j, j.arguments.find("EvalScope"), limits))
        return;
    if (limits.max_goroutines != clamps::unlimited && j.arguments.get_int("Count") == 0)
        j.arguments.set("Count", json(limits.max_goroutines));  // 0 is all
    for (std::string_view key : {"Count", "MaxGroupMembers", "MaxGroups"})
        lower(j.arguments, key, limits.max_goroutines);
    constexpr std::int64_t label = 5;               // a value that the program set
    constexpr std::int64_t waiting_on_channel = 8;  // its argument is an expression
    if (const json* filters = j.arguments.find("Filters"))
        for (const json& filter : *filters->if_array())
            if (const auto kind = filter.get_int("Kind"); kind == waiting_on_channel || kind == label)
                j.classes.add(op_class::read);
    // Groups are named by what they have in common.
    if (const auto by = j.arguments.get_int("GroupBy"); by == waiting_on_channel || by == label)
        j.classes.add(op_class::read);
}

void follow_exec(judged& j, const clamps&) {
    if (j.arguments.get_bool("Enable"))
        refuse(j, "following child processes is refused: a component has one target");
}

void debug_info_directories(judged& j, const clamps&) {
    if (!j.arguments.get_bool("Set")) return;
    j.classes = files;
    refuse(j, "setting the debug info directories is refused: Delve would open files of the "
              "client's choosing on the node");
}

void command_load(judged& j, const clamps& limits) {
    limit_load(j, j.arguments.find("ReturnInfoLoadConfig"), limits);
}

constexpr row rpc[] = {
    {"RPCServer.AmendBreakpoint", service::breakpoint, {op_class::breakpoint},
     &types::amend_breakpoint_in, amend_breakpoint},
    {"RPCServer.Ancestors", service::look, observe, &types::ancestors_in, ancestors},
    {"RPCServer.AttachedToExistingProcess", service::local, observe, &types::empty},
    {"RPCServer.BuildID", service::image, observe, &types::empty},
    // Nothing is ever being downloaded: DownloadLibraryDebugInfo is refused.
    {"RPCServer.CancelDownloads", service::local, observe, &types::empty},
    {"RPCServer.CancelNext", service::call, control, &types::empty},
    {"RPCServer.Checkpoint", service::refuse, control, &types::checkpoint_in, nullptr,
     no_recording},
    {"RPCServer.ClearBreakpoint", service::breakpoint, {op_class::trace}, &types::id_or_name_in},
    {"RPCServer.ClearCheckpoint", service::refuse, control, &types::clear_checkpoint_in, nullptr,
     no_recording},
    {"RPCServer.Command", service::refuse, lifecycle, &types::debugger_command, nullptr,
     "this Command name is not one the gateway knows; Delve would do nothing and call it success"},
    {"RPCServer.CreateBreakpoint", service::breakpoint, {op_class::breakpoint},
     &types::create_breakpoint_in, create_breakpoint},
    {"RPCServer.CreateEBPFTracepoint", service::refuse, lifecycle,
     &types::create_ebpf_tracepoint_in, nullptr,
     "eBPF tracepoints are refused: they load a program into the node's kernel"},
    {"RPCServer.CreateWatchpoint", service::breakpoint, {op_class::read, op_class::breakpoint},
     &types::create_watchpoint_in, scope_only},
    {"RPCServer.DebugInfoDirectories", service::image, observe, &types::debug_info_directories_in,
     debug_info_directories},
    {"RPCServer.Detach", service::leave, observe, &types::detach_in},
    {"RPCServer.Disassemble", service::look, read, &types::disassemble_in, disassemble},
    {"RPCServer.DownloadLibraryDebugInfo", service::refuse, files,
     &types::download_library_debug_info_in, nullptr,
     "downloading debug info is refused: the request crashes Delve"},
    {"RPCServer.DumpCancel", service::refuse, files, &types::empty, nullptr, no_dump},
    {"RPCServer.DumpStart", service::refuse, files, &types::dump_start_in, nullptr, no_dump},
    {"RPCServer.DumpWait", service::refuse, files, &types::dump_wait_in, nullptr, no_dump},
    {"RPCServer.Eval", service::look, read, &types::eval_in, eval},
    {"RPCServer.ExamineMemory", service::look, read, &types::examine_memory_in, examine_memory},
    {"RPCServer.FindLocation", service::image, observe, &types::find_location_in, find_location},
    {"RPCServer.FollowExec", service::look, lifecycle, &types::follow_exec_in, follow_exec},
    {"RPCServer.FollowExecEnabled", service::look, observe, &types::empty},
    {"RPCServer.FunctionReturnLocations", service::image, observe,
     &types::function_return_locations_in},
    {"RPCServer.GetBreakpoint", service::local, observe, &types::id_or_name_in},
    {"RPCServer.GetBufferedTracepoints", service::look, read, &types::get_buffered_tracepoints_in,
     buffered_tracepoints},
    {"RPCServer.GetEvents", service::local, observe, &types::empty},
    {"RPCServer.GetThread", service::look, observe, &types::get_thread_in},
    {"RPCServer.GetVersion", service::local, observe, &types::empty},
    {"RPCServer.GuessSubstitutePath", service::image, observe, &types::guess_substitute_path_in},
    {"RPCServer.IsMulticlient", service::local, observe, &types::empty},
    {"RPCServer.LastModified", service::local, observe, &types::empty},
    {"RPCServer.ListBreakpoints", service::local, observe, &types::list_breakpoints_in},
    {"RPCServer.ListCheckpoints", service::refuse, observe, &types::empty, nullptr, no_recording},
    {"RPCServer.ListDynamicLibraries", service::look, observe, &types::empty},
    {"RPCServer.ListFunctionArgs", service::look, read, &types::list_scope_vars_in, scope_and_load},
    {"RPCServer.ListFunctions", service::image, observe, &types::list_functions_in, list_functions},
    {"RPCServer.ListGoroutines", service::look, observe, &types::list_goroutines_in,
     list_goroutines},
    {"RPCServer.ListLocalVars", service::look, read, &types::list_scope_vars_in, scope_and_load},
    {"RPCServer.ListPackageVars", service::look, read, &types::list_package_vars_in, load_only},
    {"RPCServer.ListPackagesBuildInfo", service::image, observe,
     &types::list_packages_build_info_in},
    {"RPCServer.ListRegisters", service::look, read, &types::list_registers_in, scope_only},
    {"RPCServer.ListSources", service::image, observe, &types::filter_in},
    {"RPCServer.ListTargets", service::local, observe, &types::empty},
    {"RPCServer.ListThreads", service::look, observe, &types::empty},
    {"RPCServer.ListTypes", service::image, observe, &types::filter_in},
    {"RPCServer.ProcessPid", service::local, observe, &types::empty},
    {"RPCServer.Recorded", service::local, observe, &types::empty},
    {"RPCServer.Restart", service::restart, lifecycle, &types::restart_in, restart},
    {"RPCServer.Set", service::call, mutate, &types::set_in, scope_only},
    // Global to Delve's server in old versions: one client's choice would change everybody's.
    {"RPCServer.SetApiVersion", service::local, observe, &types::set_api_version_in, api_version},
    {"RPCServer.Stacktrace", service::look, observe, &types::stacktrace_in, stacktrace},
    {"RPCServer.State", service::local, observe, &types::state_in},
    {"RPCServer.StopRecording", service::refuse, control, &types::empty, nullptr, no_recording},
    {"RPCServer.ToggleBreakpoint", service::breakpoint, {op_class::breakpoint},
     &types::id_or_name_in},
    {"RPCServer.TypeInfo", service::image, observe, &types::type_info_in},
};

constexpr std::string_view command_prefix = "Command ";

constexpr row command(std::string_view name, service how, class_set classes, check then = nullptr,
                      std::string_view reason = {}) {
    return {name, how, classes, &types::debugger_command, then, reason};
}

constexpr row commands[] = {
    command("Command continue", service::run, control, command_load),
    command("Command directionCongruentContinue", service::run, control, command_load),
    command("Command next", service::run, control, command_load),
    command("Command step", service::run, control, command_load),
    command("Command stepOut", service::run, control, command_load),
    command("Command stepInstruction", service::run, control, command_load),
    command("Command nextInstruction", service::run, control, command_load),
    command("Command halt", service::halt, control, command_load),
    command("Command switchThread", service::select, observe, command_load),
    command("Command switchGoroutine", service::select, observe, command_load),
    command("Command call", service::call, mutate, command_load),
    command("Command rewind", service::refuse, control, nullptr, no_recording),
    command("Command reverseNext", service::refuse, control, nullptr, no_recording),
    command("Command reverseStep", service::refuse, control, nullptr, no_recording),
    command("Command reverseStepOut", service::refuse, control, nullptr, no_recording),
    command("Command reverseStepInstruction", service::refuse, control, nullptr, no_recording),
    command("Command reverseNextInstruction", service::refuse, control, nullptr, no_recording),
};

}  // namespace

std::span<const row> rpc_rows() { return rpc; }
std::span<const row> command_rows() { return commands; }

}  // namespace table

judged judge(const rpc_request& request, const clamps& limits) {
    constexpr std::string_view prefix = "RPCServer.";
    const table::row* row = table::find(table::rpc_rows(), request.method);
    if (!row) {
        judged j;
        j.classes = {op_class::lifecycle};
        j.operation = request.method;
        // Word for word, because clients probe an old Delve for what it can by this answer.
        table::refuse(j, "unknown method: " + request.method);
        return j;
    }
    const std::string_view operation = row->name.substr(prefix.size());
    if (operation != "Command") return table::apply(*row, operation, request.params, limits);

    // Which command it is stands in the arguments, so they are read first.
    judged j = table::apply(*row, operation, request.params, limits);
    if (j.malformed) return j;
    const std::string name =
        std::string(table::command_prefix).append(j.arguments.get_string("name"));
    const table::row* command = table::find(table::command_rows(), name);
    if (!command) {
        j.operation = name;
        return j;
    }
    return table::apply(*command, name, j.arguments, limits);
}

}  // namespace protocol
