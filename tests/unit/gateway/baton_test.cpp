// Who may run the target, by a clock of the test's own.
#include "gateway/baton.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

using namespace std::chrono_literals;

class batons : public testing::Test {
protected:
    moment at(std::chrono::milliseconds since) const {
        return {std::chrono::steady_clock::time_point(1h) + since,
                std::chrono::system_clock::time_point(std::chrono::hours(24 * 365 * 50) + since)};
    }
    std::string refused(const person& who, std::chrono::milliseconds when) const { return it.refusal(who, at(when), "app"); }
    bool may(const person& who, std::chrono::milliseconds when) const { return refused(who, when).empty(); }

    // What somebody is told, of either kind.
    static std::string said(const baton::told& what) { return what ? *what : what.error(); }

    const person ann{"ann", "own"}, bob{"bob", "own"}, cat{"cat", "own"};
    baton it{{.open = false, .idle = 5min, .first_right = 30s}};
};

TEST_F(batons, is_nobodys_until_somebody_runs) {
    EXPECT_FALSE(it.holder());
    EXPECT_TRUE(may(ann, 0s));
    EXPECT_TRUE(may(bob, 0s));
    it.runs(ann, true, at(0s));
    EXPECT_EQ(it.holder(), ann);
    EXPECT_TRUE(may(ann, 1s));
    EXPECT_EQ(refused(bob, 1s),
              "ann has the baton of app since 2019-12-20 00:00:00 UTC, and with it runs and steps it; ask for it: delvegate baton ask app");
}

TEST_F(batons, is_a_persons_and_not_a_names) {
    it.runs(ann, false, at(0s));
    EXPECT_FALSE(may({"ann", "cluster"}, 1s));
    it.pauses({"ann", "cluster"}, at(1s));
    EXPECT_EQ(it.holder(), ann);
}

TEST_F(batons, who_may_run_it_no_more_has_it_no_more_and_waits_for_it_no_more) {
    it.runs(ann, true, at(0s));
    it.ask(bob, at(1s), "app");
    it.ask(cat, at(2s), "app");
    const auto passed = it.keep_only([&](const person& one) { return one == cat; }, at(3s));
    ASSERT_TRUE(passed);
    EXPECT_EQ(passed->why, "ann may not run it any more");
    EXPECT_EQ(it.holder(), cat);
    EXPECT_TRUE(it.asking().empty());
    EXPECT_FALSE(it.keep_only([](const person&) { return true; }, at(4s)));
    it.stops({ann, bob}, at(5s));
    EXPECT_FALSE(it.keep_only([&](const person& one) { return one != ann; }, at(6s)));
    EXPECT_EQ(it.first(at(6s)), std::vector<person>{bob});
}

TEST_F(batons, whoever_pauses_takes_it_only_from_nobody) {
    it.pauses(bob, at(0s));
    EXPECT_EQ(it.holder(), bob);
    it.pauses(ann, at(1s));
    EXPECT_EQ(it.holder(), bob);
    it.stops({}, at(1s));
    EXPECT_TRUE(may(bob, 2s));
    EXPECT_FALSE(may(ann, 2s));
}

TEST_F(batons, the_owner_of_the_breakpoint_comes_first_for_a_while) {
    it.runs(bob, false, at(0s));
    it.stops({ann}, at(10s));
    EXPECT_TRUE(may(ann, 11s));
    EXPECT_EQ(refused(bob, 11s), "it stands at a breakpoint of ann, who may run it first until 2019-12-20 00:00:40 UTC; ask for it: "
                                 "delvegate baton ask app");
    EXPECT_FALSE(may(cat, 39s));
    // Not used: it is the holder's again.
    EXPECT_TRUE(may(bob, 40s));
    EXPECT_FALSE(may(ann, 40s));
    EXPECT_EQ(it.holder(), bob);
    it.stops({ann, cat}, at(50s));
    EXPECT_TRUE(may(cat, 51s));
    it.runs(cat, false, at(51s));
    EXPECT_EQ(it.holder(), cat);
    EXPECT_FALSE(may(ann, 52s));
    // The holder's own among them: nobody else comes first.
    it.stops({ann, cat}, at(60s));
    EXPECT_TRUE(may(cat, 61s));
    EXPECT_FALSE(may(ann, 61s));
}

TEST_F(batons, first_where_nobody_has_it) {
    it.stops({ann}, at(0s));
    EXPECT_FALSE(may(bob, 1s));
    EXPECT_TRUE(may(bob, 30s));
}

TEST_F(batons, who_comes_first_may_let_others) {
    it.runs(bob, false, at(0s));
    it.stops({ann}, at(10s));
    EXPECT_TRUE(it.drop(ann, false, at(11s), "app"));
    EXPECT_TRUE(may(bob, 11s));
    it.stops({ann}, at(20s));
    EXPECT_TRUE(it.give(ann, false, cat, at(21s), "app"));
    EXPECT_EQ(it.holder(), cat);
    EXPECT_FALSE(may(bob, 21s));
}

