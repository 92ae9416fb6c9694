#include "launcher/recovery.h"

namespace launcher {

namespace {

using record_state = found_on_disk::record_state;
using held_at = found_on_disk::held_state;
using target_at = found_on_disk::target_state;
using drop_in_at = found_on_disk::drop_in_state;
using manifest_do = recovery_decision::manifest_action;
using drop_in_do = recovery_decision::drop_in_action;
using patch_at = found_on_disk::patch_state;
using patch_do = recovery_decision::patch_action;
using occasion = found_on_disk::occasion;

// What of it is to be believed.
struct view {
    explicit view(const found_on_disk& f)
        : row(f.journal == found_on_disk::journal_state::active && f.step != journal_step::closed),
          // The numbers of another boot's processes may be strangers' by now; a unit's name holds the session's id.
          dlv(f.same_boot && f.dlv_alive),
          debuggee(f.same_boot && f.debuggee_alive),
          guard(f.same_boot && f.guard_alive),
          any(dlv || debuggee || guard || f.unit_active) {}
    bool row, dlv, debuggee, guard, any;
    bool whole() const { return dlv && debuggee; }
};

bool from(const found_on_disk& f, const view& v, journal_step step) { return v.row && f.step >= step; }

// The session goes on: it was up, it is up, and what is out is out as it was left.
bool still_good(const found_on_disk& f, const view& v) {
    if (f.why != occasion::launcher_start || f.deadline_passed) return false;
    if (!v.row || f.step != journal_step::running || !v.whole()) return false;
    if (!takes_away(f.kind)) return true;
    if (f.kind == component_kind::systemd) return f.drop_in != drop_in_at::changed;
    if (f.kind == component_kind::daemon_set) return f.patch == patch_at::ours || f.patch == patch_at::unreachable;
    return f.record == record_state::good && f.held == held_at::as_recorded && f.target == target_at::none &&
           f.same_session && !f.held_by_another;
}

// Root must decide. What still does the component's work is left to do it; what is broken is ended.
recovery_decision left_to_root(const view& v, std::string reason) {
    recovery_decision out;
    out.manifest = manifest_do::hold_and_report;
    out.end_processes = v.any && !v.whole();
    out.restart_guard = v.whole() && !v.guard;
    out.report = true;
    out.reason = std::move(reason);
    return out;
}

recovery_decision restored(const view& v, manifest_do manifest, bool report, std::string reason) {
    recovery_decision out;
    out.end_processes = v.any;
    out.manifest = manifest;
    out.report = report;
    out.close_row = v.row;
    out.reason = std::move(reason);
    return out;
}

recovery_decision nothing_held(const found_on_disk& f, const view& v) {
    const bool there = f.target != target_at::none;
    switch (f.record) {
        case record_state::none:
            if (f.held_by_another)
                return restored(v, manifest_do::none, false, "its manifest is held for another component's session, which puts it back");
            if (!there && from(f, v, journal_step::detaching) && f.step != journal_step::returned)
                return left_to_root(v, "the manifest is neither in its place nor held: it was removed by somebody else");
            return restored(v, manifest_do::none, false,
                            v.row || v.any ? "nothing of it is out: what is left of the session is cleared away"
                                           : "nothing of it is out");
        case record_state::unconfirmed:
            return restored(v, manifest_do::forget_record, !there,
                            there ? "it was about to be taken out, and was not"
                                  : "it was about to be taken out, and somebody else has removed it before");
        case record_state::good:
            if (!there)
                return left_to_root(v, "the manifest is neither in its place nor held any more: it was removed by somebody else");
            return restored(v, manifest_do::forget_record, f.target == target_at::other,
                            f.target == target_at::same ? "the manifest is in its place already"
                                                        : "another manifest is in its place; nothing is held any more");
        case record_state::malformed: break;
    }
    if (!there) return left_to_root(v, "the manifest is neither in its place nor held, and the record of it cannot be read");
    // The component is where it belongs; only the unreadable record needs a person.
    auto out = restored(v, manifest_do::hold_and_report, true,
                        "the manifest is in its place; a record that cannot be read is left for root to look at");
    return out;
}

recovery_decision something_held(const found_on_disk& f, const view& v) {
    if (f.target == target_at::same && f.held == held_at::as_recorded)
        return restored(v, manifest_do::drop_ours, false, "somebody has put the same manifest back already");
    if (f.target != target_at::none && f.why == occasion::root_put_back)
        return restored(v, manifest_do::replace_theirs, true,
                        "root has decided: what is held is put back, and the manifest that was in its place is stored beside");
    if (f.target != target_at::none)
        return restored(v, manifest_do::keep_theirs_report, true,
                        "another manifest is in its place: it is kept, and the one that was held is stored beside");
    if (f.why == occasion::root_put_back)
        return restored(v, manifest_do::put_back, false, "root has decided to put back what is held");
    if (f.held == held_at::other)
        return left_to_root(v, f.record == record_state::none || f.record == record_state::malformed
                                   ? "a manifest is held, and there is no record that says what it is"
                                   : "what is held is not what was taken out: somebody has changed it");
    if (!f.same_node)
        return left_to_root(v, "the node is not the one that it was taken from: nothing old is put back by itself");
    return restored(v, manifest_do::put_back, false, "the manifest is put back");
}

recovery_decision for_static_pod(const found_on_disk& f, const view& v) {
    const bool something = f.held != held_at::none || f.record != record_state::none;
    if (f.why == occasion::root_set_aside && something)
        return restored(v, manifest_do::set_aside, true, "root has decided that what was held is not to come back");
    if (f.why == occasion::root_set_aside && (v.row || v.any))
        return restored(v, manifest_do::none, true, "root has decided that what is there now stays; nothing was held");
    return f.held == held_at::none ? nothing_held(f, v) : something_held(f, v);
}

recovery_decision for_systemd(const found_on_disk& f, const view& v) {
    auto out = restored(v, manifest_do::none, false, "the unit runs as its own files say again");
    const bool stopped = f.unit_stopped || (v.row ? f.step >= journal_step::detaching : v.any);
    // A reboot forgets the drop-in and starts what is to be started; at boot nobody waits for a job ordered after us.
    out.restart_unit = (stopped && f.same_boot) || f.drop_in != drop_in_at::none;
    if (f.drop_in == drop_in_at::ours) out.drop_in = drop_in_do::remove;
    if (f.drop_in == drop_in_at::changed) {
        out.drop_in = drop_in_do::store_and_report;
        out.report = true;
        out.reason = "the drop-in was changed by somebody: it is kept under another name, without effect";
    }
    if (!out.restart_unit && !v.any)
        out.reason = f.unit_stopped ? "it was out in an earlier boot, which has started the unit again" : "nothing of it is out";
    return out;
}

// Nothing was taken away: dlv ends, and with it the session.
recovery_decision for_visitor(const found_on_disk& f, const view& v) {
    const bool session = v.row || v.dlv || v.guard || f.unit_active;
    auto out = restored(v, manifest_do::none, false, session ? "dlv has let go; nothing was taken away" : "dlv is not there");
    out.end_processes = v.dlv || v.guard || f.unit_active;
    if (f.kind != component_kind::attach || v.dlv || !v.debuggee || !v.row) return out;
    // A dlv that was killed has left its breakpoints in the program; before it ran for anybody there were none.
    if (f.step == journal_step::running) {
        out.report = true;
        out.reason = "dlv ended without letting go: breakpoints that were set may still be in the program, which dies at the first "
                     "it comes to. Restart it";
    } else if (f.step >= journal_step::launched && f.step < journal_step::running) {
        out.reason = "dlv has ended before a breakpoint could be set; nothing was taken away";
    }
    return out;
}

recovery_decision for_daemon_set(const found_on_disk& f, const view& v) {
    const bool was_out = v.row ? f.step >= journal_step::detaching && f.step != journal_step::returned : v.any;
    if (f.why == occasion::root_set_aside && f.patch != patch_at::unreachable && (f.patch != patch_at::none || was_out)) {
        auto out = restored(v, manifest_do::none, true, "root has decided that the DaemonSet is left as it is");
        if (f.patch != patch_at::none) out.patch = patch_do::forget;
        return out;
    }
    const auto why = f.trouble.empty() ? std::string() : " (" + f.trouble + ")";
    switch (f.patch) {
        case patch_at::unreachable: {
            if (!was_out)
                return restored(v, manifest_do::none, false,
                                v.row || v.any ? "nothing of it is out: what is left of the session is cleared away"
                                               : "nothing of it is known to be out; the API server cannot be asked" + why);
            // What does the component's work goes on with it: nothing could take its place now.
            auto out = left_to_root(v, "the API server cannot be asked to put it back: it is tried again until it can" + why);
            // Without a row nobody knows whether what runs is whole: it is the only one of this node.
            if (!v.row) out.end_processes = false;
            out.manifest = manifest_do::none;
            out.patch = patch_do::hold_and_report;
            return out;
        }
        case patch_at::ours:
        case patch_at::changed: {
            auto out = restored(v, manifest_do::none, f.patch == patch_at::changed,
                                f.patch == patch_at::ours ? "the DaemonSet is made again what it was"
                                                          : "somebody has changed the DaemonSet meanwhile: what is left of our edits is undone");
            out.patch = patch_do::undo;
            return out;
        }
        case patch_at::none: break;
    }
    const bool undone = v.row && (f.step == journal_step::detached || f.step == journal_step::running);
    return restored(v, manifest_do::none, undone,
                    undone           ? "somebody else has undone our edits of the DaemonSet: its pod returns without us"
                    : v.row || v.any ? "nothing of it is out: what is left of the session is cleared away"
                                     : "nothing of it is out");
}

}  // namespace

recovery_decision decide_recovery(const found_on_disk& found) {
    const view v(found);
    if (still_good(found, v)) {
        recovery_decision out;
        out.leave_running = true;
        out.restart_guard = !v.guard;
        out.report = found.kind == component_kind::static_pod && !found.same_node;
        out.reason = out.report ? "the session goes on, but the node is not the one that its manifest was taken from"
                                : "the session goes on";
        return out;
    }
    switch (found.kind) {
        case component_kind::systemd: return for_systemd(found, v);
        case component_kind::daemon_set: return for_daemon_set(found, v);
        case component_kind::attach:
        case component_kind::core: return for_visitor(found, v);
        case component_kind::static_pod: break;
    }
    return for_static_pod(found, v);
}

}  // namespace launcher
