#include "auth/issuing.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "auth/identity.h"
#include "ca_support.h"

namespace auth::test {

namespace {

key_ptr rsa(unsigned bits) { return key_ptr(EVP_RSA_gen(bits)); }

}  // namespace

TEST(token, has_enough_chance_and_is_stored_as_its_hash_only) {
    shop s;
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        const auto made = make_token("alice", {}, std::chrono::minutes(1), s.now);
        ASSERT_TRUE(made);
        EXPECT_TRUE(made->text.starts_with("dvt1."));
        EXPECT_EQ(made->text.size(), 5u + 43u);  // 256 bits in base64
        EXPECT_EQ(made->record.hash, sha256_hex(made->text));
        EXPECT_TRUE(seen.insert(made->text).second);
    }
    const auto text = s.token();
    s.store.reset();
    for (const char* file : {"ca/ca.db", "ca/ca.db-wal"})
        EXPECT_EQ(contents(s.scratch_ / file).find(text.substr(5)), std::string::npos) << file;
}

TEST(enroll, gives_one_certificate_with_the_tokens_names) {
    shop s;
    const auto token = s.token();
    const auto made = s.enroll(token);
    ASSERT_TRUE(made) << made.error().log;
    EXPECT_EQ(made->user, "alice");
    EXPECT_EQ(made->groups, std::vector<std::string>{"sre"});
    EXPECT_EQ(made->not_after, s.now + day);
    EXPECT_EQ(made->renew_until, s.now + 30 * day);
    const auto certificate = certificate_in(made->certificate);
    EXPECT_EQ(X509_get_extended_key_usage(certificate.get()), static_cast<unsigned>(XKU_SSL_CLIENT));
    EXPECT_EQ(X509_check_ca(certificate.get()), 0);
    EXPECT_EQ(X509_verify(certificate.get(), s.ca.key.get()), 1);
    const auto who = identify(certificate.get());
    ASSERT_TRUE(who);
    const auto recorded = s.store->find_fingerprint(who->fingerprint);
    ASSERT_TRUE(recorded);
    EXPECT_EQ(recorded->how, "token");
    EXPECT_EQ(recorded->certificate, made->certificate);
    EXPECT_EQ(recorded->enrolled_at, s.now);
    EXPECT_EQ(s.store->tokens().front().used_by, "192.0.2.1");

    const auto again = s.enroll(token);
    EXPECT_EQ(code_of(again), "token-unknown");
    EXPECT_NE(again.error().log.find("used already"), std::string::npos);
    EXPECT_EQ(s.store->issues().size(), 1u);
}

TEST(enroll, tells_a_stranger_the_same_for_every_token_that_does_not_work) {
    shop s;
    s.terms.attempts_per_source = 100;
    const auto used = s.token();
    ASSERT_TRUE(s.enroll(used));
    const auto expired = s.token("alice", s.now - 1000);
    const auto withdrawn = s.token();
    const auto revoked = s.token("mallory");
    {
        transaction change(s.store->db());
        EXPECT_TRUE(s.store->withdraw_token(s.store->find_token(sha256_hex(withdrawn))->id, s.now));
        s.store->revoke_user("mallory", s.now, "");
        ASSERT_TRUE(change.commit());
    }
    std::set<std::string> reasons;
    std::set<std::string> logs;
    for (const auto& token : {used, expired, withdrawn, revoked, std::string("dvt1.nothing")}) {
        const auto made = s.enroll(token);
        ASSERT_EQ(code_of(made), "token-unknown");
        reasons.insert(made.error().reason);
        logs.insert(made.error().log);
    }
    EXPECT_EQ(reasons.size(), 1u);
    EXPECT_EQ(logs.size(), 5u);
}

TEST(enroll, an_expired_token_stays_so_when_the_clock_is_set_back) {
    shop s;
    const auto token = s.token("alice", s.now, std::chrono::minutes(1));
    EXPECT_EQ(code_of(s.enroll(token, s.now + 60)), "token-unknown");
    EXPECT_EQ(code_of(s.enroll(token, s.now + 30)), "token-unknown");
    const auto swept = s.token("bob", s.now, std::chrono::minutes(1));
    {
        transaction change(s.store->db());
        s.store->mark_expired_tokens(s.now + 61);
        ASSERT_TRUE(change.commit());
    }
    EXPECT_EQ(code_of(s.enroll(swept, s.now + 30)), "token-unknown");
}

