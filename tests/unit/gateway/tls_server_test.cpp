// The whole server end over loopback, with a directory that answers for the components.
#include "gateway/tls_server.h"

#include <map>

#include <boost/asio/write.hpp>

#include "tests/unit/gateway/hand_link.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

class tls_server_test : public testing::Test {
protected:
    void serve() {
        server.emplace(parts, authority::server_context(ca.gateway()));
        const auto listening = server->listen({{"127.0.0.1", 0}});
        ASSERT_TRUE(listening) << listening.error();
        where = server->addresses().at(0);
    }
    SSL_CTX* as(const std::string& user) {
        auto& context = contexts[user];
        if (!context) context = authority::client_context(ca.person(user));
        return context.get();
    }
    std::unique_ptr<hand_link> link(const std::string& user) {
        return std::make_unique<hand_link>(io, where, as(user));
    }
    std::unique_ptr<tls_client> raw(const std::string& user, const char* sni,
                                    const std::vector<std::string_view>& alpn = {}) {
        return std::make_unique<tls_client>(io, where, as(user), sni, alpn);
    }
    bool until(const std::function<bool()>& done) { return run_until(io, done); }
    std::string ask(const std::string& user, const std::string& request) {
        const auto client = raw(user, "", {auth::alpn_http});
        client->channel->send(request);
        EXPECT_TRUE(until([&] { return client->has_ended || client->is_closed; })) << request;
        return client->text;
    }

    authority ca;
    boost::asio::io_context io{1};
    limits bounds;
    counters counts;
    fake_directory components;
    gateway_parts parts{io, components, bounds, counts,
                        [](const auth::identity& who, std::string_view path) {
                            return path == "/v1/status" ? "{\"for\":\"" + who.user + "\"}" : std::string();
                        },
                        {"app", "other", "secret"},
                        false};
    std::optional<tls_server> server;
    tcp::endpoint where;
    std::map<std::string, auth::ssl_ctx> contexts;
};

TEST_F(tls_server_test, link_opens_a_stream_and_carries_it) {
    serve();
    const auto laptop = link("alice");
    laptop->open(1, "app");
    laptop->data(1, "hello");  // before the verdict is known
    ASSERT_TRUE(until([&] { return laptop->streams[1] == "hello"; }));
    const auto& hello = laptop->controls[frame_type::hello].at(0).second;
    EXPECT_EQ(hello.get_int("version"), 1);
    EXPECT_EQ(hello.get_int("window"), static_cast<std::int64_t>(protocol::link_window));
    const auto& verdict = laptop->controls[frame_type::verdict].at(0);
    EXPECT_EQ(verdict.first, 1u);
    EXPECT_TRUE(verdict.second.get_bool("ok"));
    EXPECT_EQ(verdict.second.get_string("component"), "app");
    EXPECT_EQ(verdict.second.get_string("session"), "s1");
    EXPECT_EQ(counts.streams, 1u);
    laptop->end(1);
    ASSERT_TRUE(until([&] { return laptop->ends[1]; }));
    EXPECT_EQ(components.heard["app"], "hello<end>");
    EXPECT_EQ(server->streams(), 0u);
}

TEST_F(tls_server_test, the_last_request_and_the_close_behind_it_are_heard) {
    serve();
    const auto laptop = link("alice");
    laptop->open(1, "app");
    laptop->data(1, "exit");
    laptop->end(1);
    laptop->channel->shutdown(60s);
    ASSERT_TRUE(until([&] { return components.heard["app"].ends_with("<end>"); }));
    EXPECT_EQ(components.heard["app"], "exit<end>");
    ASSERT_TRUE(until([&] { return server->connections() == 0; }));
}

TEST_F(tls_server_test, a_refused_open_says_why_and_the_link_lives_on) {
    serve();
    const auto laptop = link("bob");
    laptop->open(1, "nothing");
    laptop->data(1, "optimistic");
    laptop->open(3, "other");
    laptop->data(3, "x");
    ASSERT_TRUE(until([&] { return laptop->streams[3] == "x"; }));
    const auto& refused = laptop->controls[frame_type::verdict].at(0);
    EXPECT_EQ(refused.first, 1u);
    EXPECT_FALSE(refused.second.get_bool("ok", true));
    EXPECT_EQ(refused.second.get_string("code"), "no-such-component");
    EXPECT_EQ(protocol::to_text(*refused.second.find("components")), R"(["app","other"])");
    EXPECT_EQ(counts.refused_streams, 1u);
    EXPECT_EQ(counts.broken_links, 0u);
}

