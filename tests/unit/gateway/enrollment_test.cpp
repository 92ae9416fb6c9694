// Enrolment and renewal at the gateway, over loopback, with a signer of the test's own.
#include "gateway/enrollment_server.h"

#include <gtest/gtest.h>

#include "auth/authority.h"
#include "auth/enrollment_request.h"
#include "auth/pinned_tls.h"
#include "gateway/authority.h"
#include "gateway/enroll.h"
#include "gateway/https_call.h"
#include "gateway/tls_server.h"
#include "protocol/json.h"
#include "tests/support/test_signer.h"
#include "tests/unit/gateway/loop.h"
#include "tests/unit/gateway/nothing_here.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using protocol::json;

class enrollment_test : public testing::Test {
protected:
    enrollment_test() : signer_(io, ca.ca()) {
        bounds.handshake_time = 20s;
        own = ca.gateway();
        pin = auth::pin_of(auth::load_certificate(own.ca)->get());
    }
    void start() {
        server.emplace(io, bounds, counts, service, signer_,
                       enrollment_server::settings{{{"127.0.0.1", 0}}, [this] { return auth::make_enrollment_context(own, own.ca); }});
        server->start();
    }
    void start_with_token(const std::string& token = "the-token") {
        signer_.add_token(token, "alice");
        start();
        ASSERT_TRUE(run_until(io, [&] { return server->open(); }));
    }
    std::uint16_t port() { return server->addresses().at(0).port(); }

    // One enrolment as the laptop makes it; the reply, or why there is none.
    void post(const std::string& body, std::optional<auth::outcome<https_reply>>& out, const std::string& path = "/v1/enroll") {
        auto made = auth::pinned_client::make(pin);
        ASSERT_TRUE(made) << made.error();
        auth::pinned_client* tls = clients.emplace_back(std::move(*made)).get();
        https_question question;
        question.host = "127.0.0.1";
        question.port = port();
        question.path = path;
        question.body = body;
        https_post(io, std::move(question), tls->context(), [tls](SSL* ssl) { return tls->explain(ssl, "127.0.0.1"); },
                   [&out](auth::outcome<https_reply> reply) { out.emplace(std::move(reply)); });
    }
    auth::outcome<https_reply> ask(const std::string& body, const std::string& path = "/v1/enroll") {
        std::optional<auth::outcome<https_reply>> out;
        post(body, out, path);
        EXPECT_TRUE(run_until(io, [&] { return out.has_value(); }));
        return *out;
    }
    static std::string body(const std::string& token, EVP_PKEY* key) {
        return protocol::to_text(json::object{{"token", token}, {"csr", auth::make_signing_request(key)}});
    }
    // What a stranger without a certificate gets for bytes of any kind.
    std::string raw(const std::string& bytes) {
        auto tls = auth::pinned_client::make(pin);
        tls_client client(io, server->addresses().at(0), (*tls)->context(), "", {});
        client.channel->send(bytes);
        EXPECT_TRUE(run_until(io, [&] { return client.has_ended || client.is_closed; })) << bytes;
        return client.text;
    }

    authority ca;
    boost::asio::io_context io{1};
    limits bounds;
    counters counts;
    test_signer signer_;
    auth::tls_files own;
    std::string pin;
    enrollment service{signer_, counts, {[] { return std::uint16_t{7443}; }, {}}};
    std::optional<enrollment_server> server;
    std::vector<std::unique_ptr<auth::pinned_client>> clients;
};

TEST_F(enrollment_test, is_bound_only_while_a_token_is_live) {
    start();
    for (int i = 0; i < 20; ++i) io.run_one_for(1ms);
    EXPECT_FALSE(server->open());
    signer_.add_token("t", "alice");
    ASSERT_TRUE(run_until(io, [&] { return server->open(); }));
    EXPECT_EQ(server->live(), 1u);
    signer_.withdraw("t");
    ASSERT_TRUE(run_until(io, [&] { return !server->open(); }));
}

TEST_F(enrollment_test, closes_when_the_last_token_has_expired) {
    signer_.add_token("t", "alice", 2);
    start();
    ASSERT_TRUE(run_until(io, [&] { return server->open(); }));
    ASSERT_TRUE(run_until(io, [&] { return !server->open(); }));
}

TEST_F(enrollment_test, a_token_becomes_a_certificate_of_the_laptops_key) {
    start_with_token();
    const auto key = auth::make_key();
    const auto reply = ask(body("the-token", key->get()));
    ASSERT_TRUE(reply) << reply.error();
    ASSERT_EQ(reply->status, 200u) << reply->body;
    const auto issued = read_issued(reply->body, key->get());
    ASSERT_TRUE(issued) << issued.error();
    EXPECT_EQ(issued->user, "alice");
    EXPECT_EQ(issued->port, 7443);
    EXPECT_GT(issued->renew_until, issued->not_after);
    ASSERT_EQ(signer_.asked.size(), 1u);
    EXPECT_EQ(signer_.asked[0].token_hash, auth::sha256_hex("the-token"));
    EXPECT_EQ(signer_.asked[0].source, "127.0.0.1");
    EXPECT_EQ(counts.enrollments, 1u);
    // Used up: the port goes.
    ASSERT_TRUE(run_until(io, [&] { return !server->open(); }));
}

