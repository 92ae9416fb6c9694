#include "auth/tls.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "auth/identity.h"
#include "handshake.h"
#include "odd_certificate.h"

namespace auth::test {

namespace {

using alpn_list = std::vector<std::string_view>;

class tls : public testing::Test {
protected:
    tls() {
        leaf_request server;
        server.server = true;
        server.common_name = "node1";
        server.hosts = {"node1", "scheduler.node1", "192.0.2.1", "2001:db8::1"};
        gateway_files = issued(dir, "gateway", server);
        leaf_request client;
        client.common_name = "alice";
        client.groups = {"developers"};
        alice_files = issued(dir, "alice", client);
        gateway = context(make_server_context(gateway_files));
        alice = context(make_client_context(alice_files));
    }

    static ssl_ctx context(outcome<ssl_ctx> made) {
        EXPECT_TRUE(made) << made.error();
        return made ? std::move(*made) : nullptr;
    }

    // A client or server with a certificate we would not make, trusting the CA of this test. Set up by hand,
    // because make_…_context refuses most of these at once.
    ssl_ctx stranger(const odd_certificate& wanted, bool server = false) {
        const auto [certificate, key] = make(wanted);
        ssl_ctx c(SSL_CTX_new(TLS_method()));
        SSL_CTX_set_security_level(c.get(), 0);
        EXPECT_EQ(SSL_CTX_use_certificate(c.get(), certificate.get()), 1);
        EXPECT_EQ(SSL_CTX_use_PrivateKey(c.get(), key.get()), 1);
        EXPECT_EQ(SSL_CTX_load_verify_file(c.get(), gateway_files.ca.c_str()), 1);
        SSL_CTX_set_verify(c.get(), server ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE,
                           nullptr);
        ERR_clear_error();
        return c;
    }

    odd_certificate from_ca() const {
        odd_certificate wanted;
        wanted.ca_directory = dir / "ca";
        return wanted;
    }

    bool gateway_takes(const odd_certificate& wanted) {
        const auto client = stranger(wanted);
        handshake h(client.get(), gateway.get());
        h.run();
        // Where the gateway refuses, the client must notice, and its bytes arrive nowhere.
        if (!h.server_works()) {
            EXPECT_FALSE(h.client_works());
        }
        EXPECT_EQ(h.sent_to_server("hello"), h.server_works() ? "hello" : "");
        return h.server_works();
    }

    bool alice_takes(const odd_certificate& wanted, std::string_view host = "node1") {
        const auto server = stranger(wanted, true);
        handshake h(alice.get(), server.get());
        set_expected_host(h.client(), host, "", {});
        h.run();
        return h.client_works();
    }

    bool alice_reaches(std::string_view host) {
        handshake h(alice.get(), gateway.get());
        set_expected_host(h.client(), host, "", {alpn_link});
        h.run();
        EXPECT_EQ(h.client_works(), h.server_works());
        return h.client_works();
    }

    // What the server chose, or "refused".
    std::string choice(const alpn_list& offered) {
        handshake h(alice.get(), gateway.get());
        set_expected_host(h.client(), "node1", "", offered);
        h.run();
        if (!h.client_works() || !h.server_works()) return "refused";
        EXPECT_EQ(selected_alpn(h.client()), selected_alpn(h.server()));
        return selected_alpn(h.server());
    }

