// Renewal, by the rules of auth/issuing.h.
#include "auth/identity.h"
#include "ca_support.h"

namespace auth::test {

TEST(renew, follows_the_owner_of_the_old_key_only) {
    shop s;
    const auto old = s.enroll(s.token());
    ASSERT_TRUE(old);
    const auto fingerprint = identify(certificate_in(old->certificate).get())->fingerprint;
    const auto next = std::move(*make_key());
    const auto spki = spki_of(next.get());
    const auto renew = [&](const std::string& proof, std::int64_t at) {
        return issue_renewal(*s.store, s.ca, s.terms, fingerprint, spki, proof, at);
    };
    const auto proof = sign_renewal(s.key.get(), spki);
    EXPECT_EQ(code_of(renew(sign_renewal(next.get(), spki), s.now)), "not-renewable");
    EXPECT_EQ(code_of(renew(sign_renewal(s.key.get(), spki + "x"), s.now)), "not-renewable");
    EXPECT_EQ(code_of(renew("", s.now)), "not-renewable");
    EXPECT_EQ(code_of(issue_renewal(*s.store, s.ca, s.terms, std::string(64, '0'), spki, proof, s.now)), "not-renewable");
    EXPECT_EQ(s.store->issues().size(), 1u);

    const auto made = renew(proof, s.now + day / 2);
    ASSERT_TRUE(made) << made.error().log;
    EXPECT_EQ(made->user, "alice");
    EXPECT_EQ(made->groups, std::vector<std::string>{"sre"});
    EXPECT_EQ(made->not_after, s.now + day / 2 + day);
    EXPECT_EQ(made->renew_until, s.now + 30 * day);
    // The answer was lost: asked again, it is the same certificate.
    EXPECT_EQ(renew(proof, s.now + day / 2 + 5)->certificate, made->certificate);
    EXPECT_EQ(s.store->issues().size(), 2u);
    // The old one has expired meanwhile, or the clock says that it has not begun.
    EXPECT_EQ(code_of(renew(proof, s.now + day)), "not-renewable");
    EXPECT_EQ(code_of(renew(proof, s.now - day)), "not-renewable");
}

TEST(renew, ends_with_the_window_after_enrolment) {
    shop s;
    s.terms.renew_window = std::chrono::hours(36);
    auto last = s.enroll(s.token());
    ASSERT_TRUE(last);
    const auto renew = [&](std::int64_t at) {
        const auto fingerprint = identify(certificate_in(last->certificate).get())->fingerprint;
        auto next = std::move(*make_key());
        const auto spki = spki_of(next.get());
        auto made = issue_renewal(*s.store, s.ca, s.terms, fingerprint, spki, sign_renewal(s.key.get(), spki), at);
        if (made) {
            last = made;
            s.key = std::move(next);
        }
        return code_of(made);
    };
    EXPECT_EQ(renew(s.now + 20 * 3600), "issued");
    EXPECT_EQ(last->not_after, s.now + 36 * 3600);  // not a day, but what is left
    EXPECT_EQ(renew(s.now + 35 * 3600), "issued");
    EXPECT_EQ(last->not_after, s.now + 36 * 3600);
    EXPECT_EQ(renew(s.now + 36 * 3600), "not-renewable");
}

TEST(renew, is_over_with_a_revocation) {
    for (const bool user : {false, true}) {
        shop s;
        const auto old = s.enroll(s.token());
        ASSERT_TRUE(old);
        const auto who = identify(certificate_in(old->certificate).get());
        {
            transaction change(s.store->db());
            if (user)
                s.store->revoke_user("alice", s.now, "");
            else
                EXPECT_TRUE(s.store->revoke(who->serial, s.now, ""));
            ASSERT_TRUE(change.commit());
        }
        const auto spki = spki_of(std::move(*make_key()).get());
        const auto made =
            issue_renewal(*s.store, s.ca, s.terms, who->fingerprint, spki, sign_renewal(s.key.get(), spki), s.now);
        EXPECT_EQ(code_of(made), "not-renewable");
        EXPECT_NE(made.error().reason.find("revoked"), std::string::npos);
    }
}

TEST(renew, revoking_one_revokes_what_its_key_could_have_made) {
    for (const int which : {0, 1, 2}) {
        shop s;
        std::vector<std::string> serials;
        const auto other = s.enroll(s.token());
        ASSERT_TRUE(other);
        auto last = s.enroll(s.token());
        ASSERT_TRUE(last);
        for (int i = 0; i < 3; ++i) {
            const auto who = identify(certificate_in(last->certificate).get());
            serials.push_back(who->serial);
            auto next = std::move(*make_key());
            const auto spki = spki_of(next.get());
            last = issue_renewal(*s.store, s.ca, s.terms, who->fingerprint, spki, sign_renewal(s.key.get(), spki), s.now);
            ASSERT_TRUE(last) << last.error().log;
            s.key = std::move(next);
        }
        transaction change(s.store->db());
        EXPECT_EQ(s.store->revoke(serials[static_cast<std::size_t>(which)], s.now, ""), 4);
        ASSERT_TRUE(change.commit());
        EXPECT_FALSE(s.store->find_serial(identify(certificate_in(other->certificate).get())->serial)->revoked_at);
    }
}

TEST(renew, one_certificate_does_not_become_any_number) {
    shop s;
    const auto old = s.enroll(s.token());
    ASSERT_TRUE(old);
    const auto fingerprint = identify(certificate_in(old->certificate).get())->fingerprint;
    std::string last;
    for (int i = 0; i < 40 && last != "rate-limited"; ++i) {
        const auto spki = spki_of(std::move(*make_key()).get());
        last = code_of(issue_renewal(*s.store, s.ca, s.terms, fingerprint, spki, sign_renewal(s.key.get(), spki), s.now));
    }
    EXPECT_EQ(last, "rate-limited");
}

}  // namespace auth::test
