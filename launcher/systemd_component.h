// The kind `systemd`: a service runs under dlv in its own unit (runtime drop-in), or beside the stopped unit, and comes
// back as it was.
//
// Each step is a call of its own and can be repeated: who calls journals before each. There is no journal in here. The
// order of a start by drop-in: stop_unit, write, reload, start_under_dlv. Of a return: end_debuggee, stop_unit,
// remove, reload, start_unit, check_returned.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "launcher/outcome.h"
#include "launcher/plan.h"
#include "launcher/systemd_manager.h"
#include "launcher/unit_drop_in.h"
#include "launcher/unit_plan.h"

namespace launcher {

// dlv in the unit, and its debuggee.
struct unit_run {
    pid_t dlv = 0;
    std::uint64_t dlv_started = 0;  // clock ticks since boot, field 22 of /proc/PID/stat
    pid_t debuggee = 0;             // 0: dlv has no child that runs the debug binary (yet, or any more)
    std::uint64_t debuggee_started = 0;
    std::string invocation_id;
};

// What a systemd component has on the node now; the decision table reads it.
struct unit_on_disk {
    drop_in_on_disk file;
    bool loaded = false;         // the unit exists
    bool applied = false;        // systemd has our drop-in in memory
    bool needs_reload = false;   // its files are not what systemd has in memory
    std::string active_state;
    pid_t main_pid = 0;
    bool runs_dlv = false;       // its main process is a headless `dlv exec`
    std::string control_group;
};

class systemd_component {
public:
    // `systemd` must live as long as this.
    systemd_component(systemd_manager& systemd, component_definition definition);

    outcome<unit_plan> inspect();
    // "unix:DIRECTORY/dlv-XXXXXX/dlv.sock" in a fresh 0700 directory of the unit's user where dlv can (1.22.1), whose
    // parents that user must be able to pass; else "127.0.0.1:PORT" with a port that was free just now.
    static outcome<std::string> choose_listen(const unit_plan& plan, const std::string& dlv, const std::string& directory);
    outcome<drop_in> prepare(const unit_plan& plan, const drop_in_request& request);

    // Detach, step by step.
    outcome<void> stop_unit();                // and nothing of it runs any more (but for what its KillMode leaves)
    outcome<void> write(const drop_in& made);
    outcome<void> reload(const drop_in& made);  // refuses while strangers' edits wait; checks that ours is effective
    outcome<unit_run> start_under_dlv(const drop_in& made);  // its main process is dlv, and the debuggee is there
    // All of it, stopping at the first failure; put_back() undoes whatever of it was done.
    outcome<unit_run> detach_and_launch(const drop_in& made);

    // Who runs in the unit now; dlv 0: no dlv.
    outcome<unit_run> running();
    outcome<unit_on_disk> state_on_disk();

    // Return, step by step.
    // SIGTERM to the debuggee, which dlv must have let go on, then SIGKILL after `grace`. Fine when it is gone.
    static outcome<void> end_debuggee(const unit_run& run, std::chrono::milliseconds grace);
    outcome<drop_in_removal> remove(const std::string& session, const std::string& hash = {});
    // A return is not held up by strangers' edits: what they come into force with is told.
    outcome<std::vector<finding>> reload_after_removal();
    outcome<void> start_unit();
    // As before: no drop-in of ours, running if it ran. What others changed meanwhile is told, not undone.
    outcome<std::vector<finding>> check_returned(const unit_plan& before);
    // All of it, from whatever state. A changed drop-in is put aside and told; one of another session is the error,
    // and nothing is done then. `was_active` false: the unit stays stopped, as it was found.
    outcome<std::vector<finding>> put_back(const std::string& session, bool was_active);

    const std::string& unit() const { return unit_; }

private:
    systemd_manager& systemd_;
    component_definition definition_;
    std::string unit_;
};

}  // namespace launcher
