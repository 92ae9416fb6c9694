// What to do about a component after a crash, a reboot, a lost gateway, or when somebody asks for a restore: decided from
// what is on the disk and what runs. The journal only says why; its loss makes the answer more careful, never wrong.
//
// Pure: the caller looks (look_at_manifest, still_running, the unit manager), asks, and does what is said in the order of
// the members of recovery_decision.
#pragma once

#include <optional>
#include <string>

#include "launcher/journal.h"

namespace launcher {

struct found_on_disk {
    component_kind kind = component_kind::static_pod;

    enum class journal_state { none, unreadable, active } journal = journal_state::none;
    journal_step step = journal_step::planned;  // of the active row

    // Beside what is held. `unconfirmed`: written before the move, which may not have happened (held_record::taking).
    enum class record_state { none, good, unconfirmed, malformed } record = record_state::none;
    enum class held_state { none, as_recorded, other } held = held_state::none;     // content unlike recorded: other
    enum class target_state { none, same, other } target = target_state::none;      // of what was recorded; else other

    // Processes by pid and time of start; on another boot they are not believed.
    bool dlv_alive = false;
    bool debuggee_alive = false;
    bool guard_alive = false;
    bool unit_active = false;  // the transient unit, by its name

    enum class drop_in_state { none, ours, changed } drop_in = drop_in_state::none;  // systemd only

    // What the DaemonSet says of this node. `changed`: somebody has undone a part of what we had done.
    enum class patch_state { none, ours, changed, unreachable } patch = patch_state::none;  // daemon-set only

    bool same_node = true;  // node_difference() is empty; false when unknown
    bool same_boot = true;  // of journal or record; false when unknown
    bool deadline_passed = false;

    enum class occasion {
        launcher_start,  // or boot: nobody has asked for anything
        restore_asked,   // stop, restore, the deadline, the debuggee's exit
        root_put_back,   // root, by name: ours comes back, whatever the node is and whatever is in its place
        root_set_aside,  // root, by name: it is not to come back, and what is there now stays
    } why = occasion::launcher_start;

    bool same_session = true;      // the record beside what is held is of the journal's session
    bool held_by_another = false;  // this very manifest is held by another component's session: none of ours is
    std::string trouble{};  // why the API server is unreachable
    // systemd: there is a record that says that we have stopped the unit (stopped_unit.h), and nobody has put it back.
    bool unit_stopped = false;
};

struct recovery_decision {
    // All is as it should be: the session goes on, and nothing below is done.
    bool leave_running = false;
    bool restart_guard = false;  // dlv and debuggee are left as they are, and their guard is gone

    // First: end the debuggee, then dlv, then what is left in the unit, and be sure of it.
    bool end_processes = false;

    enum class manifest_action {
        none,
        put_back,            // put_back_manifest, with the journal's hash; with whatever_it_is for root_put_back
        drop_ours,           // the same content is there again: put_back_manifest finds that out too
        keep_theirs_report,  // another file is there: ours is stored beside (put_back_manifest)
        replace_theirs,      // root has decided: theirs is stored beside, and ours put back (over_theirs)
        hold_and_report,     // root must decide: nothing is touched
        forget_record,       // nothing is held: put_back_manifest drops the record, or stores it
        set_aside,           // set_aside_manifest
    } manifest = manifest_action::none;

    enum class drop_in_action {
        none,
        remove,
        store_and_report,  // somebody has changed it: kept under a name that systemd does not read
    } drop_in = drop_in_action::none;

    enum class patch_action {
        none,
        undo,             // what is there of our own edits
        forget,           // only our note of it; root has decided that the rest stays
        hold_and_report,  // the API server does not answer: it is tried again
    } patch = patch_action::none;

    bool restart_unit = false;  // systemd: reload, start the component's own unit if it does not run
    bool report = false;        // a person must see `reason`
    bool close_row = false;     // when all of the above has succeeded, and the component runs again

    std::string reason;  // one line for a person
};

recovery_decision decide_recovery(const found_on_disk& found);

}  // namespace launcher
