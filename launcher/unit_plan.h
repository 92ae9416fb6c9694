// What a systemd service is and what taking it out means: the live process is the truth, and systemd's own data,
// expanded as systemd would, is compared with it. Nothing is changed, nothing of the unit is executed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "launcher/plan.h"
#include "launcher/systemd_manager.h"
#include "launcher/unit_properties.h"

namespace launcher {

enum class unit_way {
    drop_in,  // dlv in the unit's own place
    beside,   // the unit stopped, dlv and debuggee as a transient service with the process's argv and environment
    none,     // refused: `findings` say why
};

struct unit_plan {
    std::string unit;  // canonical name
    unit_properties properties;
    process_plan process;  // argv[0]: the original program. ports: what it listens on now
    std::string program;   // what runs, absolute (/proc/PID/exe without " (deleted)"), or ExecStart's path
    pid_t main_pid = 0;    // 0: it does not run, and `process` is what systemd would start
    bool was_active = false;
    std::optional<int> own_oom_score;  // of its main process; see oom_score.h

    unit_way way = unit_way::none;
    std::string why_beside;             // one line; empty with drop_in
    std::vector<std::string> loosened;  // [Service] lines that a debugger needs in the drop-in, each with a finding
    std::vector<std::string> own_drop_ins;  // drop-ins of the unit without ours, in order
    std::vector<finding> findings;

    // What manifest_hash is made of: the effective command, environment and identity, in one canonical text.
    std::string identity;
};

// Errors are for what cannot be asked at all (no systemd); what speaks against a start is a finding.
outcome<unit_plan> plan_unit(systemd_manager& systemd, const component_definition& definition);

// The unit that a definition means: its `unit`, else NAME.service.
std::string unit_of(const component_definition& definition);

// Canonical text of the effective command, environment sources and identity; drop-ins of ours are not in it.
std::string identity_text(const unit_properties& properties);

}  // namespace launcher