TEST_F(tls_server_test, a_person_nobody_listed_learns_nothing) {
    serve();
    const auto laptop = link("eve");
    laptop->open(1, "app");
    laptop->control(frame_type::list, 0, json::object{});
    ASSERT_TRUE(until([&] { return laptop->controls[frame_type::components].size() == 1; }));
    EXPECT_EQ(laptop->controls[frame_type::verdict].at(0).second.get_string("code"), "not-authorized");
    EXPECT_EQ(protocol::to_text(*laptop->controls[frame_type::components].at(0).second.find("components")), "[]");
    EXPECT_TRUE(ask("eve", "GET /v1/status HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 403 "));
    EXPECT_TRUE(ask("eve", "GET /v1/nothing HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 403 "));
}

TEST_F(tls_server_test, lists_what_the_caller_may_see) {
    serve();
    const auto laptop = link("alice");
    laptop->control(frame_type::list, 0, json::object{});
    ASSERT_TRUE(until([&] { return laptop->controls[frame_type::components].size() == 1; }));
    EXPECT_EQ(protocol::to_text(laptop->controls[frame_type::components].at(0).second),
              R"({"components":[{"name":"app","state":"stopped","detail":"at its entry"}]})");
}

TEST_F(tls_server_test, resume_is_answered_with_no) {
    serve();
    const auto laptop = link("alice");
    laptop->control(frame_type::resume, 0, json::object{{"link", "x"}, {"streams", json::array{}}});
    laptop->open(1, "app");
    laptop->data(1, "x");
    ASSERT_TRUE(until([&] { return laptop->streams[1] == "x"; }));
    EXPECT_FALSE(laptop->controls[frame_type::resumed].at(0).second.get_bool("ok", true));
}

TEST_F(tls_server_test, a_link_that_breaks_the_protocol_is_closed_with_the_reason) {
    serve();
    const auto laptop = link("alice");
    laptop->open(2, "app");  // even ids are the server's
    ASSERT_TRUE(until([&] { return laptop->has_ended; }));
    EXPECT_NE(laptop->controls[frame_type::goaway].at(0).second.get_string("reason"), "");
    EXPECT_EQ(components.opens, 0);
    EXPECT_EQ(counts.broken_links, 1u);
}

TEST_F(tls_server_test, another_version_is_sent_away) {
    serve();
    tls_client old(io, where, as("alice"), "", {auth::alpn_link});
    std::string hello;
    protocol::append_control(hello, frame_type::hello, 0, json::object{{"version", 2}});
    old.channel->send(hello);
    ASSERT_TRUE(until([&] { return old.has_ended; }));
    EXPECT_NE(old.text.find("version 1"), std::string::npos);
}

TEST_F(tls_server_test, streams_of_a_link_are_bounded) {
    bounds.streams_per_link = 2;
    serve();
    const auto laptop = link("alice");
    for (const std::uint32_t id : {1u, 3u, 5u}) laptop->open(id, "app");
    ASSERT_TRUE(until([&] { return laptop->controls[frame_type::verdict].size() == 3; }));
    const auto& verdicts = laptop->controls[frame_type::verdict];
    EXPECT_TRUE(verdicts[1].second.get_bool("ok"));
    EXPECT_EQ(verdicts[2].second.get_string("code"), "limit");
    EXPECT_EQ(counts.limit_streams, 1u);
    // One that ends makes room.
    laptop->data(1, "!");
    ASSERT_TRUE(until([&] { return laptop->ends[1]; }));
    laptop->end(1);
    laptop->open(7, "app");
    ASSERT_TRUE(until([&] { return verdicts.size() == 4; }));
    EXPECT_TRUE(verdicts[3].second.get_bool("ok"));
}

