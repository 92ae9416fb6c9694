#include "gateway/event_turn.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

namespace gateway {
namespace {

struct noting final : turn_end {
    noting(std::string& l, char n, std::function<void()> w = {}) : log(l), name(n), work(std::move(w)) {}
    void end_of_turn() override {
        log += name;
        if (work) work();
    }
    std::string& log;
    char name;
    std::function<void()> work;
};

TEST(event_turn, runs_what_was_put_off_when_it_ends_in_the_order_it_was_put_off) {
    std::string log;
    EXPECT_FALSE(event_turn::active());
    {
        const event_turn turn;
        EXPECT_TRUE(event_turn::active());
        event_turn::at_end(std::make_shared<noting>(log, 'a'));
        event_turn::at_end(std::make_shared<noting>(log, 'b'));
        EXPECT_EQ(log, "");
    }
    EXPECT_FALSE(event_turn::active());
    EXPECT_EQ(log, "ab");
}

TEST(event_turn, only_the_outermost_runs_it) {
    std::string log;
    {
        const event_turn outer;
        {
            const event_turn inner;
            event_turn::at_end(std::make_shared<noting>(log, 'a'));
        }
        EXPECT_EQ(log, "");
        EXPECT_TRUE(event_turn::active());
        event_turn::at_end(std::make_shared<noting>(log, 'b'));
    }
    EXPECT_EQ(log, "ab");
}

TEST(event_turn, what_is_put_off_at_the_end_waits_for_the_next_turn) {
    std::string log;
    auto later = std::make_shared<noting>(log, 'b');
    {
        const event_turn turn;
        event_turn::at_end(std::make_shared<noting>(log, 'a', [&] { event_turn::at_end(later); }));
    }
    EXPECT_EQ(log, "a");
    {
        const event_turn turn;
        EXPECT_EQ(log, "a");
    }
    EXPECT_EQ(log, "ab");
}

TEST(event_turn, a_turn_within_the_end_is_one_of_its_own) {
    std::string log;
    {
        const event_turn turn;
        event_turn::at_end(std::make_shared<noting>(log, 'a', [&] {
            // As when a send that was put off leads to a call back at once.
            EXPECT_FALSE(event_turn::active());
            const event_turn inner;
            event_turn::at_end(std::make_shared<noting>(log, 'b'));
        }));
        event_turn::at_end(std::make_shared<noting>(log, 'c'));
    }
    EXPECT_EQ(log, "abc");
}

TEST(event_turn, keeps_what_it_runs_and_lets_go_of_it) {
    std::string log;
    std::weak_ptr<noting> kept;
    {
        const event_turn turn;
        auto one = std::make_shared<noting>(log, 'a');
        kept = one;
        event_turn::at_end(std::move(one));
        EXPECT_FALSE(kept.expired());
    }
    EXPECT_EQ(log, "a");
    EXPECT_TRUE(kept.expired());
}

TEST(event_turn, the_same_one_put_off_twice_runs_twice) {
    std::string log;
    auto one = std::make_shared<noting>(log, 'a');
    {
        const event_turn turn;
        event_turn::at_end(one);
        event_turn::at_end(one);
    }
    EXPECT_EQ(log, "aa");
}

}  // namespace
}  // namespace gateway
