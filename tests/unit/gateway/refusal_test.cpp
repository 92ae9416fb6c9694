#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "gateway/directory.h"
#include "protocol/dap.h"
#include "protocol/json.h"
#include "protocol/rpc.h"

namespace {

using protocol::json;

// Writes down what a stream_user does to its peer.
struct recording_peer final : gateway::stream_peer {
    std::string sent;
    std::size_t taken = 0;
    int finishes = 0;
    void send(std::string_view bytes) override {
        EXPECT_EQ(finishes, 0) << "sent after the end: " << bytes;
        sent += bytes;
    }
    std::size_t unsent() const override { return 0; }
    void consumed(std::size_t n) override { taken += n; }
    void finish() override { ++finishes; }
    void abort(std::string_view) override { ADD_FAILURE() << "aborted"; }
};

struct refused {
    explicit refused(std::string reason) : user(gateway::make_refusal(peer, std::move(reason))) {}
    void say(std::string_view bytes) { user->received(bytes); }

    std::vector<json> dap() const {
        std::vector<json> out;
        protocol::frame_decoder decoder(1 << 20);
        decoder.feed(peer.sent);
        protocol::error_code ec;
        while (auto body = decoder.next(ec)) out.push_back(protocol::parse_json(*body).value());
        EXPECT_FALSE(ec);
        return out;
    }
    std::vector<json> rpc() const {
        std::vector<json> out;
        protocol::value_splitter splitter(1 << 20);
        splitter.feed(peer.sent);
        protocol::error_code ec;
        while (auto text = splitter.next(ec)) out.push_back(protocol::parse_json(*text).value());
        EXPECT_FALSE(ec);
        return out;
    }
    recording_peer peer;
    std::unique_ptr<gateway::stream_user> user;
};

std::string dap_request(int seq, std::string_view command) {
    return protocol::frame("{\"seq\":" + std::to_string(seq) + ",\"type\":\"request\",\"command\":\"" +
                           std::string(command) + "\",\"arguments\":{}}");
}

std::string rpc_request(int id, std::string_view method, std::string_view argument = "{}") {
    return "{\"method\":\"RPCServer." + std::string(method) + "\",\"params\":[" + std::string(argument) +
           "],\"id\":" + std::to_string(id) + "}";
}

TEST(refusal, answers_initialize_with_the_reason_that_vscode_shows) {
    refused r("alice may not debug web");
    r.say(dap_request(1, "initialize"));
    const auto answers = r.dap();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].get_string("type"), "response");
    EXPECT_EQ(answers[0].get_string("command"), "initialize");
    EXPECT_FALSE(answers[0].get_bool("success", true));
    const auto* error = answers[0].find("body")->find("error");
    ASSERT_TRUE(error);
    EXPECT_EQ(error->get_string("format"), "alice may not debug web");
    EXPECT_TRUE(error->get_bool("showUser"));
    EXPECT_EQ(r.peer.finishes, 0) << "VS Code still wants its disconnect answered";
}

TEST(refusal, lets_a_dap_client_disconnect_and_then_ends) {
    refused r("no");
    r.say(dap_request(1, "initialize") + dap_request(2, "attach") + dap_request(3, "disconnect"));
    const auto answers = r.dap();
    ASSERT_EQ(answers.size(), 4u);
    EXPECT_FALSE(answers[1].get_bool("success", true));
    EXPECT_EQ(answers[2].get_string("command"), "disconnect");
    EXPECT_TRUE(answers[2].get_bool("success"));
    EXPECT_EQ(answers[3].get_string("event"), "terminated");
    EXPECT_EQ(r.peer.finishes, 1);
}

TEST(refusal, numbers_its_dap_messages) {
    refused r("no");
    r.say(dap_request(7, "initialize") + dap_request(8, "disconnect"));
    const auto answers = r.dap();
    ASSERT_EQ(answers.size(), 3u);
    for (std::size_t i = 0; i < answers.size(); ++i)
        EXPECT_EQ(protocol::to_text(*answers[i].find("seq")), std::to_string(i + 1));
    EXPECT_EQ(protocol::to_text(*answers[0].find("request_seq")), "7");
}

TEST(refusal, survives_every_split) {
    const std::string dap = dap_request(1, "initialize") + dap_request(2, "disconnect");
    const std::string rpc = rpc_request(0, "SetApiVersion") + "\n" + rpc_request(1, "IsMulticlient") +
                            " " + rpc_request(2, "Command", R"({"name":"halt"})");
    for (const auto& wire : {dap, rpc, " \r\n" + rpc}) {
        refused whole("no");
        whole.say(wire);
        for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
            refused r("no");
            if (cut > 0) r.say(wire.substr(0, cut));
            if (cut < wire.size()) r.say(wire.substr(cut));
            EXPECT_EQ(r.peer.sent, whole.peer.sent) << "cut at " << cut;
            EXPECT_EQ(r.peer.taken, wire.size());
        }
    }
}

