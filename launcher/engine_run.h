// One verb of the engine on one component: the steps of a start, and the way back from any of them.
#pragma once

#include <string>

#include "launcher/engine.h"

namespace launcher {

struct engine::run {
    engine& of;
    const component_definition& definition;
    place& here;
    const progress_callback& progress;
    std::unique_lock<std::mutex> busy;

    run(engine& e, const component_definition& d, const progress_callback& p);
    run(engine& e, const component_definition& d, const progress_callback& p, std::unique_lock<std::mutex> taken);
    ~run();

    void say(component_state state, const std::string& text);

    outcome<component_status> start(const lifecycle_request& request);
    // Whatever nobody asks for: it has ended, its people have gone, its guard has died, a return did not succeed.
    outcome<void> look_after(detachment& row);
    // Puts back what is out, by what is found now. The text says what was done.
    outcome<std::string> bring_back(found_on_disk::occasion why, bool wait_until_it_runs);
    bool touched() const { return touched_; }  // bring_back had something to do
    bool undecided() const { return undecided_; }      // ... and root must decide what
    bool theirs_kept() const { return theirs_kept_; }  // what is there now is somebody else's, and root has not said so
    // It has ended by itself, and is to run on: the same plan once more, in the same session. The error: it is to go back.
    outcome<void> start_again(detachment& row);
    // dlv's guard is gone and dlv is not.
    outcome<void> renew_guard(detachment& row);

private:
    outcome<void> take_place(component_plan& plan, detachment& row, const lifecycle_request& request);
    outcome<void> launch(const component_plan& plan, detachment& row);
    outcome<void> launched_in_its_unit(const component_plan& plan, detachment& row, const std::string& listen);
    outcome<void> go_on(const component_plan& plan, detachment& row, const lifecycle_request& request);
    // Empty, or why an answer of the health endpoint is not the program's.
    std::string stranger_at_health(const health_check& where, const detachment& row);
    outcome<found_on_disk> look(const std::optional<detachment>& row, detacher& kind, found_on_disk::occasion why);
    outcome<void> end_processes(const std::optional<detachment>& row, const found_on_disk& found);
    outcome<std::string> leave_to_root(const std::optional<detachment>& row, const recovery_decision& decision);
    outcome<std::string> settle(const std::optional<detachment>& row, std::string words, bool wait_until_it_runs);
    outcome<std::string> close(const std::optional<detachment>& row, std::string words);
    outcome<void> end_by_journal(const std::optional<detachment>& row, const found_on_disk& found);
    outcome<void> runs_checked_dlv(const process_mark& dlv) const;
    outcome<void> forbid_together(const lifecycle_request& request);
    outcome<void> watch_leaders(const detachment& row);  // the error: it cannot stay out
    outcome<service_host*> host();

    std::unique_ptr<service_host> host_;
    std::unique_ptr<detacher> kind_;
    std::optional<file_identity> checked_;
    examined_files examined_;  // what the plan has looked at
    bool touched_ = false, undecided_ = false, theirs_kept_ = false;
};

}  // namespace launcher
