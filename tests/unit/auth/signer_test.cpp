#include "auth/signer.h"

#include <openssl/x509v3.h>
#include <unistd.h>

#include <set>

#include "auth/identity.h"
#include "ca_support.h"

namespace auth::test {

namespace {

using protocol::json;

struct desk_with_shop : shop {
    desk_with_shop() {
        signer_options options;
        options.directory = directory();
        options.hosts = {"node1", "192.0.2.1"};
        options.terms = terms;
        auto opened = signer_desk::open(options);
        EXPECT_TRUE(opened) << opened.error();
        desk = std::move(*opened);
        desk->changed();
    }
    json ask(const signer_request& request) { return raw(to_text(request)); }
    json raw(const std::string& packet) {
        const auto answer = desk->answer(packet, now);
        EXPECT_LE(answer.size(), max_signer_packet);
        const auto parsed = protocol::parse_json(answer);
        EXPECT_TRUE(parsed) << answer;
        return parsed ? *parsed : json();
    }
    json enroll_with(const std::string& token) {
        return ask({1, enroll_request{sha256_hex(token), spki_of(key.get()), "192.0.2.1"}});
    }
    std::unique_ptr<signer_desk> desk;
};

const std::string hash(64, 'a');

}  // namespace

TEST(signer_message, is_read_as_it_was_written) {
    const std::vector<signer_request> all{
        {1, enroll_request{hash, "key", "192.0.2.1"}},
        {2, renew_request{hash, "key", "proof"}},
        {3, tokens_request{}},
        {4, revoked_request{}},
        {5, revoked_request{"0A", "alice"}},
        {6, anchor_request{std::string(anchor_label) + "head"}},
        {~0ull, gateway_request{{"node1", "::1"}, "key"}},
    };
    for (const auto& one : all) {
        const auto text = to_text(one);
        const auto read = read_signer_request(text);
        ASSERT_TRUE(read) << text << ": " << read.error().reason;
        EXPECT_EQ(to_text(*read), text);
    }
}

TEST(signer_message, anything_else_is_refused) {
    const std::string enroll =
        R"({"id":1,"verb":"enroll","tokenHash":")" + hash + R"(","publicKey":"a2V5","source":"x")";
    ASSERT_TRUE(read_signer_request(enroll + "}"));
    const std::vector<std::string> bad{
        "",
        "{",
        "[]",
        "null",
        "{}",
        R"({"id":1})",
        R"({"id":-1,"verb":"tokens"})",
        R"({"id":1.5,"verb":"tokens"})",
        R"({"id":"1","verb":"tokens"})",
        R"({"id":18446744073709551616,"verb":"tokens"})",
        R"({"id":1,"verb":7})",
        R"({"id":1,"verb":"sign"})",
        R"({"id":1,"verb":"Tokens"})",
        R"({"id":1,"verb":"tokens","extra":1})",
        R"({"id":1,"id":2,"verb":"tokens"})",
        R"({"id":1,"ID":2,"verb":"tokens"})",
        R"({"id":1,"verb":"tokens"} {"id":2,"verb":"tokens"})",
        enroll + R"(,"user":"root"})",
        enroll + R"(,"groups":["admins"]})",
        R"({"id":1,"verb":"enroll","tokenHash":")" + std::string(64, 'A') + R"(","publicKey":"a2V5","source":"x"})",
        R"({"id":1,"verb":"enroll","tokenHash":")" + std::string(63, 'a') + R"(","publicKey":"a2V5","source":"x"})",
        R"({"id":1,"verb":"enroll","tokenHash":")" + hash + R"(","publicKey":"a2V5\n","source":"x"})",
        R"({"id":1,"verb":"enroll","tokenHash":")" + hash + R"(","publicKey":"","source":"x"})",
        R"({"id":1,"verb":"enroll","tokenHash":")" + hash + R"(","publicKey":"a2V5"})",
        R"({"id":1,"verb":"enroll","tokenHash":")" + hash + R"(","publicKey":"a2V5","source":"\u0000"})",
        R"({"id":1,"verb":"enroll","tokenHash":")" + hash + R"(","publicKey":")" + std::string(8000, 'A') + R"(","source":"x"})",
        R"({"id":1,"verb":"revoked","after":7})",
        R"({"id":1,"verb":"revoked","after":{"serial":"1"}})",
        R"({"id":1,"verb":"sign-anchor","bytes":"aGVsbG8="})",
        R"({"id":1,"verb":"sign-anchor","bytes":")" + to_base64(anchor_label) + R"("})",
        R"({"id":1,"verb":"sign-anchor","bytes":")" + to_base64("delvegate-renew-v1\0xxxxxxxxxxxxxxxxxxxx") + R"("})",
        R"({"id":1,"verb":"sign-anchor","bytes":")" + to_base64(std::string(anchor_label) + std::string(1024, 'x')) + R"("})",
        R"({"id":1,"verb":"gateway-certificate","hosts":[],"publicKey":"a2V5"})",
        R"({"id":1,"verb":"gateway-certificate","hosts":[""],"publicKey":"a2V5"})",
        R"({"id":1,"verb":"gateway-certificate","hosts":"node1","publicKey":"a2V5"})",
        std::string(max_signer_packet + 1, ' '),
        std::string(1000, '['),
    };
    for (const auto& packet : bad) EXPECT_FALSE(read_signer_request(packet)) << packet.substr(0, 200);
}

TEST(signer, answers_what_it_cannot_read_with_its_number_and_goes_on) {
    desk_with_shop s;
    auto reply = s.raw(R"({"id":7,"verb":"mint","user":"root"})");
    EXPECT_EQ(reply.get_int("id"), 7);
    EXPECT_EQ(reply.get_string("code"), "bad-request");
    EXPECT_EQ(s.raw("nonsense").get_int("id", 9), 0);
    EXPECT_TRUE(s.ask({8, tokens_request{}}).get_bool("ok"));
}

TEST(signer, enrolls_and_keeps_the_true_cause_apart) {
    desk_with_shop s;
    const auto token = s.token();
    EXPECT_TRUE(s.desk->changed());  // by another connection
    EXPECT_EQ(s.ask({2, tokens_request{}}).get_int("live"), 1);
    EXPECT_EQ(s.ask({2, tokens_request{}}).get_int("nextExpiry"), s.now + 600);
    const auto reply = s.enroll_with(token);
    ASSERT_TRUE(reply.get_bool("ok")) << protocol::to_text(reply);
    EXPECT_EQ(reply.get_string("user"), "alice");
    EXPECT_EQ(reply.get_int("notAfter"), s.now + day);
    EXPECT_EQ(reply.get_int("renewUntil"), s.now + 30 * day);
    EXPECT_EQ(certificate_in(std::string(reply.get_string("ca"))) != nullptr, true);
    EXPECT_TRUE(s.desk->changed());  // a token less
    EXPECT_FALSE(s.desk->changed());
    EXPECT_EQ(s.ask({3, tokens_request{}}).get_int("live"), 0);
    const auto again = s.enroll_with(token);
    EXPECT_FALSE(again.get_bool("ok", true));
    EXPECT_EQ(again.get_string("code"), "token-unknown");
    EXPECT_EQ(again.get_string("reason").find("used already"), std::string_view::npos);
    EXPECT_NE(again.get_string("log").find("used already"), std::string_view::npos);
}

TEST(signer, tells_all_of_any_number_of_revocations) {
    desk_with_shop s;
    constexpr int many = 1500;
    {
        transaction change(s.store->db());
        for (int i = 0; i < many; ++i) {
            issue_record one;
            one.serial = std::to_string(100000 + i);
            one.fingerprint = one.serial;
            one.issuer = "CN=" + std::string(64, 'i');
            one.user = "u";
            one.how = "admin";
            one.not_after = s.now + day;
            s.store->add(one);
            s.store->revoke(one.serial, s.now, "");
            s.store->revoke_user("user " + std::to_string(i) + std::string(150, '"'), s.now, "");
        }
        ASSERT_TRUE(change.commit());
    }
    std::set<std::string> serials;
    std::set<std::string> users;
    revoked_request from;
    int packets = 0;
    for (bool more = true; more && packets < 1000; ++packets) {
        const auto reply = s.ask({1, from});
        ASSERT_TRUE(reply.get_bool("ok"));
        for (const auto& one : *reply.find("serials")->if_array()) {
            EXPECT_EQ(one.get_string("issuer"), "CN=" + std::string(64, 'i'));
            EXPECT_TRUE(serials.emplace(one.get_string("serial")).second);
        }
        for (const auto& one : *reply.find("users")->if_array()) EXPECT_TRUE(users.insert(*one.if_string()).second);
        const json* next = reply.find("next");
        more = next != nullptr;
        if (more) from = {std::string(next->get_string("serial")), std::string(next->get_string("user"))};
    }
    EXPECT_EQ(serials.size(), static_cast<std::size_t>(many));
    EXPECT_EQ(users.size(), static_cast<std::size_t>(many));
}

TEST(signer, signs_anchors_with_one_key_that_is_kept) {
    desk_with_shop s;
    const std::string bytes = std::string(anchor_label) + "head of the chain";
    const auto first = s.ask({1, anchor_request{bytes}});
    ASSERT_TRUE(first.get_bool("ok")) << protocol::to_text(first);
    const auto spki = *from_base64(first.get_string("publicKey"));
    const auto signature = *from_base64(first.get_string("signature"));
    const auto* at = reinterpret_cast<const unsigned char*>(spki.data());
    const key_ptr key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
    ASSERT_TRUE(key);
    EVP_MD_CTX* check = EVP_MD_CTX_new();
    ASSERT_EQ(EVP_DigestVerifyInit(check, nullptr, nullptr, nullptr, key.get()), 1);
    EXPECT_EQ(EVP_DigestVerify(check, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                               reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()),
              1);
    EVP_MD_CTX_free(check);
    desk_with_shop other;
    EXPECT_NE(other.ask({1, anchor_request{bytes}}).get_string("publicKey"), first.get_string("publicKey"));
    signer_options again;
    again.directory = s.directory();
    const auto desk = signer_desk::open(again);
    ASSERT_TRUE(desk);
    const auto second = protocol::parse_json((*desk)->answer(to_text({1, anchor_request{bytes}}), s.now));
    EXPECT_EQ(second->get_string("publicKey"), first.get_string("publicKey"));
}

TEST(signer, makes_the_gateways_certificate_for_its_hosts_only) {
    desk_with_shop s;
    const auto spki = spki_of(s.key.get());
    EXPECT_EQ(s.ask({1, gateway_request{{"node1", "evil"}, spki}}).get_string("code"), "refused");
    const auto good = s.ask({1, gateway_request{{"node1"}, spki}});
    ASSERT_TRUE(good.get_bool("ok")) << protocol::to_text(good);
    const auto certificate = certificate_in(std::string(good.get_string("certificate")));
    EXPECT_EQ(X509_check_host(certificate.get(), "node1", 0, 0, nullptr), 1);
    EXPECT_NE(X509_check_host(certificate.get(), "192.0.2.1", 0, 0, nullptr), 1);
    EXPECT_EQ(s.store->issues().front().how, "gateway");
    // It is no way around enrolment.
    const auto fingerprint = identify(certificate.get())->fingerprint;
    const auto reply = s.ask({1, renew_request{fingerprint, spki, sign_renewal(s.key.get(), spki)}});
    EXPECT_EQ(reply.get_string("code"), "not-renewable");
}

TEST(signer, without_a_ca_says_so_and_takes_the_one_that_comes) {
    const scratch dir;
    signer_options options;
    options.directory = dir / "ca";
    const auto desk = signer_desk::open(options);
    ASSERT_TRUE(desk) << desk.error();
    const auto key = std::move(*make_key());
    const auto ask = [&] {
        return *protocol::parse_json(
            (*desk)->answer(to_text({1, enroll_request{hash, spki_of(key.get()), "192.0.2.1"}}), 1));
    };
    const auto reply = ask();
    EXPECT_EQ(reply.get_string("code"), "unavailable");
    EXPECT_NE(reply.get_string("log").find("ca.crt"), std::string_view::npos);
    EXPECT_EQ(reply.get_string("reason").find(dir.path()), std::string_view::npos);
    ASSERT_TRUE(ensure_ca(dir / "ca", "late"));
    EXPECT_EQ(ask().get_string("code"), "token-unknown");
}

TEST(signer, notices_a_store_that_was_put_back_from_a_backup) {
    desk_with_shop s;
    const auto token = s.token();
    s.store->db().run("PRAGMA wal_checkpoint(TRUNCATE)");
    const auto backup = contents(s.file());
    s.desk->changed();
    ASSERT_TRUE(s.enroll_with(token).get_bool("ok"));
    s.desk->changed();
    s.store.reset();
    put(s.scratch_ / "copy", backup);
    ASSERT_EQ(::unlink((s.file() + "-wal").c_str()), 0);
    ASSERT_EQ(::unlink((s.file() + "-shm").c_str()), 0);
    ASSERT_EQ(::unlink(s.file().c_str()), 0);
    // While there is none, nothing is said to be in it, and none is made.
    EXPECT_FALSE(s.desk->changed());
    EXPECT_EQ(s.ask({1, revoked_request{}}).get_string("code"), "unavailable");
    EXPECT_NE(::access(s.file().c_str(), F_OK), 0);
    ASSERT_EQ(::rename((s.scratch_ / "copy").c_str(), s.file().c_str()), 0);
    EXPECT_TRUE(s.desk->changed());
    EXPECT_EQ(s.ask({1, tokens_request{}}).get_int("live"), 1);
}

}  // namespace auth::test