    const scratch dir;
    tls_files gateway_files, alice_files;
    ssl_ctx gateway, alice;
};

odd_certificate gateway_like(odd_certificate wanted) {
    wanted.usage = "serverAuth";
    wanted.alternative_names = "DNS:node1";
    return wanted;
}

}  // namespace

TEST_F(tls, connects_two_that_trust_each_other) {
    handshake h(alice.get(), gateway.get());
    set_expected_host(h.client(), "node1", "", {alpn_link});
    h.run();
    ASSERT_TRUE(h.client_works() && h.server_works());
    EXPECT_EQ(SSL_version(h.server()), TLS1_3_VERSION);
    EXPECT_EQ(h.sent_to_server("hello"), "hello");
    const auto who = identify(SSL_get0_peer_certificate(h.server()));
    ASSERT_TRUE(who) << who.error();
    EXPECT_EQ(who->user, "alice");
    EXPECT_EQ(who->groups, std::vector<std::string>{"developers"});
}

TEST_F(tls, refuses_tls_1_2_on_either_side) {
    auto old = stranger(from_ca());
    SSL_CTX_set_max_proto_version(old.get(), TLS1_2_VERSION);
    handshake client(old.get(), gateway.get());
    client.run();
    EXPECT_FALSE(client.client_done() || client.server_done());

    auto old_server = stranger(gateway_like(from_ca()), true);
    SSL_CTX_set_max_proto_version(old_server.get(), TLS1_2_VERSION);
    handshake server(alice.get(), old_server.get());
    set_expected_host(server.client(), "node1", "", {});
    server.run();
    EXPECT_FALSE(server.client_done() || server.server_done());
}

TEST_F(tls, refuses_a_client_without_a_certificate) {
    ssl_ctx bare(SSL_CTX_new(TLS_client_method()));
    handshake h(bare.get(), gateway.get());
    h.run();
    EXPECT_FALSE(h.server_done());
    EXPECT_FALSE(h.client_works());
    EXPECT_EQ(h.sent_to_server("hello"), "");
}

TEST_F(tls, tells_a_stranger_no_names_of_its_cas) {
    ssl_ctx bare(SSL_CTX_new(TLS_client_method()));
    handshake h(bare.get(), gateway.get());
    h.run();
    const auto* names = SSL_get0_peer_CA_list(h.client());
    EXPECT_TRUE(names == nullptr || sk_X509_NAME_num(names) == 0);
}

TEST_F(tls, gives_no_ticket_and_resumes_nothing) {
    handshake first(alice.get(), gateway.get());
    set_expected_host(first.client(), "node1", "", {});
    first.run();
    ASSERT_TRUE(first.client_works() && first.server_works());
    SSL_SESSION* session = SSL_get1_session(first.client());
    ASSERT_NE(session, nullptr);
    EXPECT_EQ(SSL_SESSION_has_ticket(session), 0);
    EXPECT_EQ(SSL_SESSION_is_resumable(session), 0);
    EXPECT_EQ(SSL_SESSION_get_max_early_data(session), 0u);
    SSL_SESSION_free(session);
    // A client that would take a ticket is given none either.
    auto eager = stranger(from_ca());
    SSL_CTX_set_session_cache_mode(eager.get(), SSL_SESS_CACHE_CLIENT);
    int tickets = 0;
    SSL_CTX_set_app_data(eager.get(), &tickets);
    SSL_CTX_sess_set_new_cb(eager.get(), [](SSL* ssl, SSL_SESSION*) {
        ++*static_cast<int*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
        return 0;
    });
    handshake second(eager.get(), gateway.get());
    second.run();
    ASSERT_TRUE(second.server_works());
    EXPECT_EQ(second.sent_to_server("hello"), "hello");
    EXPECT_EQ(tickets, 0);
}

// A session of the client's own making, such as one it would resume.
int offer_session(SSL* ssl, const EVP_MD*, const unsigned char** id, size_t* id_size, SSL_SESSION** session) {
    static const unsigned char name[] = "resumed", secret[32] = {1, 2, 3};
    static const unsigned char cipher_id[] = {0x13, 0x01};
    *session = SSL_SESSION_new();
    SSL_SESSION_set1_master_key(*session, secret, sizeof secret);
    SSL_SESSION_set_cipher(*session, SSL_CIPHER_find(ssl, cipher_id));
    SSL_SESSION_set_protocol_version(*session, TLS1_3_VERSION);
    SSL_SESSION_set_max_early_data(*session, 1024);
    *id = name;
    *id_size = sizeof name;
    return 1;
}

TEST_F(tls, takes_no_early_data_and_no_offered_session) {
    auto eager = stranger(from_ca());
    SSL_CTX_set_psk_use_session_callback(eager.get(), offer_session);
    handshake h(eager.get(), gateway.get());
    std::size_t written = 0;
    SSL_write_early_data(h.client(), "early", 5, &written);
    EXPECT_EQ(written, 5u);  // it was sent
    h.run();
    ASSERT_TRUE(h.server_works());
    EXPECT_EQ(SSL_session_reused(h.server()), 0);
    EXPECT_NE(SSL_get_early_data_status(h.server()), SSL_EARLY_DATA_ACCEPTED);
    EXPECT_EQ(h.sent_to_server("hello"), "hello");  // what came early is nowhere

    // And such a session does not stand for a certificate.
    ssl_ctx bare(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_psk_use_session_callback(bare.get(), offer_session);
    handshake without(bare.get(), gateway.get());
    without.run();
    EXPECT_FALSE(without.server_done());
}

TEST_F(tls, does_not_renegotiate) {
    handshake h(alice.get(), gateway.get());
    set_expected_host(h.client(), "node1", "", {});
    h.run();
    ASSERT_TRUE(h.client_works() && h.server_works());
    EXPECT_EQ(SSL_renegotiate(h.client()), 0);
    EXPECT_EQ(SSL_renegotiate(h.server()), 0);
    ERR_clear_error();
    EXPECT_EQ(SSL_verify_client_post_handshake(h.server()), 0);  // who it is, is settled once
    ERR_clear_error();
    EXPECT_EQ(h.sent_to_server("hello"), "hello");
}

TEST_F(tls, says_its_profile_in_full) {
    SSL_CTX* c = gateway.get();
    EXPECT_EQ(SSL_CTX_get_min_proto_version(c), TLS1_3_VERSION);
    EXPECT_EQ(SSL_CTX_get_max_proto_version(c), TLS1_3_VERSION);
    EXPECT_EQ(SSL_CTX_get_verify_mode(c), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
    EXPECT_EQ(SSL_CTX_get_max_early_data(c), 0u);
    EXPECT_EQ(SSL_CTX_get_num_tickets(c), 0u);
    EXPECT_EQ(SSL_CTX_get_session_cache_mode(c), SSL_SESS_CACHE_OFF);
    const auto options = SSL_CTX_get_options(c);
    for (const auto wanted : {SSL_OP_NO_TICKET, SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_COMPRESSION})
        EXPECT_NE(options & wanted, 0u) << wanted;
}

TEST_F(tls, chooses_the_protocol_in_its_own_order) {
    EXPECT_EQ(choice({alpn_link}), alpn_link);
    EXPECT_EQ(choice({alpn_delve}), alpn_delve);
    EXPECT_EQ(choice({alpn_http}), alpn_http);
    EXPECT_EQ(choice({alpn_http, "h2", alpn_delve, alpn_link}), alpn_link);
    EXPECT_EQ(choice({"h2", alpn_http}), alpn_http);
}

TEST_F(tls, serves_a_client_that_offers_no_protocol) { EXPECT_EQ(choice({}), ""); }

TEST_F(tls, refuses_a_client_that_offers_only_unknown_protocols) {
    EXPECT_EQ(choice({"h2"}), "refused");
    EXPECT_EQ(choice({"delvegate/2", "delvegate/1 ", "DELVE", "delvegate/", std::string_view("delve\0", 6)}), "refused");
}

TEST_F(tls, verifies_the_host_by_name_and_by_address) {
    for (const char* host : {"node1", "NODE1", "node1.", "scheduler.node1", "192.0.2.1", "2001:db8::1",
                             "[2001:db8::1]", "2001:DB8:0:0::1"})
        EXPECT_TRUE(alice_reaches(host)) << host;
    for (const char* host : {"node2", "1", "node", "x.node1", "192.0.2.2", "2001:db8::2", "alice", "", "."})
        EXPECT_FALSE(alice_reaches(host)) << host;
    EXPECT_FALSE(alice_reaches(std::string_view("node1\0.evil", 11)));
    EXPECT_FALSE(alice_reaches(std::string_view("192.0.2.1\0", 10)));
}

TEST_F(tls, takes_no_wildcard_and_no_common_name_for_the_host) {
    auto wanted = gateway_like(from_ca());
    EXPECT_TRUE(alice_takes(wanted, "node1"));
    wanted.alternative_names = "DNS:*.example.org";
    EXPECT_FALSE(alice_takes(wanted, "node1.example.org"));
    wanted.alternative_names = "";
    wanted.subject = {{NID_commonName, V_ASN1_UTF8STRING, "node1"}};
    EXPECT_FALSE(alice_takes(wanted, "node1"));
}

TEST_F(tls, sends_the_name_and_not_an_address_unless_told_otherwise) {
    const auto sni = [&](std::string_view host, std::string_view given) {
        handshake h(alice.get(), gateway.get());
        set_expected_host(h.client(), host, given, {});
        h.run();
        EXPECT_TRUE(h.server_works());
        return requested_sni(h.server());
    };
    EXPECT_EQ(sni("node1", ""), "node1");
    EXPECT_EQ(sni("node1.", ""), "node1");
    EXPECT_EQ(sni("192.0.2.1", ""), "");
    EXPECT_EQ(sni("[2001:db8::1]", ""), "");
    EXPECT_EQ(sni("192.0.2.1", "scheduler.node1"), "scheduler.node1");
    EXPECT_EQ(sni("node1", "scheduler.node1"), "scheduler.node1");
}

TEST_F(tls, gateway_takes_a_good_client) {
    EXPECT_TRUE(gateway_takes(from_ca()));
    auto rsa = from_ca();
    rsa.rsa_bits = 2048;
    EXPECT_TRUE(gateway_takes(rsa));
}

TEST_F(tls, gateway_refuses_expired_and_early_clients) {
    auto wanted = from_ca();
    wanted.ends_in = -1;
    EXPECT_FALSE(gateway_takes(wanted));
    wanted.ends_in = 7200;
    wanted.starts_in = 3600;
    EXPECT_FALSE(gateway_takes(wanted));
}

TEST_F(tls, gateway_refuses_certificates_of_another_ca_or_none) {
    auto wanted = from_ca();
    wanted.ca_directory = "";
    EXPECT_FALSE(gateway_takes(wanted));
    ASSERT_TRUE(ensure_ca(dir / "other", "a test CA"));  // of the same name, too
    wanted.ca_directory = dir / "other";
    EXPECT_FALSE(gateway_takes(wanted));
}

TEST_F(tls, gateway_refuses_certificates_not_made_for_clients) {
    auto wanted = from_ca();
    for (const char* usage : {"serverAuth", "codeSigning", "anyExtendedKeyUsage", ""}) {
        wanted.usage = usage;
        EXPECT_FALSE(gateway_takes(wanted)) << usage;
    }
    wanted.usage = "serverAuth,clientAuth";
    EXPECT_TRUE(gateway_takes(wanted));
}

TEST_F(tls, gateway_refuses_weak_clients) {
    auto wanted = from_ca();
    wanted.rsa_bits = 1024;
    EXPECT_FALSE(gateway_takes(wanted));
    wanted.rsa_bits = 0;
    wanted.curve = "P-224";
    EXPECT_FALSE(gateway_takes(wanted));
}

TEST_F(tls, gateway_refuses_a_certificate_issued_by_a_client) {
    // Alice's key signs for mallory: her certificate is no CA's.
    ASSERT_TRUE(ensure_ca(dir / "alice-as-ca", "unused"));
    put(dir / "alice-as-ca/ca.crt", contents(alice_files.certificate));
    put(dir / "alice-as-ca/ca.key", contents(alice_files.key));
    auto wanted = from_ca();
    wanted.ca_directory = dir / "alice-as-ca";
    const auto [certificate, key] = make(wanted);
    auto client = stranger(wanted);
    auto above = load_certificate(alice_files.certificate);
    ASSERT_TRUE(above);
    ASSERT_EQ(SSL_CTX_add1_chain_cert(client.get(), above->get()), 1);
    handshake h(client.get(), gateway.get());
    h.run();
    EXPECT_FALSE(h.server_done());
}

TEST_F(tls, does_not_trust_a_leaf_that_stands_in_the_ca_file) {
    auto files = gateway_files;
    files.ca = alice_files.certificate;
    const auto made = make_server_context(files);
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().find("is no CA certificate"), std::string::npos) << made.error();
}

TEST_F(tls, client_refuses_bad_gateways) {
    EXPECT_TRUE(alice_takes(gateway_like(from_ca())));
    auto wanted = gateway_like(from_ca());
    wanted.ends_in = -1;
    EXPECT_FALSE(alice_takes(wanted));
    wanted = gateway_like(from_ca());
    wanted.usage = "clientAuth";
    EXPECT_FALSE(alice_takes(wanted));
    wanted.usage = "";
    EXPECT_FALSE(alice_takes(wanted));
    wanted = gateway_like(odd_certificate{});
    EXPECT_FALSE(alice_takes(wanted));
    wanted = gateway_like(from_ca());
    wanted.rsa_bits = 1024;
    EXPECT_FALSE(alice_takes(wanted));
}

}  // namespace auth::test
