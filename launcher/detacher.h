// One kind's way of taking a component away and of bringing it back. The engine journals before each call, and calls in
// the order: inspect, take_out, gone until it is; later put_back, runs_again until it does.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "launcher/guarded_path.h"
#include "launcher/journal.h"
#include "launcher/launcher_config.h"
#include "launcher/lifecycle_request.h"
#include "launcher/outcome.h"
#include "launcher/plan.h"
#include "launcher/recovery.h"

namespace launcher {

// What has been brought up to take the component's place, and for whom.
struct stand_in {
    std::string session;
    std::string by;
    std::string unit;   // transient, of dlv and debuggee; empty: the component's own
    process_mark dlv;   // none yet where the detach itself starts dlv
    std::string listen;  // as dlv takes it; where the detach itself starts dlv
    bool stop_on_entry = false;
};

struct put_back_summary {
    bool theirs_kept = false;          // what is there now is not what was taken away
    std::vector<std::string> remarks;  // one line each
};

// The very files that a plan has looked at: what is executed later must be these.
struct examined_files {
    std::optional<file_identity> dlv, binary;
};

class detacher {
public:
    virtual ~detacher() = default;

    const examined_files& examined() const { return examined_; }  // by the last inspect

    // Nothing is changed. Refusals that `forces` names are warnings instead.
    virtual outcome<component_plan> inspect(const lifecycle_request& request) = 0;

    // What the journal is to say of it from the first step on.
    virtual detachment_changes known(const component_plan&) const { return {}; }
    // True: dlv is started by take_out, in the component's own unit, and not before it.
    virtual bool starts_dlv_itself(const component_plan&) const { return false; }
    // What the kubelet would have made before the program starts: volumes' directories and files.
    virtual outcome<void> prepare(const component_plan&) { return {}; }
    // What the journal must hold before take_out, so that it can be undone from whatever point.
    virtual outcome<detachment_changes> intend(const component_plan& plan, const stand_in& who) = 0;
    virtual outcome<void> take_out(const component_plan& plan, const stand_in& who) = 0;
    // Empty: nothing of the component runs any more. Else what is still there, for people.
    virtual outcome<std::string> remains(const component_plan& plan) = 0;

    // Where dlv has not started the program itself (attach, core): the process that the session is about, now that dlv
    // has it. The error: dlv does not have the one that was checked.
    virtual outcome<process_mark> held_by(const component_plan&, const process_mark& dlv) { return dlv; }

    // What it left on the disk, for the decision; only the members that this kind knows are set.
    virtual outcome<void> look(const std::optional<detachment>& row, found_on_disk& found) = 0;
    virtual outcome<put_back_summary> put_back(const std::optional<detachment>& row, const recovery_decision& decision) = 0;
    // Asked about once a second while it is out: what has to be kept fresh. The error is that it cannot stay out.
    virtual outcome<void> tend(const detachment&) { return {}; }
    // Empty: it runs as before. Else what is missing.
    virtual outcome<std::string> missing(const std::optional<detachment>& row) = 0;
    // Why it may take so long.
    virtual std::string patience_hint() const { return {}; }

protected:
    examined_files examined_;
};

std::unique_ptr<detacher> make_static_pod(const component_definition& definition, const launcher_config& configuration);
std::unique_ptr<detacher> make_daemon_set(const component_definition& definition, const launcher_config& configuration);
std::unique_ptr<detacher> make_systemd_service(const component_definition& definition,
                                               const launcher_config& configuration);
std::unique_ptr<detacher> make_attached(const component_definition& definition);
std::unique_ptr<detacher> make_core_dump(const component_definition& definition);

// dlv is run as root, to be asked its version already: nobody else may be able to change it.
outcome<void> check_dlv(const component_definition& definition, examined_files& seen);
// What the debug binary and dlv add to a plan: the binary, its fitness, dlv's memory. `original` is the program that it
// replaces. check_dlv is done first.
outcome<void> plan_binary(component_plan& plan, const std::string& original, const std::string& running_version,
                          const lifecycle_request& request, examined_files& seen);
// The budget, from the component's arguments and the node's.
void plan_budget(component_plan& plan, const std::string& program);

}  // namespace launcher
