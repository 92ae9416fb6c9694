// What passes the guard, and what does not: every row of the table under every ceiling.
#include "launcher/guard_filter.h"

#include <gtest/gtest.h>

#include <vector>

namespace launcher {
namespace {

using protocol::class_set;
using protocol::json;
using protocol::op_class;
using protocol::operation_row;
using protocol::service;

constexpr op_class classes[] = {op_class::observe, op_class::read,   op_class::trace, op_class::breakpoint,
                                op_class::control, op_class::mutate, op_class::files, op_class::lifecycle};

class_set subset(unsigned bits) {
    class_set set;
    for (unsigned i = 0; i < 8; ++i)
        if (bits & (1u << i)) set.add(classes[i]);
    return set;
}

// A request that is judged as this row.
std::string wire_of(const operation_row& row) {
    const std::string name(row.name);
    if (!row.dap) {
        constexpr std::string_view command = "Command ";
        if (name.starts_with(command))
            return R"({"method":"RPCServer.Command","params":[{"name":")" + name.substr(command.size()) + R"("}],"id":7})";
        std::string params = "{}";
        if (name == "RPCServer.SetApiVersion") params = R"({"APIVersion":2})";
        if (name == "RPCServer.Ancestors") params = R"({"Depth":1})";
        return R"({"method":")" + name + R"(","params":[)" + params + R"(],"id":7})";
    }
    std::string command = name, arguments = "{}";
    if (name.starts_with("evaluate ")) {
        command = "evaluate";
        arguments = R"({"expression":")" + name.substr(9) + (name == "evaluate dlv" ? " nonsense" : " x") + "\"}";
    }
    if (name == "initialize") arguments = R"({"pathFormat":"path","linesStartAt1":true,"columnsStartAt1":true})";
    if (name == "attach") arguments = R"({"mode":"remote","stopOnEntry":true})";
    if (name.starts_with("set") && name.ends_with("Breakpoints"))
        arguments = R"({"breakpoints":[{"line":1}],"filters":["x"]})";
    return protocol::frame(R"({"seq":7,"type":"request","command":")" + command + R"(","arguments":)" + arguments + "}");
}

struct outcome_of {
    std::string to_dlv, to_gateway;
    bool ended = false;
};

outcome_of through(std::string_view wire, const filter_rules& rules) {
    guard_filter filter;
    filter.feed(wire);
    outcome_of all;
    while (auto piece = filter.next(rules))
        (piece->to == guard_filter::piece::where::dlv ? all.to_dlv : all.to_gateway) += piece->bytes;
    all.ended = filter.ended();
    return all;
}

// What a bare dlv does on it beyond its name (facts: attach halts, configurationDone lets go).
class_set at_dlv(const operation_row& row) {
    class_set all = row.classes;
    if (row.dap && (row.name == "attach" || row.name == "configurationDone")) all.add(op_class::control);
    return all;
}

bool never(const operation_row& row) {
    if (row.how == service::refuse || row.how == service::leave) return true;
    if (row.dap) return row.how == service::run || row.how == service::halt || (row.how == service::breakpoint && row.name != "setExceptionBreakpoints");
    return row.name == "RPCServer.GetEvents" || row.name == "RPCServer.CancelDownloads" || row.name == "RPCServer.Recorded";
}

TEST(guard_filter, passes_a_row_exactly_when_its_classes_are_within_the_ceiling) {
    std::size_t passed = 0;
    for (const auto& row : protocol::operation_table()) {
        const std::string wire = wire_of(row);
        for (unsigned bits = 0; bits < 256; ++bits) {
            filter_rules rules{.ceiling = subset(bits), .component = "c", .no_breakpoints = {}, .no_stops = {}, .closed = {}, .stands = false};
            // Of configurationDone, after the attach that it needs.
            const std::string before = row.dap && row.name == "configurationDone"
                                           ? wire_of({true, "attach", service::local, {op_class::observe}})
                                           : std::string();
            const auto got = through(before + wire, rules);
            const bool may = !never(row) && at_dlv(row).within(rules.ceiling);
            const std::string mine = row.dap ? through(before, rules).to_dlv : std::string();
            ASSERT_EQ(got.to_dlv.size() > mine.size(), may) << row.name << " under " << to_string(rules.ceiling);
            ASSERT_EQ(!may, !got.to_gateway.empty()) << row.name << " under " << to_string(rules.ceiling);
            ASSERT_FALSE(got.ended);
            passed += may;
        }
    }
    EXPECT_GT(passed, 1000u);
}

TEST(guard_filter, knows_exactly_what_the_hub_sends) {
    for (const auto& row : protocol::operation_table()) {
        std::string_view name = row.name;
        if (name.starts_with("RPCServer.")) name.remove_prefix(10);
        if (name == "Command") continue;
        EXPECT_EQ(hub_sends(row.dap, name), !never(row)) << row.name;
    }
    EXPECT_FALSE(hub_sends(false, "Nope"));
    EXPECT_FALSE(hub_sends(true, "Eval"));
}

filter_rules with(class_set ceiling) {
    return {.ceiling = ceiling, .component = "kube-scheduler", .no_breakpoints = {}, .no_stops = {}, .closed = {}, .stands = false};
}
const class_set everything = subset(255);

std::string rpc(const std::string& method, const std::string& params) {
    return R"({"method":"RPCServer.)" + method + R"(","params":[)" + params + R"(],"id":"a b"})";
}
std::string dap(const std::string& command, const std::string& arguments) {
    return protocol::frame(R"({"seq":3,"type":"request","command":")" + command + R"(","arguments":)" + arguments + "}");
}

TEST(guard_filter, says_no_in_the_protocol_with_the_requests_number) {
    const auto no = through(rpc("Set", "{}"), with({op_class::observe}));
    EXPECT_EQ(no.to_dlv, "");
    EXPECT_EQ(no.to_gateway,
              "{\"id\":\"a b\",\"result\":null,\"error\":\"the ceiling of kube-scheduler on this node does not allow Set, which "
              "needs mutate: root sets it in /etc/delvegate/launcher.yaml\"}\n");
    const auto also = through(dap("variables", R"({"variablesReference":1})"), with({op_class::observe}));
    EXPECT_NE(also.to_gateway.find(R"("request_seq":3,"success":false,"command":"variables")"), std::string::npos);
}

TEST(guard_filter, forwards_what_it_judged_and_nothing_else) {
    const auto sent = through(R"( {"PARAMS":[{"nonblocking":true,"extra":{"a":[1]}},2],"Method":"RPCServer.State","iD":1.0e3,"x":1} )",
                              with({op_class::observe}));
    EXPECT_EQ(sent.to_dlv, "{\"method\":\"RPCServer.State\",\"params\":[{\"NonBlocking\":true}],\"id\":1.0e3}\n");
    EXPECT_EQ(sent.to_gateway, "");
}

TEST(guard_filter, kills_nothing_whatever_the_ceiling) {
    for (const auto& wire : {rpc("Detach", R"({"Kill":true})"), rpc("Detach", R"({"Kill":false})"),
                             rpc("Restart", R"({"Rebuild":true})"), rpc("Restart", R"({"ResetArgs":true,"NewArgs":["x"]})"),
                             rpc("Restart", R"({"NewRedirects":["","/etc/passwd",""]})"),
                             rpc("DumpStart", R"({"Destination":"/x"})"), rpc("SetApiVersion", R"({"APIVersion":1})"),
                             rpc("CreateBreakpoint", R"({"Breakpoint":{"customCommands":["exit"]}})"),
                             dap("disconnect", R"({"terminateDebuggee":true})"), dap("disconnect", "{}"),
                             dap("terminate", "{}"), dap("restart", "{}"), dap("launch", R"({"program":"/bin/sh"})"),
                             dap("attach", R"({"mode":"local","processId":1})"), dap("attach", R"({"mode":"remote"})"),
                             dap("continue", R"({"threadId":1})"), dap("configurationDone", "{}"),
                             dap("evaluate", R"({"expression":"dlv target follow-exec -on"})")}) {
        const auto got = through(wire, with(everything));
        EXPECT_EQ(got.to_dlv, "") << wire;
        EXPECT_NE(got.to_gateway, "") << wire;
    }
    EXPECT_NE(through(rpc("Restart", "{}"), with(everything)).to_dlv, "");
}

TEST(guard_filter, lets_an_attach_pass_where_it_halts_nothing) {
    auto rules = with({op_class::observe});
    const std::string attach = dap("attach", R"({"mode":"remote","stopOnEntry":true})");
    EXPECT_EQ(through(attach, rules).to_dlv, "");
    rules.stands = true;
    EXPECT_NE(through(attach, rules).to_dlv, "");
    EXPECT_NE(through(attach, with({op_class::observe, op_class::control})).to_dlv, "");
}

TEST(guard_filter, keeps_breakpoints_off) {
    auto rules = with(everything);
    rules.no_breakpoints = "later";
    for (const auto& wire : {rpc("CreateBreakpoint", "{}"), rpc("CreateWatchpoint", "{}"), rpc("ToggleBreakpoint", R"({"Id":1})"),
                             rpc("AmendBreakpoint", R"({"Breakpoint":{"id":1}})")})
        EXPECT_EQ(through(wire, rules).to_dlv, "") << wire;
    for (const auto& wire : {rpc("ClearBreakpoint", R"({"Id":1})"), rpc("AmendBreakpoint", R"({"Breakpoint":{"id":1,"disabled":true}})"),
                             rpc("Command", R"({"name":"continue"})")})
        EXPECT_NE(through(wire, rules).to_dlv, "") << wire;
}

TEST(guard_filter, does_not_let_it_be_stopped_again) {
    auto rules = with(everything);
    rules.no_stops = "later";
    for (const auto& row : protocol::operation_table()) {
        const bool stops = row.dap ? row.name == "attach"
                                   : row.how == service::halt || row.how == service::restart ||
                                         (row.how == service::call && row.name != "RPCServer.CancelNext") ||
                                         (row.how == service::run && row.name != "Command continue" &&
                                          row.name != "Command directionCongruentContinue");
        const auto there = through(wire_of(row), rules), before = through(wire_of(row), with(everything));
        if (!before.to_dlv.empty()) {
            EXPECT_EQ(there.to_dlv.empty(), stops) << row.name;
        }
    }
    rules.stands = true;
    EXPECT_NE(through(dap("attach", R"({"mode":"remote","stopOnEntry":true})"), rules).to_dlv, "");
}

TEST(guard_filter, ends_with_a_word_on_what_it_cannot_read) {
    for (const std::string wire :
         {R"({"method":"RPCServer.State","Method":"RPCServer.Detach","id":1})", R"({"method":1})", "{\"method\":\"\xff\"}",
          R"({"method":"RPCServer.State","params":{},"id":1})", "{} 1", R"({"id":[1],"method":"x"})"}) {
        const auto got = through(wire + R"({"method":"RPCServer.State","params":[],"id":2})", with(everything));
        EXPECT_TRUE(got.ended) << wire;
        EXPECT_EQ(got.to_dlv, "") << wire;
        EXPECT_TRUE(got.to_gateway.starts_with("{\"id\":null,\"result\":null,\"error\":\"the guard ends")) << got.to_gateway;
    }
    for (const std::string wire : {"Content-Length: 1\nx", "Content-Length: 5000000\r\n\r\n", "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"}) {
        const auto got = through(wire, with(everything));
        EXPECT_TRUE(got.ended) << wire;
        EXPECT_NE(got.to_gateway.find("the guard ends"), std::string::npos);
    }
    for (const std::string wire : {"GET / HTTP/1.1\r\n", "x", "[1]", " Content-Length: 2\r\n\r\n{}"}) {
        const auto got = through(wire, with(everything));
        EXPECT_TRUE(got.ended) << wire;
        EXPECT_EQ(got.to_dlv + got.to_gateway, "") << wire;
    }
    guard_filter apart;
    apart.feed(" ");
    apart.feed("Content-Length: 2\r\n\r\n{}");
    EXPECT_TRUE(apart.ended());
}

TEST(guard_filter, answers_once_when_it_is_closed) {
    auto rules = with({});
    rules.closed = "not armed";
    const auto got = through(rpc("State", "{}") + rpc("State", "{}"), rules);
    EXPECT_EQ(got.to_gateway, "{\"id\":\"a b\",\"result\":null,\"error\":\"not armed\"}\n");
    EXPECT_TRUE(got.ended);
}

TEST(guard_filter, does_not_take_more_than_four_mebibytes) {
    guard_filter filter;
    filter.feed(R"({"method":")");
    std::optional<guard_filter::piece> last;
    for (int i = 0; i < 80 && !filter.ended(); ++i) {
        filter.feed(std::string(64 * 1024, 'x'));
        last = filter.next(with(everything));
    }
    EXPECT_TRUE(filter.ended());
    ASSERT_TRUE(last);
    EXPECT_EQ(last->to, guard_filter::piece::where::gateway);
}

TEST(flaw_of, names_a_ceiling_that_would_leave_the_program_standing) {
    EXPECT_FALSE(flaw_of({op_class::observe, op_class::read}));
    EXPECT_FALSE(flaw_of(everything));
    for (const op_class c : {op_class::trace, op_class::breakpoint, op_class::mutate})
        EXPECT_TRUE(flaw_of({op_class::observe, c}));
}

}  // namespace
}  // namespace launcher