TEST(enroll, a_token_works_to_its_last_second_but_not_before_it_was_made) {
    shop s;
    const auto token = s.token("alice", s.now, std::chrono::minutes(1));
    const auto early = s.enroll(token, s.now - day);
    EXPECT_EQ(code_of(early), "token-unknown");
    EXPECT_NE(early.error().log.find("clock"), std::string::npos);
    EXPECT_EQ(code_of(s.enroll(token, s.now + 59)), "issued");
}

TEST(enroll, failed_attempts_are_limited_by_source_and_in_all) {
    shop s;
    s.terms.attempts_per_source = 3;
    s.terms.attempts_in_all = 5;
    const auto token = s.token();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(code_of(s.enroll("dvt1.wrong", 0, "2001:db8::1")), "token-unknown");
    // The right one too, and from the whole /64.
    EXPECT_EQ(code_of(s.enroll(token, 0, "2001:db8::2")), "rate-limited");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(code_of(s.enroll("dvt1.wrong", 0, "192.0.2.7")), "token-unknown");
    EXPECT_EQ(code_of(s.enroll(token, 0, "192.0.2.8")), "rate-limited");
    // What is refused for it does not prolong it.
    EXPECT_EQ(code_of(s.enroll(token, s.now + 61, "192.0.2.8")), "issued");
}

