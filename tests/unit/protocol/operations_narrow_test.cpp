// What is left for those who may not read values, and what each breakpoint of a list needs.
#include <gtest/gtest.h>

#include "operations_support.h"
#include "protocol/locations.h"

namespace {

using namespace protocol;

constexpr class_set observe{op_class::observe};

TEST(narrow, takes_the_variables_out_of_a_stack) {
    for (const char* text : {R"({"Id":1,"Depth":50,"Full":true,"Cfg":{"FollowPointers":true}})",
                             R"({"Id":1,"Depth":50,"Cfg":{}})", R"({"Id":1,"Depth":50,"full":true})"}) {
        judged j = judge_rpc("RPCServer.Stacktrace", text);
        ASSERT_EQ(j.classes, (class_set{op_class::observe, op_class::read})) << text;
        EXPECT_TRUE(narrow(j, observe)) << text;
        EXPECT_EQ(j.classes, observe);
        EXPECT_EQ(to_text(j.arguments), R"({"Id":1,"Depth":50})");
        // And what is left needs no more than that when it is judged again.
        EXPECT_EQ(judge_rpc("RPCServer.Stacktrace", to_text(j.arguments)).classes, observe);
    }
}

TEST(narrow, changes_nothing_it_need_not_or_cannot) {
    const auto unchanged = [](judged j, class_set granted) {
        const judged before = j;
        EXPECT_FALSE(narrow(j, granted)) << j.operation;
        EXPECT_EQ(to_text(j.arguments), to_text(before.arguments));
        EXPECT_EQ(j.classes, before.classes);
    };
    const char* full = R"({"Id":1,"Depth":50,"Full":true,"Cfg":{}})";
    unchanged(judge_rpc("RPCServer.Stacktrace", full), {op_class::observe, op_class::read});
    unchanged(judge_rpc("RPCServer.Stacktrace", full), {});
    unchanged(judge_rpc("RPCServer.Stacktrace", R"({"Depth":-1,"Cfg":{}})"), observe);
    for (const auto& row : operation_table()) {
        if (row.dap || row.name == "RPCServer.Stacktrace" || !row.name.starts_with("RPCServer.")) continue;
        unchanged(judge_rpc(row.name, "{}"), observe);
    }
}

TEST(strip_values, leaves_the_places_and_takes_the_values) {
    json state = parsed_json(
        R"({"State":{"Running":false,"currentThread":{"id":7,"file":"/m.go","line":3,)"
        R"("breakPoint":{"id":1,"Cond":"x > 1","hitCount":{"1":2}},"breakPointInfo":{"locals":[{"value":"secret"}]},)"
        R"("ReturnValues":[{"value":"secret"}],"CallReturn":true},)"
        R"("currentGoroutine":{"id":1,"labels":{"user":"secret"},"threadID":7},)"
        R"("Threads":[{"id":7,"breakPointInfo":{"arguments":[{"value":"secret"}]},"ReturnValues":null}]}})");
    strip_values(state);
    EXPECT_EQ(to_text(state),
              R"({"State":{"Running":false,"currentThread":{"id":7,"file":"/m.go","line":3,)"
              R"("breakPoint":{"id":1,"Cond":"x > 1","hitCount":{"1":2}},"CallReturn":true},)"
              R"("currentGoroutine":{"id":1,"threadID":7},"Threads":[{"id":7}]}})");
    // Go matches keys in any case, so no spelling gets by.
    json odd = parsed_json(R"([{"BREAKPOINTINFO":1,"Labels":{"a":"b"},"returnvalues":[1]}])");
    strip_values(odd);
    EXPECT_EQ(to_text(odd), "[{}]");
    json plain = parsed_json(R"([1,"labels",null])");
    strip_values(plain);
    EXPECT_EQ(to_text(plain), R"([1,"labels",null])");
}

TEST(judge_rpc, labels_of_goroutines_are_values) {
    EXPECT_EQ(judge_rpc("RPCServer.ListGoroutines", "{}").classes, observe);
    EXPECT_EQ(judge_rpc("RPCServer.ListGoroutines", R"({"GroupBy":1,"Filters":[{"Kind":6}]})").classes, observe);
    for (const char* text : {R"({"Filters":[{"Kind":1},{"Kind":5,"Arg":"user=x"}]})", R"({"GroupBy":5,"GroupByKey":"user"})",
                             R"({"Filters":[{"Kind":8,"Arg":"ch"}]})", R"({"groupby":8})"})
        EXPECT_TRUE(judge_rpc("RPCServer.ListGoroutines", text).classes.has(op_class::read)) << text;
    for (const char* text : {"dlv config showPprofLabels user", "dlv config  goroutineFilters -with label a=b"})
        EXPECT_TRUE(judge_evaluate(text).classes.has(op_class::read)) << text;
    EXPECT_EQ(judge_evaluate("dlv config stackTraceDepth 5").classes, observe);
}

// Delve evaluates what names neither a file nor a function: the address it answers with is a value.
TEST(judge_rpc, a_location_that_computes_reads) {
    const auto reads = [](const std::string& loc) {
        json in;
        in.set("Loc", json(loc));
        json create;
        create.set("LocExpr", json(loc));
        const bool find = judge_rpc("RPCServer.FindLocation", to_text(in)).classes.has(op_class::read);
        EXPECT_EQ(judge_rpc("RPCServer.CreateBreakpoint", to_text(create)).classes.has(op_class::read), find) << loc;
        return find;
    };
    for (const char* plain : {"main.tick", "tick", "(*T).Method", "main.(*T).Method", "main.F[int]", "main.go:10", "10", "+2", "-2",
                              "/^main/", "/src/main.go:10", "my-dir/a-b.go:3", "C:/x/main.go:3", "main.tick:3", "größe.f", ""})
        EXPECT_FALSE(reads(plain)) << plain;
    for (const char* computed : {"*n", "main.wish+0x4a0000", "main.a*main.b", "&main.wish", "-n", "main.wish//:3", "/**/main.wish",
                                 "main.wish/**/", "main.m[\"a:3\"]", "uint64(x)+1", "a-b", "!x", "x y", "main.wish\t", "+n"})
        EXPECT_TRUE(reads(computed)) << computed;
}

TEST(strip_foreign_locations, keeps_what_has_the_name_that_was_asked_for) {
    const auto left = [](std::string_view location, std::string_view name) {
        json reply = parsed_json(R"({"id":1,"result":{"Locations":[{"pc":7,"function":{"name":")" + std::string(name) +
                                 R"("}}],"SubstituteLocExpr":"x"},"error":null})");
        strip_foreign_locations(reply, location);
        return !reply.find("result")->find("Locations")->if_array()->empty();
    };
    EXPECT_TRUE(left("main.tick", "main.tick"));
    EXPECT_TRUE(left("tick", "main.tick"));
    EXPECT_TRUE(left("(*T).Method", "main.(*T).Method"));
    EXPECT_TRUE(left("main.go:10", "main.tick"));
    EXPECT_TRUE(left("10", "main.tick"));
    EXPECT_TRUE(left("/tick/", "main.tick"));
    EXPECT_FALSE(left("main.handler", "main.tick"));  // a variable that holds a function
    json value = parsed_json(R"({"id":1,"result":{"Locations":[{"pc":42,"file":"","line":0}]},"error":null})");
    strip_foreign_locations(value, "main.wish");
    EXPECT_EQ(to_text(value), R"({"id":1,"result":{"Locations":[]},"error":null})");
    json refused = parsed_json(R"({"id":1,"result":null,"error":"no"})");
    strip_foreign_locations(refused, "main.wish");
    EXPECT_EQ(to_text(refused), R"({"id":1,"result":null,"error":"no"})");
}

