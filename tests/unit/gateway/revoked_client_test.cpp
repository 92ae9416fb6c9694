// The server's end when somebody inside stops being good: they go, told why; others notice nothing.
#include <map>

#include "gateway/authority.h"
#include "gateway/lifecycle_api.h"
#include "gateway/link_streams.h"
#include "gateway/tls_server.h"
#include "tests/unit/gateway/loop.h"

namespace gateway {
namespace {

using protocol::frame_type;
using protocol::json;

// Says back what it hears, and its last words.
class echo final : public stream_user {
public:
    explicit echo(stream_peer& peer) : peer_(peer) {}
    void received(std::string_view bytes) override {
        peer_.consumed(bytes.size());
        if (bytes.starts_with("flood")) return peer_.send(std::string(8u << 20, 'x'));
        peer_.send(bytes);
    }
    void writable() override {}
    void ended() override { peer_.finish(); }
    void lost(std::string_view) override {}
    void expelled(std::string_view reason) override {
        peer_.send("<out: " + std::string(reason) + ">");
        peer_.finish();
    }

private:
    stream_peer& peer_;
};

class everybody final : public directory {
public:
    verdict open(const caller& who, std::string_view, stream_peer& peer, std::unique_ptr<stream_user>& user) override {
        verdict said;
        said.accepted = true;
        said.component = "app";
        seen.push_back(who.who);
        user = std::make_unique<echo>(peer);
        return said;
    }
    std::vector<component_summary> list(const auth::identity&) const override { return {{"app", "stopped", ""}}; }
    std::vector<auth::identity> seen;
};

class revoked_client_test : public testing::Test {
protected:
    void SetUp() override {
        trust(ca);
        parts.identities = &identities;
        server.emplace(parts, context());
        ASSERT_TRUE(server->listen({{"127.0.0.1", 0}}));
        where = server->addresses().at(0);
    }
    auth::ssl_ctx context() {
        auto made = auth::make_server_context(ca.gateway(), identities.slot());
        EXPECT_TRUE(made) << made.error();
        return std::move(*made);
    }
    void trust(const authority& whom) {
        auth::client_ca as;
        as.file = whom.ca() + "/ca.crt";
        identities.trust(*auth::trust::of({*auth::trusted_ca::load(as)}));
    }
    SSL_CTX* as(const std::string& user) {
        auto& made = contexts[user];
        if (!made) made = authority::client_context(ca.person(user));
        return made.get();
    }
    std::unique_ptr<tls_client> raw(const std::string& user) {
        auto client = std::make_unique<tls_client>(io, where, as(user), "", std::vector<std::string_view>{});
        client->channel->send("hello");
        return client;
    }
    std::unique_ptr<tls_client> link(const std::string& user) {
        auto client = std::make_unique<tls_client>(io, where, as(user), "", std::vector{auth::alpn_link});
        std::string out;
        protocol::append_control(out, frame_type::hello, 0, json::object{{"version", 1}});
        protocol::append_control(out, frame_type::open, 1, json::object{{"component", "app"}});
        protocol::append_data(out, 1, 0, "hello");
        client->channel->send(out);
        return client;
    }
    bool until(const std::function<bool()>& done) { return run_until(io, done); }
    void revoke(const std::string& user) {
        auth::revocations list;
        list.add_user(user);
        identities.revoke_by_file(list);
    }
    bool in(const tls_client& client) { return client.text.find("hello") != std::string::npos; }