TEST_F(tls_server_test, connections_of_an_identity_are_bounded) {
    bounds.connections_per_identity = 1;
    serve();
    const auto first = link("alice");
    first->open(1, "app");
    ASSERT_TRUE(until([&] { return first->controls[frame_type::verdict].size() == 1; }));
    const auto second = link("alice");
    ASSERT_TRUE(until([&] { return second->has_ended; }));
    EXPECT_NE(second->controls[frame_type::goaway].at(0).second.get_string("reason").find("connectionsPerIdentity"),
              std::string::npos);
    const auto other = link("bob");
    other->open(1, "app");
    ASSERT_TRUE(until([&] { return other->controls[frame_type::verdict].size() == 1; }));
    EXPECT_EQ(counts.limit_identity, 1u);
    // When the first has gone there is room again.
    first->channel->abort();
    second->channel->abort();
    ASSERT_TRUE(until([&] { return server->connections() == 1; }));
    const auto third = link("alice");
    third->open(1, "app");
    ASSERT_TRUE(until([&] { return third->controls[frame_type::verdict].size() == 1; }));
}

TEST_F(tls_server_test, a_link_without_streams_is_closed_after_its_idle_time) {
    bounds.ping_time = 20ms;
    bounds.link_idle_time = 60ms;
    serve();
    const auto laptop = link("alice");
    ASSERT_TRUE(until([&] { return laptop->has_ended; }));
    EXPECT_NE(laptop->controls[frame_type::goaway].at(0).second.get_string("reason").find("linkIdleTime"), std::string::npos);
    EXPECT_EQ(counts.limit_idle, 1u);
}

TEST_F(tls_server_test, a_silent_link_is_given_up) {
    bounds.ping_time = 20ms;
    serve();
    const auto laptop = link("alice");
    laptop->open(1, "app");  // and never a pong
    ASSERT_TRUE(until([&] { return components.heard["app"] == "<lost>"; }));
    ASSERT_TRUE(until([&] { return server->connections() == 0; }));
}

TEST_F(tls_server_test, a_client_without_hello_is_closed) {
    bounds.ping_time = 20ms;
    serve();
    tls_client mute(io, where, as("alice"), "", {auth::alpn_link});
    ASSERT_TRUE(until([&] { return mute.has_ended; }));
}

TEST_F(tls_server_test, raw_stream_goes_where_the_name_says) {
    serve();
    const auto one = raw("bob", "other.gateway.test");
    one->channel->send("x");
    ASSERT_TRUE(until([&] { return one->text == "x"; }));
    EXPECT_EQ(components.heard["other"], "x");
    const auto two = raw("bob", "APP.gateway.test", {auth::alpn_delve});
    two->channel->send("y");
    ASSERT_TRUE(until([&] { return two->text == "y"; }));
    EXPECT_EQ(components.heard["app"], "y");
    EXPECT_EQ(counts.raw_streams, 2u);
}

TEST_F(tls_server_test, raw_stream_without_a_name_is_the_only_one_there_is) {
    serve();
    for (const char* sni : {"", "gateway.test", "localhost"}) {
        const auto client = raw("alice", sni);
        client->channel->send("x");
        ASSERT_TRUE(until([&] { return client->text == "x"; })) << sni;
    }
}

// The gateway's certificate covers secret.gateway.test as well; that is no reason to take it for a host.
TEST_F(tls_server_test, the_name_of_a_component_one_may_not_see_is_no_other) {
    serve();
    const auto client = raw("alice", "secret.gateway.test");
    client->channel->send(R"({"method":"RPCServer.Command","params":[{"name":"halt"}],"id":1})");
    ASSERT_TRUE(until([&] { return client->text.find("no secret for alice") != std::string::npos; })) << client->text;
    EXPECT_EQ(components.heard["app"], "");
}

TEST_F(tls_server_test, raw_half_close_delivers_everything_and_is_answered) {
    serve();
    const auto client = raw("alice", "");
    client->channel->send("last words");
    client->channel->shutdown(60s);
    ASSERT_TRUE(until([&] { return components.heard["app"] == "last words<end>"; }));
    ASSERT_TRUE(until([&] { return client->is_closed && server->connections() == 0; }));
    EXPECT_EQ(client->cause, close_cause::done);
}

TEST_F(tls_server_test, raw_stream_that_is_dropped_closes) {
    serve();
    const auto client = raw("alice", "");
    client->channel->send("#");
    ASSERT_TRUE(until([&] { return client->has_ended || client->is_closed; }));
    ASSERT_TRUE(until([&] { return server->connections() == 0; }));
}

