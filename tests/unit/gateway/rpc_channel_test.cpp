#include "gateway/rpc_channel.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/gateway/fake_dlv.h"

namespace gateway {
namespace {

constexpr std::size_t whole_limit = 64u << 20;

struct keeping_sink : reply_sink {
    bool piece(std::string_view bytes, bool last) override {
        EXPECT_FALSE(over) << "a piece after the last one";
        text += bytes;
        ++pieces;
        over = last;
        if (on_piece) on_piece(last);
        return !full;
    }
    void broken(std::string_view why) override {
        EXPECT_FALSE(over) << "broken after the last piece";
        over = true;
        reason = why;
    }
    std::string text;
    std::optional<std::string> reason;
    std::function<void(bool last)> on_piece;
    int pieces = 0;
    bool full = false, over = false;
};

class rpc_channel_test : public testing::Test {
protected:
    void open() {
        closed.clear();
        channel = std::make_unique<rpc_channel>(io, dlv.address(), [this](std::string r) { closed.push_back(r); });
        dlv.accept();
    }
    bool until(const std::function<bool()>& done) { return run_until(io, done); }
    // Asks for a whole reply; `out` is filled when it has come.
    void call(std::string_view method, std::optional<rpc_outcome>& out) {
        channel->call(method, "{}", [&out](rpc_outcome o) {
            EXPECT_FALSE(out) << "answered twice";
            out = std::move(o);
        });
    }
    void hear_requests(int count) {
        dlv.hear([count](auto& text) { return std::count(text.begin(), text.end(), '\n') >= count; });
    }

    boost::asio::io_context io;
    fake_dlv dlv{io};
    std::unique_ptr<rpc_channel> channel;
    std::vector<std::string> closed;
};

TEST_F(rpc_channel_test, asks_as_gos_client_does_and_numbers_each_request) {
    open();
    std::optional<rpc_outcome> first, second;
    channel->call("RPCServer.State", "{\"NonBlocking\":true}", [&](rpc_outcome o) { first = std::move(o); });
    call("RPCServer.GetVersion", second);
    hear_requests(2);
    EXPECT_EQ(dlv.hear([](auto&) { return true; }),
              "{\"method\":\"RPCServer.State\",\"params\":[{\"NonBlocking\":true}],\"id\":1}\n"
              "{\"method\":\"RPCServer.GetVersion\",\"params\":[{}],\"id\":2}\n");
    EXPECT_EQ(channel->pending(), 2u);
}

// A whole reply, a streamed one, an error and a forgotten one: the same at every cut.
TEST_F(rpc_channel_test, hears_the_same_at_every_cut) {
    const std::string streamed = ",\"result\":{\"Text\":\"a \\\"quoted\\\" \\n line\"},\"error\":null}\n";
    const std::string wire = "{\"id\":2" + streamed + "{\"id\":1,\"result\":{\"A\":[1,2]},\"error\":null}\n" +
                             "{\"id\":4,\"result\":{\"B\":1},\"error\":null}\n" +
                             "{\"id\":3,\"result\":null,\"error\":\"could not find it\"}\n";
    for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
        open();
        std::optional<rpc_outcome> whole, failed;
        keeping_sink sink, forgotten;
        call("RPCServer.One", whole);
        channel->stream("RPCServer.Two", "{}", sink);
        call("RPCServer.Three", failed);
        channel->stream("RPCServer.Four", "{}", forgotten);
        hear_requests(4);
        channel->forget(forgotten);
        dlv.say(wire.substr(0, cut));
        dlv.say(wire.substr(cut));
        ASSERT_TRUE(whole && failed && sink.over) << "cut at " << cut;
        EXPECT_TRUE(whole->ok());
        EXPECT_EQ(whole->result, "{\"A\":[1,2]}");
        EXPECT_EQ(sink.text, streamed) << "cut at " << cut;
        EXPECT_FALSE(sink.reason);
        EXPECT_FALSE(failed->ok());
        EXPECT_FALSE(failed->lost);
        EXPECT_EQ(failed->error, "could not find it");
        EXPECT_EQ(forgotten.pieces, 0);
        EXPECT_EQ(channel->pending(), 0u);
        EXPECT_TRUE(closed.empty());
    }
}

TEST_F(rpc_channel_test, hears_the_same_byte_by_byte) {
    open();
    std::optional<rpc_outcome> whole;
    keeping_sink sink;
    call("RPCServer.One", whole);
    channel->stream("RPCServer.Two", "{}", sink);
    hear_requests(2);
    const std::string wire = "{\"id\":1,\"result\":{},\"error\":null}\n{\"id\":2,\"result\":[],\"error\":null}\n";
    for (char c : wire) dlv.say({&c, 1});
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->result, "{}");
    EXPECT_EQ(sink.text, ",\"result\":[],\"error\":null}\n");
}

