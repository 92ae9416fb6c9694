#include "launcher/recovery.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

using journal_is = found_on_disk::journal_state;
using record = found_on_disk::record_state;
using held = found_on_disk::held_state;
using target = found_on_disk::target_state;
using drop_in = found_on_disk::drop_in_state;
using patch = found_on_disk::patch_state;
using occasion = found_on_disk::occasion;
using manifest_do = recovery_decision::manifest_action;
using drop_in_do = recovery_decision::drop_in_action;
using patch_do = recovery_decision::patch_action;

std::string words(const found_on_disk& f) {
    const auto n = [](auto e) { return std::to_string(static_cast<int>(e)); };
    return "kind " + n(f.kind) + " journal " + n(f.journal) + " step " + name_of(f.step) + " record " + n(f.record) +
           " held " + n(f.held) + " target " + n(f.target) + " dlv " + n(f.dlv_alive) + " debuggee " +
           n(f.debuggee_alive) + " guard " + n(f.guard_alive) + " unit " + n(f.unit_active) + " drop-in " + n(f.drop_in) +
           " patch " + n(f.patch) +
           " node " + n(f.same_node) + " boot " + n(f.same_boot) + " deadline " + n(f.deadline_passed) + " why " + n(f.why) +
           " stopped " + n(f.unit_stopped);
}

// Every combination there is, of every member.
template <class Each>
void all_combinations(Each&& each) {
    std::vector<std::pair<journal_is, journal_step>> journals{{journal_is::none, journal_step::planned},
                                                              {journal_is::unreadable, journal_step::planned}};
    for (int step = 0; step <= static_cast<int>(journal_step::closed); ++step)
        journals.emplace_back(journal_is::active, static_cast<journal_step>(step));
    found_on_disk f;
    for (const auto kind : {component_kind::static_pod, component_kind::systemd})
    for (const auto& [journal, step] : journals)
    for (const auto rec : {record::none, record::good, record::unconfirmed, record::malformed})
    for (const auto h : {held::none, held::as_recorded, held::other})
    for (const auto t : {target::none, target::same, target::other})
    for (const auto d : {drop_in::none, drop_in::ours, drop_in::changed})
    for (const auto why : {occasion::launcher_start, occasion::restore_asked, occasion::root_put_back, occasion::root_set_aside})
    for (int bits = 0; bits < 128; ++bits) {
        f = {kind, journal, step, rec, h, t, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, d,
             patch::none, (bits & 16) != 0, (bits & 32) != 0, (bits & 64) != 0, why};
        each(f);
        // A unit that a record says we have stopped.
        f.unit_stopped = kind == component_kind::systemd && rec == record::none && h == held::none && t == target::none;
        if (f.unit_stopped) each(f);
    }
    // A DaemonSet leaves nothing on the disk: neither manifest nor drop-in.
    for (const auto& [journal, step] : journals)
    for (const auto p : {patch::none, patch::ours, patch::changed, patch::unreachable})
    for (const auto why : {occasion::launcher_start, occasion::restore_asked, occasion::root_put_back, occasion::root_set_aside})
    for (int bits = 0; bits < 128; ++bits) {
        f = {component_kind::daemon_set, journal, step, record::none, held::none, target::none, (bits & 1) != 0, (bits & 2) != 0,
             (bits & 4) != 0, (bits & 8) != 0, drop_in::none, p, (bits & 16) != 0, (bits & 32) != 0, (bits & 64) != 0, why};
        each(f);
    }
}

bool same(const recovery_decision& a, const recovery_decision& b) {
    return a.leave_running == b.leave_running && a.restart_guard == b.restart_guard && a.end_processes == b.end_processes &&
           a.manifest == b.manifest && a.drop_in == b.drop_in && a.patch == b.patch && a.restart_unit == b.restart_unit && a.report == b.report &&
           a.close_row == b.close_row && a.reason == b.reason;
}

