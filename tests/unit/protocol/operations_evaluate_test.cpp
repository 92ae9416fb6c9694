#include <gtest/gtest.h>

#include "operations_support.h"

namespace {

using namespace protocol;

std::string form(std::string_view expression) { return judge_evaluate(expression).operation; }

std::string rewritten(std::string_view expression) {
    const judged j = judge_evaluate(expression);
    EXPECT_EQ(j.how, service::look) << j.reason;
    return std::string(j.arguments.get_string("expression"));
}

// Delve's ^\s*call\s+\S+, with RE2's \s.
TEST(judge_evaluate, tells_calls_from_expressions) {
    for (const char* text : {"call f()", " \t call  f()", "\ncall f()", "call\tf()", "call\nf()",
                             "\f\rcall f()", "call x = f()", "call \u00a0"}) {
        EXPECT_EQ(form(text), "evaluate call") << text;
        EXPECT_EQ(judge_evaluate(text).how, service::call) << text;
        EXPECT_EQ(judge_evaluate(text).classes, (class_set{op_class::mutate})) << text;
    }
    for (const char* text :
         {"x", "", "call", "call ", "call \t\n", "callf()", "CALL f()", "\u00a0call f()",
          "\vcall f()", "call\vf()", "x call f()", "dlv", "dlv ", "dlvx y", "DLV help"}) {
        EXPECT_EQ(form(text), "evaluate") << text;
        EXPECT_EQ(judge_evaluate(text).classes, (class_set{op_class::read})) << text;
    }
}

TEST(judge_evaluate, cares_for_no_context) {
    for (const char* context : {"hover", "watch", "repl", "clipboard", "variables", ""}) {
        json arguments;
        arguments.set("expression", json("call f()"));
        arguments.set("context", json(context));
        EXPECT_EQ(judge(dap_request{1, "evaluate", arguments}).how, service::call) << context;
    }
}

TEST(judge_evaluate, tells_delve_commands_apart) {
    EXPECT_EQ(form("dlv config -list"), "evaluate dlv config");
    EXPECT_EQ(form("dlv sources main"), "evaluate dlv sources");
    EXPECT_EQ(form("dlv s"), "evaluate dlv sources");
    EXPECT_EQ(form("dlv help"), "evaluate dlv help");
    EXPECT_EQ(form("dlv h"), "evaluate dlv help");
    EXPECT_EQ(form("dlv examinemem 0x1"), "evaluate dlv examinemem");
    EXPECT_EQ(form("dlv x 0x1"), "evaluate dlv examinemem");
    EXPECT_EQ(form("dlv nothing"), "evaluate dlv");
    EXPECT_EQ(form("dlv call f()"), "evaluate dlv");
    EXPECT_EQ(form(" \tdlv  \u2003 config x"), "evaluate dlv config");
}

// Delve takes away the first "dlv ", trims, and cuts at the first space: nothing else separates.
TEST(judge_evaluate, splits_delve_commands_where_delve_does) {
    EXPECT_EQ(form("dlv\tconfig maxStringLen 1"), "evaluate dlv");
    EXPECT_EQ(form("dlv config\tmaxStringLen 1"), "evaluate dlv");
    EXPECT_EQ(form("dlv\ttarget dlv list"), "evaluate dlv");
    EXPECT_EQ(form("dlv \ntarget list"), "evaluate dlv target");
    EXPECT_EQ(form("dlv \u00a0target list"), "evaluate dlv target");
}

TEST(judge_evaluate, refuses_other_targets) {
    for (const char* text : {"dlv target list", "dlv target switch", "dlv target follow-exec -on",
                             "dlv config followExec true", "dlv config followExecRegex x"})
        EXPECT_EQ(judge_evaluate(text).how, service::refuse) << text;
}

TEST(judge_evaluate, lowers_configured_limits) {
    EXPECT_EQ(rewritten("dlv config maxStringLen 2000000000"), "dlv config maxStringLen 67108864");
    EXPECT_EQ(rewritten("dlv config  maxStringLen 2000000000"), "dlv config maxStringLen 67108864");
    EXPECT_EQ(rewritten("dlv config maxArrayValues\u00a0  +2000000000 "),
              "dlv config maxArrayValues 100000");
    EXPECT_EQ(rewritten("dlv config stackTraceDepth 0099999999"),
              "dlv config stackTraceDepth 5000");
    for (const char* text :
         {"dlv config maxStringLen 512", "dlv config maxStringLen", "dlv config maxStringLen -5",
          "dlv config maxStringLen 1e9", "dlv config maxStringLen 99999999999999999999",
          "dlv config maxStringLen 0x7fffffff", "dlv config MaxStringLen 2000000000",
          "dlv config substitutePath /a /b", "dlv config -list maxStringLen",
                    "dlv config showRegisters true"})
        EXPECT_EQ(rewritten(text), text);
}

TEST(judge_evaluate, refuses_counts_that_overflow) {
    EXPECT_EQ(judge_evaluate("dlv x -count 1152921504606846976 -size 8 0x1").how, service::refuse);
    EXPECT_EQ(judge_evaluate("dlv examinemem -size 8   -len  0x1000000000000000 0x1").how,
              service::refuse);
    EXPECT_EQ(judge_evaluate("dlv x -count 20 -size 8 0x1").how, service::look);
    EXPECT_EQ(judge_evaluate("dlv x -x -count aVeryLongVariableName").how, service::look);
}

}  // namespace
