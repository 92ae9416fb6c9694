// The words a person gets for each way a handshake fails.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "auth/tls.h"
#include "handshake.h"
#include "odd_certificate.h"

namespace auth::test {

namespace {

class tls_explain : public testing::Test {
protected:
    tls_explain() {
        leaf_request server;
        server.server = true;
        server.common_name = "node1";
        server.hosts = {"node1", "scheduler.node1", "192.0.2.1"};
        gateway_files = issued(dir, "gateway", server);
        leaf_request client;
        client.common_name = "alice";
        alice_files = issued(dir, "alice", client);
        gateway = std::move(*make_server_context(gateway_files));
        alice = std::move(*make_client_context(alice_files));
    }

    odd_certificate from_ca(const char* usage) const {
        odd_certificate wanted;
        wanted.ca_directory = dir / "ca";
        wanted.usage = usage;
        wanted.alternative_names = "DNS:node1";
        return wanted;
    }

    ssl_ctx with(const odd_certificate& wanted) const {
        const auto [certificate, key] = make(wanted);
        ssl_ctx c(SSL_CTX_new(TLS_method()));
        SSL_CTX_set_security_level(c.get(), 0);
        EXPECT_EQ(SSL_CTX_use_certificate(c.get(), certificate.get()), 1);
        EXPECT_EQ(SSL_CTX_use_PrivateKey(c.get(), key.get()), 1);
        return c;
    }

    std::string of_gateway(const odd_certificate& wanted, std::string_view host = "node1") {
        const auto server = with(wanted);
        return as_client(alice.get(), server.get(), alice_files, host);
    }

    std::string as_client(SSL_CTX* client, SSL_CTX* server, const tls_files& files,
                          std::string_view host = "node1") {
        handshake h(client, server);
        set_expected_host(h.client(), host, "", {alpn_link});
        h.run();
        EXPECT_FALSE(h.client_works());
        return one_line(explain_tls_failure(h.client(), host, files));
    }

    std::string as_gateway(SSL_CTX* client) {
        handshake h(client, gateway.get());
        h.run();
        EXPECT_FALSE(h.server_works());
        return one_line(explain_tls_failure(h.server(), "192.0.2.7:50312", gateway_files));
    }

    std::string hears(bool server, std::string_view bytes, bool closed) {
        const auto ssl = alone(server ? gateway.get() : alice.get(), server, bytes, closed);
        return one_line(explain_tls_failure(ssl.get(), server ? "192.0.2.7:50312" : "node1:7443",
                                            server ? gateway_files : alice_files));
    }

    static std::string one_line(std::string text) {
        EXPECT_EQ(text.find('\n'), std::string::npos) << text;
        EXPECT_FALSE(text.empty());
        return text;
    }