TEST(judge_dap, tells_what_each_breakpoint_needs) {
    const class_set breakpoint{op_class::breakpoint}, trace{op_class::trace},
        conditional{op_class::breakpoint, op_class::read}, telling{op_class::trace, op_class::read};
    const judged j = judge_dap("setBreakpoints",
        R"({"source":{"path":"/m.go"},"breakpoints":[{"line":1},{"line":2,"condition":"x"},)"
        R"({"line":3,"logMessage":"here"},{"line":4,"logMessage":"n={n}"},{"line":5,"hitCondition":"3"},)"
        R"({"line":6,"logMessage":"here","condition":"x"}]})");
    EXPECT_EQ(j.each, (std::vector<class_set>{breakpoint, conditional, trace, telling, breakpoint, telling}));
    EXPECT_EQ(j.classes, (class_set{op_class::breakpoint, op_class::trace, op_class::read}));
    for (const char* command : {"setFunctionBreakpoints", "setInstructionBreakpoints"}) {
        EXPECT_EQ(judge_dap(command, R"({"breakpoints":[{},{"condition":"x"}]})").each,
                  (std::vector<class_set>{breakpoint, conditional}))
            << command;
        EXPECT_TRUE(judge_dap(command, R"({"breakpoints":[]})").each.empty());
        EXPECT_EQ(judge_dap(command, R"({"breakpoints":[]})").classes, observe);
    }
    EXPECT_EQ(judge_dap("setDataBreakpoints", R"({"breakpoints":[{"dataId":"1,0,x"},{"dataId":"1,0,y"}]})").each,
              (std::vector<class_set>{conditional, conditional}));
    EXPECT_EQ(judge_dap("setExceptionBreakpoints", R"({"filters":["a"],"filterOptions":[{"filterId":"b"}]})").each,
              (std::vector<class_set>{breakpoint, breakpoint}));
    EXPECT_TRUE(judge_dap("setExceptionBreakpoints", R"({"filters":[]})").each.empty());
}

}  // namespace