TEST_F(tls_server_test, raw_idle_time_is_bounded) {
    bounds.idle_time = 50ms;
    serve();
    const auto client = raw("alice", "");
    ASSERT_TRUE(until([&] { return client->has_ended; }));
    EXPECT_EQ(components.heard["app"], "<lost>");
    EXPECT_EQ(counts.limit_idle, 1u);
}

TEST_F(tls_server_test, raw_client_is_held_back_at_its_window) {
    bounds.viewer_window = 64 * 1024;
    serve();
    const auto client = raw("alice", "");
    client->channel->send("hold");
    auto& heard = components.heard["app"];
    ASSERT_TRUE(until([&] { return heard == "hold"; }));
    const std::size_t much = 32u << 20;
    client->channel->send(std::string(much, 'x'));
    // Until nothing moves any more.
    std::size_t before = 0;
    int still = 0;
    ASSERT_TRUE(until([&] {
        still = client->channel->unsent() == before ? still + 1 : 0;
        before = client->channel->unsent();
        return still > 20;
    }));
    EXPECT_GT(client->channel->unsent(), 0u);
    EXPECT_GT(heard.size(), bounds.viewer_window);
    // What one read brings may go beyond it, no more.
    EXPECT_LT(heard.size(), bounds.viewer_window + (1u << 20));
    components.last->deal_with(heard.size());
    ASSERT_TRUE(until([&] { return heard.size() == much + 4; }));
}

TEST_F(tls_server_test, raw_ide_that_does_not_read_is_cut_off) {
    bounds.viewer_buffer = 1u << 20;
    serve();
    const auto client = raw("alice", "");
    client->channel->pause_reading();
    std::function<void()> feed = [&] {
        // An echo of what is never read; the sender is held back by TCP, too. Once it is cut off, nothing is
        // taken any more.
        for (int i = 0; i < 1024 && client->channel->unsent() < 256 * 1024; ++i)
            client->channel->send(std::string(64 * 1024, 'x'));
    };
    client->on_writable = feed;
    ASSERT_TRUE(until([&] { return client->is_open; }));
    feed();
    ASSERT_TRUE(until([&] { return counts.limit_viewer_buffer == 1; }));
    EXPECT_TRUE(components.heard["app"].ends_with("<lost>"));
    ASSERT_TRUE(until([&] { return server->connections() == 0; }));
}