    const scratch dir;
    tls_files gateway_files, alice_files;
    ssl_ctx gateway, alice;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

}  // namespace

TEST_F(tls_explain, names_the_day_a_gateway_expired) {
    auto wanted = from_ca("serverAuth");
    wanted.ends_in = -60;
    EXPECT_SAYS(of_gateway(wanted), "the gateway's certificate expired on 20");
    wanted.ends_in = 7200;
    wanted.starts_in = 3600;
    const auto text = of_gateway(wanted);
    EXPECT_SAYS(text, "the gateway's certificate is not valid before 20");
    EXPECT_SAYS(text, "clock");
}

TEST_F(tls_explain, names_the_ca_file_that_did_not_issue_it) {
    auto wanted = from_ca("serverAuth");
    wanted.ca_directory = "";
    EXPECT_EQ(of_gateway(wanted), "the gateway's certificate was not issued by the CA in " + alice_files.ca);
    ASSERT_TRUE(ensure_ca(dir / "other", "a test CA"));
    wanted.ca_directory = dir / "other";
    EXPECT_EQ(of_gateway(wanted), "the gateway's certificate was not issued by the CA in " + alice_files.ca);
}

TEST_F(tls_explain, lists_the_hosts_a_certificate_is_for) {
    EXPECT_EQ(as_client(alice.get(), gateway.get(), alice_files, "node2"),
              "the gateway's certificate is not for host node2; it is for node1, scheduler.node1, 192.0.2.1");
    EXPECT_EQ(as_client(alice.get(), gateway.get(), alice_files, "192.0.2.9"),
              "the gateway's certificate is not for host 192.0.2.9; it is for node1, scheduler.node1, 192.0.2.1");
    auto wanted = from_ca("serverAuth");
    wanted.alternative_names = "";
    EXPECT_SAYS(of_gateway(wanted), "it names no host");
    for (int i = 0; i < 20; ++i)
        wanted.alternative_names += (i ? ",DNS:h" : "DNS:h") + std::to_string(i);
    EXPECT_SAYS(of_gateway(wanted), "h0, h1, h2, h3, h4, h5, h6, h7 and 12 more");
}

TEST_F(tls_explain, says_what_a_gateway_certificate_lacks) {
    EXPECT_SAYS(of_gateway(from_ca("clientAuth")), "is not for a server (extended key usage serverAuth is missing)");
    auto weak = from_ca("serverAuth");
    weak.rsa_bits = 1024;
    EXPECT_SAYS(of_gateway(weak), "the gateway's certificate has an RSA key of 1024 bits");
}

TEST_F(tls_explain, says_why_the_gateway_refused_ours) {
    ASSERT_TRUE(ensure_ca(dir / "other", "another CA"));
    leaf_request client;
    client.common_name = "mallory";
    auto files = alice_files;
    files.certificate = dir / "mallory.crt";
    files.key = dir / "mallory.key";
    ASSERT_TRUE(issue(dir / "other", client, files.certificate, files.key));
    const auto mallory = make_client_context(files);
    ASSERT_TRUE(mallory) << mallory.error();
    EXPECT_EQ(as_client(mallory->get(), gateway.get(), files),
              "the gateway refused this certificate (" + files.certificate +
                  "): it was issued by a CA that the gateway does not trust");
}

TEST_F(tls_explain, says_that_the_gateway_found_ours_expired) {
    // Our clock is right and the gateway's is not, or the other way round: make_client_context found it good.
    auto stale = from_ca("clientAuth");
    stale.ends_in = -1;
    const auto [certificate, key] = make(stale);
    ASSERT_EQ(SSL_CTX_use_certificate(alice.get(), certificate.get()), 1);
    ASSERT_EQ(SSL_CTX_use_PrivateKey(alice.get(), key.get()), 1);
    EXPECT_SAYS(as_client(alice.get(), gateway.get(), alice_files), "(" + alice_files.certificate + "): expired");
}

TEST_F(tls_explain, recognises_peers_that_speak_no_tls) {
    EXPECT_SAYS(hears(false, "HTTP/1.1 400 Bad Request\r\n\r\n", false), "node1:7443 does not speak TLS");
    EXPECT_SAYS(hears(false, "SSH-2.0-OpenSSH_9.2p1\r\n", false), "node1:7443 does not speak TLS");
    EXPECT_SAYS(hears(false, "Content-Length: 119\r\n\r\n{}", false), "node1:7443 does not speak TLS");
    EXPECT_SAYS(hears(false, "", true), "closed the connection without a word of TLS");
    EXPECT_SAYS(hears(true, "GET / HTTP/1.1\r\n\r\n", false), "192.0.2.7:50312 does not speak TLS");
    EXPECT_SAYS(hears(true, "{\"method\":\"RPCServer.SetApiVersion\"}", false), "does not speak TLS");
    EXPECT_SAYS(hears(true, "", true), "closed the connection without a word of TLS");
}

TEST_F(tls_explain, recognises_peers_without_tls_1_3) {
    auto old = with(from_ca("serverAuth"));
    SSL_CTX_set_max_proto_version(old.get(), TLS1_2_VERSION);
    EXPECT_SAYS(as_client(alice.get(), old.get(), alice_files), "node1 speaks no TLS 1.3");
    auto old_client = with(from_ca("clientAuth"));
    SSL_CTX_set_max_proto_version(old_client.get(), TLS1_2_VERSION);
    EXPECT_SAYS(as_gateway(old_client.get()), "192.0.2.7:50312 speaks no TLS 1.3");
}

TEST_F(tls_explain, recognises_a_tls_server_that_is_no_gateway) {
    auto web = with(from_ca("serverAuth"));
    SSL_CTX_set_alpn_select_cb(
        web.get(),
        [](SSL*, const unsigned char**, unsigned char*, const unsigned char*, unsigned, void*) {
            return SSL_TLSEXT_ERR_ALERT_FATAL;
        },
        nullptr);
    EXPECT_SAYS(as_client(alice.get(), web.get(), alice_files), "is no delvegate gateway");
}

TEST_F(tls_explain, tells_the_gateways_log_about_clients) {
    ssl_ctx bare(SSL_CTX_new(TLS_client_method()));
    EXPECT_EQ(as_gateway(bare.get()), "192.0.2.7:50312 sent no certificate");
    auto wanted = from_ca("clientAuth");
    wanted.ends_in = -60;
    EXPECT_SAYS(as_gateway(with(wanted).get()), "the client's certificate expired on 20");
    wanted.ends_in = 3600;
    wanted.ca_directory = "";
    EXPECT_EQ(as_gateway(with(wanted).get()),
              "the client's certificate was not issued by the CA in " + gateway_files.ca);
    auto h2 = with(from_ca("clientAuth"));
    const unsigned char offer[] = "\x02h2";
    ASSERT_EQ(SSL_CTX_set_alpn_protos(h2.get(), offer, 3), 0);
    EXPECT_SAYS(as_gateway(h2.get()), "asked for protocols (ALPN) that are not served here");
}

}  // namespace auth::test