// What must never be, whatever is found. Empty: fine.
std::string broken_rule(const found_on_disk& f, const recovery_decision& d) {
    const bool alive = f.same_boot && (f.dlv_alive || f.debuggee_alive || f.guard_alive);
    const bool whole = f.same_boot && f.dlv_alive && f.debuggee_alive;
    const bool by_root = f.why == occasion::root_put_back || f.why == occasion::root_set_aside;
    const bool pod = f.kind == component_kind::static_pod;
    const bool unit = f.kind == component_kind::systemd;
    const bool set = f.kind == component_kind::daemon_set;
    const bool row = f.journal == journal_is::active && f.step != journal_step::closed;

    if (d.reason.empty() || d.reason.find('\n') != std::string::npos) return "a reason of one line";
    if (d.manifest == manifest_do::put_back && f.target != target::none) return "never put back over what is there";
    if (d.manifest == manifest_do::put_back && f.held == held::none) return "only what is held is put back";
    if (d.manifest == manifest_do::put_back && (alive || f.unit_active) && !d.end_processes)
        return "never put back while the debuggee may live";
    if (d.manifest == manifest_do::put_back && f.why != occasion::root_put_back &&
        (f.held != held::as_recorded || !f.same_node))
        return "by itself only what is surely the same, on the same node";
    if (d.manifest == manifest_do::drop_ours && (f.held != held::as_recorded || f.target != target::same))
        return "ours is dropped only when the same is there";
    if (d.manifest == manifest_do::forget_record && f.held != held::none) return "no record is forgotten while a file is held";
    if (d.manifest == manifest_do::replace_theirs &&
        (f.why != occasion::root_put_back || f.target == target::none || f.held == held::none))
        return "only root puts ours over theirs";
    if (d.manifest == manifest_do::replace_theirs && (alive || f.unit_active) && !d.end_processes)
        return "never put back while the debuggee may live";
    if (pod && f.why == occasion::root_set_aside && !d.leave_running && (row != d.close_row || d.manifest == manifest_do::hold_and_report))
        return "what root has decided is done, whatever is held";
    if (d.manifest == manifest_do::set_aside && f.why != occasion::root_set_aside) return "only root gives up a manifest";
    if (pod && f.held != held::none && f.target == target::other && !by_root &&
        d.manifest != manifest_do::keep_theirs_report)
        return "another manifest in its place is kept, and ours stored";
    if (pod && f.held != held::none && !d.leave_running && d.manifest == manifest_do::none) return "nothing held is left alone";
    if (pod && d.close_row && f.held != held::none && d.manifest == manifest_do::hold_and_report)
        return "the row stays while root must decide about what is held";
    if (pod && !f.same_node && f.held != held::none && f.target == target::none && !by_root && !d.leave_running &&
        d.manifest != manifest_do::hold_and_report)
        return "another node: hold and report";
    if (d.manifest == manifest_do::hold_and_report && !d.report) return "what root must decide is reported";
    if (d.manifest == manifest_do::keep_theirs_report && !d.report) return "what somebody else changed is reported";
    if (d.leave_running &&
        !(whole && row && f.step == journal_step::running && f.why == occasion::launcher_start && !f.deadline_passed))
        return "only a session that is surely up goes on";
    if (d.leave_running && pod && !(f.held == held::as_recorded && f.record == record::good && f.target == target::none))
        return "only what is out as it was left goes on";
    if (d.leave_running && set && f.patch != patch::ours && f.patch != patch::unreachable)
        return "only a node that is out, or may be, goes on";
    if (d.leave_running && (d.end_processes || d.close_row || d.restart_unit || d.manifest != manifest_do::none ||
                            d.drop_in != drop_in_do::none || d.patch != patch_do::none))
        return "a session that goes on is not touched";
    if ((alive || f.unit_active) && !d.end_processes && !d.leave_running &&
        !(whole && (d.manifest == manifest_do::hold_and_report || d.patch == patch_do::hold_and_report)) &&
        !(!row && d.patch == patch_do::hold_and_report))
        return "no process is left over, but one that does the component's work until root decides";
    if (!alive && !f.unit_active && d.end_processes) return "nothing is ended where nothing lives";
    if (d.restart_guard != (whole && !f.guard_alive && !d.end_processes)) return "what goes on has a guard";
    if (d.close_row && !row) return "only a row that is there is closed";
    if (d.drop_in == drop_in_do::remove && f.drop_in != drop_in::ours) return "only our own drop-in is removed";
    if (f.drop_in == drop_in::changed && unit && d.drop_in != drop_in_do::store_and_report)
        return "a changed drop-in is stored";
    if (unit && f.drop_in != drop_in::none && !d.leave_running && !d.restart_unit) return "without its drop-in the unit is started anew";
    if (unit && f.unit_stopped && f.same_boot && !d.leave_running && !d.restart_unit) return "what we have stopped is started again";
    if (f.unit_stopped && d.reason == "nothing of it is out") return "a unit that we have stopped is not taken for nothing";
    if (!unit && (d.restart_unit || d.drop_in != drop_in_do::none)) return "units are none of a pod's business";
    if (!pod && d.manifest != manifest_do::none) return "manifests are none of a unit's business";
    if (!set && d.patch != patch_do::none) return "patches are a DaemonSet's";
    if (d.patch == patch_do::undo && f.patch != patch::ours && f.patch != patch::changed) return "only what is there is undone";
    if (d.patch == patch_do::undo && (alive || f.unit_active) && !d.end_processes) return "never two on one node";
    if (set && (f.patch == patch::ours || f.patch == patch::changed) && !d.leave_running && d.patch != patch_do::undo &&
        f.why != occasion::root_set_aside)
        return "what is out is put back, unless root says otherwise";
    if (d.patch == patch_do::hold_and_report && (f.patch != patch::unreachable || !d.report || d.close_row))
        return "what cannot be asked is asked again";
    if (set && row && f.patch == patch::unreachable && f.step >= journal_step::detaching && f.step != journal_step::returned &&
        d.close_row && f.why != occasion::root_set_aside)
        return "a row stays until the API server has said that nothing is out";
    if (f.patch == patch::changed && !d.report) return "what somebody else changed is reported";
    return {};
}

