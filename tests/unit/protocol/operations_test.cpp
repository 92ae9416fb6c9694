#include "protocol/operations.h"

#include <gtest/gtest.h>

#include <set>

#include "operations_support.h"

namespace {

using namespace protocol;

TEST(class_set, tells_what_is_within_and_without) {
    constexpr class_set reader{op_class::observe, op_class::read};
    constexpr class_set all{op_class::observe, op_class::read, op_class::trace,
                            op_class::breakpoint, op_class::control, op_class::mutate,
                            op_class::files, op_class::lifecycle};
    EXPECT_TRUE(reader.within(all));
    EXPECT_FALSE(all.within(reader));
    EXPECT_TRUE(class_set{}.within(reader));
    EXPECT_EQ(all.without(reader).without({op_class::lifecycle, op_class::files}),
              (class_set{op_class::trace, op_class::breakpoint, op_class::control,
                        op_class::mutate}));
    EXPECT_EQ(to_string(all),
              "observe, read, trace, breakpoint, control, mutate, files, lifecycle");
    EXPECT_EQ(to_string(class_set{}), "");
}

TEST(operation_table, names_every_operation_once_and_gives_it_a_class) {
    std::set<std::pair<bool, std::string_view>> names;
    for (const auto& row : operation_table()) {
        EXPECT_TRUE(names.insert({row.dap, row.name}).second) << row.name;
        EXPECT_FALSE(row.classes.empty()) << row.name;
    }
}

// What the table says is what the judge does with the plainest request of that name.
TEST(operation_table, is_what_the_judge_follows) {
    for (const auto& row : operation_table()) {
        const std::string name(row.name);
        judged j;
        if (!row.dap && name.starts_with("Command "))
            j = judge_rpc("RPCServer.Command", "{\"name\":\"" + name.substr(8) + "\"}");
        else if (!row.dap)
            j = judge_rpc(name, name == "RPCServer.SetApiVersion" ? R"({"APIVersion":2})"
                                : name == "RPCServer.Ancestors"   ? R"({"Depth":1})"
                                : name == "RPCServer.FindLocation" ? R"({"Loc":"main.main"})"
                                                                   : "{}");
        else if (name.starts_with("evaluate "))
            j = judge_evaluate(name.substr(9) + " nothing");
        else
            j = judge_dap(name, name == "attach" ? R"({"mode":"remote"})"
                                : name == "initialize"
                                    ? R"({"pathFormat":"path","linesStartAt1":true,"columnsStartAt1":true})"
                                : name.starts_with("set") && name.ends_with("Breakpoints")
                                    ? R"({"breakpoints":[{}]})"
                                    : "{}");
        EXPECT_EQ(j.how, row.how) << name << ": " << j.reason;
        EXPECT_EQ(j.classes, row.classes) << name << ": " << to_string(j.classes);
        EXPECT_FALSE(j.malformed) << name << ": " << j.reason;
        EXPECT_EQ(j.reason.empty(), j.how != service::refuse) << name;
    }
}

TEST(judge, answers_unknown_operations_as_delve_does) {
    const judged rpc = judge_rpc("RPCServer.Nope", "7");
    EXPECT_EQ(rpc.how, service::refuse);
    EXPECT_EQ(rpc.reason, "unknown method: RPCServer.Nope");
    EXPECT_EQ(rpc.classes, (class_set{op_class::lifecycle}));
    EXPECT_FALSE(rpc.malformed);

    const judged dap = judge(dap_request{8, "foo", {}});
    EXPECT_EQ(dap.how, service::refuse);
    EXPECT_EQ(dap.reason, "Request command 'foo' is not supported (seq: 8)");
    EXPECT_EQ(dap.dap_error, 8888);
    EXPECT_EQ(dap.dap_summary, "Internal Error");
    EXPECT_EQ(dap.classes, (class_set{op_class::lifecycle}));
}

TEST(judge, takes_names_literally) {
    EXPECT_EQ(judge_rpc("RPCServer.state", "{}").how, service::refuse);
    EXPECT_EQ(judge_rpc("State", "{}").how, service::refuse);
    EXPECT_EQ(judge_dap("Threads", "{}").how, service::refuse);
    EXPECT_EQ(judge_rpc("RPCServer.Command", R"({"name":"Halt"})").how, service::refuse);
}

TEST(judge, calls_wrong_types_malformed) {
    const judged j = judge_rpc("RPCServer.Eval", R"({"Scope":{"Frame":"x"}})");
    EXPECT_EQ(j.how, service::refuse);
    EXPECT_TRUE(j.malformed);
    EXPECT_EQ(j.operation, "Eval");
    EXPECT_EQ(j.reason, "malformed request body: Scope.Frame must be an integer, not a string");
    EXPECT_TRUE(judge_dap("next", R"({"threadId":1e3})").malformed);
}

}  // namespace
