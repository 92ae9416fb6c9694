// How long a component has been kept from its duty, told by a clock of the test's own.
#include "gateway/budget_clock.h"

#include <gtest/gtest.h>

#include <chrono>

namespace gateway {
namespace {

using namespace std::chrono_literals;
using mark = budget_clock::mark;

class budget_clock_test : public testing::Test {
protected:
    budget_clock::time_point at(std::chrono::milliseconds since) const { return start + since; }
    const budget_clock::time_point start{1h};
    budget_clock clock{stop_budget{.disturb = 0ms, .damage = 10s, .duty = 2s}};
};

TEST_F(budget_clock_test, WarnsAtHalfAndAtFourFifthsAndIsThenUsedUp) {
    clock.stands(at(0s));
    EXPECT_EQ(clock.next(), at(5s));
    EXPECT_EQ(clock.due(at(4999ms)), mark::none);
    EXPECT_EQ(clock.due(at(5s)), mark::half);
    EXPECT_EQ(clock.due(at(5s)), mark::none) << "told once";
    EXPECT_EQ(clock.next(), at(8s));
    EXPECT_EQ(clock.due(at(8s)), mark::most);
    EXPECT_EQ(clock.next(), at(10s));
    EXPECT_EQ(clock.due(at(9999ms)), mark::none);
    EXPECT_EQ(clock.due(at(10s)), mark::used_up);
    EXPECT_EQ(clock.next(), std::nullopt) << "what is to be done is done at once";
    EXPECT_EQ(clock.left(at(11s)), 0ms);
}

TEST_F(budget_clock_test, WhoComesLateIsToldTheGravestOnly) {
    clock.stands(at(0s));
    EXPECT_EQ(clock.due(at(9s)), mark::most);
    EXPECT_EQ(clock.due(at(9s)), mark::none);
    EXPECT_EQ(clock.due(at(10s)), mark::used_up);
}

TEST_F(budget_clock_test, OneWholeDutyMakesItAsNew) {
    clock.stands(at(0s));
    EXPECT_EQ(clock.due(at(6s)), mark::half);
    clock.runs(at(6s));
    EXPECT_EQ(clock.until_duty(at(7s)), 1s);
    EXPECT_EQ(clock.next(), at(8s));
    EXPECT_EQ(clock.due(at(7999ms)), mark::none);
    EXPECT_EQ(clock.due(at(8s)), mark::duty_done);
    EXPECT_FALSE(clock.counting());
    clock.stands(at(9s));
    EXPECT_EQ(clock.used(at(10s)), 1s);
}

// A debugger that steps every second never lets a duty of two be done.
TEST_F(budget_clock_test, SteppingCounts) {
    for (int second = 0; second < 10; ++second) {
        clock.stands(at(std::chrono::seconds(second)));
        clock.due(at(std::chrono::seconds(second)));
        clock.runs(at(std::chrono::seconds(second) + 100ms));
    }
    clock.stands(at(10s));
    EXPECT_EQ(clock.due(at(10s)), mark::used_up);
}

TEST_F(budget_clock_test, NothingIsDueWhileItRunsButTheEndOfTheDuty) {
    clock.stands(at(0s));
    clock.runs(at(9900ms));
    EXPECT_EQ(clock.due(at(10500ms)), mark::none);
    clock.stands(at(10600ms));
    EXPECT_EQ(clock.due(at(10600ms)), mark::used_up);
}

TEST_F(budget_clock_test, StoppedAgainBeforeItsDutyItIsUsedUpAtOnce) {
    clock.stands(at(0s));
    EXPECT_EQ(clock.due(at(10s)), mark::used_up);
    clock.runs(at(10s));
    clock.stands(at(10001ms));
    EXPECT_EQ(clock.due(at(10001ms)), mark::used_up);
    clock.runs(at(11s));
    EXPECT_EQ(clock.due(at(12999ms)), mark::none);
    EXPECT_EQ(clock.due(at(13s)), mark::duty_done);
}

TEST_F(budget_clock_test, ADutyNobodyWasToldOfEndsSilently) {
    clock.stands(at(0s));
    clock.runs(at(1s));
    EXPECT_EQ(clock.due(at(3s)), mark::none);
    EXPECT_FALSE(clock.counting());
}

TEST_F(budget_clock_test, SayingItTwiceChangesNothing) {
    clock.stands(at(0s));
    clock.stands(at(3s));
    EXPECT_EQ(clock.used(at(4s)), 4s);
    clock.runs(at(5s));
    clock.runs(at(6s));
    EXPECT_EQ(clock.until_duty(at(6s)), 1s);
}

TEST_F(budget_clock_test, WhenOthersNoticeThatIsTold) {
    clock.change({.disturb = 2s, .damage = 10s, .duty = 2s});
    clock.stands(at(0s));
    EXPECT_EQ(clock.next(), at(2s));
    EXPECT_EQ(clock.due(at(2s)), mark::disturb);
    EXPECT_EQ(clock.next(), at(5s));
}

TEST_F(budget_clock_test, WithoutABudgetNothingIsCounted) {
    clock.change({});
    clock.stands(at(0s));
    EXPECT_FALSE(clock.counting());
    EXPECT_EQ(clock.next(), std::nullopt);
    EXPECT_EQ(clock.due(at(1h)), mark::none);
}

TEST_F(budget_clock_test, ASmallerBudgetCountsFromTheSameStop) {
    clock.stands(at(0s));
    clock.change({.disturb = 0ms, .damage = 3s, .duty = 1s});
    EXPECT_EQ(clock.due(at(4s)), mark::used_up);
}

TEST(stop_budget, ADutyThatIsNotGivenIsAQuarter) {
    EXPECT_EQ((stop_budget{.disturb = 0ms, .damage = 8s, .duty = 0ms}).whole_duty(), 2s);
}

// --- a stop that is held on purpose -----------------------------------------------------------------------------

TEST_F(budget_clock_test, AHoldPutsTheEndOff) {
    clock.stands(at(0s));
    EXPECT_EQ(clock.due(at(6s)), mark::half);
    clock.hold(at(6s), at(106s));
    EXPECT_TRUE(clock.held(at(105s)));
    EXPECT_EQ(clock.left(at(6s)), 100s);
    EXPECT_EQ(clock.due(at(55s)), mark::none);
    EXPECT_EQ(clock.next(), at(56s));
    EXPECT_EQ(clock.due(at(56s)), mark::half) << "of the time it is held for";
    EXPECT_EQ(clock.due(at(86s)), mark::most);
    EXPECT_EQ(clock.due(at(105999ms)), mark::none);
    EXPECT_EQ(clock.due(at(106s)), mark::used_up);
    EXPECT_EQ(clock.used(at(106s)), 106s) << "it was kept from its duty all the same";
}

TEST_F(budget_clock_test, AHoldWithinTheBudgetChangesNothing) {
    clock.stands(at(0s));
    clock.hold(at(1s), at(3s));
    EXPECT_EQ(clock.due(at(5s)), mark::half);
    EXPECT_EQ(clock.due(at(8s)), mark::most);
    EXPECT_EQ(clock.due(at(10s)), mark::used_up);
}

TEST_F(budget_clock_test, WhoeverRunsItEndsTheHold) {
    clock.stands(at(0s));
    clock.hold(at(1s), at(1000s));
    clock.runs(at(50s));
    EXPECT_FALSE(clock.held(at(50s)));
    clock.stands(at(51s));
    EXPECT_EQ(clock.due(at(51s)), mark::used_up) << "what was used up meanwhile is used up, until a duty was done";
    clock.runs(at(52s));
    EXPECT_EQ(clock.due(at(54s)), mark::duty_done);
    clock.stands(at(60s));
    EXPECT_EQ(clock.left(at(60s)), 10s);
}

TEST_F(budget_clock_test, WhatRunsIsNotHeld) {
    clock.stands(at(0s));
    clock.runs(at(1s));
    clock.hold(at(1s), at(1000s));
    clock.stands(at(2s));
    EXPECT_EQ(clock.due(at(10s)), mark::used_up);
}

}  // namespace
}  // namespace gateway
