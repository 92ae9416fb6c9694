// What is out is looked after, once a second: it has ended, its people have gone, its guard has died, a return did not
// succeed, somebody has put it back beside us. Nobody asks for it, so it is looked for.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "launcher/dlv_process.h"
#include "launcher/engine_run.h"

namespace launcher {

namespace {

constexpr auto watch_interval = std::chrono::seconds(1);
constexpr auto returned_interval = std::chrono::seconds(3);
constexpr auto unasked_interval = std::chrono::seconds(30);
constexpr unsigned guard_tries = 3;
const progress_callback nobody_watches;

// dlv's and the debuggee's output is cut to nothing when it has grown too long, as that of kind exec is. They append, so
// that the next line is the first.
void keep_output_short(const session_files& files) {
    for (const auto& path : {files.output, files.output + ".guard"}) {
        struct stat info {};
        const unique_fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC));
        if (!fd || ::fstat(fd.get(), &info) != 0 || info.st_size < static_cast<off_t>(dlv_process::output_cap)) continue;
        constexpr std::string_view said = "[delvegate: this file had grown to its limit and was cut]\n";
        if (::ftruncate(fd.get(), 0) == 0) [[maybe_unused]] const auto n = ::write(fd.get(), said.data(), said.size());
    }
}

}  // namespace

void engine::watch() {
    watch_ = std::thread([this] {
        std::unique_lock lock(watch_lock_);
        while (!watch_wakes_.wait_for(lock, watch_interval, [this] { return ending_; })) {
            lock.unlock();
            try {
                look_after();
                prune();
                tell_node();
            } catch (const std::exception&) {
                // Again in a second: what is out must not be left alone.
            }
            lock.lock();
        }
    });
}

// A return takes as long as the program's grace, a hung one's or an API server's answer: nobody else waits with it. One
// component has one look at a time.
void engine::look_after() {
    for (const auto& definition : known()) {
        auto& look = looks_[definition.name];
        if (look.valid() && look.wait_for(std::chrono::seconds(0)) != std::future_status::ready) continue;
        look = std::async(std::launch::async, [this, definition] { look_after_safely(definition); });
    }
}

// The others are looked after all the same, and this one is again in a while.
void engine::look_after_safely(const component_definition& definition) {
    try {
        look_after(definition);
    } catch (const std::exception& error) {
        auto& here = place_of(definition.name);
        const std::lock_guard lock(places_lock_);
        here.not_before = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        here.note = std::string("something failed within: ") + error.what();
    }
}

void engine::look_after(const component_definition& definition) {
    auto& here = place_of(definition.name);
    std::unique_lock busy(here.busy, std::try_to_lock);
    if (!busy || std::chrono::steady_clock::now() < here.not_before) return;
    auto row = row_of(definition.name);
    if (!row || (!*row && !here.unasked)) return;
    run one(*this, definition, nobody_watches, std::move(busy));
    if (!*row) {
        (void)one.bring_back(found_on_disk::occasion::launcher_start, false);
        here.not_before = std::chrono::steady_clock::now() + unasked_interval;
        return;
    }
    if (one.look_after(**row)) {
        here.failures = 0;
        // It has to start, which takes its time; each look costs programs that are run.
        if ((*row)->step == journal_step::returned) here.not_before = std::chrono::steady_clock::now() + returned_interval;
        return;
    }
    here.failures = std::min(here.failures + 1, 6u);
    here.not_before = std::chrono::steady_clock::now() + std::chrono::seconds(1u << here.failures);
}

outcome<void> engine::run::look_after(detachment& row) {
    using occasion = found_on_disk::occasion;
    const auto back = [&](occasion why) {
        auto done = bring_back(why, false);
        return done ? outcome<void>() : outcome<void>(done.error());
    };
    keep_output_short(files_of(of.configuration_, definition.name, row.id));
    // Root must decide; until then only what still lives is looked after.
    if (row.step == journal_step::failed && row.kind != component_kind::daemon_set && !still_running(row.dlv)) return {};
    // An API server that did not answer may do so by now.
    if (row.step == journal_step::failed && row.kind == component_kind::daemon_set) return back(occasion::restore_asked);
    if (row.step != journal_step::running && row.step != journal_step::failed) return back(occasion::restore_asked);
    const bool ended = !still_running(row.debuggee) || !still_running(row.dlv);
    const bool left = row.deadline && passed(*row.deadline, now());
    using on_exit = component_definition::on_exit;
    if (row.step == journal_step::running && ended && !left && definition.when_exited == on_exit::restart) {
        auto again = start_again(row);
        if (again) return again;
        say(component_state::stopping, again.error());
        return back(occasion::restore_asked);
    }
    if (row.step == journal_step::running &&
        (left || (ended && definition.when_exited != on_exit::keep)))
        return back(occasion::restore_asked);
    if (!ended && !still_running(row.guard)) {
        auto renewed = renew_guard(row);
        // Without a guard nobody keeps the stop budget.
        return renewed || here.failures < guard_tries ? renewed : back(occasion::restore_asked);
    }
    // Not before it has a guard; one that does not answer is told in a second.
    if (!ended) (void)of.tell_ceiling(row, false);
    if (row.step != journal_step::running || ended) return {};
    kind_ = of.make_(definition, of.configuration_);
    auto kept = kind_->tend(row);
    if (kept) kept = watch_leaders(row);
    if (!kept) {
        say(component_state::stopping, kept.error());
        return back(occasion::restore_asked);
    }
    if (row.kind != component_kind::static_pod && row.kind != component_kind::systemd) return {};
    auto found = look(row, *kind_, occasion::restore_asked);
    if (!found) return found.error();
    const bool back_already = row.kind == component_kind::static_pod
                                  ? found->target != found_on_disk::target_state::none
                                  : !row.drop_in.empty() && found->drop_in != found_on_disk::drop_in_state::ours;
    if (!back_already) return {};
    say(component_state::stopping, "somebody has put " + definition.name + " back meanwhile: it would run twice");
    return back(occasion::restore_asked);
}

}  // namespace launcher
