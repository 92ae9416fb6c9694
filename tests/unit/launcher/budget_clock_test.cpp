#include "launcher/budget_clock.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

using namespace std::chrono_literals;
using seen = budget_clock::seen;
using level = budget_clock::level;

budget_clock counting() {
    budget_clock clock(8s, 25s, 10s);
    clock.start(0s);
    return clock;
}

TEST(budget_clock, counts_nothing_before_the_start_is_over) {
    budget_clock clock(8s, 25s, 10s);
    clock.see(0s, seen::stopped);
    clock.see(100s, seen::stopped);
    EXPECT_EQ(clock.spent(100s), 0s);
    EXPECT_EQ(clock.at(100s), level::fine);
    clock.start(100s);
    clock.see(101s, seen::stopped);
    EXPECT_EQ(clock.spent(103s), 3s);
}

TEST(budget_clock, warns_and_then_is_used_up) {
    auto clock = counting();
    clock.see(0s, seen::stopped);
    EXPECT_EQ(clock.at(7999ms), level::fine);
    EXPECT_EQ(clock.at(8s), level::disturbed);
    EXPECT_EQ(clock.left(8s), 17s);
    EXPECT_EQ(clock.used_up_at(8s), 25s);
    EXPECT_EQ(clock.at(25s), level::used_up);
    EXPECT_EQ(clock.left(99s), 0s);
}

TEST(budget_clock, one_duty_done_pays_it_back) {
    auto clock = counting();
    clock.see(0s, seen::stopped);
    clock.see(20s, seen::running);
    for (auto t = 20s; t < 30s; t += 1s) {
        clock.see(t, seen::running);
        EXPECT_EQ(clock.spent(t), 20s);
        EXPECT_FALSE(clock.duty_done_since(20s));
    }
    clock.see(30s, seen::running);
    EXPECT_EQ(clock.spent(30s), 0s);
    EXPECT_TRUE(clock.duty_done_since(20s));
    EXPECT_FALSE(clock.duty_done_since(31s));
}

TEST(budget_clock, stepping_adds_up) {
    auto clock = counting();
    clock.see(0s, seen::stopped);
    auto t = 0s;
    for (int step = 0; step < 5; ++step) {
        clock.see(t += 4s, seen::stopped);
        clock.see(t += 1s, seen::running);
        clock.see(t += 9s, seen::running);  // never a whole duty
        clock.see(t += 1s, seen::stopped);
    }
    EXPECT_EQ(clock.at(t), level::used_up);
    EXPECT_GE(clock.spent(t), 25s);
}

TEST(budget_clock, a_resume_that_nobody_saw_begins_the_duty_anew) {
    auto clock = counting();
    clock.see(0s, seen::stopped);
    clock.see(5s, seen::running);
    clock.see(14s, seen::running);
    clock.interrupted(14s);
    clock.see(16s, seen::running);
    EXPECT_EQ(clock.spent(16s), 5s);
    clock.see(24s, seen::running);
    EXPECT_EQ(clock.spent(24s), 0s);
}

TEST(budget_clock, a_hot_breakpoint_between_two_sights_counts_as_stopped) {
    auto clock = counting();
    clock.see(0s, seen::running);
    for (auto t = 1s; t <= 30s; t += 1s) clock.see(t, t.count() % 2 ? seen::stopped : seen::running);
    EXPECT_EQ(clock.at(30s), level::used_up);
}

TEST(budget_clock, an_exit_ends_the_count) {
    auto clock = counting();
    clock.see(0s, seen::stopped);
    clock.see(24s, seen::exited);
    EXPECT_EQ(clock.spent(99s), 0s);
    clock.see(100s, seen::stopped);  // restarted
    EXPECT_EQ(clock.spent(101s), 1s);
}

TEST(budget_clock, goes_on_from_what_was_spent) {
    budget_clock clock(8s, 25s, 10s);
    clock.start(1000s, 20s);
    clock.see(1001s, seen::stopped);
    EXPECT_EQ(clock.at(1006s), level::used_up);
}

TEST(budget_clock, without_a_damage_there_is_no_budget) {
    budget_clock clock(0s, 0s, 10s);
    clock.start(0s);
    clock.see(0s, seen::stopped);
    EXPECT_EQ(clock.at(1000h), level::fine);
    EXPECT_EQ(clock.used_up_at(1000h), budget_clock::time::max());
}

TEST(budget_clock, a_hold_puts_the_end_off_but_not_the_count) {
    auto clock = counting();
    clock.see(0s, seen::stopped);
    clock.hold(600s);
    EXPECT_EQ(clock.used_up_at(20s), 600s);
    EXPECT_EQ(clock.at(599s), level::disturbed);
    EXPECT_EQ(clock.held_for(599s), 1s);
    EXPECT_EQ(clock.at(600s), level::used_up);
    EXPECT_EQ(clock.spent(600s), 600s);
    EXPECT_EQ(clock.overdue(600s), 0s) << "the gateway has its time to act, as at the end of a budget";
    EXPECT_EQ(clock.overdue(604s), 4s);
}

TEST(budget_clock, a_hold_ends_when_it_runs) {
    auto clock = counting();
    clock.see(0s, seen::stopped);
    clock.hold(600s);
    clock.see(100s, seen::running);
    EXPECT_FALSE(clock.held(100s));
    clock.see(102s, seen::stopped);
    EXPECT_EQ(clock.at(102s), level::used_up) << "one duty has to be done first";
    EXPECT_LE(clock.overdue(102s), 2s);
    EXPECT_LE(clock.overdue(105s), 5s);
    clock.see(106s, seen::running);
    clock.see(117s, seen::running);
    clock.see(118s, seen::stopped);
    EXPECT_EQ(clock.at(118s), level::fine);
    clock.see(147s, seen::stopped);
    EXPECT_EQ(clock.overdue(147s), 5s) << "what was excused is not the next time";
}

TEST(budget_clock, a_resume_that_nobody_saw_ends_a_hold) {
    auto clock = counting();
    clock.see(0s, seen::stopped);
    clock.hold(600s);
    clock.see(40s, seen::stopped);
    clock.interrupted(40s);
    EXPECT_EQ(clock.at(41s), level::used_up);
}

}  // namespace
}  // namespace launcher
