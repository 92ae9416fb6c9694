// What the board of breakpoints is made of.
#include <gtest/gtest.h>

#include "gateway/breakpoint_board.h"
#include "gateway/exception_wishes.h"
#include "gateway/hit_rate.h"

namespace gateway {

class viewer {};

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(hit_conditions, are_read_as_delve_reads_them) {
    EXPECT_TRUE(satisfies_hit_condition("", 0));
    EXPECT_TRUE(satisfies_hit_condition("3", 3));
    EXPECT_FALSE(satisfies_hit_condition("3", 4));
    EXPECT_TRUE(satisfies_hit_condition("== 3", 3));
    EXPECT_TRUE(satisfies_hit_condition(" >2 ", 3));
    EXPECT_FALSE(satisfies_hit_condition("> 2", 2));
    EXPECT_TRUE(satisfies_hit_condition(">= 2", 2));
    EXPECT_TRUE(satisfies_hit_condition("<= 2", 2));
    EXPECT_FALSE(satisfies_hit_condition("< 2", 2));
    EXPECT_TRUE(satisfies_hit_condition("!= 2", 3));
    EXPECT_TRUE(satisfies_hit_condition("% 3", 6));
    EXPECT_FALSE(satisfies_hit_condition("% 3", 7));
    EXPECT_FALSE(satisfies_hit_condition("% 0", 7));
    EXPECT_FALSE(satisfies_hit_condition("=! 3", 3));
    EXPECT_FALSE(satisfies_hit_condition("soon", 3));
    EXPECT_FALSE(satisfies_hit_condition("99999999999999999999999", 3));
}

TEST(hit_rates, are_too_high_by_number_or_by_time) {
    const hit_rate::time start{};
    hit_rate often;
    bool much = false;
    for (int i = 0; i < 301; ++i) {
        EXPECT_FALSE(much) << i;
        much = often.hit({}, start + milliseconds(i));
    }
    EXPECT_TRUE(much);
    often.forget();
    EXPECT_FALSE(often.hit({}, start + seconds(1)));

    hit_rate seldom;
    for (int i = 0; i < 1000; ++i) EXPECT_FALSE(seldom.hit(milliseconds(5), start + milliseconds(11 * i)));

    hit_rate slow;
    much = false;
    int hits = 0;
    for (; hits < 200 && !much; ++hits) much = slow.hit(milliseconds(40), start + milliseconds(60 * hits));
    EXPECT_TRUE(much);
    EXPECT_EQ(hits, 46);  // beyond 1.8 s
    hit_rate heavy;  // few, but the program hardly runs for them
    much = false;
    for (int i = 0; i < 16 && !much; ++i) much = heavy.hit(milliseconds(150), start + milliseconds(200 * i));
    EXPECT_TRUE(much);
    hit_rate once;
    EXPECT_FALSE(once.hit(seconds(5), start));
}

TEST(exceptions, are_stopped_at_while_somebody_wants_it) {
    exception_wishes wishes;
    viewer ann, bob;
    EXPECT_TRUE(wishes.wanted("unrecovered-panic"));  // as dlv has it
    EXPECT_FALSE(wishes.take_changed());
    wishes.want(&ann, {});
    EXPECT_FALSE(wishes.wanted("unrecovered-panic"));
    EXPECT_TRUE(wishes.take_changed());
    wishes.want(&bob, {"unrecovered-panic"});
    EXPECT_TRUE(wishes.wanted("unrecovered-panic"));
    EXPECT_FALSE(wishes.wanted("runtime-fatal-throw"));
    EXPECT_TRUE(wishes.take_changed());
    wishes.want(&ann, {"unrecovered-panic"});
    EXPECT_FALSE(wishes.take_changed());
    wishes.forget(&ann);
    EXPECT_TRUE(wishes.wanted("unrecovered-panic"));
    wishes.forget(&bob);
    EXPECT_TRUE(wishes.wanted("runtime-fatal-throw"));
    EXPECT_TRUE(wishes.take_changed());
}

}  // namespace
}  // namespace gateway
