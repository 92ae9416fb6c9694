#include "gateway/tls_channel.h"

#include <sys/socket.h>

#include <array>
#include <optional>

#include <boost/asio/write.hpp>

#include "tests/unit/gateway/loop.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

// Bytes that tell where they belong, so that a lost or repeated piece shows.
std::string pattern(std::size_t size) {
    std::vector<std::uint32_t> words(size / sizeof(std::uint32_t) + 1);
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = static_cast<std::uint32_t>(i * 2654435761u);
    return {reinterpret_cast<const char*>(words.data()), size};
}

// Both ends of a TLS connection over loopback TCP, on one loop.
// The parameter: whether the channels expect traffic, and so read in the other way.
class tls_channel_test : public testing::TestWithParam<bool> {
protected:
    tls_channel_test() : server_context(authority::server_context(ca.gateway())) {}
    ~tls_channel_test() override {
        if (server) server->abort();
        if (client) client->abort();
    }

    std::pair<tcp::socket, tcp::socket> sockets() {
        tcp::acceptor acceptor(io, {boost::asio::ip::address_v4::loopback(), 0});
        tcp::socket near(io);
        near.connect(acceptor.local_endpoint());
        return {std::move(near), acceptor.accept()};
    }

    void serve(tcp::socket socket, std::chrono::milliseconds handshake_time = 60s) {
        server = tls_channel::make(std::move(socket), ssl_handle(SSL_new(server_context.get())),
                                   tls_channel::role::server, server_ear);
        if (GetParam()) server->expect_traffic();
        server->start(handshake_time);
    }

    void dial(tcp::socket socket, const auth::tls_files& files) {
        client_context = authority::client_context(files);
        ssl_handle ssl(SSL_new(client_context.get()));
        auth::set_expected_host(ssl.get(), "gateway.test", "", {});
        client = tls_channel::make(std::move(socket), std::move(ssl), tls_channel::role::client, client_ear);
        if (GetParam()) client->expect_traffic();
        client->start(60s);
    }

    void establish() {
        auto [near, far] = sockets();
        serve(std::move(far));
        dial(std::move(near), ca.person("alice"));
        ASSERT_TRUE(run_until(io, [&] { return server_ear.is_open && client_ear.is_open; }))
            << server_ear.reason << " " << client_ear.reason;
    }

    authority ca;
    boost::asio::io_context io{1};
    auth::ssl_ctx server_context;
    auth::ssl_ctx client_context;
    channel_ear server_ear;
    channel_ear client_ear;
    std::shared_ptr<tls_channel> server;
    std::shared_ptr<tls_channel> client;
};

TEST_P(tls_channel_test, carries_small_messages_both_ways) {
    establish();
    client->send("ask");
    ASSERT_TRUE(run_until(io, [&] { return server_ear.text == "ask"; }));
    server->send("ans");
    server->send("wer");
    ASSERT_TRUE(run_until(io, [&] { return client_ear.text == "answer"; }));
    EXPECT_EQ(client->unsent(), 0u);
    EXPECT_EQ(server->unsent(), 0u);
}

TEST_P(tls_channel_test, sends_what_was_queued_before_the_handshake) {
    auto [near, far] = sockets();
    serve(std::move(far));
    dial(std::move(near), ca.person("alice"));
    client->send("early");
    ASSERT_TRUE(run_until(io, [&] { return server_ear.text == "early"; }));
}

TEST_P(tls_channel_test, small_sends_of_one_turn_arrive_as_one_piece) {
    establish();
    int pieces = 0;
    server_ear.on_bytes = [&](std::string_view) { ++pieces; };
    for (int i = 0; i < 100; ++i) client->send("0123456789");
    ASSERT_TRUE(run_until(io, [&] { return server_ear.text.size() == 1000; }));
    EXPECT_EQ(pieces, 1);
}