TEST(recovery, NoCombinationBreaksARule) {
    std::size_t seen = 0, wrong = 0;
    all_combinations([&](const found_on_disk& f) {
        ++seen;
        const auto rule = broken_rule(f, decide_recovery(f));
        if (!rule.empty() && ++wrong < 5) ADD_FAILURE() << rule << ": " << words(f);
    });
    EXPECT_EQ(wrong, 0u);
    EXPECT_EQ(seen, 2u * 12 * 4 * 3 * 3 * 3 * 4 * 128 + 12u * 4 * 4 * 128 + 12u * 3 * 4 * 128);
}

// What is on the disk when it has been done.
found_on_disk carried_out(found_on_disk f, const recovery_decision& d) {
    if (d.end_processes) f.dlv_alive = f.debuggee_alive = f.guard_alive = f.unit_active = false;
    if (d.restart_guard) f.guard_alive = true;
    switch (d.manifest) {
        case manifest_do::put_back:
        case manifest_do::replace_theirs: f.target = target::same; [[fallthrough]];
        case manifest_do::drop_ours:
        case manifest_do::keep_theirs_report:
        case manifest_do::set_aside: f.held = held::none; [[fallthrough]];
        case manifest_do::forget_record: f.record = record::none; break;
        case manifest_do::none:
        case manifest_do::hold_and_report: break;
    }
    if (d.drop_in != drop_in_do::none) f.drop_in = drop_in::none;
    if (d.patch == patch_do::undo) f.patch = patch::none;
    if (!d.leave_running) f.unit_stopped = false;
    if (d.close_row) f.journal = journal_is::none;
    return f;
}

TEST(recovery, DoneOnceThereIsNothingMoreToDo) {
    std::size_t wrong = 0;
    all_combinations([&](const found_on_disk& f) {
        const auto first = decide_recovery(f);
        const auto after = carried_out(f, first);
        const auto second = decide_recovery(after);
        // Root has said it of this DaemonSet, and its record stays: nobody says it twice.
        if (f.kind == component_kind::daemon_set && f.why == occasion::root_set_aside) return;
        // What root must decide is said again; a guard that is back is not started again.
        const bool settled = !second.end_processes && !second.restart_guard && second.drop_in == drop_in_do::none &&
                             second.patch != patch_do::undo &&
                             (second.manifest == manifest_do::none || second.manifest == manifest_do::hold_and_report) &&
                             second.leave_running == first.leave_running;
        const bool back = f.kind != component_kind::static_pod || first.leave_running || after.target != target::none ||
                          first.report || (f.held == held::none && f.record == record::none);
        if (!(settled && back) && ++wrong < 5) ADD_FAILURE() << words(f) << "; first: " << first.reason;
    });
    EXPECT_EQ(wrong, 0u);
}

