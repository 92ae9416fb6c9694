#include <gtest/gtest.h>

#include "launcher/recovery.h"

namespace launcher {
namespace {

using patch = found_on_disk::patch_state;
using occasion = found_on_disk::occasion;
using patch_do = recovery_decision::patch_action;

TEST(recovery, DaemonSets) {
    found_on_disk f;
    f.kind = component_kind::daemon_set;
    f.journal = found_on_disk::journal_state::active;
    f.step = journal_step::running;
    f.dlv_alive = f.debuggee_alive = f.guard_alive = f.unit_active = true;
    f.patch = patch::ours;
    EXPECT_TRUE(decide_recovery(f).leave_running);
    f.patch = patch::unreachable;
    EXPECT_TRUE(decide_recovery(f).leave_running);

    f.why = occasion::restore_asked;  // nothing could take its place now
    auto d = decide_recovery(f);
    EXPECT_FALSE(d.end_processes || d.close_row);
    EXPECT_EQ(d.patch, patch_do::hold_and_report);
    f.dlv_alive = false;  // what is broken is ended, and what is out is still to come back
    d = decide_recovery(f);
    EXPECT_TRUE(d.end_processes);
    EXPECT_FALSE(d.close_row);
    f.step = journal_step::guarded;  // before the patch
    d = decide_recovery(f);
    EXPECT_TRUE(d.end_processes && d.close_row);
    EXPECT_EQ(d.patch, patch_do::none);

    f.step = journal_step::running;
    f.patch = patch::ours;
    d = decide_recovery(f);
    EXPECT_TRUE(d.end_processes && d.close_row);
    EXPECT_FALSE(d.report);
    EXPECT_EQ(d.patch, patch_do::undo);
    f.patch = patch::changed;
    EXPECT_TRUE(decide_recovery(f).report);
    f.patch = patch::none;  // GitOps was quicker
    d = decide_recovery(f);
    EXPECT_TRUE(d.end_processes && d.close_row && d.report);

    found_on_disk lost;  // the journal is gone, and the DaemonSet still knows
    lost.kind = component_kind::daemon_set;
    lost.patch = patch::ours;
    EXPECT_EQ(decide_recovery(lost).patch, patch_do::undo);
    lost.why = occasion::root_set_aside;
    EXPECT_EQ(decide_recovery(lost).patch, patch_do::forget);  // or the next start would undo it after all

    found_on_disk dark;  // neither journal nor API server: what runs may be the node's only one
    dark.kind = component_kind::daemon_set;
    dark.patch = patch::unreachable;
    dark.trouble = "connection refused";
    dark.unit_active = true;
    EXPECT_FALSE(decide_recovery(dark).end_processes);
    EXPECT_NE(decide_recovery(dark).reason.find("connection refused"), std::string::npos);
}

}  // namespace
}  // namespace launcher