TEST_P(tls_channel_test, carries_much_both_ways_at_once) {
    establish();
    const std::string there = pattern(24u << 20);
    const std::string back = pattern((16u << 20) + 12345);
    client->send(there);
    server->send(back);
    ASSERT_TRUE(run_until(io, [&] {
        return server_ear.text.size() >= there.size() && client_ear.text.size() >= back.size();
    }));
    EXPECT_TRUE(server_ear.text == there);
    EXPECT_TRUE(client_ear.text == back);
}

TEST_P(tls_channel_test, every_size_around_a_record_arrives) {
    establish();
    std::string all;
    for (const std::size_t size : {1, 100, 16383, 16384, 16385, 32767, 32768, 32769, 131071, 131072, 131073, 300000}) {
        const std::string piece = pattern(size);
        client->send(piece.substr(0, size / 3));
        client->send(piece.substr(size / 3));
        all += piece;
    }
    ASSERT_TRUE(run_until(io, [&] { return server_ear.text.size() >= all.size(); }));
    EXPECT_TRUE(server_ear.text == all);
}

TEST_P(tls_channel_test, a_slow_reader_holds_the_sender_back) {
    establish();
    server->pause_reading();
    const std::string all = pattern(32u << 20);
    std::size_t sent = 0;
    const auto feed = [&] {
        while (sent < all.size() && client->unsent() < 256 * 1024) {
            const auto piece = std::string_view(all).substr(sent, 64 * 1024);
            client->send(piece);
            sent += piece.size();
        }
    };
    client_ear.on_writable = feed;
    feed();
    // The kernel's buffers fill and then nothing moves: the sender holds little, the reader nothing.
    std::size_t before = 0;
    do {
        before = sent;
        for (int i = 0; i < 50; ++i) {
            io.restart();
            io.poll();
        }
    } while (sent != before);
    EXPECT_LT(sent, all.size());
    EXPECT_GT(client->unsent(), 0u);
    EXPECT_EQ(server_ear.text.size(), 0u);

    server->resume_reading();
    ASSERT_TRUE(run_until(io, [&] { return server_ear.text.size() == all.size(); }));
    EXPECT_TRUE(server_ear.text == all);
    EXPECT_GT(client_ear.writables, 0);
}

TEST_P(tls_channel_test, pausing_inside_received_keeps_the_rest) {
    establish();
    const std::string all = pattern(4u << 20);
    server_ear.on_bytes = [&](std::string_view) { server->pause_reading(); };
    client->send(all);
    client->shutdown(60s);
    int turns = 0;
    std::size_t seen = 0;
    ASSERT_TRUE(run_until(io, [&] {
        if (server_ear.text.size() != seen) {
            seen = server_ear.text.size();
            ++turns;
            server->resume_reading();
        }
        return server_ear.has_ended;
    }));
    EXPECT_TRUE(server_ear.text == all);
    EXPECT_GT(turns, 1);
}

// Whoever pauses may do so at any time, with a read under way.
TEST_P(tls_channel_test, pausing_at_any_time_loses_and_reorders_nothing) {
    establish();
    const std::string all = pattern(16u << 20);
    client->send(all);
    unsigned turn = 0;
    ASSERT_TRUE(run_until(io, [&] {
        ++turn;
        if (turn % 3 == 0) server->pause_reading();
        if (turn % 3 != 1) server->resume_reading();
        return server_ear.text.size() >= all.size() || server_ear.is_closed;
    }));
    EXPECT_FALSE(server_ear.is_closed) << server_ear.reason;
    EXPECT_TRUE(server_ear.text == all);
}

TEST_P(tls_channel_test, shutdown_delivers_everything_before_the_end) {
    establish();
    const std::string all = pattern(8u << 20);
    server_ear.on_end = [&] { EXPECT_EQ(server_ear.text.size(), all.size()); };
    client->send(all);
    client->shutdown(60s);
    ASSERT_TRUE(run_until(io, [&] { return server_ear.has_ended; }));
    EXPECT_TRUE(server_ear.text == all);
    EXPECT_FALSE(client_ear.is_closed);
    server->shutdown(60s);
    ASSERT_TRUE(run_until(io, [&] { return server_ear.is_closed && client_ear.is_closed; }));
    EXPECT_EQ(server_ear.cause, close_cause::done);
    EXPECT_EQ(client_ear.cause, close_cause::done);
}