TEST(recovery, ProcessesOfAnotherBootAreNotBelieved) {
    std::size_t wrong = 0;
    all_combinations([&](const found_on_disk& f) {
        if (f.same_boot) return;
        auto dead = f;
        dead.dlv_alive = dead.debuggee_alive = dead.guard_alive = false;
        if (!same(decide_recovery(f), decide_recovery(dead)) && ++wrong < 5) ADD_FAILURE() << words(f);
    });
    EXPECT_EQ(wrong, 0u);
}

// The journal is the reason, not the truth: without it no manifest is moved that would not be moved with it.
TEST(recovery, WithoutTheJournalNothingIsBolder) {
    std::size_t wrong = 0;
    all_combinations([&](const found_on_disk& f) {
        if (f.journal != journal_is::unreadable) return;
        const auto without = decide_recovery(f);
        auto none = f;
        none.journal = journal_is::none;
        bool fine = same(without, decide_recovery(none)) && !without.leave_running && !without.close_row;
        for (int step = 0; fine && step < static_cast<int>(journal_step::closed); ++step) {
            auto with = f;
            with.journal = journal_is::active;
            with.step = static_cast<journal_step>(step);
            const auto decided = decide_recovery(with);
            fine = decided.manifest == without.manifest || decided.leave_running || f.held == held::none;
        }
        if (!fine && ++wrong < 5) ADD_FAILURE() << words(f);
    });
    EXPECT_EQ(wrong, 0u);
}

found_on_disk up() {  // a pod's session in its best days
    found_on_disk f;
    f.journal = journal_is::active;
    f.step = journal_step::running;
    f.record = record::good;
    f.held = held::as_recorded;
    f.dlv_alive = f.debuggee_alive = f.guard_alive = f.unit_active = true;
    return f;
}

struct named_case {
    const char* name;
    void (*change)(found_on_disk&);
    manifest_do manifest;
    bool ends, closes, reports, goes_on;
};

