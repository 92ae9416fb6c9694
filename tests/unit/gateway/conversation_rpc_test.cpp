// The same in JSON-RPC.
#include "tests/unit/gateway/conversation_laptop.h"

namespace {

std::string rpc(int id, const std::string& method, const std::string& params = "{}") {
    return "{\"method\":\"RPCServer." + method + "\",\"params\":[" + params + "],\"id\":" + std::to_string(id) + "}\n";
}
std::string reply(const std::string& id, const std::string& result) {
    return "{\"id\":" + id + ",\"result\":" + result + ",\"error\":null}\n";
}

class rpc_conversation : public testing::Test, public laptop {
public:
    // More than a client's start.
    void begin() {
        for (int i = 1; i <= 6; ++i) {
            talk.from_ide(rpc(i, i == 1 ? "SetApiVersion" : "ListThreads"));
            talk.from_gateway(reply(std::to_string(i), "{}"));
        }
        take_ide();
        take_gateway();
    }
    std::string again() {
        talk.gateway_gone();
        talk.begin_again();
        return take_gateway();
    }
    const std::string probe = "{\"method\":\"RPCServer.Recorded\",\"params\":[{}],\"id\":\"delvegate:1\"}\n";
};

TEST_F(rpc_conversation, an_idle_one_is_known_again) {
    begin();
    EXPECT_EQ(again(), probe);
    talk.from_gateway(reply("\"delvegate:1\"", "{\"Recorded\":false}"));
    EXPECT_EQ(is_rebuilt, 1);
    EXPECT_EQ(ide, "") << "what it did not ask for it does not hear";
}

TEST_F(rpc_conversation, a_run_waits_for_the_state) {
    begin();
    talk.from_ide(rpc(7, "Command", R"({"name":"continue"})"));
    take_gateway();
    const auto state = "{\"method\":\"RPCServer.State\",\"params\":[{\"NonBlocking\":false}],\"id\":7}\n";
    EXPECT_EQ(again(), probe + state);
    // A second death finds that State.
    talk.gateway_gone();
    talk.begin_again();
    EXPECT_TRUE(gateway.ends_with(state));
    talk.from_gateway(reply("7", "{\"State\":{}}"));
    EXPECT_EQ(take_ide(), reply("7", "{\"State\":{}}"));
    EXPECT_EQ(talk.kept(), 0u);
}

TEST_F(rpc_conversation, looks_and_halts_are_asked_again_and_writes_are_not) {
    begin();
    const auto look = rpc(7, "Eval", R"({"Scope":{"GoroutineID":-1},"Expr":"n"})"), halt = rpc(8, "Command", R"({"name":"halt"})");
    const auto set = rpc(9, "Set", R"({"Scope":{"GoroutineID":-1},"Symbol":"n","Value":"1"})"), restart = rpc(10, "Restart");
    talk.from_ide(look + halt + set + restart);
    take_gateway();
    EXPECT_EQ(again(), probe + look + halt);
    EXPECT_NE(ide.find("{\"id\":9,\"result\":null,\"error\":\"delvegate: the gateway was restarted"), std::string::npos) << ide;
    EXPECT_NE(ide.find("{\"id\":10,"), std::string::npos) << ide;
}

TEST_F(rpc_conversation, one_that_starts_starts_again) {
    talk.from_ide(rpc(1, "SetApiVersion", R"({"APIVersion":2})"));
    talk.from_gateway(reply("1", "{}"));
    talk.from_ide(rpc(2, "State", R"({"NonBlocking":true})"));
    take_gateway();
    take_ide();
    EXPECT_EQ(again(), "{\"method\":\"RPCServer.SetApiVersion\",\"params\":[{\"APIVersion\":2}],\"id\":\"delvegate:1\"}\n" +
                           rpc(2, "State", R"({"NonBlocking":true})"));
    talk.from_gateway(reply("\"delvegate:1\"", "{}"));
    EXPECT_EQ(is_rebuilt, 1);
    EXPECT_EQ(ide, "");
}

TEST_F(rpc_conversation, half_a_message_is_dropped_or_finished) {
    begin();
    talk.from_ide(rpc(7, "ListThreads") + rpc(8, "State").substr(0, 20));
    talk.from_gateway(reply("7", "{\"Threads\":[]}").substr(0, 25));
    take_gateway();
    EXPECT_EQ(again(), probe + rpc(7, "ListThreads"));
    talk.from_ide(rpc(8, "State").substr(20));
    EXPECT_EQ(take_gateway(), rpc(8, "State"));
    talk.from_gateway(reply("7", "{\"Threads\":[1]}"));
    EXPECT_EQ(take_ide(), reply("7", "{\"Threads\":[1]}"));
}

TEST_F(rpc_conversation, a_refusal_ends_it) {
    begin();
    talk.from_ide(rpc(7, "ListThreads"));
    again();
    talk.from_gateway("{\"id\":\"delvegate:1\",\"result\":null,\"error\":\"alice may not\"}\n");
    EXPECT_EQ(refused, "alice may not");
    talk.end(refused);
    EXPECT_EQ(take_ide(), "{\"id\":7,\"result\":null,\"error\":\"delvegate: alice may not\"}\n");
}

TEST_F(rpc_conversation, breakpoints_are_changed_once) {
    begin();
    const auto clear = rpc(9, "ClearBreakpoint", R"({"Id":4})"), create = rpc(10, "CreateBreakpoint", R"({"Breakpoint":{"file":"a.go","line":7}})");
    const auto other = rpc(11, "ClearBreakpoint", R"({"Id":5})");
    talk.from_ide(rpc(7, "ToggleBreakpoint", R"({"Id":3})") + rpc(8, "CreateWatchpoint", R"({"Scope":{"GoroutineID":-1},"Expr":"n","Type":1})"));
    talk.from_ide(clear + create + other);
    take_gateway();
    EXPECT_EQ(again(), probe + clear + create + other);
    const auto told = take_ide();
    for (const std::string id : {"7", "8"})
        EXPECT_NE(told.find("{\"id\":" + id + ",\"result\":null,\"error\":\"delvegate: the gateway was restarted before this was answered; whether"),
                  std::string::npos) << told;
    // It had been done.
    talk.from_gateway("{\"id\":9,\"result\":null,\"error\":\"no breakpoint with id 4\"}\n");
    EXPECT_EQ(take_ide(), "{\"id\":9,\"result\":{\"Breakpoint\":{\"id\":4,\"name\":\"\"}},\"error\":null}\n");
    talk.from_gateway("{\"id\":11,\"result\":null,\"error\":\"alice may not\"}\n");
    EXPECT_EQ(take_ide(), "{\"id\":11,\"result\":null,\"error\":\"alice may not\"}\n");
    // One that is asked for the first time is answered as it is.
    talk.from_ide(rpc(12, "ClearBreakpoint", R"({"Id":4})"));
    talk.from_gateway("{\"id\":12,\"result\":null,\"error\":\"no breakpoint with id 4\"}\n");
    EXPECT_EQ(take_ide(), "{\"id\":12,\"result\":null,\"error\":\"no breakpoint with id 4\"}\n");
    EXPECT_EQ(talk.kept(), create.size() + std::string("10RPCServer.CreateBreakpoint").size());
}

TEST_F(rpc_conversation, a_halt_of_long_ago_is_not_repeated) {
    begin();
    talk.from_ide(rpc(7, "Command", R"({"name":"halt"})"));
    time += std::chrono::seconds(60);
    const auto late = rpc(8, "Command", R"({"name":"halt"})");
    talk.from_ide(late);
    take_gateway();
    EXPECT_EQ(again(), probe + late);
    EXPECT_NE(ide.find("{\"id\":7,\"result\":null,\"error\":\"delvegate: the gateway was restarted before this was answered, and it is too long ago"),
              std::string::npos) << ide;
}

TEST_F(rpc_conversation, a_start_is_refused_by_its_last_answer_and_halts_nothing) {
    const auto start = [&] {
        talk.from_ide(rpc(1, "SetApiVersion", R"({"APIVersion":2})") + rpc(2, "State", R"({"NonBlocking":true})"));
        talk.from_gateway(reply("1", "{}") + reply("2", "{}"));
        take_ide();
        take_gateway();
    };
    start();
    again();
    talk.from_gateway(reply("\"delvegate:1\"", "{}"));
    EXPECT_EQ(is_rebuilt, 0);
    talk.from_gateway("{\"id\":\"delvegate:2\",\"result\":null,\"error\":\"alice may not\"}\n");
    EXPECT_EQ(is_rebuilt, 0);
    EXPECT_EQ(refused, "alice may not");
    // A halt as the third question is no start's: its client meant it.
    talk.from_ide(rpc(3, "Command", R"({"name":"halt"})"));
    talk.from_gateway(reply("3", "{}"));
    take_gateway();
    EXPECT_EQ(again().find("halt"), std::string::npos);
}

TEST_F(rpc_conversation, a_large_answer_to_a_question_of_ours_ends_it) {
    begin();
    again();
    talk.from_gateway("{\"id\":\"delvegate:1\",\"result\":\"" + std::string(300'000, 'x'));
    EXPECT_EQ(ide, "");
    EXPECT_EQ(refused, "more was answered than is remembered");
}

}  // namespace
