#include "gateway/look_desk.h"

#include <gtest/gtest.h>

#include <vector>

#include "gateway/fair_turns.h"
#include "gateway/look_answers.h"

namespace {

using gateway::fair_turns;
using gateway::look_answers;
using gateway::look_desk;
using gateway::passing_answer;
using gateway::viewer;
using std::chrono::milliseconds;

// Viewers are only compared.
int places[8];
const viewer& who(int n) { return reinterpret_cast<const viewer&>(places[n]); }
viewer* someone(int n) { return reinterpret_cast<viewer*>(&places[n]); }

constexpr int driver = 0;
bool drives(const viewer& v) { return &v == &who(driver); }

struct desk : testing::Test {
    look_desk d;
    look_desk::clock::time_point now{std::chrono::hours(1)};
    std::vector<int> begun;

    // Whether it began at once.
    bool look(int n) {
        if (d.admits(n == driver, now)) {
            d.begin(who(n), n == driver);
            return true;
        }
        d.wait({someone(n), [this, n] { begun.push_back(n); }, [](const std::string&) {}, now});
        return false;
    }
    bool next() {
        auto r = d.next(drives, now);
        if (r) r->go();
        return r.has_value();
    }
};

TEST_F(desk, few_of_the_others_at_once) {
    EXPECT_TRUE(look(1));
    EXPECT_TRUE(look(2));
    EXPECT_FALSE(look(3));
    EXPECT_FALSE(next());
    d.end(&who(1), now);
    EXPECT_TRUE(next());
    EXPECT_EQ(begun, std::vector{3});
    EXPECT_EQ(d.in_flight(), 2u);
}

TEST_F(desk, who_drives_goes_in_front) {
    EXPECT_TRUE(look(1));
    EXPECT_TRUE(look(2));
    EXPECT_FALSE(look(3));
    EXPECT_TRUE(look(driver));
    d.end(&who(1), now);
    EXPECT_FALSE(next()) << "while who drives looks, the others wait";
    d.wait({someone(driver), [this] { begun.push_back(driver); }, [](const std::string&) {}, now});
    EXPECT_TRUE(next());
    EXPECT_EQ(begun, std::vector{driver});
}

TEST_F(desk, the_others_wait_until_who_drives_is_through) {
    EXPECT_TRUE(look(driver));
    d.end(&who(driver), now);
    EXPECT_FALSE(look(1));
    EXPECT_EQ(d.later(now), now + look_desk::quiet);
    now += look_desk::quiet - milliseconds(1);
    EXPECT_FALSE(next());
    now += milliseconds(1);
    EXPECT_TRUE(next());
    EXPECT_EQ(begun, std::vector{1});
}

TEST_F(desk, nobody_waits_for_ever) {
    EXPECT_FALSE((look(driver), look(1)));
    EXPECT_EQ(d.later(now), now + look_desk::patience);
    now += look_desk::patience;
    EXPECT_TRUE(next()) << "although who drives is still at it";
}

TEST_F(desk, a_stop_is_for_who_drives_first) {
    d.expect(now);
    EXPECT_FALSE(look(1));
    EXPECT_TRUE(look(driver));
}

TEST_F(desk, whoever_leaves_waits_no_more) {
    look(1), look(2), look(3), look(4);
    EXPECT_EQ(d.take(someone(3)).size(), 1u);
    EXPECT_EQ(d.take(nullptr).size(), 1u);
    EXPECT_FALSE(d.waits());
}

TEST(answers, the_same_look_is_asked_once) {
    look_answers a;
    EXPECT_FALSE(a.is_asked("x"));
    a.asked("x");
    int again = 0;
    a.wait("x", {&who(1), [&] { ++again; }, {}});
    a.wait("x", {&who(2), [&] { ++again; }, {}});
    EXPECT_EQ(a.take(who(2)).size(), 1u);
    auto waiting = a.answered("x", "it");
    ASSERT_EQ(waiting.size(), 1u);
    EXPECT_EQ(waiting[0].v, &who(1));
    ASSERT_TRUE(a.find("x"));
    EXPECT_EQ(*a.find("x"), "it");
    a.clear();
    EXPECT_FALSE(a.find("x"));
}

TEST(answers, are_bounded) {
    look_answers a;
    const std::string large(look_answers::max_answer, 'x');
    for (std::size_t n = 0; n <= look_answers::max_all / look_answers::max_answer; ++n) a.answered(std::to_string(n), large);
    EXPECT_TRUE(a.find("0"));
    EXPECT_FALSE(a.find(std::to_string(look_answers::max_all / look_answers::max_answer)));
    passing_answer p("x");
    EXPECT_TRUE(p.add(large));
    EXPECT_FALSE(p.add("x"));
}

TEST(answers, what_changes_with_each_asking_is_not_shared) {
    for (const auto* yes : {"RPCServer.Stacktrace", "RPCServer.Ancestors", "variables", "threads", "RPCServer.Eval", "disassemble"})
        EXPECT_TRUE(look_answers::shareable(yes)) << yes;
    for (const auto* no : {"RPCServer.DumpWait", "RPCServer.GetBufferedTracepoints", "RPCServer.State", "setVariable", "RPCServer.Set"})
        EXPECT_FALSE(look_answers::shareable(no)) << no;
}

std::optional<fair_turns::clock::time_point> nobody_looks(fair_turns::clock::time_point) { return std::nullopt; }

TEST(turns, are_taken_in_order_with_the_loop_in_between) {
    boost::asio::io_context loop;
    fair_turns t(loop, nobody_looks);
    std::vector<int> done;
    for (int n = 0; n < 6; ++n) t.later(&who(n), [&, n] { done.push_back(n); });
    EXPECT_TRUE(done.empty());
    t.forget(who(1));
    EXPECT_EQ(loop.run_one(), 1u);
    EXPECT_LT(done.size(), 5u) << "others get the loop meanwhile";
    loop.run();
    EXPECT_EQ(done, (std::vector{0, 2, 3, 4, 5}));
}

TEST(turns, news_can_be_caught_up_with) {
    boost::asio::io_context loop;
    fair_turns t(loop, nobody_looks);
    std::vector<int> done;
    t.later(&who(1), [&] { done.push_back(1); });
    t.later(&who(2), [&] { done.push_back(2); }, true);
    t.later(&who(3), [&] { done.push_back(3); }, true);
    t.catch_up();
    EXPECT_EQ(done, (std::vector{2, 3}));
    t.hurry(who(1));
    EXPECT_EQ(done, (std::vector{2, 3, 1}));
}

TEST(turns, wait_for_who_is_looking_and_go_on_when_told) {
    boost::asio::io_context loop;
    bool looking = true;
    fair_turns t(loop, [&](auto since) { return looking ? std::optional(since + std::chrono::hours(1)) : std::nullopt; });
    std::vector<int> done;
    for (int n = 0; n < 3; ++n) t.later(&who(n), [&, n] { done.push_back(n); });
    EXPECT_EQ(loop.poll(), 0u);
    t.again();
    EXPECT_EQ(loop.poll(), 1u);
    EXPECT_TRUE(done.empty()) << "it is looking yet";
    t.hurry(who(1));
    EXPECT_EQ(done, std::vector{1}) << "who asks for something is told first";
    looking = false;
    t.again();
    loop.poll();
    EXPECT_EQ(done, (std::vector{1, 0, 2}));
    t.later(&who(3), [&] { done.push_back(3); });
    loop.restart();
    loop.poll();
    EXPECT_EQ(done.back(), 3);
}

TEST_F(desk, what_others_are_told_waits_for_who_drives_but_not_for_long) {
    const auto since = now;
    EXPECT_FALSE(d.hold(since, now));
    EXPECT_TRUE(look(driver));
    EXPECT_EQ(d.hold(since, now), now + look_desk::quiet) << "how long the look takes is not known";
    now += milliseconds(90);
    EXPECT_EQ(d.hold(since, now), since + look_desk::patience);
    d.end(&who(driver), now);
    EXPECT_EQ(d.hold(now, now), now + look_desk::quiet);
    EXPECT_FALSE(d.hold(since, since + look_desk::patience));
    EXPECT_FALSE(d.hold(now, now + look_desk::quiet));
}

}  // namespace
