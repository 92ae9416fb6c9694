#include <gtest/gtest.h>

#include "launcher/recovery.h"

namespace launcher {
namespace {

using occasion = found_on_disk::occasion;

// Every combination of what can be found of a component that was never taken away.
template <class Each>
void all_combinations(Each&& each) {
    for (const auto kind : {component_kind::attach, component_kind::core})
    for (const auto journal : {found_on_disk::journal_state::none, found_on_disk::journal_state::unreadable,
                               found_on_disk::journal_state::active})
    for (int step = 0; step <= static_cast<int>(journal_step::closed); ++step)
    for (const auto why : {occasion::launcher_start, occasion::restore_asked, occasion::root_put_back, occasion::root_set_aside})
    for (int bits = 0; bits < 64; ++bits) {
        found_on_disk f;
        f.kind = kind;
        f.journal = journal;
        f.step = static_cast<journal_step>(step);
        f.why = why;
        f.dlv_alive = (bits & 1) != 0;
        f.debuggee_alive = (bits & 2) != 0;
        f.guard_alive = (bits & 4) != 0;
        f.unit_active = (bits & 8) != 0;
        f.same_boot = (bits & 16) != 0;
        f.deadline_passed = (bits & 32) != 0;
        each(f);
    }
}

TEST(recovery_visitor, nothing_of_the_node_is_touched_and_nothing_of_ours_is_left) {
    all_combinations([](const found_on_disk& f) {
        const auto d = decide_recovery(f);
        const bool row = f.journal == found_on_disk::journal_state::active && f.step != journal_step::closed;
        const bool whole = f.same_boot && f.dlv_alive && f.debuggee_alive;
        EXPECT_EQ(d.manifest, recovery_decision::manifest_action::none);
        EXPECT_EQ(d.drop_in, recovery_decision::drop_in_action::none);
        EXPECT_FALSE(d.restart_unit);
        EXPECT_FALSE(d.reason.empty());
        if (d.leave_running) {
            EXPECT_TRUE(row && whole && f.step == journal_step::running && !f.deadline_passed);
            EXPECT_EQ(f.why, occasion::launcher_start);
            EXPECT_EQ(d.restart_guard, !f.guard_alive);
            return;
        }
        EXPECT_EQ(d.close_row, row);
        // The program alone is no reason to end anything: it is the node's.
        EXPECT_EQ(d.end_processes, f.unit_active || (f.same_boot && (f.dlv_alive || f.guard_alive)));
    });
}

TEST(recovery_visitor, a_dlv_that_was_killed_may_have_left_breakpoints) {
    found_on_disk f;
    f.kind = component_kind::attach;
    f.journal = found_on_disk::journal_state::active;
    f.step = journal_step::running;
    f.why = occasion::restore_asked;
    f.debuggee_alive = true;
    EXPECT_NE(decide_recovery(f).reason.find("may still be in the program"), std::string::npos);
    EXPECT_TRUE(decide_recovery(f).report);
    // Nobody was let to it before.
    f.step = journal_step::detached;
    EXPECT_EQ(decide_recovery(f).reason.find("may still be in the program"), std::string::npos);
    EXPECT_EQ(decide_recovery(f).reason.find("let go"), std::string::npos);
    EXPECT_FALSE(decide_recovery(f).report);
    f.step = journal_step::running;
    f.dlv_alive = true;
    EXPECT_EQ(decide_recovery(f).reason.find("may still be in the program"), std::string::npos);
    f.dlv_alive = false;
    f.step = journal_step::planned;
    EXPECT_EQ(decide_recovery(f).reason.find("may still be in the program"), std::string::npos);
}

}  // namespace
}  // namespace launcher
