#include "protocol/operations_types.h"

namespace protocol::types {
namespace {

constexpr go_type strings = slice_of(go_string);
constexpr go_type ints = slice_of(go_int);
constexpr go_type uint64s = slice_of(go_uint64);
constexpr go_type string_map = map_of(go_string);
constexpr go_type uint64_map = map_of(go_uint64);
constexpr go_type string_pair = array_of(2, go_string);
constexpr go_type path_rules = slice_of(string_pair);
constexpr go_type redirects = array_of(3, go_string);

constexpr go_field load_config_fields[] = {
    {"FollowPointers", &go_bool},  {"MaxVariableRecurse", &go_int}, {"MaxStringLen", &go_int},
    {"MaxArrayValues", &go_int},   {"MaxStructFields", &go_int},
};
constexpr go_type load_config = struct_of(load_config_fields);

constexpr go_field eval_scope_fields[] = {
    {"GoroutineID", &go_int}, {"Frame", &go_int}, {"DeferredCall", &go_int}};
constexpr go_type eval_scope = struct_of(eval_scope_fields);

constexpr go_field breakpoint_fields[] = {
    {"id", &go_int},
    {"name", &go_string},
    {"addr", &go_uint64},
    {"addrs", &uint64s},
    {"addrpid", &ints},
    {"file", &go_string},
    {"line", &go_int},
    {"functionName", &go_string},
    {"ExprString", &go_string},
    {"Cond", &go_string},
    {"HitCond", &go_string},
    {"HitCondPerG", &go_bool},
    {"continue", &go_bool},
    {"traceReturn", &go_bool},
    {"goroutine", &go_bool},
    {"stacktrace", &go_int},
    {"variables", &strings},
    {"LoadArgs", &load_config},
    {"LoadLocals", &load_config},
    {"customCommands", &strings},
    {"WatchExpr", &go_string},
    {"WatchType", &go_uint8},
    {"VerboseDescr", &strings},
    {"hitCount", &uint64_map},
    {"totalHitCount", &go_uint64},
    {"disabled", &go_bool},
    {"RootFuncName", &go_string},
    {"TraceFollowCalls", &go_int},
};
constexpr go_type breakpoint = struct_of(breakpoint_fields);

constexpr go_field goroutines_filter_fields[] = {
    {"Kind", &go_uint8}, {"Negated", &go_bool}, {"Arg", &go_string}};
constexpr go_type goroutines_filter = struct_of(goroutines_filter_fields);
constexpr go_type goroutines_filters = slice_of(goroutines_filter);

constexpr go_field guess_fields[] = {{"ImportPathOfMainPackage", &go_string},
                                     {"ClientGOROOT", &go_string},
                                     {"ClientModuleDirectories", &string_map}};
constexpr go_type guess = struct_of(guess_fields);

constexpr go_field amend_breakpoint_fields[] = {{"Breakpoint", &breakpoint}};
constexpr go_field ancestors_fields[] = {
    {"GoroutineID", &go_int}, {"NumAncestors", &go_int}, {"Depth", &go_int}};
constexpr go_field checkpoint_fields[] = {{"Where", &go_string}};
constexpr go_field clear_checkpoint_fields[] = {{"ID", &go_int}};
constexpr go_field create_breakpoint_fields[] = {{"Breakpoint", &breakpoint},
                                                 {"LocExpr", &go_string},
                                                 {"SubstitutePathRules", &path_rules},
                                                 {"Suspended", &go_bool}};
constexpr go_field create_ebpf_tracepoint_fields[] = {{"FunctionName", &go_string}};
constexpr go_field create_watchpoint_fields[] = {
    {"Scope", &eval_scope}, {"Expr", &go_string}, {"Type", &go_uint8}};
constexpr go_field debug_info_directories_fields[] = {{"Set", &go_bool}, {"List", &strings}};
constexpr go_field debugger_command_fields[] = {
    {"name", &go_string},
    {"threadID", &go_int},
    {"goroutineID", &go_int},
    {"ReturnInfoLoadConfig", &load_config},
    {"expr", &go_string},
    // Nobody may fill the server's one event channel: it blocks dlv once it is full (facts 4.6).
    {.key = "WithEvents", .type = &go_bool, .dropped = true},
    {"unsafeCall", &go_bool},
};
constexpr go_field detach_fields[] = {{"Kill", &go_bool}};
constexpr go_field disassemble_in_fields[] = {
    {"Scope", &eval_scope}, {"StartPC", &go_uint64}, {"EndPC", &go_uint64}, {"Flavour", &go_int}};
constexpr go_field download_fields[] = {{"N", &go_int}};
constexpr go_field dump_start_fields[] = {{"Destination", &go_string}};
constexpr go_field dump_wait_fields[] = {{"Wait", &go_int}};
constexpr go_field eval_fields[] = {
    {"Scope", &eval_scope}, {"Expr", &go_string}, {"Cfg", &load_config}};
constexpr go_field examine_memory_fields[] = {{"Address", &go_uint64}, {"Length", &go_int}};
constexpr go_field filter_fields[] = {{"Filter", &go_string}};
constexpr go_field find_location_fields[] = {{"Scope", &eval_scope},
                                             {"Loc", &go_string},
                                             {"IncludeNonExecutableLines", &go_bool},
                                             {"SubstitutePathRules", &path_rules}};
constexpr go_field follow_exec_fields[] = {{"Enable", &go_bool}, {"Regex", &go_string}};
constexpr go_field function_return_locations_fields[] = {{"FnName", &go_string}};
constexpr go_field get_buffered_tracepoints_fields[] = {{"LoadCfg", &load_config}};
constexpr go_field get_thread_fields[] = {{"Id", &go_int}};
constexpr go_field guess_substitute_path_fields[] = {{"Args", &guess}};
constexpr go_field id_or_name_fields[] = {{"Id", &go_int}, {"Name", &go_string}};
constexpr go_field list_breakpoints_fields[] = {{"All", &go_bool}};
constexpr go_field list_functions_fields[] = {{"Filter", &go_string}, {"FollowCalls", &go_int}};
constexpr go_field list_goroutines_fields[] = {
    {"Start", &go_int},
    {"Count", &go_int},
    {"Filters", &goroutines_filters},
    {"GroupBy", &go_uint8},
    {"GroupByKey", &go_string},
    {"MaxGroupMembers", &go_int},
    {"MaxGroups", &go_int},
    {"EvalScope", &eval_scope},
};
constexpr go_field list_package_vars_fields[] = {{"Filter", &go_string}, {"Cfg", &load_config}};
constexpr go_field list_packages_build_info_fields[] = {{"IncludeFiles", &go_bool},
                                                        {"Filter", &go_string}};
constexpr go_field list_registers_fields[] = {
    {"ThreadID", &go_int}, {"IncludeFp", &go_bool}, {"Scope", &eval_scope}};
constexpr go_field list_scope_vars_fields[] = {{"Scope", &eval_scope}, {"Cfg", &load_config}};
constexpr go_field restart_fields[] = {
    {"Position", &go_string}, {"ResetArgs", &go_bool}, {"NewArgs", &strings},
    {"Rerecord", &go_bool},   {"Rebuild", &go_bool},   {"NewRedirects", &redirects},
};
constexpr go_field set_api_version_fields[] = {{"APIVersion", &go_int}};
constexpr go_field set_fields[] = {
    {"Scope", &eval_scope}, {"Symbol", &go_string}, {"Value", &go_string}};
constexpr go_field stacktrace_fields[] = {
    {"Id", &go_int},    {"Depth", &go_int},       {"Full", &go_bool}, {"Defers", &go_bool},
    {"Opts", &go_uint16}, {"Cfg", &load_config}, {"Skip", &go_int},
};
constexpr go_field state_fields[] = {{"NonBlocking", &go_bool}};
constexpr go_field type_info_fields[] = {{"Name", &go_string}};

}  // namespace

const go_type empty{.kind = go_kind::structure};
const go_type amend_breakpoint_in = struct_of(amend_breakpoint_fields);
const go_type ancestors_in = struct_of(ancestors_fields);
const go_type checkpoint_in = struct_of(checkpoint_fields);
const go_type clear_checkpoint_in = struct_of(clear_checkpoint_fields);
const go_type create_breakpoint_in = struct_of(create_breakpoint_fields);
const go_type create_ebpf_tracepoint_in = struct_of(create_ebpf_tracepoint_fields);
const go_type create_watchpoint_in = struct_of(create_watchpoint_fields);
const go_type debug_info_directories_in = struct_of(debug_info_directories_fields);
const go_type debugger_command = struct_of(debugger_command_fields);
const go_type detach_in = struct_of(detach_fields);
const go_type disassemble_in = struct_of(disassemble_in_fields);
const go_type download_library_debug_info_in = struct_of(download_fields);
const go_type dump_start_in = struct_of(dump_start_fields);
const go_type dump_wait_in = struct_of(dump_wait_fields);
const go_type eval_in = struct_of(eval_fields);
const go_type examine_memory_in = struct_of(examine_memory_fields);
const go_type filter_in = struct_of(filter_fields);
const go_type find_location_in = struct_of(find_location_fields);
const go_type follow_exec_in = struct_of(follow_exec_fields);
const go_type function_return_locations_in = struct_of(function_return_locations_fields);
const go_type get_buffered_tracepoints_in = struct_of(get_buffered_tracepoints_fields);
const go_type get_thread_in = struct_of(get_thread_fields);
const go_type guess_substitute_path_in = struct_of(guess_substitute_path_fields);
const go_type id_or_name_in = struct_of(id_or_name_fields);
const go_type list_breakpoints_in = struct_of(list_breakpoints_fields);
const go_type list_functions_in = struct_of(list_functions_fields);
const go_type list_goroutines_in = struct_of(list_goroutines_fields);
const go_type list_package_vars_in = struct_of(list_package_vars_fields);
const go_type list_packages_build_info_in = struct_of(list_packages_build_info_fields);
const go_type list_registers_in = struct_of(list_registers_fields);
const go_type list_scope_vars_in = struct_of(list_scope_vars_fields);
const go_type restart_in = struct_of(restart_fields);
const go_type set_api_version_in = struct_of(set_api_version_fields);
const go_type set_in = struct_of(set_fields);
const go_type stacktrace_in = struct_of(stacktrace_fields);
const go_type state_in = struct_of(state_fields);
const go_type type_info_in = struct_of(type_info_fields);

}  // namespace protocol::types