TEST_F(rpc_channel_test, a_break_inside_a_reply_is_told_to_all_who_wait_at_every_cut) {
    const std::string wire = "{\"id\":1,\"result\":{\"A\":1},\"error\":null}\n";
    for (std::size_t cut = 0; cut < wire.size(); ++cut) {
        open();
        keeping_sink sink, later;
        std::optional<rpc_outcome> whole;
        channel->stream("RPCServer.One", "{}", sink);
        channel->stream("RPCServer.Two", "{}", later);
        call("RPCServer.Three", whole);
        hear_requests(3);
        dlv.say(wire.substr(0, cut));
        EXPECT_FALSE(sink.over);
        dlv.hang_up();
        ASSERT_TRUE(until([&] { return !closed.empty(); })) << "cut at " << cut;
        EXPECT_EQ(sink.reason, "dlv closed the connection");
        EXPECT_EQ(later.reason, "dlv closed the connection");
        ASSERT_TRUE(whole);
        EXPECT_TRUE(whole->lost);
        EXPECT_EQ(whole->error, "dlv closed the connection");
        EXPECT_EQ(closed, std::vector<std::string>{"dlv closed the connection"});
    }
}

TEST_F(rpc_channel_test, nothing_that_is_not_a_reply_is_believed) {
    const std::pair<std::string, std::string> wrong[] = {
        {"hello\n", "dlv sent a reply that is not JSON-RPC"},
        {"\n", "dlv sent a reply that is not JSON-RPC"},
        {"{\"id\":1\n", "dlv sent a reply that is not JSON-RPC"},
        {"{\"id\":null,\"result\":null,\"error\":null}\n", "dlv sent a reply that is not JSON-RPC"},
        {"{\"result\":{},\"id\":1,\"error\":null}\n", "dlv sent a reply that is not JSON-RPC"},
        {"{\"id\":7,\"result\":{},\"error\":null}\n", "dlv answered a request that was not made"},
        {"{\"id\":01,\"result\":{},\"error\":null}\n", "dlv sent a reply that is not JSON-RPC"},
    };
    for (auto& [wire, reason] : wrong) {
        open();
        std::optional<rpc_outcome> out;
        call("RPCServer.One", out);
        hear_requests(1);
        dlv.say(wire);
        ASSERT_TRUE(out) << wire;
        EXPECT_TRUE(out->lost) << wire;
        EXPECT_EQ(out->error, reason) << wire;
        EXPECT_EQ(closed, std::vector<std::string>{reason}) << wire;
        // Nothing that follows is heard, and the end is told once.
        dlv.say("{\"id\":1,\"result\":{},\"error\":null}\n");
        dlv.hang_up();
        io.restart();
        io.poll();
        EXPECT_EQ(closed.size(), 1u) << wire;
    }
}

TEST_F(rpc_channel_test, a_reply_is_answered_once) {
    open();
    std::optional<rpc_outcome> out;
    call("RPCServer.One", out);
    hear_requests(1);
    dlv.say("{\"id\":1,\"result\":{},\"error\":null}\n{\"id\":1,\"result\":{},\"error\":null}\n");
    ASSERT_TRUE(out);
    EXPECT_TRUE(out->ok());
    EXPECT_EQ(closed, std::vector<std::string>{"dlv answered a request that was not made"});
}

TEST_F(rpc_channel_test, a_whole_reply_that_is_not_json_is_an_error_of_its_own) {
    const std::string wrong[] = {"{\"id\":1,\"result\":{\"A\":},\"error\":null}\n", "{\"id\":1,\"error\":null}\n",
                                 "{\"id\":1}\n", "{\"id\":1,\"result\":\"\xff\",\"error\":null}\n"};
    for (auto& wire : wrong) {
        open();
        std::optional<rpc_outcome> out, next;
        call("RPCServer.One", out);
        call("RPCServer.Two", next);
        hear_requests(2);
        dlv.say(wire);
        ASSERT_TRUE(out || !closed.empty()) << wire;
        EXPECT_FALSE(out->ok()) << wire;
        EXPECT_EQ(out->error, "dlv sent a reply that is not JSON-RPC") << wire;
    }
}

TEST_F(rpc_channel_test, errors_without_words_are_errors) {
    open();
    std::optional<rpc_outcome> empty, object;
    call("RPCServer.One", empty);
    call("RPCServer.Two", object);
    hear_requests(2);
    dlv.say("{\"id\":1,\"result\":null,\"error\":\"\"}\n{\"id\":2,\"result\":null,\"error\":{\"code\":3}}\n");
    ASSERT_TRUE(empty && object);
    EXPECT_EQ(empty->error, "dlv reported an error without words");
    EXPECT_EQ(object->error, "{\"code\":3}");
}

