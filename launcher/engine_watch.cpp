// What is out is looked after, once a second.
#include "launcher/engine_run.h"

namespace launcher {

namespace {

constexpr std::int64_t retry_interval = 30'000'000'000;  // nanoseconds
constexpr auto watch_interval = std::chrono::seconds(1);
const progress_callback nobody_watches;

}  // namespace

void engine::watch() {
    watch_ = std::thread([this] {
        std::unique_lock lock(watch_lock_);
        while (!watch_wakes_.wait_for(lock, watch_interval, [this] { return ending_; })) {
            lock.unlock();
            look_after();
            lock.lock();
        }
    });
}

void engine::look_after() {
    for (const auto& definition : configuration_.components) look_after(definition);
}

// The debuggee has ended, its people have gone, its guard has died: nobody asks for it, so it is looked for.
void engine::look_after(const component_definition& definition) {
    {
        auto& here = place_of(definition.name);
        const std::unique_lock idle(here.busy, std::try_to_lock);
        if (!idle) return;
    }
    const auto row = row_of(definition.name);
    if (!row || !*row) return;
    const auto& out = **row;
    run one(*this, definition, nobody_watches);
    if (out.step == journal_step::returned) {
        (void)one.bring_back(found_on_disk::occasion::launcher_start, false);
        return;
    }
    // A server that did not answer may do so by now.
    if (out.step == journal_step::failed && definition.kind == component_kind::daemon_set) {
        const auto at = now().boot;
        if (at - one.here.tried < retry_interval) return;
        one.here.tried = at;
        (void)one.bring_back(found_on_disk::occasion::launcher_start, false);
        return;
    }
    if (out.step != journal_step::running) return;
    const bool ended = !still_running(out.debuggee) || !still_running(out.dlv);
    const bool left = out.deadline && passed(*out.deadline, now());
    if (left || (ended && definition.when_exited != component_definition::on_exit::keep))
        (void)one.bring_back(found_on_disk::occasion::restore_asked, false);
    else if (!ended && !still_running(out.guard)) {
        auto copy = out;
        (void)one.renew_guard(copy);
    } else if (!ended && !one.tend(out)) {
        (void)one.bring_back(found_on_disk::occasion::restore_asked, false);
    }
}

}  // namespace launcher