constexpr named_case cases[] = {
    // name, what is different from a running session, manifest | ends | closes | reports | goes on
    {"the launcher was restarted", [](found_on_disk&) {}, manifest_do::none, false, false, false, true},
    {"the guard was killed too", [](found_on_disk& f) { f.guard_alive = false; }, manifest_do::none, false, false, false, true},
    {"stop or restore was asked for", [](found_on_disk& f) { f.why = occasion::restore_asked; }, manifest_do::put_back, true, true,
     false, false},
    {"the deadline has passed", [](found_on_disk& f) { f.deadline_passed = true; }, manifest_do::put_back, true, true, false, false},
    {"dlv was killed: breakpoints are left in the debuggee", [](found_on_disk& f) { f.dlv_alive = false; }, manifest_do::put_back,
     true, true, false, false},
    {"the debuggee has exited", [](found_on_disk& f) { f.debuggee_alive = false; }, manifest_do::put_back, true, true, false, false},
    {"a reboot, and the numbers are strangers'", [](found_on_disk& f) { f.same_boot = f.unit_active = false; }, manifest_do::put_back,
     false, true, false, false},
    {"killed while detaching, after the move", [](found_on_disk& f) { f.step = journal_step::detaching; }, manifest_do::put_back,
     true, true, false, false},
    {"killed while detaching, before the move",
     [](found_on_disk& f) {
         f.step = journal_step::detaching;
         f.record = record::unconfirmed;
         f.held = held::none;
         f.target = target::same;
     },
     manifest_do::forget_record, true, true, false, false},
    {"killed after dlv was launched",
     [](found_on_disk& f) {
         f.step = journal_step::launched;
         f.record = record::none;
         f.held = held::none;
         f.target = target::other;
     },
     manifest_do::none, true, true, false, false},
    {"killed while returning, after the move",
     [](found_on_disk& f) {
         f.step = journal_step::returning;
         f.dlv_alive = f.debuggee_alive = f.guard_alive = f.unit_active = false;
         f.held = held::none;
         f.target = target::same;
     },
     manifest_do::forget_record, false, true, false, false},
    {"the journal is lost", [](found_on_disk& f) { f.journal = journal_is::unreadable; }, manifest_do::put_back, true, false, false,
     false},
    {"the record is lost, the journal knows the hash", [](found_on_disk& f) { f.record = record::none; }, manifest_do::put_back,
     true, true, false, false},
    {"journal and record are lost",
     [](found_on_disk& f) {
         f.journal = journal_is::none;
         f.record = record::none;
         f.held = held::other;
         f.same_boot = f.same_node = f.unit_active = false;
     },
     manifest_do::hold_and_report, false, false, true, false},
    {"somebody put the same manifest back", [](found_on_disk& f) { f.target = target::same; }, manifest_do::drop_ours, true, true,
     false, false},
    {"kubeadm wrote a new manifest", [](found_on_disk& f) { f.target = target::other; }, manifest_do::keep_theirs_report, true, true,
     true, false},
    {"what is held was edited",
     [](found_on_disk& f) {
         f.held = held::other;
         f.dlv_alive = f.debuggee_alive = f.guard_alive = f.unit_active = false;
     },
     manifest_do::hold_and_report, false, false, true, false},
    {"kubeadm reset and a join, then a boot",
     [](found_on_disk& f) { f.same_node = f.same_boot = f.unit_active = false; }, manifest_do::hold_and_report, false, false, true,
     false},
    {"the kubelet was upgraded while it runs", [](found_on_disk& f) { f.same_node = false; }, manifest_do::none, false, false, true,
     true},
    {"the same, and a stop was asked for: it is left to work until root decides",
     [](found_on_disk& f) {
         f.same_node = false;
         f.why = occasion::restore_asked;
     },
     manifest_do::hold_and_report, false, false, true, false},
    {"another node, and root has decided to put back",
     [](found_on_disk& f) {
         f.same_node = false;
         f.why = occasion::root_put_back;
     },
     manifest_do::put_back, true, true, false, false},
    {"another node, and root has decided to give it up",
     [](found_on_disk& f) {
         f.same_node = false;
         f.why = occasion::root_set_aside;
     },
     manifest_do::set_aside, true, true, true, false},
    {"root says put back, and another manifest is there",
     [](found_on_disk& f) {
         f.target = target::other;
         f.why = occasion::root_put_back;
     },
     manifest_do::replace_theirs, true, true, true, false},
    {"root says keep what is there, and nothing is held",
     [](found_on_disk& f) {
         f.record = record::none;
         f.held = held::none;
         f.step = journal_step::failed;
         f.dlv_alive = f.debuggee_alive = f.guard_alive = f.unit_active = false;
         f.why = occasion::root_set_aside;
     },
     manifest_do::none, false, true, true, false},
    {"root says keep what is there, and only a record is left that cannot be read",
     [](found_on_disk& f) {
         f.record = record::malformed;
         f.held = held::none;
         f.target = target::other;
         f.why = occasion::root_set_aside;
     },
     manifest_do::set_aside, true, true, true, false},
    {"the record beside what is held is of another session of the component: the disk is the truth",
     [](found_on_disk& f) { f.same_session = false; }, manifest_do::put_back, true, true, false, false},
    {"another component's session holds the manifest",
     [](found_on_disk& f) {
         f.step = journal_step::detaching;
         f.same_session = false;
         f.held_by_another = true;
         f.record = record::none;
         f.held = held::none;
     },
     manifest_do::none, true, true, false, false},
};

TEST(recovery, NamedCases) {
    for (const auto& one : cases) {
        auto f = up();
        one.change(f);
        const auto d = decide_recovery(f);
        SCOPED_TRACE(std::string(one.name) + ": " + d.reason);
        EXPECT_EQ(d.manifest, one.manifest);
        EXPECT_EQ(d.end_processes, one.ends);
        EXPECT_EQ(d.close_row, one.closes);
        EXPECT_EQ(d.report, one.reports);
        EXPECT_EQ(d.leave_running, one.goes_on);
    }
}

}  // namespace
}  // namespace launcher
