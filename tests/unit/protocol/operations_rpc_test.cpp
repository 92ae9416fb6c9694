#include <gtest/gtest.h>

#include "operations_support.h"

namespace {

using namespace protocol;

std::string arguments(std::string_view method, std::string_view text) {
    const judged j = judge_rpc(std::string("RPCServer.").append(method), text);
    EXPECT_NE(j.how, service::refuse) << j.reason;
    return to_text(j.arguments);
}

std::string refusal(std::string_view method, std::string_view text) {
    const judged j = judge_rpc(std::string("RPCServer.").append(method), text);
    EXPECT_EQ(j.how, service::refuse) << text;
    EXPECT_FALSE(j.malformed) << j.reason;
    return j.reason;
}

class_set classes(std::string_view method, std::string_view text) {
    return judge_rpc(std::string("RPCServer.").append(method), text).classes;
}

TEST(judge_rpc, names_commands_by_their_name) {
    EXPECT_EQ(judge_rpc("RPCServer.Command", R"({"Name":"continue"})").operation,
              "Command continue");
    EXPECT_EQ(judge_rpc("RPCServer.Command", R"({"name":"call"})").operation, "Command call");
    const judged unknown = judge_rpc("RPCServer.Command", R"({"name":"frobnicate"})");
    EXPECT_EQ(unknown.operation, "Command frobnicate");
    EXPECT_EQ(unknown.how, service::refuse);
    EXPECT_EQ(unknown.classes, (class_set{op_class::lifecycle}));
    EXPECT_EQ(judge_rpc("RPCServer.Command", "{}").how, service::refuse);
}

TEST(judge_rpc, takes_events_out_of_commands) {
    EXPECT_EQ(arguments("Command", R"({"name":"next","WithEvents":true,"goroutineid":3})"),
              R"({"name":"next","goroutineID":3})");
}

TEST(judge_rpc, invents_no_fields) {
    EXPECT_EQ(arguments("State", "null"), "{}");
    EXPECT_EQ(arguments("Stacktrace", "{}"), "{}");
    EXPECT_EQ(arguments("Eval", R"({"Expr":"x"})"), R"({"Expr":"x"})");
}

TEST(judge_rpc, lowers_what_is_loaded) {
    EXPECT_EQ(arguments("Eval",
              R"({"Expr":"x","Cfg":{"FollowPointers":true,"MaxVariableRecurse":99,)"
                                R"("MaxStringLen":2000000000,"MaxArrayValues":2000000000,)"
                                R"("MaxStructFields":2000000000}})"),
              R"({"Expr":"x","Cfg":{"FollowPointers":true,"MaxVariableRecurse":10,)"
              R"("MaxStringLen":67108864,"MaxArrayValues":100000,"MaxStructFields":10000}})");
    EXPECT_EQ(arguments("ListLocalVars",
              R"({"Cfg":{"MaxVariableRecurse":-1,"MaxStructFields":-1}})"),
              R"({"Cfg":{"MaxVariableRecurse":-1,"MaxStructFields":-1}})");
    const std::string huge = R"({"MaxArrayValues":9223372036854775807})";
    const std::string lowered = R"({"MaxArrayValues":100000})";
    for (const char* method : {"ListLocalVars", "ListFunctionArgs", "ListPackageVars",
            "Stacktrace"})
        EXPECT_EQ(arguments(method, "{\"Cfg\":" + huge + "}"), "{\"Cfg\":" + lowered + "}");
    EXPECT_EQ(arguments("GetBufferedTracepoints", "{\"LoadCfg\":" + huge + "}"),
              "{\"LoadCfg\":" + lowered + "}");
    EXPECT_EQ(arguments("Command", R"({"name":"call","ReturnInfoLoadConfig":)" + huge + "}"),
              R"({"name":"call","ReturnInfoLoadConfig":)" + lowered + "}");
    EXPECT_EQ(arguments("CreateBreakpoint",
                        R"({"Breakpoint":{"LoadArgs":)" + huge + R"(,"LoadLocals":)" + huge + "}}"),
              R"({"Breakpoint":{"LoadArgs":)" + lowered + R"(,"LoadLocals":)" + lowered + "}}");
    EXPECT_EQ(arguments("AmendBreakpoint", R"({"Breakpoint":{"stacktrace":1000000}})"),
              R"({"Breakpoint":{"stacktrace":5000}})");
}

TEST(judge_rpc, refuses_load_sizes_that_panic_delve) {
    EXPECT_EQ(refusal("Eval", R"({"Cfg":{"MaxStringLen":-1}})"),
              "MaxStringLen must not be negative");
    EXPECT_EQ(refusal("Command", R"({"name":"next","ReturnInfoLoadConfig":{"MaxArrayValues":-5}})"),
              "MaxArrayValues must not be negative");
    EXPECT_EQ(refusal("CreateBreakpoint", R"({"Breakpoint":{"LoadLocals":{"MaxStringLen":-1}}})"),
              "MaxStringLen must not be negative");
}

TEST(judge_rpc, refuses_frames_that_delve_would_allocate_for) {
    for (const char* method : {"Eval", "Set", "ListLocalVars", "ListFunctionArgs", "ListRegisters",
                               "CreateWatchpoint", "FindLocation", "Disassemble"}) {
        EXPECT_EQ(refusal(method, R"({"Scope":{"Frame":-1}})"),
                  "Frame must not be negative") << method;
        EXPECT_EQ(refusal(method, R"({"Scope":{"Frame":1000000000}})"),
                  "Frame is beyond the deepest stack the gateway asks for, 5000")
            << method;
    }
    EXPECT_EQ(refusal("ListGoroutines", R"({"EvalScope":{"Frame":9223372036854775807}})"),
              "Frame is beyond the deepest stack the gateway asks for, 5000");
    EXPECT_EQ(arguments("Eval", R"({"Scope":{"Frame":4999}})"), R"({"Scope":{"Frame":4999}})");
}

TEST(judge_rpc, bounds_stacks_and_goroutines) {
    EXPECT_EQ(arguments("Stacktrace", R"({"Id":-1,"Depth":1000000000})"),
              R"({"Id":-1,"Depth":5000})");
    EXPECT_EQ(refusal("Stacktrace", R"({"Depth":-1})"), "Depth must not be negative");
    EXPECT_EQ(arguments("Ancestors", R"({"NumAncestors":99999,"Depth":99999})"),
              R"({"NumAncestors":5000,"Depth":5000})");
    EXPECT_EQ(refusal("Ancestors", R"({"NumAncestors":1})"), "Depth must be at least 1");
    EXPECT_EQ(refusal("Ancestors", R"({"NumAncestors":-1,"Depth":1})"),
              "NumAncestors must not be negative");
    EXPECT_EQ(arguments("ListGoroutines", "{}"), R"({"Count":20000})");
    EXPECT_EQ(arguments("ListGoroutines",
              R"({"Count":7,"MaxGroupMembers":99999,"MaxGroups":99999})"),
              R"({"Count":7,"MaxGroupMembers":20000,"MaxGroups":20000})");
    EXPECT_EQ(refusal("ListGoroutines", R"({"Count":-1})"), "Count must not be negative");
    EXPECT_EQ(refusal("ListGoroutines", R"({"Start":-1})"), "Start must not be negative");
}

TEST(judge_rpc, bounds_memory) {
    EXPECT_EQ(arguments("ExamineMemory", R"({"Address":18446744073709551615,"Length":99999})"),
              R"({"Address":18446744073709551615,"Length":65536})");
    EXPECT_EQ(refusal("ExamineMemory", R"({"Address":1,"Length":-1})"),
              "Length must not be negative");
    EXPECT_EQ(arguments("Disassemble", R"({"StartPC":4096,"EndPC":8192})"),
              R"({"StartPC":4096,"EndPC":8192})");
    EXPECT_EQ(arguments("Disassemble", R"({"StartPC":18446744073709551615})"),
              R"({"StartPC":18446744073709551615})");
    const std::string range = "StartPC to EndPC must be a range of at most 1048576 bytes";
    EXPECT_EQ(refusal("Disassemble", R"({"StartPC":0,"EndPC":18446744073709551615})"), range);
    EXPECT_EQ(refusal("Disassemble", R"({"StartPC":2,"EndPC":1})"), range);
}

TEST(judge_rpc, leaves_everything_to_a_caller_without_limits) {
    const std::string text = R"({"Start":0,"Count":0,"MaxGroupMembers":9223372036854775807})";
    EXPECT_EQ(to_text(judge_rpc("RPCServer.ListGoroutines", text, clamps::none()).arguments), text);
}

TEST(judge_rpc, counts_values_as_reading) {
    const class_set observe{op_class::observe};
    const class_set both{op_class::observe, op_class::read};
    EXPECT_EQ(classes("Stacktrace", "{}"), observe);
    EXPECT_EQ(classes("Stacktrace", R"({"Full":true})"), both);
    EXPECT_EQ(classes("Stacktrace", R"({"Cfg":{}})"), both);
    EXPECT_EQ(classes("FindLocation", R"({"Loc":"main.go:3"})"), observe);
    EXPECT_EQ(classes("FindLocation", R"({"Loc":"*p"})"), both);
    EXPECT_EQ(classes("ListGoroutines", R"({"Filters":[{"Kind":1}]})"), observe);
    EXPECT_EQ(classes("ListGoroutines", R"({"Filters":[{"Kind":8,"Arg":"ch"}]})"), both);
}

TEST(judge_rpc, tells_locations_of_the_image_from_those_of_the_moment) {
    for (const char* loc : {"main.main", "main.go:26", "/a/b.go:3", "/regex/", "main.f:+2"})
        EXPECT_EQ(judge_rpc("RPCServer.FindLocation", std::string("{\"Loc\":\"") + loc + "\"}").how,
                  service::image)
            << loc;
    for (const char* loc : {"", "*0x1234", "+2", "-1", "26"})
        EXPECT_EQ(judge_rpc("RPCServer.FindLocation", std::string("{\"Loc\":\"") + loc + "\"}").how,
                  service::look)
            << loc;
}

TEST(judge_rpc, tells_tracepoints_from_breakpoints) {
    const auto of = [](const std::string& bp) {
        return classes("CreateBreakpoint", "{\"Breakpoint\":" + bp + "}");
    };
    EXPECT_EQ(of(R"({"line":1})"), (class_set{op_class::breakpoint}));
    EXPECT_EQ(of(R"({"continue":true})"), (class_set{op_class::trace}));
    EXPECT_EQ(of(R"({"continue":true,"variables":["x"]})"),
              (class_set{op_class::trace, op_class::read}));
    EXPECT_EQ(of(R"({"LoadArgs":{}})"), (class_set{op_class::breakpoint, op_class::read}));
    EXPECT_EQ(of(R"({"Cond":"x > 1"})"), (class_set{op_class::breakpoint, op_class::read}));
    EXPECT_EQ(of(R"({"variables":[]})"), (class_set{op_class::breakpoint}));
    EXPECT_EQ(classes("AmendBreakpoint", R"({"Breakpoint":{"id":1,"continue":true}})"),
              (class_set{op_class::trace}));
    EXPECT_EQ(classes("CreateBreakpoint", R"({"LocExpr":"*p"})"),
              (class_set{op_class::breakpoint, op_class::read}));
}

TEST(judge_rpc, lets_nobody_choose_breakpoint_ids) {
    EXPECT_EQ(arguments("CreateBreakpoint", R"({"Breakpoint":{"id":99,"line":1}})"),
              R"({"Breakpoint":{"line":1}})");
    EXPECT_EQ(arguments("AmendBreakpoint", R"({"Breakpoint":{"id":99}})"),
              R"({"Breakpoint":{"id":99}})");
}

TEST(judge_rpc, refuses_commands_on_other_peoples_workstations) {
    const char* commands = R"({"Breakpoint":{"customCommands":["source x"]}})";
    EXPECT_NE(refusal("CreateBreakpoint", commands).find("workstation"), std::string::npos);
    EXPECT_NE(refusal("AmendBreakpoint", commands).find("workstation"), std::string::npos);
    EXPECT_EQ(arguments("AmendBreakpoint", R"({"Breakpoint":{"id":1,"customCommands":[]}})"),
              R"({"Breakpoint":{"id":1}})");
}

TEST(judge_rpc, restarts_without_touching_files) {
    EXPECT_EQ(arguments("Restart",
              R"({"ResetArgs":true,"NewArgs":["a"],"NewRedirects":["","",""]})"),
              R"({"ResetArgs":true,"NewArgs":["a"],"NewRedirects":["","",""]})");
    EXPECT_NE(refusal("Restart", R"({"Rebuild":true})").find("rebuild"), std::string::npos);
    EXPECT_NE(refusal("Restart", R"({"Rerecord":true})").find("recordings"), std::string::npos);
    EXPECT_NE(refusal("Restart", R"({"Position":"c1"})").find("recordings"), std::string::npos);
    EXPECT_NE(refusal("Restart", R"({"NewRedirects":["","/etc/passwd"]})").find("files"),
              std::string::npos);
}

TEST(judge_rpc, refuses_by_flag) {
    EXPECT_NE(refusal("ListFunctions", R"({"FollowCalls":1})").find("FollowCalls"),
              std::string::npos);
    EXPECT_NE(refusal("FollowExec", R"({"Enable":true})").find("one target"), std::string::npos);
    EXPECT_NE(refusal("SetApiVersion", R"({"APIVersion":1})").find("unknown API version"),
              std::string::npos);
    EXPECT_NE(refusal("DebugInfoDirectories", R"({"Set":true,"List":["/x"]})").find("files"),
              std::string::npos);
    EXPECT_EQ(classes("DebugInfoDirectories", R"({"Set":true})"), (class_set{op_class::files}));
    EXPECT_EQ(judge_rpc("RPCServer.FollowExec", R"({"Enable":false})").how, service::look);
}

}  // namespace
