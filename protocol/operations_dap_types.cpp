#include "protocol/operations_types.h"

namespace protocol::types {
namespace {

constexpr go_type strings = slice_of(go_string);
constexpr go_type ints = slice_of(go_int);
constexpr go_type string_map = map_of(go_string);
constexpr go_type any_map = map_of(go_any);

constexpr go_field value_format_fields[] = {{"hex", &go_bool}};
constexpr go_type value_format = struct_of(value_format_fields);
constexpr go_field stack_frame_format_fields[] = {
    {"hex", &go_bool},            {"parameters", &go_bool},      {"parameterTypes", &go_bool},
    {"parameterNames", &go_bool}, {"parameterValues", &go_bool}, {"line", &go_bool},
    {"module", &go_bool},         {"includeAll", &go_bool},
};
constexpr go_type stack_frame_format = struct_of(stack_frame_format_fields);

constexpr go_field checksum_fields[] = {{"algorithm", &go_string}, {"checksum", &go_string}};
constexpr go_type checksum = struct_of(checksum_fields);
constexpr go_type checksums = slice_of(checksum);

// Delve looks at a source's path (and name) only.
extern const go_type dap_source;
constexpr go_type dap_sources = slice_of(dap_source);
constexpr go_field dap_source_fields[] = {
    {"name", &go_string},
    {"path", &go_string},
    {"sourceReference", &go_int},
    {"presentationHint", &go_string},
    {.key = "origin", .type = &go_string, .dropped = true},
    {.key = "sources", .type = &dap_sources, .dropped = true},
    {.key = "adapterData", .type = &go_any, .dropped = true},
    {.key = "checksums", .type = &checksums, .dropped = true},
};
const go_type dap_source = struct_of(dap_source_fields);

constexpr go_field source_breakpoint_fields[] = {{"line", &go_int},
                                                 {"column", &go_int},
                                                 {"condition", &go_string},
                                                 {"hitCondition", &go_string},
                                                 {"logMessage", &go_string}};
constexpr go_type source_breakpoint = struct_of(source_breakpoint_fields);
constexpr go_type source_breakpoints = slice_of(source_breakpoint);
constexpr go_field function_breakpoint_fields[] = {
    {"name", &go_string}, {"condition", &go_string}, {"hitCondition", &go_string}};
constexpr go_type function_breakpoint = struct_of(function_breakpoint_fields);
constexpr go_type function_breakpoints = slice_of(function_breakpoint);
constexpr go_field data_breakpoint_fields[] = {{"dataId", &go_string},
                                               {"accessType", &go_string},
                                               {"condition", &go_string},
                                               {"hitCondition", &go_string}};
constexpr go_type data_breakpoint = struct_of(data_breakpoint_fields);
constexpr go_type data_breakpoints = slice_of(data_breakpoint);
constexpr go_field instruction_breakpoint_fields[] = {{"instructionReference", &go_string},
                                                      {"offset", &go_int},
                                                      {"condition", &go_string},
                                                      {"hitCondition", &go_string}};
constexpr go_type instruction_breakpoint = struct_of(instruction_breakpoint_fields);
constexpr go_type instruction_breakpoints = slice_of(instruction_breakpoint);

constexpr go_field exception_filter_fields[] = {{"filterId", &go_string},
                                                {"condition", &go_string}};
constexpr go_type exception_filter = struct_of(exception_filter_fields);
constexpr go_type exception_filters = slice_of(exception_filter);
constexpr go_field exception_segment_fields[] = {{"negate", &go_bool}, {"names", &strings}};
constexpr go_type exception_segment = struct_of(exception_segment_fields);
constexpr go_type exception_path = slice_of(exception_segment);
constexpr go_field exception_option_fields[] = {{"path", &exception_path},
                                                {"breakMode", &go_string}};
constexpr go_type exception_option = struct_of(exception_option_fields);
constexpr go_type exception_options = slice_of(exception_option);

// SubstitutePath has an UnmarshalJSON of its own that insists on both.
constexpr go_field substitute_path_fields[] = {
    {.key = "from", .type = &go_string, .required = true},
    {.key = "to", .type = &go_string, .required = true},
};
constexpr go_type substitute_path = struct_of(substitute_path_fields);
constexpr go_type substitute_paths = slice_of(substitute_path);

constexpr go_field guess_fields[] = {{"ImportPathOfMainPackage", &go_string},
                                     {"ClientGOROOT", &go_string},
                                     {"ClientModuleDirectories", &string_map}};
constexpr go_type guess = struct_of(guess_fields);

// What a remote attach has no use for stays here: a launch.json travels whole, secrets included.
constexpr go_field attach_fields[] = {
    {"mode", &go_string},
    {.key = "processId", .type = &go_int, .dropped = true},
    {.key = "waitFor", .type = &go_string, .dropped = true},
    {"guessSubstitutePath", &guess},
    {.key = "followExec", .type = &go_bool, .dropped = true},
    {.key = "followExecRegex", .type = &go_string, .dropped = true},
    {"stopOnEntry", &go_bool},
    {.key = "backend", .type = &go_string, .dropped = true},
    {"stackTraceDepth", &go_int},
    {"maxStringLen", &go_int},
    {"maxArrayValues", &go_int},
    {"showGlobalVariables", &go_bool},
    {"showRegisters", &go_bool},
    {"hideSystemGoroutines", &go_bool},
    {"goroutineFilters", &go_string},
    {"showPprofLabels", &strings},
    {"substitutePath", &substitute_paths},
    {"showRawStrings", &go_bool},
};
constexpr go_field breakpoint_locations_fields[] = {{"source", &dap_source},
                                                    {"line", &go_int},
                                                    {"column", &go_int},
                                                    {"endLine", &go_int},
                                                    {"endColumn", &go_int}};
constexpr go_field cancel_fields[] = {{"requestId", &go_int}, {"progressId", &go_string}};
constexpr go_field completions_fields[] = {
    {"frameId", &go_int}, {"text", &go_string}, {"column", &go_int}, {"line", &go_int}};
constexpr go_field continue_fields[] = {{"threadId", &go_int}, {"singleThread", &go_bool}};
constexpr go_field data_breakpoint_info_fields[] = {
    {"variablesReference", &go_int}, {"name", &go_string}, {"frameId", &go_int}};
constexpr go_field disassemble_fields[] = {{"memoryReference", &go_string},
                                           {"offset", &go_int},
                                           {"instructionOffset", &go_int},
                                           {"instructionCount", &go_int},
                                           {"resolveSymbols", &go_bool}};
// No IDE message ends the target.
constexpr go_field disconnect_fields[] = {
    {"restart", &go_bool},
    {.key = "terminateDebuggee", .type = &go_bool, .dropped = true},
    {.key = "suspendDebuggee", .type = &go_bool, .dropped = true},
};
constexpr go_field evaluate_fields[] = {{"expression", &go_string},
                                        {"frameId", &go_int},
                                        {"context", &go_string},
                                        {"format", &value_format}};
constexpr go_field frame_id_fields[] = {{"frameId", &go_int}};
constexpr go_field goto_fields[] = {{"threadId", &go_int}, {"targetId", &go_int}};
constexpr go_field goto_targets_fields[] = {
    {"source", &dap_source}, {"line", &go_int}, {"column", &go_int}};
constexpr go_field initialize_fields[] = {
    {"clientID", &go_string},
    {"clientName", &go_string},
    {"adapterID", &go_string},
    {"locale", &go_string},
    {"linesStartAt1", &go_bool},
    {"columnsStartAt1", &go_bool},
    {"pathFormat", &go_string},
    {"supportsVariableType", &go_bool},
    {"supportsVariablePaging", &go_bool},
    {"supportsRunInTerminalRequest", &go_bool},
    {"supportsMemoryReferences", &go_bool},
    {"supportsProgressReporting", &go_bool},
    {"supportsInvalidatedEvent", &go_bool},
    {"supportsMemoryEvent", &go_bool},
    {"supportsArgsCanBeInterpretedByShell", &go_bool},
    {"supportsStartDebuggingRequest", &go_bool},
};
constexpr go_field modules_fields[] = {{"startModule", &go_int}, {"moduleCount", &go_int}};
constexpr go_field read_memory_fields[] = {
    {"memoryReference", &go_string}, {"offset", &go_int}, {"count", &go_int}};
constexpr go_field run_in_terminal_fields[] = {
    {"kind", &go_string},  {"title", &go_string}, {"cwd", &go_string},
    {"args", &strings},    {"env", &any_map},     {"argsCanBeInterpretedByShell", &go_bool},
};
constexpr go_field set_breakpoints_fields[] = {{"source", &dap_source},
                                               {"breakpoints", &source_breakpoints},
                                               {"lines", &ints},
                                               {"sourceModified", &go_bool}};
constexpr go_field set_data_breakpoints_fields[] = {{"breakpoints", &data_breakpoints}};
constexpr go_field set_exception_breakpoints_fields[] = {{"filters", &strings},
                                                         {"filterOptions", &exception_filters},
                                                         {"exceptionOptions", &exception_options}};
constexpr go_field set_expression_fields[] = {{"expression", &go_string},
                                              {"value", &go_string},
                                              {"frameId", &go_int},
                                              {"format", &value_format}};
constexpr go_field set_function_breakpoints_fields[] = {{"breakpoints", &function_breakpoints}};
constexpr go_field set_instruction_breakpoints_fields[] = {
    {"breakpoints", &instruction_breakpoints}};
constexpr go_field set_variable_fields[] = {{"variablesReference", &go_int},
                                            {"name", &go_string},
                                            {"value", &go_string},
                                            {"format", &value_format}};
constexpr go_field source_fields[] = {{"source", &dap_source}, {"sourceReference", &go_int}};
constexpr go_field stack_trace_fields[] = {{"threadId", &go_int},
                                           {"startFrame", &go_int},
                                           {"levels", &go_int},
                                           {"format", &stack_frame_format}};
constexpr go_field start_debugging_fields[] = {{"configuration", &any_map},
                                               {"request", &go_string}};
constexpr go_field step_fields[] = {
    {"threadId", &go_int}, {"singleThread", &go_bool}, {"granularity", &go_string}};
constexpr go_field step_in_fields[] = {{"threadId", &go_int},
                                       {"singleThread", &go_bool},
                                       {"targetId", &go_int},
                                       {"granularity", &go_string}};
constexpr go_field terminate_fields[] = {{"restart", &go_bool}};
constexpr go_field terminate_threads_fields[] = {{"threadIds", &ints}};
constexpr go_field thread_id_fields[] = {{"threadId", &go_int}};
constexpr go_field variables_fields[] = {{"variablesReference", &go_int},
                                         {"filter", &go_string},
                                         {"start", &go_int},
                                         {"count", &go_int},
                                         {"format", &value_format}};
constexpr go_field write_memory_fields[] = {{"memoryReference", &go_string},
                                            {"offset", &go_int},
                                            {"allowPartial", &go_bool},
                                            {"data", &go_string}};

}  // namespace

const go_type attach = struct_of(attach_fields);
const go_type breakpoint_locations = struct_of(breakpoint_locations_fields);
const go_type cancel = struct_of(cancel_fields);
const go_type completions = struct_of(completions_fields);
const go_type continue_ = struct_of(continue_fields);
const go_type data_breakpoint_info = struct_of(data_breakpoint_info_fields);
const go_type disassemble = struct_of(disassemble_fields);
const go_type disconnect = struct_of(disconnect_fields);
const go_type evaluate = struct_of(evaluate_fields);
const go_type frame_id = struct_of(frame_id_fields);
const go_type goto_ = struct_of(goto_fields);
const go_type goto_targets = struct_of(goto_targets_fields);
const go_type initialize = struct_of(initialize_fields);
const go_type modules = struct_of(modules_fields);
const go_type read_memory = struct_of(read_memory_fields);
const go_type run_in_terminal = struct_of(run_in_terminal_fields);
const go_type set_breakpoints = struct_of(set_breakpoints_fields);
const go_type set_data_breakpoints = struct_of(set_data_breakpoints_fields);
const go_type set_exception_breakpoints = struct_of(set_exception_breakpoints_fields);
const go_type set_expression = struct_of(set_expression_fields);
const go_type set_function_breakpoints = struct_of(set_function_breakpoints_fields);
const go_type set_instruction_breakpoints = struct_of(set_instruction_breakpoints_fields);
const go_type set_variable = struct_of(set_variable_fields);
const go_type source = struct_of(source_fields);
const go_type stack_trace = struct_of(stack_trace_fields);
const go_type start_debugging = struct_of(start_debugging_fields);
const go_type step = struct_of(step_fields);
const go_type step_in = struct_of(step_in_fields);
const go_type terminate = struct_of(terminate_fields);
const go_type terminate_threads = struct_of(terminate_threads_fields);
const go_type thread_id = struct_of(thread_id_fields);
const go_type variables = struct_of(variables_fields);
const go_type write_memory = struct_of(write_memory_fields);

}  // namespace protocol::types