TEST_F(enrollment_test, of_two_at_once_with_one_token_one_wins_and_the_other_is_told) {
    start_with_token();
    const auto a = auth::make_key();
    const auto b = auth::make_key();
    std::optional<auth::outcome<https_reply>> first, second;
    post(body("the-token", a->get()), first);
    post(body("the-token", b->get()), second);
    ASSERT_TRUE(run_until(io, [&] { return first && second; }));
    ASSERT_TRUE(*first) << first->error();
    ASSERT_TRUE(*second) << second->error();
    EXPECT_EQ((*first)->status + (*second)->status, 200u + 403u);
    const auto& loser = (*first)->status == 403 ? **first : **second;
    EXPECT_NE(explain_refusal("h:1", loser.status, loser.body).find("unknown, used, withdrawn or expired"), std::string::npos);
}

TEST_F(enrollment_test, a_bad_request_never_reaches_the_signer) {
    start_with_token();
    for (const std::string& wrong : {std::string("{}"), std::string("nonsense"), std::string("{\"token\":\"the-token\",\"csr\":\"x\"}")}) {
        const auto reply = ask(wrong);
        ASSERT_TRUE(reply) << reply.error();
        EXPECT_EQ(reply->status, 400u) << wrong;
        EXPECT_EQ(reply->body.find("the-token"), std::string::npos);
    }
    EXPECT_TRUE(signer_.asked.empty());
    EXPECT_EQ(counts.refused_enrollments, 3u);
}

TEST_F(enrollment_test, nothing_else_is_there_and_nothing_is_told) {
    start_with_token();
    const auto key = auth::make_key();
    const std::string good = body("the-token", key->get());
    const std::string length = "Content-Length: " + std::to_string(good.size()) + "\r\n\r\n" + good;
    const std::string bare = "HTTP/1.1 404 Not Found\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    for (const std::string& wrong :
         {std::string("GET /v1/enroll HTTP/1.1\r\n\r\n"), std::string("GET /v1/status HTTP/1.1\r\n\r\n"), std::string("GET / HTTP/1.1\r\n\r\n"),
          "PUT /v1/enroll HTTP/1.1\r\n" + length, "POST /v1/renew HTTP/1.1\r\n" + length, "POST /v1/enroll/ HTTP/1.1\r\n" + length,
          "POST //v1/enroll HTTP/1.1\r\n" + length, std::string("nonsense\r\n\r\n"),
          std::string("POST /v1/enroll HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
          std::string("POST /v1/enroll HTTP/1.1\r\nContent-Length: 16385\r\n\r\n"),
          std::string("POST /v1/enroll HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
          "POST /v1/enroll HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n"})
        EXPECT_EQ(raw(wrong), bare) << wrong.substr(0, 80);
    EXPECT_TRUE(signer_.asked.empty());
}

TEST_F(enrollment_test, one_request_a_connection) {
    start_with_token();
    const auto key = auth::make_key();
    const std::string good = body("wrong-token", key->get());
    const std::string request = "POST /v1/enroll HTTP/1.1\r\nContent-Length: " + std::to_string(good.size()) + "\r\n\r\n" + good;
    const auto answer = raw(request + request);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
    EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos);
    EXPECT_EQ(signer_.asked.size(), 1u);
}

TEST_F(enrollment_test, a_caller_who_says_nothing_is_let_go) {
    bounds.handshake_time = 300ms;
    start_with_token();
    auto tls = auth::pinned_client::make(pin);
    tls_client client(io, server->addresses().at(0), (*tls)->context(), "", {});
    ASSERT_TRUE(run_until(io, [&] { return client.has_ended || client.is_closed; }));
    EXPECT_TRUE(client.text.empty());
}

TEST_F(enrollment_test, one_source_has_a_bound) {
    bounds.handshakes_per_source = 2;
    start_with_token();
    signer_.silent = true;
    const auto key = auth::make_key();
    std::optional<auth::outcome<https_reply>> a, b, c;
    post(body("the-token", key->get()), a);
    post(body("the-token", key->get()), b);
    ASSERT_TRUE(run_until(io, [&] { return signer_.asked.size() == 2; }));
    post(body("the-token", key->get()), c);
    ASSERT_TRUE(run_until(io, [&] { return c.has_value(); }));
    EXPECT_FALSE(*c);
    EXPECT_FALSE(a || b);
    EXPECT_EQ(counts.limit_source, 1u);
    server.reset();
    ASSERT_TRUE(run_until(io, [&] { return a && b; }));
}

TEST_F(enrollment_test, a_wrong_pin_is_seen_before_anything_is_sent) {
    start_with_token();
    const std::string right = pin;
    pin = "sha256:" + std::string(64, '0');
    const auto key = auth::make_key();
    const auto reply = ask(body("the-token", key->get()));
    ASSERT_FALSE(reply);
    EXPECT_NE(reply.error().find(right), std::string::npos) << reply.error();
    EXPECT_NE(reply.error().find(pin), std::string::npos) << reply.error();
    EXPECT_TRUE(signer_.asked.empty());
}

