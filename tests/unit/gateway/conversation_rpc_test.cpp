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

}  // namespace