// What `dlv connect` does with its last request: sends it and closes, whatever is on its way to it.
TEST_P(tls_channel_test, the_last_request_of_a_client_that_resets_is_delivered) {
    establish();
    client->pause_reading();
    server->send(pattern(4u << 20));
    ASSERT_TRUE(run_until(io, [&] { return server->unsent() > 0; }));
    client->send("the last request");
    for (int i = 0; i < 20; ++i) {  // it leaves; its answer is never read
        io.restart();
        io.poll();
        if (client->unsent() == 0) break;
    }
    ASSERT_EQ(client->unsent(), 0u);
    client->abort();  // with unread input: TCP resets
    ASSERT_TRUE(run_until(io, [&] { return server_ear.is_closed || server_ear.has_ended; }));
    EXPECT_EQ(server_ear.text, "the last request");
}

TEST_P(tls_channel_test, sending_goes_on_after_the_peer_ended) {
    establish();
    // A half-close that TLS 1.3 allows and our own shutdown() does not use.
    SSL_shutdown(client->ssl());
    client->send("");
    ASSERT_TRUE(run_until(io, [&] { return server_ear.has_ended; }));
    server->send("still here");
    for (int i = 0; i < 1000 && server->unsent() > 0; ++i) {
        io.restart();
        io.poll();
    }
    EXPECT_EQ(server->unsent(), 0u);
    EXPECT_FALSE(server_ear.is_closed);
}

TEST_P(tls_channel_test, a_fin_without_goodbye_is_an_end) {
    establish();
    client->send("bye");
    ASSERT_TRUE(run_until(io, [&] { return server_ear.text == "bye"; }));
    client->abort();
    ASSERT_TRUE(run_until(io, [&] { return server_ear.has_ended; }));
    EXPECT_FALSE(server_ear.is_closed);
}

TEST_P(tls_channel_test, survives_bytes_one_at_a_time) {
    // Two loopback connections and a hand that passes single bytes between them.
    auto [near, middle_near] = sockets();
    auto [middle_far, far] = sockets();
    serve(std::move(far));
    dial(std::move(near), ca.person("alice"));
    client->send("through the eye of a needle");
    server->send("");
    middle_near.non_blocking(true);
    middle_far.non_blocking(true);
    const auto pass = [](tcp::socket& from, tcp::socket& to) {
        char byte = 0;
        boost::system::error_code ec;
        if (from.read_some(boost::asio::buffer(&byte, 1), ec) == 1) boost::asio::write(to, boost::asio::buffer(&byte, 1), ec);
    };
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (server_ear.text != "through the eye of a needle" && std::chrono::steady_clock::now() < deadline) {
        pass(middle_near, middle_far);
        pass(middle_far, middle_near);
        io.restart();
        io.poll();
    }
    EXPECT_EQ(server_ear.text, "through the eye of a needle");
}

TEST_P(tls_channel_test, refuses_a_client_without_a_certificate) {
    auto [near, far] = sockets();
    serve(std::move(far));
    // A context without a certificate of its own, which our own client never has.
    client_context.reset(SSL_CTX_new(TLS_client_method()));
    tls_channel::prepare(client_context.get());
    client = tls_channel::make(std::move(near), ssl_handle(SSL_new(client_context.get())), tls_channel::role::client,
                               client_ear);
    client->start(60s);
    client->send("let me in");
    ASSERT_TRUE(run_until(io, [&] { return server_ear.is_closed && client_ear.is_closed; }));
    EXPECT_FALSE(server_ear.is_open);
    EXPECT_EQ(server_ear.text, "");
    EXPECT_EQ(server_ear.cause, close_cause::tls);
    // The refused one is told why by an alert, not by a reset.
    EXPECT_EQ(client_ear.cause, close_cause::tls);
    EXPECT_NE(client_ear.reason.find("certificate required"), std::string::npos) << client_ear.reason;
}