TEST(refusal, leads_dlv_connect_to_a_halt_that_fails_with_the_reason) {
    refused r("web is busy: bob is there");
    r.say(rpc_request(0, "SetApiVersion", R"({"APIVersion":2})") + "\n");
    r.say(rpc_request(1, "IsMulticlient") + "\n");
    r.say(rpc_request(2, "State", R"({"NonBlocking":true})") + "\n");
    r.say(rpc_request(3, "Command", R"({"name":"halt"})") + "\n");
    const auto answers = r.rpc();
    ASSERT_EQ(answers.size(), 4u);
    EXPECT_TRUE(answers[0].find("error")->is_null());
    EXPECT_TRUE(answers[1].find("result")->get_bool("IsMulticlient"));
    EXPECT_TRUE(answers[2].find("result")->find("State")->get_bool("Running"));
    EXPECT_TRUE(answers[3].find("result")->is_null());
    EXPECT_EQ(answers[3].get_string("error"), "web is busy: bob is there\n");
}

TEST(refusal, answers_what_goland_sends_first_with_the_reason) {
    refused r("no");
    r.say(rpc_request(1, "CreateBreakpoint", R"({"Breakpoint":{"file":"/a.go","line":3}})") +
          rpc_request(2, "Command", R"({"Name":"continue"})"));
    const auto answers = r.rpc();
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].get_string("error"), "no");
    EXPECT_EQ(answers[1].get_string("error"), "no");
    EXPECT_EQ(r.peer.finishes, 1) << "GoLand waits for a stop that never comes";
}

TEST(refusal, never_says_running_to_a_state_that_would_have_waited) {
    refused r("no");
    r.say(rpc_request(1, "State", R"({"NonBlocking":false})"));
    EXPECT_EQ(r.rpc().at(0).get_string("error"), "no");
}

TEST(refusal, lets_a_json_rpc_client_detach) {
    refused r("no");
    r.say(rpc_request(1, "Detach", R"({"Kill":true})"));
    EXPECT_TRUE(r.rpc().at(0).find("error")->is_null());
    EXPECT_EQ(r.peer.finishes, 1);
}

TEST(refusal, ends_on_bytes_of_neither_protocol) {
    refused r("no");
    r.say("GET / HTTP/1.1\r\n");
    EXPECT_EQ(r.peer.sent, "");
    EXPECT_EQ(r.peer.finishes, 1);
}

TEST(refusal, ends_on_a_malformed_message) {
    for (const std::string wire : {"Content-Length: 02\r\n\r\n{}", "{\"method\":1}", "{\"a\":1,\"A\":2}"}) {
        refused r("no");
        r.say(wire);
        EXPECT_EQ(r.peer.finishes, 1) << wire;
    }
}

TEST(refusal, ends_when_the_client_closes) {
    refused r("no");
    r.user->ended();
    r.user->ended();
    EXPECT_EQ(r.peer.finishes, 1);
}

TEST(refusal, cuts_off_a_client_that_does_not_take_no) {
    refused dap("no");
    for (int i = 1; i < 1000 && dap.peer.finishes == 0; ++i) dap.say(dap_request(i, "threads"));
    EXPECT_EQ(dap.peer.finishes, 1);
    EXPECT_EQ(dap.dap().back().get_string("event"), "terminated");
    refused rpc("no");
    for (int i = 1; i < 1000 && rpc.peer.finishes == 0; ++i) rpc.say(rpc_request(i, "ListThreads"));
    EXPECT_EQ(rpc.peer.finishes, 1);
    refused blank("no");
    for (int i = 1; i < 1000 && blank.peer.finishes == 0; ++i) blank.say("\n");
    EXPECT_EQ(blank.peer.finishes, 1);
}

TEST(refusal, gives_the_reason_as_one_printable_line_of_bounded_size) {
    refused r("a\x1b[31m\nb\x80" + std::string(100'000, 'x'));
    r.say(rpc_request(1, "ListThreads"));
    const auto answer = r.rpc().at(0);
    const auto text = answer.get_string("error");
    EXPECT_EQ(text.substr(0, 8), "a [31m b");
    EXPECT_LE(text.size(), 2048u);
}

}  // namespace
