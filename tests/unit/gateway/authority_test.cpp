#include "gateway/authority.h"

#include "tests/unit/gateway/loop.h"

namespace gateway {
namespace {

struct visitor final : client_presence {
    explicit visitor(auth::identity identity) : who(std::move(identity)) {}
    const auth::identity& identity() const override { return who; }
    void rebind(const auth::identity& renewed) override { who = renewed; }
    void expel(std::string_view reason) override { told.emplace_back(reason); }
    auth::identity who;
    std::vector<std::string> told;
};

class authority_test : public testing::Test {
protected:
    authority_test() {
        believe(ca);
        const auto root = auth::load_certificate(ca.ca() + "/ca.crt");
        anchor = auth::fingerprint_of(root->get());
    }
    void believe(authority& whom) {
        auth::client_ca as;
        as.file = whom.ca() + "/ca.crt";
        identities.trust(*auth::trust::of({*auth::trusted_ca::load(as)}));
    }
    auth::identity person(const std::string& user) {
        auth::identity who;
        who.user = user;
        who.serial = "ABC";
        who.fingerprint = "fingerprint of " + user;
        who.authority = "clientCA";
        who.anchor = anchor;
        who.valid_from = now - 100;
        who.valid_until = who.not_after = now + 100;
        return who;
    }
    bool until(const std::function<bool()>& done) { return run_until(io, done); }

    boost::asio::io_context io{1};
    authority ca;
    std::string anchor;
    long long now = 1'800'000'000;
    client_authority identities{io, [this] { return now; }};
};

}  // namespace

TEST_F(authority_test, knows_who_is_good_now) {
    const auto alice = person("alice");
    EXPECT_EQ(identities.fault(alice), "");
    auth::revocations list;
    list.add_user("alice");
    identities.revoke_by_file(list);
    EXPECT_EQ(identities.fault(alice), "access of alice has been revoked");
    EXPECT_EQ(identities.fault(person("bob")), "");
    identities.revoke_by_file({});
    auth::revocations from_signer;
    from_signer.add_serial("clientCA", "0abc");
    identities.revoke_by_signer(from_signer);
    EXPECT_EQ(identities.fault(alice), "your certificate (serial ABC) has been revoked");
    // One list does not take back what the other says.
    identities.revoke_by_file(list);
    identities.revoke_by_file({});
    EXPECT_NE(identities.fault(alice), "");
}

TEST_F(authority_test, shows_out_whom_a_list_names_and_nobody_else) {
    visitor alice(person("alice")), bob(person("bob"));
    bob.who.serial = "B0B";
    identities.enter(alice);
    identities.enter(bob);
    auth::revocations list;
    list.add_user("alice");
    identities.revoke_by_file(list);
    ASSERT_TRUE(until([&] { return !alice.told.empty(); }));
    identities.revoke_by_file(list);  // told once is told
    list.add_serial("clientCA", "b0b");
    identities.revoke_by_signer(list);
    ASSERT_TRUE(until([&] { return !bob.told.empty(); }));
    EXPECT_EQ(alice.told, std::vector<std::string>{"access of alice has been revoked"});
    EXPECT_EQ(bob.told, std::vector<std::string>{"your certificate (serial B0B) has been revoked"});
    EXPECT_EQ(identities.expelled(), 2u);
    identities.leave(alice);
    identities.leave(bob);
}

TEST_F(authority_test, shows_out_whose_ca_is_not_trusted_any_more) {
    visitor alice(person("alice"));
    identities.enter(alice);
    believe(ca);  // read again, nothing new
    io.poll();
    EXPECT_TRUE(alice.told.empty());
    authority other;
    believe(other);
    ASSERT_TRUE(until([&] { return !alice.told.empty(); }));
    EXPECT_EQ(alice.told.front(), "the CA that issued your certificate (clientCA) is not trusted any more");
    identities.leave(alice);
}

TEST_F(authority_test, sees_the_wall_clock_pass_and_jump) {
    visitor passes(person("alice")), jumps_back(person("bob"));
    identities.enter(passes);
    now += 99;
    io.restart();
    io.run_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(passes.told.empty());
    now += 1;
    ASSERT_TRUE(until([&] { return !passes.told.empty(); }));
    EXPECT_EQ(passes.told.front(), "your certificate expired at 2027-01-15 08:01:40 UTC");
    identities.leave(passes);

    now = jumps_back.who.valid_from;
    identities.enter(jumps_back);
    EXPECT_EQ(identities.fault(jumps_back.who), "");
    now -= 86400;
    ASSERT_TRUE(until([&] { return !jumps_back.told.empty(); }));
    EXPECT_TRUE(jumps_back.told.front().starts_with("your certificate is not valid before ")) << jumps_back.told.front();
    identities.leave(jumps_back);
}

TEST_F(authority_test, goes_on_with_a_renewed_certificate) {
    visitor alice(person("alice"));
    identities.enter(alice);
    auto renewed = person("alice");
    renewed.fingerprint = "another";
    renewed.valid_until = now + 1000;
    auto somebody = renewed;
    somebody.user = "bob";
    EXPECT_FALSE(identities.rebind("fingerprint of alice", somebody));
    auto expired = renewed;
    expired.valid_until = now;
    EXPECT_FALSE(identities.rebind("fingerprint of alice", expired));
    auto foreign = renewed;
    foreign.authority = "cluster";
    EXPECT_FALSE(identities.rebind("fingerprint of alice", foreign));
    EXPECT_EQ(alice.who.fingerprint, "fingerprint of alice");
    EXPECT_TRUE(identities.rebind("fingerprint of alice", renewed));
    EXPECT_EQ(alice.who.fingerprint, "another");
    now += 200;  // the old one is over
    io.restart();
    io.run_for(std::chrono::milliseconds(600));
    EXPECT_TRUE(alice.told.empty());
    now += 1000;
    ASSERT_TRUE(until([&] { return !alice.told.empty(); }));
    identities.leave(alice);
}

TEST_F(authority_test, shows_out_a_user_at_once) {
    visitor one(person("alice")), two(person("alice")), bob(person("bob"));
    for (auto* who : {&one, &two, &bob}) identities.enter(*who);
    EXPECT_EQ(identities.expel_user("alice", "ended"), 2u);
    EXPECT_EQ(identities.expel_user("alice", "ended"), 0u);
    EXPECT_EQ(identities.expel_user("carol", "ended"), 0u);
    identities.leave(two);  // gone by itself before it could be told
    ASSERT_TRUE(until([&] { return !one.told.empty(); }));
    io.poll();
    EXPECT_TRUE(two.told.empty());
    EXPECT_TRUE(bob.told.empty());
    for (auto* who : {&one, &bob}) identities.leave(*who);
}

TEST_F(authority_test, outlived_by_its_slot_admits_nobody) {
    auto brief = std::make_unique<client_authority>(io);
    const auto slot = brief->slot();
    EXPECT_EQ(slot->objection(person("alice")), "");
    brief.reset();
    EXPECT_NE(slot->objection(person("alice")), "");
}

}  // namespace gateway