TEST_F(tls_server_test, control_api_answers_a_get) {
    serve();
    const std::string status = ask("alice", "GET /v1/status?x=1 HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
    EXPECT_TRUE(status.starts_with("HTTP/1.1 200 OK\r\n")) << status;
    EXPECT_TRUE(status.ends_with("\r\n\r\n{\"for\":\"alice\"}")) << status;
    EXPECT_TRUE(ask("alice", "GET /other HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
    EXPECT_TRUE(ask("alice", "DELETE /v1/status HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
    EXPECT_TRUE(ask("alice", "\x01\x02 nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(ask("alice", "GET /v1/status HTTP/1.1\r\nX: " + std::string(20000, 'x')).starts_with("HTTP/1.1 431 "));
}

TEST_F(tls_server_test, nothing_is_routed_before_a_certificate_is_verified) {
    serve();
    authority stranger;
    auto files = stranger.person("alice");
    files.ca = ca.ca() + "/ca.crt";
    const auto context = authority::client_context(files);
    tls_client client(io, where, context.get(), "app.gateway.test", {});
    client.channel->send("let me in");
    ASSERT_TRUE(until([&] { return client.is_closed; }));
    EXPECT_EQ(client.text, "");
    EXPECT_EQ(components.opens, 0);
    ASSERT_TRUE(until([&] { return counts.failed_handshakes == 1 && server->connections() == 0; }));
}

// An established session goes on, byte by byte, while strangers knock, say nothing or say nonsense.
TEST_F(tls_server_test, a_flood_does_not_disturb_a_session) {
    bounds.handshakes = 8;
    bounds.handshakes_per_source = 4;
    bounds.handshake_rate = 40;
    serve();
    const auto laptop = link("alice");
    laptop->open(1, "app");
    ASSERT_TRUE(until([&] { return laptop->controls[frame_type::verdict].size() == 1; }));
    std::vector<tcp::socket> strangers;
    for (int i = 0; i < 200; ++i) {
        strangers.emplace_back(io).connect(where);
        if (i % 2) {
            boost::system::error_code ignored;  // the gateway may have hung up already
            boost::asio::write(strangers.back(), boost::asio::buffer(std::string("nonsense\r\n\r\n")), ignored);
        }
        const std::string word = std::to_string(i) + " ";
        const std::size_t before = laptop->streams[1].size();
        laptop->data(1, word);
        ASSERT_TRUE(until([&] { return laptop->streams[1].size() == before + word.size(); }));
        EXPECT_LE(server->handshakes(), 4u);
    }
    ASSERT_TRUE(until([&] { return counts.accepted >= 201; }));
    EXPECT_GT(counts.limit_source, 0u);
    EXPECT_FALSE(laptop->is_closed);
    EXPECT_EQ(components.opens, 1);
}

TEST_F(tls_server_test, silent_callers_are_closed_after_the_handshake_time) {
    bounds.handshake_time = 50ms;
    serve();
    tcp::socket silent(io);
    silent.connect(where);
    ASSERT_TRUE(until([&] { return counts.failed_handshakes == 1; }));
    ASSERT_TRUE(until([&] { return server->connections() == 0; }));
    EXPECT_EQ(server->handshakes(), 0u);
}

TEST_F(tls_server_test, connections_in_all_are_bounded) {
    bounds.connections = 1;
    serve();
    const auto laptop = link("alice");
    ASSERT_TRUE(until([&] { return laptop->controls[frame_type::hello].size() == 1; }));
    tcp::socket other(io);
    other.connect(where);
    ASSERT_TRUE(until([&] { return counts.limit_connections == 1; }));
    char byte = 0;
    boost::system::error_code ec;
    other.read_some(boost::asio::buffer(&byte, 1), ec);
    EXPECT_TRUE(ec == boost::asio::error::eof || ec == boost::asio::error::connection_reset) << ec.message();
}

TEST_F(tls_server_test, drain_lets_streams_end_and_takes_no_new_ones) {
    serve();
    const auto laptop = link("alice");
    laptop->open(1, "app");
    ASSERT_TRUE(until([&] { return laptop->controls[frame_type::verdict].size() == 1; }));
    bool drained = false;
    server->drain([&] { drained = true; });
    laptop->open(3, "app");
    laptop->data(1, "still here");
    ASSERT_TRUE(until([&] { return laptop->streams[1] == "still here"; }));
    EXPECT_EQ(laptop->controls[frame_type::goaway].size(), 1u);
    EXPECT_EQ(laptop->controls[frame_type::verdict].at(1).second.get_string("code"), "draining");
    tcp::socket late(io);
    boost::system::error_code ec;
    late.connect(where, ec);
    EXPECT_EQ(ec, boost::asio::error::connection_refused);
    EXPECT_FALSE(drained);
    laptop->end(1);
    ASSERT_TRUE(until([&] { return laptop->has_ended; }));
    laptop->channel->shutdown(60s);
    ASSERT_TRUE(until([&] { return drained; }));
}

TEST_F(tls_server_test, drain_ends_those_who_stay) {
    bounds.drain_time = 50ms;
    serve();
    const auto laptop = link("alice");
    const auto client = raw("bob", "other");
    laptop->open(1, "app");
    ASSERT_TRUE(until([&] { return laptop->controls[frame_type::verdict].size() == 1 && counts.raw_streams == 1; }));
    bool drained = false;
    server->drain([&] { drained = true; });
    ASSERT_TRUE(until([&] { return drained; }));
    EXPECT_EQ(components.heard["app"], "<lost>");
    EXPECT_EQ(components.heard["other"], "<lost>");
}

TEST_F(tls_server_test, an_address_in_use_is_explained) {
    serve();
    tls_server second(parts, authority::server_context(ca.gateway()));
    const auto listening = second.listen({{"127.0.0.1", where.port()}});
    ASSERT_FALSE(listening);
    EXPECT_NE(listening.error().find("another gateway may be running"), std::string::npos) << listening.error();
}

}  // namespace
}  // namespace gateway
