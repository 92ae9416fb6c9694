#include "protocol/request_paths.h"

#include <gtest/gtest.h>

#include <string>

namespace protocol {
namespace {

path_map windows() {
    path_map map;
    map.add("C:\\work\\k", "/go/src/k");
    map.add("/home/ann/k", "/go/src/k");
    return map;
}

json value(std::string_view text) { return parse_json(text, {.fold_keys = false}).value(); }

struct request {
    std::string_view method, asked, at_dlv;
};

class requests : public testing::TestWithParam<request> {};

TEST_P(requests, name_the_programs_files) {
    auto arguments = value(GetParam().asked);
    const bool rpc = GetParam().method.starts_with("RPCServer.");
    const bool changed = rpc ? rpc_paths_to_server(GetParam().method, arguments, windows())
                             : dap_paths_to_server(GetParam().method, arguments, windows());
    EXPECT_EQ(arguments, value(GetParam().at_dlv));
    EXPECT_EQ(changed, GetParam().asked != GetParam().at_dlv);
    // Without rules nothing is.
    auto untouched = value(GetParam().asked);
    EXPECT_FALSE(rpc_paths_to_server(GetParam().method, untouched, {}) || dap_paths_to_server(GetParam().method, untouched, {}));
    EXPECT_EQ(untouched, value(GetParam().asked));
}

INSTANTIATE_TEST_SUITE_P(
    of_every_kind, requests,
    testing::Values(
        request{"RPCServer.CreateBreakpoint", R"({"Breakpoint":{"file":"C:\\work\\k\\a.go","line":3},"LocExpr":"/home/ann/k/a.go:3"})",
                R"({"Breakpoint":{"file":"/go/src/k/a.go","line":3},"LocExpr":"/go/src/k/a.go:3"})"},
        request{"RPCServer.CreateBreakpoint", R"({"Breakpoint":{"file":"","line":3},"LocExpr":"main.f"})",
                R"({"Breakpoint":{"file":"","line":3},"LocExpr":"main.f"})"},
        request{"RPCServer.AmendBreakpoint", R"({"Breakpoint":{"id":1,"file":"/home/ann/k/a.go"}})", R"({"Breakpoint":{"id":1,"file":"/go/src/k/a.go"}})"},
        request{"RPCServer.FindLocation", R"({"Loc":"c:/work/K/sub/a.go:3"})", R"({"Loc":"/go/src/k/sub/a.go:3"})"},
        request{"RPCServer.FindLocation", R"({"Loc":"main.f:3"})", R"({"Loc":"main.f:3"})"},
        request{"RPCServer.ListSources", R"({"Filter":"^/home/ann/k/.*_test.go"})", R"({"Filter":"^/go/src/k/.*_test.go"})"},
        request{"RPCServer.ListGoroutines", R"({"Filters":[{"Kind":2,"Arg":"/home/ann/k/a.go"},{"Kind":5,"Arg":"/home/ann/k"},{"Kind":4,"Arg":"main"}]})",
                R"({"Filters":[{"Kind":2,"Arg":"/go/src/k/a.go"},{"Kind":5,"Arg":"/home/ann/k"},{"Kind":4,"Arg":"main"}]})"},
        request{"RPCServer.Restart", R"({"ResetArgs":true,"NewArgs":["-config=/home/ann/k/c.yaml","/home/ann/x"]})",
                R"({"ResetArgs":true,"NewArgs":["-config=/go/src/k/c.yaml","/home/ann/x"]})"},
        // Expressions and values are the person's.
        request{"RPCServer.Eval", R"({"Expr":"\"/home/ann/k\""})", R"({"Expr":"\"/home/ann/k\""})"},
        request{"RPCServer.Set", R"({"Symbol":"x","Value":"\"/home/ann/k\""})", R"({"Symbol":"x","Value":"\"/home/ann/k\""})"},
        request{"setFunctionBreakpoints", R"({"breakpoints":[{"name":"/home/ann/k/a.go:3"},{"name":"main.f"}]})",
                R"({"breakpoints":[{"name":"/go/src/k/a.go:3"},{"name":"main.f"}]})"},
        request{"evaluate dlv sources", R"({"expression":"dlv sources /home/ann/k/a"})", R"({"expression":"dlv sources /go/src/k/a"})"},
        request{"evaluate", R"({"expression":"\"/home/ann/k\""})", R"({"expression":"\"/home/ann/k\""})"}));

TEST(rpc_alias, is_the_same_request_with_the_other_name) {
    const auto found = rpc_alias("RPCServer.FindLocation", value(R"({"Scope":{"GoroutineID":-1},"Loc":"/k/staging/src/k8s.io/api/v1/a.go:3"})"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->arguments, value(R"({"Scope":{"GoroutineID":-1},"Loc":"/k/vendor/k8s.io/api/v1/a.go:3"})"));
    EXPECT_EQ(found->was, "/k/staging/src/k8s.io/api/v1/a.go");
    EXPECT_EQ(found->is, "/k/vendor/k8s.io/api/v1/a.go");
    const auto by_file = rpc_alias("RPCServer.CreateBreakpoint", value(R"({"Breakpoint":{"file":"/k/vendor/k8s.io/api/a.go","line":3}})"));
    ASSERT_TRUE(by_file);
    EXPECT_EQ(by_file->arguments, value(R"({"Breakpoint":{"file":"/k/staging/src/k8s.io/api/a.go","line":3}})"));
    const auto by_location = rpc_alias("RPCServer.CreateBreakpoint", value(R"({"LocExpr":"/k/vendor/k8s.io/api/a.go:3"})"));
    ASSERT_TRUE(by_location);
    EXPECT_EQ(by_location->arguments, value(R"({"LocExpr":"/k/staging/src/k8s.io/api/a.go:3"})"));
    EXPECT_FALSE(rpc_alias("RPCServer.FindLocation", value(R"({"Loc":"main.f"})")));
    EXPECT_FALSE(rpc_alias("RPCServer.CreateBreakpoint", value(R"({})")));
    EXPECT_FALSE(rpc_alias("RPCServer.Eval", value(R"({"Loc":"/k/vendor/k8s.io/api/a.go:3"})")));
}

TEST(request_paths, a_location_that_is_the_programs_is_not_for_the_clients_own_rules) {
    auto mapped = value(R"({"Loc":"/home/ann/k/a.go:3","SubstitutePathRules":[["/build","/home/ann"]]})");
    EXPECT_TRUE(rpc_paths_to_server("RPCServer.FindLocation", mapped, windows()));
    EXPECT_EQ(mapped, value(R"({"Loc":"/go/src/k/a.go:3"})"));
    mapped = value(R"({"LocExpr":"/home/ann/k/a.go:3","Breakpoint":{"id":0},"SubstitutePathRules":[["/build","/home/ann"]]})");
    EXPECT_TRUE(rpc_paths_to_server("RPCServer.CreateBreakpoint", mapped, windows()));
    EXPECT_EQ(mapped, value(R"({"LocExpr":"/go/src/k/a.go:3","Breakpoint":{"id":0}})"));
    // One that no rule of ours fits is theirs.
    const auto theirs = value(R"({"Loc":"/home/bob/a.go:3","SubstitutePathRules":[["/build","/home/bob"]]})");
    mapped = theirs;
    EXPECT_FALSE(rpc_paths_to_server("RPCServer.FindLocation", mapped, windows()));
    EXPECT_EQ(mapped, theirs);
}

TEST(request_paths, so_much_text_of_one_request_is_looked_at) {
    const std::string much(64 * 1024, ' ');
    auto asked = json(json::object{{"Filter", "/home/ann/k " + much}});
    EXPECT_FALSE(rpc_paths_to_server("RPCServer.ListSources", asked, windows()));
    json::array words(3, json("/home/ann/k" + std::string(30'000, ' ')));
    asked = json(json::object{{"NewArgs", words}});
    EXPECT_TRUE(rpc_paths_to_server("RPCServer.Restart", asked, windows()));
    const auto& list = *asked.find("NewArgs")->if_array();
    EXPECT_TRUE(list[1].if_string()->starts_with("/go/src/k"));
    EXPECT_EQ(list[2], words[2]);
}

}  // namespace
}  // namespace protocol
