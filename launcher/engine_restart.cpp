// onExit restart: what has ended by itself runs again under dlv, and the original stays away.
#include <unistd.h>

#include "launcher/engine_run.h"
#include "launcher/systemd_manager.h"
#include "launcher/waiting.h"

namespace launcher {

namespace {

constexpr std::size_t most_restarts = 5;  // one that always ends is put back
constexpr auto restarts_period = std::chrono::minutes(10);
constexpr auto executed_patience = std::chrono::seconds(60);

}  // namespace

outcome<void> engine::run::start_again(detachment& row) {
    if (!here.plan || here.plan_session != row.id) return definition.name + " was started by an earlier launcher: it is put back";
    const auto at = std::chrono::steady_clock::now();
    std::erase_if(here.restarts, [&](auto each) { return at - each > restarts_period; });
    if (here.restarts.size() >= most_restarts) return definition.name + " has ended " + std::to_string(most_restarts) +
                                                      " times within 10 minutes: it is put back";
    here.restarts.push_back(at);
    say(component_state::starting, definition.name + " has ended by itself, and is started again under dlv");
    auto manager = host();
    if (!manager) return error_text(manager.error());
    const auto plan = here.plan;
    examined_ = here.examined;
    checked_ = examined_.binary;
    const auto deadline = row.deadline;
    const auto files = files_of(of.configuration_, definition.name, row.id);
    (void)(*manager)->stop(guard_unit_of(definition.name));
    (void)(*manager)->forget(guard_unit_of(definition.name));
    kind_ = of.make_(definition, of.configuration_);
    if (!row.drop_in.empty()) {
        auto systemd = systemd_manager::connect(manager_scope::system);
        if (!systemd) return error_text(systemd.error());
        if (auto ended = systemd->stop(row.unit); !ended) return ended;
        if (row.socket.starts_with("unix:")) ::unlink(row.socket.c_str() + 5);
        (void)systemd->reset_failed(row.unit);
        if (auto started = systemd->start(row.unit); !started) return started;
        // Between fork and exec it is still systemd.
        wait_until(executed_patience, [&] {
            const auto unit = systemd->properties(row.unit);
            return !unit || !unit->is_active() || (unit->main_pid > 0 && runs_checked_dlv(mark_process(unit->main_pid)));
        });
        if (auto up = launched_in_its_unit(*plan, row, row.socket); !up) return up;
    } else {
        if (auto ended = end_debuggee_unit(**manager, row.unit, {}, std::chrono::seconds(0)); !ended) return ended;
        remove_session_files(files);
        if (auto made = make_session_files(files, plan->process); !made) return made;
        if (auto up = launch(*plan, row); !up) return up;
    }
    if (auto going = go_on(*plan, row, {}); !going) return going;
    if (!deadline) return {};
    detachment_changes changes;  // a program that ends again and again does not stay away for longer by it
    changes.deadline = deadline;
    return of.advance(row, journal_step::running, changes);
}

}  // namespace launcher