TEST_F(enrollment_test, a_gateway_of_another_ca_than_the_pins_opens_no_port) {
    authority other;
    const auto context = auth::make_enrollment_context(own, other.ca() + "/ca.crt");
    ASSERT_FALSE(context);
    EXPECT_NE(context.error().find("was not issued by the CA in"), std::string::npos) << context.error();
}

// --- the main port ---


TEST_F(enrollment_test, renewal_rebinds_live_connections_of_the_old_certificate_only) {
    nothing_here components;
    client_authority identities(io);
    auth::client_ca trusted;
    trusted.file = own.ca;
    identities.trust(*auth::trust::of({*auth::trusted_ca::load(trusted)}));
    gateway_parts parts{io, components, bounds, counts, {}, {}, false, &identities};
    std::optional<tls_server> main;
    enrollment renewing(signer_, counts, {[] { return std::uint16_t{1}; },
                                          [&](std::string_view old, X509* now) { return identities.rebind(old, now); }});
    parts.renew = [&](const auth::identity& who, const std::string& text, std::function<void(http_answer)> done) {
        renewing.renew(who, text, std::move(done));
    };
    auto context = auth::make_server_context(own, identities.slot());
    ASSERT_TRUE(context) << context.error();
    main.emplace(parts, std::move(*context));
    ASSERT_TRUE(main->listen({{"127.0.0.1", 0}}));
    const auto where = main->addresses().at(0);

    temporary_directory directory;
    const auto person = [&](const std::string& name) {
        const auto key = auth::make_key();
        const auto said = signer_.issue("alice", auth::spki_of(key->get()));
        const std::string file = directory.path() + "/" + name + ".pem";
        std::FILE* out = std::fopen(file.c_str(), "w");
        ::chmod(file.c_str(), 0600);
        const std::string text = said.certificate + auth::to_pem(key->get());
        std::fwrite(text.data(), 1, text.size(), out);
        std::fclose(out);
        return auth::tls_files{file, file, own.ca, {}, {}};
    };
    const auto old_files = person("old");
    const auto other_files = person("other");
    const auto old_context = authority::client_context(old_files);
    const auto other_context = authority::client_context(other_files);
    tls_client live(io, where, old_context.get(), "", {auth::alpn_link});
    tls_client other(io, where, other_context.get(), "", {auth::alpn_link});
    ASSERT_TRUE(run_until(io, [&] { return main->people().size() == 2; }));
    const auto old_print = auth::identify(auth::load_certificate(old_files.certificate)->get())->fingerprint;
    const auto other_print = auth::identify(auth::load_certificate(other_files.certificate)->get())->fingerprint;

    const auto post = [&](EVP_PKEY* proof_by, EVP_PKEY* next) {
        https_question question;
        question.host = "127.0.0.1";
        question.port = where.port();
        question.path = "/v1/renew";
        question.body = protocol::to_text(json::object{{"csr", auth::make_signing_request(next)},
                                                       {"proof", auth::to_base64(auth::sign_renewal(proof_by, auth::spki_of(next)))}});
        std::optional<auth::outcome<https_reply>> reply;
        https_post(io, std::move(question), old_context.get(), [](SSL*) { return std::string("tls"); },
                   [&](auth::outcome<https_reply> got) { reply.emplace(std::move(got)); });
        EXPECT_TRUE(run_until(io, [&] { return reply.has_value(); }));
        return *reply;
    };
    const auto next = auth::make_key();
    const auto stranger = auth::make_key();
    const auto refused = post(stranger->get(), next->get());
    ASSERT_TRUE(refused) << refused.error();
    EXPECT_EQ(refused->status, 403u);

    signer_.lifetime = 7200;
    const auto old_key = auth::load_key(old_files.key);
    const auto reply = post(old_key->get(), next->get());
    ASSERT_TRUE(reply) << reply.error();
    ASSERT_EQ(reply->status, 200u) << reply->body;
    const auto issued = read_issued(reply->body, next->get());
    ASSERT_TRUE(issued) << issued.error();
    EXPECT_EQ(counts.renewals, 1u);
    int renewed = 0, untouched = 0;
    const auto now = auth::identify(auth::read_certificates(issued->pem, "it")->front().get());
    for (const auto& one : main->people()) {
        if (one.who.fingerprint == now->fingerprint) {
            ++renewed;
            EXPECT_EQ(one.who.not_after, issued->not_after);
            EXPECT_EQ(one.who.serial, now->serial);
        }
        untouched += one.who.fingerprint == other_print;
        EXPECT_NE(one.who.fingerprint, old_print);
    }
    EXPECT_GE(renewed, 1);
    EXPECT_EQ(untouched, 1);
    EXPECT_FALSE(live.is_closed || live.has_ended);
}

}  // namespace
}  // namespace gateway