TEST_P(tls_channel_test, refuses_a_certificate_of_another_ca) {
    authority stranger;
    auto files = stranger.person("mallory");
    files.ca = ca.ca() + "/ca.crt";
    auto [near, far] = sockets();
    serve(std::move(far));
    dial(std::move(near), files);
    ASSERT_TRUE(run_until(io, [&] { return server_ear.is_closed && client_ear.is_closed; }));
    EXPECT_FALSE(server_ear.is_open);
    EXPECT_EQ(server_ear.cause, close_cause::tls);
    EXPECT_EQ(client_ear.cause, close_cause::tls);
}

TEST_P(tls_channel_test, a_silent_handshake_times_out) {
    auto [near, far] = sockets();
    serve(std::move(far), 50ms);
    ASSERT_TRUE(run_until(io, [&] { return server_ear.is_closed; }));
    EXPECT_EQ(server_ear.cause, close_cause::timeout);
}

TEST_P(tls_channel_test, garbage_is_refused) {
    auto [near, far] = sockets();
    serve(std::move(far));
    boost::asio::write(near, boost::asio::buffer(std::string("GET / HTTP/1.1\r\n\r\n")));
    near.shutdown(tcp::socket::shutdown_send);
    ASSERT_TRUE(run_until(io, [&] { return server_ear.is_closed; }));
    EXPECT_EQ(server_ear.cause, close_cause::tls);
    EXPECT_FALSE(server_ear.is_open);
}

TEST_P(tls_channel_test, a_caller_that_leaves_during_the_handshake_is_noticed) {
    auto [near, far] = sockets();
    serve(std::move(far));
    near.close();
    ASSERT_TRUE(run_until(io, [&] { return server_ear.is_closed; }));
    EXPECT_FALSE(server_ear.is_open);
}

TEST_P(tls_channel_test, shutdown_gives_up_on_a_peer_that_takes_nothing) {
    establish();
    client->pause_reading();
    server->send(pattern(64u << 20));
    server->shutdown(100ms);
    ASSERT_TRUE(run_until(io, [&] { return server_ear.is_closed; }));
    EXPECT_EQ(server_ear.cause, close_cause::timeout);
}

TEST_P(tls_channel_test, nothing_is_heard_after_abort) {
    establish();
    server_ear.on_bytes = [&](std::string_view) { server->abort(); };
    client->send("x");
    ASSERT_TRUE(run_until(io, [&] { return client_ear.has_ended || client_ear.is_closed; }));
    EXPECT_EQ(server_ear.text, "x");
    EXPECT_FALSE(server_ear.is_closed);
    EXPECT_FALSE(server_ear.has_ended);
}

TEST_P(tls_channel_test, goes_on_through_key_updates) {
    establish();
    const std::string piece = pattern(100'000);
    std::string all;
    for (int i = 0; i < 10; ++i) {
        ASSERT_EQ(SSL_key_update(client->ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
        client->send(piece);
        all += piece;
        ASSERT_TRUE(run_until(io, [&] { return server_ear.text.size() == all.size(); }));
        server->send("ok");
        const std::size_t answers = 2 * (static_cast<std::size_t>(i) + 1);
        ASSERT_TRUE(run_until(io, [&] { return client_ear.text.size() == answers; }));
    }
    EXPECT_TRUE(server_ear.text == all);
}

INSTANTIATE_TEST_SUITE_P(reading, tls_channel_test, testing::Bool(),
                         [](const auto& each) { return each.param ? "expecting_traffic" : "sparing"; });

}  // namespace
}  // namespace gateway
