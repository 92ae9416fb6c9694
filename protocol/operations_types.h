// The argument types of Delve's operations, as Go declares them (Delve v1.27.1, go-dap v0.12.0).
#pragma once

#include "protocol/schema.h"

namespace protocol::types {

extern const go_type empty;  // struct{}

// JSON-RPC: service/rpc2/server.go and service/api/types.go.
extern const go_type amend_breakpoint_in;
extern const go_type ancestors_in;
extern const go_type checkpoint_in;
extern const go_type clear_checkpoint_in;
extern const go_type create_breakpoint_in;
extern const go_type create_ebpf_tracepoint_in;
extern const go_type create_watchpoint_in;
extern const go_type debug_info_directories_in;
extern const go_type debugger_command;
extern const go_type detach_in;
extern const go_type disassemble_in;
extern const go_type download_library_debug_info_in;
extern const go_type dump_start_in;
extern const go_type dump_wait_in;
extern const go_type eval_in;
extern const go_type examine_memory_in;
extern const go_type filter_in;  // ListSources, ListTypes
extern const go_type find_location_in;
extern const go_type follow_exec_in;
extern const go_type function_return_locations_in;
extern const go_type get_buffered_tracepoints_in;
extern const go_type get_thread_in;
extern const go_type guess_substitute_path_in;
extern const go_type id_or_name_in;  // GetBreakpoint, ClearBreakpoint, ToggleBreakpoint
extern const go_type list_breakpoints_in;
extern const go_type list_functions_in;
extern const go_type list_goroutines_in;
extern const go_type list_package_vars_in;
extern const go_type list_packages_build_info_in;
extern const go_type list_registers_in;
extern const go_type list_scope_vars_in;  // ListLocalVars, ListFunctionArgs
extern const go_type restart_in;
extern const go_type set_api_version_in;
extern const go_type set_in;
extern const go_type stacktrace_in;
extern const go_type state_in;
extern const go_type type_info_in;

// DAP: go-dap schematypes.go; attach is service/dap/types.go, AttachConfig.
extern const go_type attach;
extern const go_type breakpoint_locations;
extern const go_type cancel;
extern const go_type completions;
extern const go_type continue_;  // continue, reverseContinue
extern const go_type data_breakpoint_info;
extern const go_type disassemble;
extern const go_type disconnect;
extern const go_type evaluate;
extern const go_type frame_id;  // scopes, restartFrame, stepInTargets
extern const go_type goto_;
extern const go_type goto_targets;
extern const go_type initialize;
extern const go_type modules;
extern const go_type read_memory;
extern const go_type run_in_terminal;
extern const go_type set_breakpoints;
extern const go_type set_data_breakpoints;
extern const go_type set_exception_breakpoints;
extern const go_type set_expression;
extern const go_type set_function_breakpoints;
extern const go_type set_instruction_breakpoints;
extern const go_type set_variable;
extern const go_type source;
extern const go_type stack_trace;
extern const go_type start_debugging;
extern const go_type step;     // next, stepOut, stepBack
extern const go_type step_in;
extern const go_type terminate;
extern const go_type terminate_threads;
extern const go_type thread_id;  // pause, exceptionInfo
extern const go_type variables;
extern const go_type write_memory;

}  // namespace protocol::types