TEST(enroll, refuses_keys_and_leaves_the_token_alone) {
    shop s;
    const auto token = s.token();
    const auto with = [&](const std::string& spki) {
        return code_of(issue_for_token(*s.store, s.ca, s.terms, sha256_hex(token), spki, "192.0.2.1", s.now));
    };
    const auto good = spki_of(s.key.get());
    EXPECT_EQ(with(spki_of(rsa(1024).get())), "weak-key");
    EXPECT_EQ(with(spki_of(key_ptr(EVP_EC_gen("P-224")).get())), "weak-key");
    EXPECT_EQ(with(spki_of(key_ptr(EVP_EC_gen("secp256k1")).get())), "weak-key");
    EXPECT_EQ(with(spki_of(key_ptr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448")).get())), "weak-key");
    EXPECT_EQ(with(spki_of(key_ptr(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519")).get())), "weak-key");
    EXPECT_EQ(with(good + "x"), "weak-key");
    EXPECT_EQ(with(good.substr(0, good.size() - 1)), "weak-key");
    EXPECT_EQ(with(""), "weak-key");
    std::string off_curve = good;
    off_curve.back() = static_cast<char>(off_curve.back() ^ 1);
    EXPECT_EQ(with(off_curve), "weak-key");
    EXPECT_EQ(with(good), "issued");
}

TEST(enroll, refuses_the_key_of_somebody_else) {
    shop s;
    ASSERT_TRUE(s.enroll(s.token("alice")));
    const auto bob = s.token("bob");
    EXPECT_EQ(code_of(s.enroll(bob)), "weak-key");
    s.key = std::move(*make_key());
    EXPECT_EQ(code_of(s.enroll(bob)), "issued");
}

TEST(enroll, of_two_processes_at_once_exactly_one_wins) {
    shop s;
    const auto token = s.token();
    constexpr int racers = 4;
    int go[2];
    int out[2];
    ASSERT_EQ(::pipe(go), 0);
    ASSERT_EQ(::pipe(out), 0);
    s.store.reset();
    std::vector<pid_t> children;
    for (int i = 0; i < racers; ++i) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::close(go[1]);
            auto store = ca_store::open(s.directory());
            auto key = make_key();
            char nothing = 0;
            // All wait for the one end of this pipe.
            if (!store || !key || ::read(go[0], &nothing, 1) != 0) ::_exit(9);
            issue_terms patient;
            patient.attempts_per_source = 100;
            const auto made = issue_for_token(*store, s.ca, patient, sha256_hex(token), spki_of(key->get()), "192.0.2.1",
                                              s.now);
            const char word = made ? 'w' : made.error().code == "token-unknown" ? 'l' : '?';
            ::_exit(::write(out[1], &word, 1) == 1 ? 0 : 8);
        }
        children.push_back(child);
    }
    ::close(go[0]);
    ::close(go[1]);
    for (const pid_t child : children) {
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    }
    std::string words(racers, '\0');
    ASSERT_EQ(::read(out[0], words.data(), words.size()), racers);
    std::sort(words.begin(), words.end());
    EXPECT_EQ(words, "lllw");
    auto store = ca_store::open(s.directory());
    ASSERT_TRUE(store);
    EXPECT_EQ(store->issues().size(), 1u);
}

TEST(admin, issues_what_is_not_renewed_and_nothing_for_the_revoked) {
    shop s;
    const auto issue = [&](bool renewable) {
        transaction change(s.store->db());
        admin_request request;
        request.user = "alice";
        request.renewable = renewable;
        auto made = issue_for_admin(*s.store, s.ca, s.terms, request, s.key.get(), s.now);
        if (made) {
            EXPECT_TRUE(change.commit());
        }
        return made;
    };
    const auto renew = [&](const issued_certificate& old) {
        const auto fingerprint = identify(certificate_in(old.certificate).get())->fingerprint;
        const auto spki = spki_of(std::move(*make_key()).get());
        return code_of(issue_renewal(*s.store, s.ca, s.terms, fingerprint, spki, sign_renewal(s.key.get(), spki), s.now));
    };
    EXPECT_EQ(renew(*issue(false)), "not-renewable");
    EXPECT_EQ(renew(*issue(true)), "issued");
    {
        transaction change(s.store->db());
        s.store->revoke_user("alice", s.now, "");
        ASSERT_TRUE(change.commit());
    }
    const auto refused = issue(true);
    EXPECT_EQ(code_of(refused), "refused");
    EXPECT_NE(refused.error().reason.find("unrevoke-user"), std::string::npos);
}

TEST(names, that_cannot_be_in_a_certificate) {
    EXPECT_EQ(certificate_name_fault("alice"), "");
    EXPECT_EQ(certificate_name_fault("Åsa O'Neil <asa@example.com>"), "");
    EXPECT_EQ(certificate_name_fault(std::string(64, 'a')), "");
    for (const auto& bad : {std::string(), std::string(65, 'a'), std::string("a\nb"), std::string("a\0b", 3), std::string("\xff"),
                            std::string(" a"), std::string("a "), std::string("spiffe://a/b"), std::string("a\xe2\x80\xae""b")})
        EXPECT_NE(certificate_name_fault(bad), "") << bad;
}

TEST(crl, names_the_revoked_and_is_signed) {
    shop s;
    crl_entry one;
    one.serial = "4A00000000000000000000000000000B";
    one.revoked_at = s.now - 60;
    one.reason = "keyCompromise";
    crl_entry two;
    two.serial = "01";
    two.revoked_at = s.now;
    two.reason = "left the team";
    const auto pem = sign_crl(s.ca, {one, two}, 7, s.now, s.now + day);
    ASSERT_TRUE(pem) << pem.error();
    openssl_ptr<BIO> in(BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())));
    X509_CRL* list = PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr);
    ASSERT_TRUE(list);
    EXPECT_EQ(X509_CRL_verify(list, s.ca.key.get()), 1);
    EXPECT_EQ(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)), 2);
    ASN1_INTEGER* serial = s2i_ASN1_INTEGER(nullptr, "0x4A00000000000000000000000000000B");
    X509_REVOKED* found = nullptr;
    EXPECT_EQ(X509_CRL_get0_by_serial(list, &found, serial), 1);
    ASSERT_TRUE(found);
    auto* reason = static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(found, NID_crl_reason, nullptr, nullptr));
    ASSERT_TRUE(reason);
    EXPECT_EQ(ASN1_ENUMERATED_get(reason), CRL_REASON_KEY_COMPROMISE);
    ASN1_ENUMERATED_free(reason);
    ASN1_INTEGER_free(serial);
    X509_CRL_free(list);
}

TEST(ca, of_ed25519_issues_and_signs_lists) {
    const scratch dir;
    ca_request request;
    request.name = "edwards";
    request.ed25519 = true;
    request.lifetime = std::chrono::hours(24);
    ASSERT_TRUE(ensure_ca(dir / "ca", request));
    const auto ca = load_authority(dir / "ca");
    ASSERT_TRUE(ca) << ca.error();
    EXPECT_EQ(EVP_PKEY_get_base_id(ca->key.get()), EVP_PKEY_ED25519);
    leaf_request leaf;
    leaf.common_name = "alice";
    leaf.lifetime = std::chrono::hours(48);
    const auto key = std::move(*make_key());
    const auto made = sign_leaf(*ca, leaf, key.get(), std::time(nullptr));
    ASSERT_TRUE(made) << made.error();
    EXPECT_EQ(X509_verify(made->get(), ca->key.get()), 1);
    // No longer than the CA's own life.
    EXPECT_LE(seconds_of(X509_get0_notAfter(made->get())), std::time(nullptr) + day);
    EXPECT_TRUE(sign_crl(*ca, {}, 1, 0, day));
}

}  // namespace auth::test