TEST_F(rpc_channel_test, a_sink_that_is_full_stops_the_reading_until_it_resumes) {
    open();
    keeping_sink sink;
    channel->stream("RPCServer.One", "{}", sink);
    hear_requests(1);
    sink.full = true;
    dlv.say("{\"id\":1,\"result\":\"");
    // More than sockets hold: it cannot all be taken unless the channel reads.
    const std::string much(8u << 20, 'x');
    std::size_t sent = 0;
    ASSERT_TRUE(until([&] {
        if (const auto n = dlv.offer(std::string_view(much).substr(sent)); n > 0 && n <= much.size() - sent) {
            sent += n;
            return false;
        }
        return true;
    }));
    EXPECT_LT(sent, much.size());
    const int pieces = sink.pieces;
    io.restart();
    io.poll();
    EXPECT_EQ(sink.pieces, pieces);

    sink.full = false;
    channel->resume();
    dlv.say(std::string_view(much).substr(sent));
    dlv.say("\",\"error\":null}\n");
    EXPECT_TRUE(sink.over);
    EXPECT_EQ(sink.text.size(), much.size() + std::string_view(",\"result\":\"\",\"error\":null}\n").size());
}

TEST_F(rpc_channel_test, forgetting_a_full_sink_reads_on_without_it) {
    open();
    keeping_sink sink;
    std::optional<rpc_outcome> next;
    channel->stream("RPCServer.One", "{}", sink);
    call("RPCServer.Two", next);
    hear_requests(2);
    sink.full = true;
    dlv.say("{\"id\":1,\"result\":\"begun");
    const int pieces = sink.pieces;
    channel->forget(sink);
    dlv.say(std::string(1u << 20, 'x'));
    dlv.say("\",\"error\":null}\n{\"id\":2,\"result\":7,\"error\":null}\n");
    EXPECT_EQ(sink.pieces, pieces);
    EXPECT_FALSE(sink.reason);
    ASSERT_TRUE(next);
    EXPECT_EQ(next->result, "7");
}

TEST_F(rpc_channel_test, a_sink_may_ask_for_more_from_its_last_piece) {
    open();
    keeping_sink first, second;
    first.on_piece = [&](bool last) {
        if (last) channel->stream("RPCServer.Two", "{}", second);
    };
    channel->stream("RPCServer.One", "{}", first);
    hear_requests(1);
    dlv.say("{\"id\":1,\"result\":1,\"error\":null}\n");
    hear_requests(2);
    dlv.say("{\"id\":2,\"result\":2,\"error\":null}\n");
    EXPECT_EQ(second.text, ",\"result\":2,\"error\":null}\n");
}

// Streamed replies have no bound here (views have); those read whole have one, to the byte.
TEST_F(rpc_channel_test, a_whole_reply_beyond_the_limit_is_dropped_and_the_next_one_read) {
    const std::string before = ",\"result\":\"", after = "\",\"error\":null}\n";
    for (std::size_t over : {0u, 1u}) {
        open();
        std::optional<rpc_outcome> large, next;
        call("RPCServer.One", large);
        call("RPCServer.Two", next);
        hear_requests(2);
        dlv.say("{\"id\":1" + before);
        dlv.say(std::string(whole_limit - before.size() - after.size() + over, 'x'));
        dlv.say(after + "{\"id\":2,\"result\":{},\"error\":null}\n");
        ASSERT_TRUE(large && next);
        EXPECT_FALSE(large->lost);
        EXPECT_EQ(large->ok(), over == 0) << large->error;
        if (over) {
            EXPECT_EQ(large->error, "dlv's answer is larger than 64 MiB");
        }
        EXPECT_EQ(next->result, "{}");
        EXPECT_TRUE(closed.empty());
    }
}

TEST_F(rpc_channel_test, says_where_nobody_answers) {
    launcher::dlv_address nowhere = dlv.address();
    nowhere.path += ".gone";
    channel = std::make_unique<rpc_channel>(io, nowhere, [this](std::string r) { closed.push_back(r); });
    std::optional<rpc_outcome> out;
    call("RPCServer.One", out);
    ASSERT_TRUE(until([&] { return !closed.empty(); }));
    EXPECT_EQ(closed[0], "dlv does not answer at unix:" + nowhere.path + ": No such file or directory");
    ASSERT_TRUE(out);
    EXPECT_TRUE(out->lost);
}

TEST_F(rpc_channel_test, destroyed_it_hangs_up_and_says_nothing) {
    open();
    keeping_sink sink;
    channel->stream("RPCServer.One", "{}", sink);
    hear_requests(1);
    dlv.say("{\"id\":1,\"result\":");
    channel.reset();
    ASSERT_TRUE(until([&] { return dlv.was_left(); }));
    EXPECT_FALSE(sink.over);
    EXPECT_TRUE(closed.empty());
}

}  // namespace
}  // namespace gateway