    authority ca;
    boost::asio::io_context io{1};
    limits bounds;
    counters counts;
    everybody components;
    long long skew = 0;
    client_authority identities{io, [this] { return static_cast<long long>(std::time(nullptr)) + skew; }};
    gateway_parts parts{io, components, bounds, counts, {}, {"app"}, false, nullptr};
    std::optional<tls_server> server;
    tcp::endpoint where;
    std::map<std::string, auth::ssl_ctx> contexts;
};

}  // namespace

TEST_F(revoked_client_test, is_told_why_and_others_go_on) {
    const auto by_link = link("alice"), other_link = link("bob");
    const auto by_socat = raw("alice"), other_socat = raw("bob");
    for (const auto* one : {&by_link, &other_link, &by_socat, &other_socat})
        ASSERT_TRUE(until([&] { return in(**one); }));
    EXPECT_EQ(identities.present(), 4u);
    revoke("alice");
    ASSERT_TRUE(until([&] { return by_link->has_ended && by_socat->has_ended; }));
    EXPECT_EQ(by_socat->text, "hello<out: access of alice has been revoked>");
    EXPECT_NE(by_link->text.find("<out: access of alice has been revoked>"), std::string::npos);
    EXPECT_NE(by_link->text.find(R"("code":"expelled")"), std::string::npos) << by_link->text;
    ASSERT_TRUE(until([&] { return server->connections() == 2; }));
    other_socat->channel->send(" again");
    ASSERT_TRUE(until([&] { return other_socat->text == "hello again"; }));
    EXPECT_FALSE(other_link->has_ended || other_link->is_closed);
    EXPECT_EQ(identities.present(), 2u);

    // And does not come back in, by a handshake already.
    const auto again = raw("alice");
    ASSERT_TRUE(until([&] { return again->is_closed; }));
    EXPECT_EQ(again->text, "");
    EXPECT_TRUE(until([&] { return counts.failed_handshakes == 1; }));
    revoke("nobody");
    const auto forgiven = raw("alice");
    ASSERT_TRUE(until([&] { return in(*forgiven); }));
}

TEST_F(revoked_client_test, goes_even_if_it_does_not_listen) {
    for (const bool linked : {false, true}) {
        const auto deaf = linked ? link("alice") : raw("alice");
        ASSERT_TRUE(until([&] { return in(*deaf); }));
        deaf->channel->pause_reading();
        std::string flood = "flood";
        if (linked) {
            flood.clear();
            protocol::append_data(flood, 1, 5, "flood");
        }
        deaf->channel->send(flood);
        ASSERT_TRUE(until([&] { return components.seen.size() > 0; }));
        EXPECT_EQ(identities.expel_user("alice", "ended"), 1u);
        ASSERT_TRUE(until([&] { return server->connections() == 0; }));
        EXPECT_EQ(identities.present(), 0u);
    }
}

TEST_F(revoked_client_test, a_page_is_told_that_it_may_show_nothing_any_more) {
    std::vector<api_stream> under_way;
    parts.lifecycle = [&](const caller&, const http_request& request, api_stream to) {
        if (request.method == "GET") to.line(json::object{{"you", "alice"}});
        under_way.push_back(std::move(to));
    };
    const auto ask = [&](const std::string& request) {
        auto client = std::make_unique<tls_client>(io, where, as("alice"), "", std::vector{auth::alpn_http});
        client->channel->send(request + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        return client;
    };
    const auto events = ask("GET /v1/events"), order = ask("POST /v1/components/app/start");
    ASSERT_TRUE(until([&] { return under_way.size() == 2 && events->text.find("you") != std::string::npos; }));
    revoke("alice");
    ASSERT_TRUE(until([&] { return events->has_ended && order->has_ended; }));
    const std::string why = R"({"error":"access of alice has been revoked","code":"forbidden"})";
    EXPECT_NE(events->text.find("data: " + why + "\n"), std::string::npos) << events->text;
    EXPECT_TRUE(order->text.starts_with("HTTP/1.1 403 ")) << order->text;
    EXPECT_TRUE(order->text.ends_with(why)) << order->text;
}

TEST_F(revoked_client_test, goes_when_its_certificate_ends) {
    const auto alice = raw("alice");
    ASSERT_TRUE(until([&] { return in(*alice); }));
    skew = 48 * 3600;
    ASSERT_TRUE(until([&] { return alice->has_ended; }));
    EXPECT_NE(alice->text.find("<out: your certificate expired at "), std::string::npos) << alice->text;
}

TEST_F(revoked_client_test, goes_with_its_ca) {
    const auto alice = raw("alice");
    ASSERT_TRUE(until([&] { return in(*alice); }));
    trust(ca);
    server->use(context());
    alice->channel->send(" still");
    ASSERT_TRUE(until([&] { return alice->text == "hello still"; }));
    const authority other;
    trust(other);
    ASSERT_TRUE(until([&] { return alice->has_ended; }));
    EXPECT_NE(alice->text.find("is not trusted any more"), std::string::npos);
}

TEST_F(revoked_client_test, a_renewed_certificate_is_bound_to_the_link) {
    const auto laptop = link("alice");
    ASSERT_TRUE(until([&] { return in(*laptop); }));
    auto renewed = components.seen.at(0);
    const auto old = renewed.fingerprint;
    renewed.fingerprint = "new";
    renewed.groups = {"sre"};
    renewed.valid_until += 7 * 24 * 3600;
    ASSERT_TRUE(identities.rebind(old, renewed));
    skew = 48 * 3600;  // the old one would be over
    std::string out;
    protocol::append_control(out, frame_type::open, 3, json::object{{"component", "app"}});
    laptop->channel->send(out);
    ASSERT_TRUE(until([&] { return components.seen.size() == 2; }));
    EXPECT_EQ(components.seen[1].groups, std::vector<std::string>{"sre"});
    EXPECT_FALSE(laptop->has_ended);
}

TEST_F(revoked_client_test, new_connections_get_the_new_certificate) {
    const auto before = raw("alice");
    ASSERT_TRUE(until([&] { return in(*before); }));
    const auto serial = [](tls_client& client) {
        return auth::serial_of(X509_get0_serialNumber(SSL_get0_peer_certificate(client.channel->ssl())));
    };
    server->use(context());  // issued anew
    const auto after = raw("alice");
    ASSERT_TRUE(until([&] { return in(*after); }));
    EXPECT_NE(serial(*before), serial(*after));
    before->channel->send(" on");
    EXPECT_TRUE(until([&] { return before->text == "hello on"; }));
}

}  // namespace gateway
