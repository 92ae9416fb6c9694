// A unit that is out, in its own place or beside it. Every combination is in recovery_test.cpp.
#include "launcher/recovery.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

using occasion = found_on_disk::occasion;
using drop_in = found_on_disk::drop_in_state;
using drop_in_do = recovery_decision::drop_in_action;

TEST(recovery_unit, TakenOut) {
    found_on_disk f;
    f.kind = component_kind::systemd;
    f.journal = found_on_disk::journal_state::active;
    f.step = journal_step::running;
    f.dlv_alive = f.debuggee_alive = f.guard_alive = f.unit_active = true;
    f.drop_in = drop_in::ours;
    EXPECT_TRUE(decide_recovery(f).leave_running);
    f.why = occasion::restore_asked;
    auto d = decide_recovery(f);
    EXPECT_TRUE(d.end_processes && d.restart_unit && d.close_row);
    EXPECT_EQ(d.drop_in, drop_in_do::remove);
    f.drop_in = drop_in::changed;
    d = decide_recovery(f);
    EXPECT_TRUE(d.restart_unit && d.report);
    EXPECT_EQ(d.drop_in, drop_in_do::store_and_report);
    f.drop_in = drop_in::none;  // beside the stopped unit
    EXPECT_TRUE(decide_recovery(f).restart_unit);
    f.step = journal_step::guarded;  // its own unit was not touched yet
    d = decide_recovery(f);
    EXPECT_TRUE(d.end_processes && d.close_row);
    EXPECT_FALSE(d.restart_unit);
}

// The journal is gone, and so is everything that ran beside the unit.
TEST(recovery_unit, AStoppedUnitIsStartedByItsRecordAlone) {
    found_on_disk f;
    f.kind = component_kind::systemd;
    f.why = occasion::restore_asked;
    EXPECT_EQ(decide_recovery(f).reason, "nothing of it is out");
    f.unit_stopped = true;
    EXPECT_TRUE(decide_recovery(f).restart_unit);
    f.same_boot = false;
    EXPECT_FALSE(decide_recovery(f).restart_unit) << "the boot has started it, or nobody wants it";
    f.journal = found_on_disk::journal_state::active;
    f.step = journal_step::detaching;
    f.same_boot = true;
    EXPECT_TRUE(decide_recovery(f).restart_unit);
}

}  // namespace
}  // namespace launcher
