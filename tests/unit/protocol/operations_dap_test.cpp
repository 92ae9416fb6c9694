#include <gtest/gtest.h>

#include "operations_support.h"

namespace {

using namespace protocol;

std::string arguments(std::string_view command, std::string_view text) {
    const judged j = judge_dap(command, text);
    EXPECT_NE(j.how, service::refuse) << j.reason;
    return to_text(j.arguments);
}

judged refused(std::string_view command, std::string_view text) {
    judged j = judge_dap(command, text);
    EXPECT_EQ(j.how, service::refuse) << text;
    EXPECT_FALSE(j.malformed) << j.reason;
    return j;
}

TEST(judge_dap, attaches_without_what_is_in_launch_json) {
    EXPECT_EQ(arguments("attach",
                        R"({"name":"x","type":"go","request":"attach","mode":"remote","host":"h",)"
                        R"("port":1,"env":{"TOKEN":"secret"},"dlvToolPath":"/x","backend":"native",)"
                        R"("processId":0,"followExec":true,"stopOnEntry":true,"showGlobalVariables":true,)"
                        R"("substitutePath":[{"from":"/a","to":"/b"}],"stackTraceDepth":1000000,)"
                        R"("maxStringLen":2000000000,"maxArrayValues":2000000000,"__sessionId":"u"})"),
              R"({"mode":"remote","stopOnEntry":true,"stackTraceDepth":5000,"maxStringLen":67108864,)"
              R"("maxArrayValues":100000,"showGlobalVariables":true,)"
              R"("substitutePath":[{"from":"/a","to":"/b"}]})");
}

TEST(judge_dap, attaches_to_a_running_delve_only) {
    for (const char* text : {"null", "{}", R"({"mode":"local","processId":1})", R"({"mode":""})",
                             R"({"mode":"Remote"})"}) {
        const judged j = refused("attach", text);
        EXPECT_EQ(j.dap_error, 3001);
        EXPECT_EQ(j.dap_summary, "Failed to attach");
        EXPECT_NE(j.reason.find("\"mode\": \"remote\""), std::string::npos) << j.reason;
    }
}

TEST(judge_dap, launches_nothing) {
    const judged j = refused("launch", R"({"mode":"exec","program":"/bin/sh"})");
    EXPECT_EQ(j.dap_error, 3000);
    EXPECT_NE(j.reason.find("attach"), std::string::npos);
    EXPECT_TRUE(j.arguments.is_null());
    EXPECT_NE(refused("restart", "{}").reason.find("rebuild"), std::string::npos);
}

TEST(judge_dap, initializes_as_delve_does) {
    EXPECT_EQ(refused("initialize", R"({"linesStartAt1":true,"columnsStartAt1":true})").reason,
              "Unsupported 'pathFormat' value ''.");
    EXPECT_EQ(refused("initialize", R"({"pathFormat":"path","columnsStartAt1":true})").reason,
              "Only 1-based line numbers are supported.");
    const judged j = refused("initialize", R"({"pathFormat":"path","linesStartAt1":true})");
    EXPECT_EQ(j.reason, "Only 1-based column numbers are supported.");
    EXPECT_EQ(j.dap_error, 3002);
}

TEST(judge_dap, never_carries_the_end_of_the_target) {
    const judged j = judge_dap("disconnect",
              R"({"restart":true,"terminateDebuggee":true,"suspendDebuggee":true})");
    EXPECT_EQ(j.how, service::leave);
    EXPECT_EQ(to_text(j.arguments), R"({"restart":true})");
}

TEST(judge_dap, keeps_absent_arguments_absent) {
    EXPECT_TRUE(judge_dap("configurationDone", "null").arguments.is_null());
    EXPECT_TRUE(judge_dap("threads", R"({"threadId":"ignored"})").arguments.is_null());
    EXPECT_EQ(to_text(judge_dap("configurationDone", "{}").arguments), "{}");
}

TEST(judge_dap, answers_the_unsupported_in_delves_words) {
    const judged source = refused("source", R"({"sourceReference":1})");
    EXPECT_EQ(source.reason, R"(cannot process "source" request)");
    EXPECT_EQ(source.dap_error, 9999);
    EXPECT_EQ(source.dap_summary, "Unsupported command");
    const judged cancel = refused("cancel", "{}");
    EXPECT_EQ(cancel.dap_error, 7777);
    EXPECT_EQ(cancel.dap_summary, "Not yet implemented");
}

TEST(judge_dap, tells_log_points_from_breakpoints) {
    const auto of = [](const std::string& bps) {
        return judge_dap("setBreakpoints",
                  R"({"source":{"path":"/a"},"breakpoints":)" + bps + "}").classes;
    };
    EXPECT_EQ(of("[]"), (class_set{op_class::observe}));
    EXPECT_EQ(of("null"), (class_set{op_class::observe}));
    EXPECT_EQ(of(R"([{"line":1}])"), (class_set{op_class::breakpoint}));
    EXPECT_EQ(of(R"([{"line":1,"logMessage":"hi"}])"), (class_set{op_class::trace}));
    EXPECT_EQ(of(R"([{"line":1,"logMessage":"{x}"}])"),
              (class_set{op_class::trace, op_class::read}));
    EXPECT_EQ(of(R"([{"line":1,"logMessage":"hi"},{"line":2,"condition":"x"}])"),
              (class_set{op_class::trace, op_class::breakpoint, op_class::read}));
}

TEST(judge_dap, drops_the_rest_of_a_source) {
    EXPECT_EQ(arguments("setBreakpoints",
                        R"({"source":{"name":"a.go","path":"/a.go","adapterData":{"x":1},"sources":[{}],)"
                        R"("checksums":[],"origin":"x"},"breakpoints":[{"line":3}],"lines":[3]})"),
              R"({"source":{"name":"a.go","path":"/a.go"},"breakpoints":[{"line":3}],"lines":[3]})");
}

TEST(judge_dap, believes_no_data_id) {
    const auto with = [](std::string_view id) {
        return std::string(R"({"breakpoints":[{"dataId":")").append(id).append(R"(","accessType":"write"}]})");
    };
    EXPECT_EQ(judge_dap("setDataBreakpoints", with("-1,0,x")).how, service::breakpoint);
    EXPECT_EQ(judge_dap("setDataBreakpoints", with("x")).how, service::breakpoint);
    for (const char* id : {"1,-1,x", "1,5000,x", "1,0x7fffffff,x", "1,99999999999999999999,x",
            "1,,x", "1, 2,x"})
        refused("setDataBreakpoints", with(id));
}

TEST(judge_dap, bounds_what_is_asked_for) {
    EXPECT_EQ(arguments("stackTrace",
              R"({"threadId":1,"startFrame":999999999,"levels":999999999})"),
              R"({"threadId":1,"startFrame":5000,"levels":5000})");
    EXPECT_EQ(arguments("variables",
              R"({"variablesReference":1,"filter":"indexed","count":999999999})"),
              R"({"variablesReference":1,"filter":"indexed","count":100000})");
    refused("variables", R"({"count":-1})");
    refused("variables", R"({"start":-1})");
    EXPECT_EQ(arguments("readMemory", R"({"memoryReference":"0x1","count":999999999})"),
              R"({"memoryReference":"0x1","count":65536})");
    refused("readMemory", R"({"count":-1})");
    EXPECT_EQ(arguments("disassemble",
              R"({"memoryReference":"0","instructionOffset":-50,"instructionCount":999999999})"),
              R"({"memoryReference":"0","instructionOffset":-50,"instructionCount":10000})");
    refused("disassemble", R"({"memoryReference":"0","instructionCount":-1})");
    refused("disassemble", R"({"memoryReference":"0","instructionOffset":10001})");
    refused("disassemble", R"({"memoryReference":"0","instructionOffset":-9223372036854775808})");
}

}  // namespace