TEST_F(batons, is_released_by_idling_but_not_within_a_step) {
    it.runs(ann, false, at(0s));
    EXPECT_FALSE(may(bob, 299s));
    it.seen(ann, at(299s));
    it.seen(bob, at(400s));
    EXPECT_FALSE(may(bob, 598s));
    EXPECT_TRUE(may(bob, 599s));
    it.runs(ann, true, at(600s));
    EXPECT_FALSE(may(bob, 3600s));
    EXPECT_FALSE(it.look(at(3600s)));
    it.stops({}, at(3600s));
    EXPECT_FALSE(may(bob, 3800s));
    EXPECT_TRUE(may(bob, 3900s));
    const auto passed = it.look(at(3900s));
    ASSERT_TRUE(passed);
    EXPECT_FALSE(passed->to);
    EXPECT_FALSE(it.holder());
}

TEST_F(batons, goes_to_who_has_asked_first) {
    it.runs(ann, false, at(0s));
    EXPECT_FALSE(it.next());
    EXPECT_NE(said(it.ask(bob, at(1s), "app")).find("ann is asked"), std::string::npos);
    EXPECT_TRUE(it.ask(cat, at(2s), "app"));
    EXPECT_TRUE(it.ask(bob, at(3s), "app"));
    EXPECT_EQ(it.asking(), (std::vector{bob, cat}));
    EXPECT_EQ(it.next(), at(300s).at);
    EXPECT_FALSE(may(bob, 4s));
    const auto passed = it.left(ann, at(5s));
    ASSERT_TRUE(passed);
    EXPECT_EQ(passed->to, bob);
    EXPECT_EQ(it.holder(), bob);
    EXPECT_EQ(said(it.drop(bob, false, at(6s), "app")), "cat, who asked for it, has the baton of app now");
    EXPECT_EQ(it.holder(), cat);
    EXPECT_FALSE(it.next());
    it.ask(ann, at(7s), "app");
    it.left(ann, at(8s));
    EXPECT_TRUE(it.asking().empty());
    EXPECT_FALSE(it.left(ann, at(8s)));
}

TEST_F(batons, is_asked_for_and_is_there_at_once_where_nobody_has_it) {
    EXPECT_EQ(said(it.ask(bob, at(0s), "app")), "the baton of app is yours");
    EXPECT_EQ(said(it.ask(bob, at(0s), "app")), "you have the baton of app already");
    EXPECT_FALSE(may(ann, 1s));
}

TEST_F(batons, is_given_by_who_has_it_only) {
    it.runs(ann, false, at(0s));
    EXPECT_EQ(said(it.give(bob, false, cat, at(1s), "app")), "ann has the baton of app, not you");
    EXPECT_EQ(said(it.drop(bob, false, at(1s), "app")), "ann has the baton of app, not you");
    EXPECT_FALSE(it.give(ann, false, std::nullopt, at(1s), "app"));
    it.ask(cat, at(1s), "app");
    EXPECT_EQ(said(it.give(ann, false, std::nullopt, at(2s), "app")), "cat has the baton of app now");
    EXPECT_EQ(it.holder(), cat);
    // Somebody with lifecycle gives and drops what is another's, and takes it.
    EXPECT_TRUE(it.give(bob, true, ann, at(3s), "app"));
    EXPECT_EQ(it.holder(), ann);
    EXPECT_EQ(said(it.take(bob, at(4s), "app")), "the baton of app is yours, taken from ann");
    EXPECT_TRUE(it.drop(cat, true, at(5s), "app"));
    EXPECT_FALSE(it.holder());
    EXPECT_FALSE(it.drop(cat, true, at(5s), "app"));
}

TEST_F(batons, open_refuses_nobody) {
    baton open{{.open = true, .idle = 5min, .first_right = 30s}};
    open.runs(ann, true, at(0s));
    open.stops({ann}, at(1s));
    EXPECT_EQ(open.refusal(bob, at(2s), "app"), "");
    EXPECT_FALSE(open.holder());
    EXPECT_FALSE(open.take(ann, at(3s), "app"));
    EXPECT_NE(open.words(at(3s), "app").find("runControl: open"), std::string::npos);
}

TEST_F(batons, says_who_has_it_and_who_asks) {
    EXPECT_EQ(it.words(at(0s), "app"), "nobody has the baton of app: whoever runs it next has it");
    it.runs(ann, false, at(0s));
    it.ask(bob, at(1s), "app");
    it.stops({cat}, at(2s));
    EXPECT_EQ(it.words(at(3s), "app"),
              "ann has the baton of app since 2019-12-20 00:00:00 UTC; until 2019-12-20 00:00:32 UTC it is first for cat, at whose "
              "breakpoint it stands; asked for by bob");
}

}  // namespace
}  // namespace gateway
