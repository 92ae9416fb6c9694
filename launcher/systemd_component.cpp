#include "launcher/systemd_component.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "launcher/dlv_version.h"
#include "launcher/failed.h"
#include "launcher/fd.h"
#include "launcher/main_process.h"
#include "launcher/process_tree.h"

namespace launcher {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto under_dlv_deadline = std::chrono::seconds(60);
constexpr auto not_executed_yet_deadline = std::chrono::seconds(10);
constexpr auto look_again = milliseconds(20);
constexpr std::size_t longest_socket_path = 107;

std::string errno_words() { return std::strerror(errno); }

bool same_file(const std::string& one, const std::string& other) {
    struct stat a {}, b {};
    return ::stat(one.c_str(), &a) == 0 && ::stat(other.c_str(), &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// A headless `dlv exec`, as make_drop_in() writes it.
bool is_our_dlv(const std::vector<std::string>& argv) {
    return argv.size() > 3 && argv[1] == "exec" && std::find(argv.begin(), argv.end(), "--headless") != argv.end();
}

bool is_still_systemd(const std::string& executable) {
    const auto name = executable.substr(executable.rfind('/') + 1);
    return name == "systemd" || name == "systemd-executor";
}

outcome<std::uint16_t> free_port() {
    const unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (!fd || ::bind(fd.get(), generic, size) != 0 || ::getsockname(fd.get(), generic, &size) != 0)
        return "no port for dlv is free on 127.0.0.1: " + errno_words();
    return ntohs(address.sin_port);
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

}  // namespace

systemd_component::systemd_component(systemd_manager& systemd, component_definition definition)
    : systemd_(systemd), definition_(std::move(definition)), unit_(unit_of(definition_)) {}

outcome<unit_plan> systemd_component::inspect() { return plan_unit(systemd_, definition_); }

outcome<std::string> systemd_component::choose_listen(const unit_plan& plan, const std::string& dlv,
                                                      const std::string& directory) {
    const auto version = version_of(dlv);
    if (!version) return failed<std::string>(version.error());
    if (*version < first_with_unix_sockets) {
        const auto port = free_port();
        if (!port) return failed<std::string>(port.error());
        return outcome<std::string>(boost::system::in_place_value, "127.0.0.1:" + std::to_string(*port));
    }
    auto fresh = directory + "/dlv-XXXXXX";
    if (::mkdtemp(fresh.data()) == nullptr)
        return failed<std::string>("no directory for dlv's socket could be made in " + directory + ": " + errno_words());
    const auto socket = fresh + "/dlv.sock";
    std::string fault;
    if (socket.size() > longest_socket_path)
        fault = socket + " is longer than the 107 bytes a Unix socket's path may have: use a shorter runtime directory";
    else if (::chown(fresh.c_str(), plan.process.uid, plan.process.gid) != 0)
        fault = fresh + " could not be given to the unit's user: " + errno_words();
    if (!fault.empty()) {
        ::rmdir(fresh.c_str());
        return failed<std::string>(fault);
    }
    return outcome<std::string>(boost::system::in_place_value, "unix:" + socket);
}

outcome<drop_in> systemd_component::prepare(const unit_plan& plan, const drop_in_request& request) {
    return make_drop_in(plan, request, systemd_.runtime_unit_directory());
}

outcome<void> systemd_component::stop_unit() {
    const auto before = systemd_.properties(unit_);
    if (!before) return before.error();
    auto patience = systemd_manager::default_deadline;
    if (before->timeout_stop_usec != no_limit)
        // SIGTERM's time, SIGKILL's, and a hook's.
        patience += milliseconds(3 * before->timeout_stop_usec / 1000);
    if (auto fine = systemd_.stop(unit_, patience); !fine) return fine;
    const auto after = systemd_.properties(unit_);
    if (!after) return after.error();
    if (!after->is_down())
        return unit_ + " is " + after->active_state + " although it was just stopped: something starts it again; look at systemctl "
               "status " + unit_;
    if (before->kill_mode != "control-group" && before->kill_mode != "mixed") return {};
    const auto left = systemd_.unit_processes(unit_);
    if (!left) return left.error();
    if (!left->empty())
        return unit_ + " is stopped, but process " + std::to_string(left->front()) + " of it still runs: end it and try again";
    return {};
}

outcome<void> systemd_component::write(const drop_in& made) { return write_drop_in(made); }

outcome<void> systemd_component::reload(const drop_in& made) {
    auto edited = systemd_.units_needing_reload();
    if (!edited) return edited.error();
    std::erase(*edited, unit_);
    if (!edited->empty())
        return "units were edited and systemd has not read them yet (" + joined(*edited) +
               "): look at them, then systemctl daemon-reload, and start again";
    if (auto fine = systemd_.reload(); !fine) return fine;
    return check_effective(systemd_, made);
}

outcome<unit_run> systemd_component::running() {
    const auto unit = systemd_.properties(unit_);
    if (!unit) return failed<unit_run>(unit.error());
    unit_run run;
    run.invocation_id = unit->invocation_id;
    if (unit->main_pid <= 0) return run;
    auto main = read_main_process(unit->main_pid);
    // Between fork and exec it is still systemd, and must not be taken for a program that is not dlv.
    const auto end = steady_clock::now() + not_executed_yet_deadline;
    while (main && is_still_systemd(main->executable) && steady_clock::now() < end) {
        std::this_thread::sleep_for(look_again);
        main = read_main_process(unit->main_pid);
    }
    if (!main || !is_our_dlv(main->argv)) return run;  // it may just have ended, or not have become dlv yet
    run.dlv = main->pid;
    run.dlv_started = main->started;
    const auto members = systemd_.unit_processes(unit_);
    if (!members) return failed<unit_run>(members.error());
    for (const auto pid : *members) {
        process_stat stat;
        if (!read_stat(pid, stat) || stat.parent != run.dlv) continue;
        const auto started = start_time_of(pid);
        // By the file: the path may have got another one meanwhile, and dlv's child is still dlv before it executes.
        if (started == 0 || same_file("/proc/" + std::to_string(pid) + "/exe", "/proc/" + std::to_string(run.dlv) + "/exe"))
            continue;
        run.debuggee = pid;
        run.debuggee_started = started;
    }
    return run;
}

outcome<unit_run> systemd_component::start_under_dlv(const drop_in& made) {
    // An earlier failure of the unit must not count against this start.
    if (auto fine = systemd_.reset_failed(unit_); !fine) return failed<unit_run>(fine.error());
    if (auto fine = systemd_.start(unit_); !fine) return failed<unit_run>(fine.error());
    const auto end = steady_clock::now() + under_dlv_deadline;
    for (;;) {
        const auto run = running();
        if (!run) return run;
        if (run->dlv != 0 && run->debuggee != 0) return run;
        const auto unit = systemd_.properties(unit_);
        if (!unit) return failed<unit_run>(unit.error());
        if (unit->is_down())
            return failed<unit_run>(unit_ + " ended as soon as it was started under " + made.command[0] + " (" + unit->result +
                                    "); journalctl -u " + unit_ + " has dlv's words");
        if (steady_clock::now() > end)
            return failed<unit_run>(unit_ + " was started, but " +
                                    (run->dlv == 0 ? "its main process is not dlv: something else has started it"
                                                   : "dlv did not start the debug binary within 60 s") +
                                    "; journalctl -u " + unit_ + " says more");
        std::this_thread::sleep_for(look_again);
    }
}

outcome<unit_run> systemd_component::detach_and_launch(const drop_in& made) {
    if (auto fine = stop_unit(); !fine) return failed<unit_run>(fine.error());
    if (auto fine = write(made); !fine) return failed<unit_run>(fine.error());
    if (auto fine = reload(made); !fine) return failed<unit_run>(fine.error());
    return start_under_dlv(made);
}

outcome<unit_on_disk> systemd_component::state_on_disk() {
    unit_on_disk found;
    found.file = find_drop_in(unit_, systemd_.runtime_unit_directory());
    const auto unit = systemd_.properties(unit_);
    if (!unit) return failed<unit_on_disk>(unit.error());
    found.loaded = unit->load_state == "loaded";
    const auto& paths = unit->drop_in_paths;
    found.applied = std::find(paths.begin(), paths.end(), found.file.path) != paths.end();
    found.needs_reload = unit->need_daemon_reload || found.applied != (found.file.state != drop_in_found::none);
    found.active_state = unit->active_state;
    found.main_pid = unit->main_pid;
    found.control_group = unit->control_group;
    const auto run = running();
    if (!run) return failed<unit_on_disk>(run.error());
    found.runs_dlv = run->dlv != 0;
    return found;
}

outcome<void> systemd_component::end_debuggee(const unit_run& run, milliseconds grace) {
    if (run.debuggee <= 0) return {};
    const unique_fd process(static_cast<int>(::syscall(SYS_pidfd_open, run.debuggee, 0)));
    if (!process) {
        if (errno == ESRCH) return {};
        return "process " + std::to_string(run.debuggee) + " cannot be watched: " + errno_words();
    }
    // The descriptor names one process for good; that it is the right one is seen after it was opened.
    if (start_time_of(run.debuggee) != run.debuggee_started) return {};
    const auto ended = [&](milliseconds patience) {
        const auto end = steady_clock::now() + patience;
        for (;;) {
            const auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
            pollfd watched{process.get(), POLLIN, 0};
            const int r = ::poll(&watched, 1, static_cast<int>(std::max<milliseconds::rep>(left.count(), 0)));
            if (r > 0) return true;
            if (r == 0 || errno != EINTR) return false;
        }
    };
    const auto send = [&](int signal) { return ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) == 0; };
    if (!send(SIGTERM) && errno != ESRCH)
        return "process " + std::to_string(run.debuggee) + " could not be told to end: " + errno_words();
    if (ended(grace)) return {};
    send(SIGKILL);
    if (ended(std::chrono::seconds(10))) return {};
    return "process " + std::to_string(run.debuggee) + " does not end, not even by SIGKILL: it waits in the kernel, see ps -o "
           "wchan " + std::to_string(run.debuggee);
}

outcome<drop_in_removal> systemd_component::remove(const std::string& session, const std::string& hash) {
    return remove_drop_in(unit_, systemd_.runtime_unit_directory(), session, hash);
}

outcome<std::vector<finding>> systemd_component::reload_after_removal() {
    std::vector<finding> told;
    auto edited = systemd_.units_needing_reload();
    if (!edited) return edited.error();
    std::erase(*edited, unit_);
    if (!edited->empty())
        told.push_back({severity::warning, "edits of other units came into force with the daemon-reload: " + joined(*edited),
                        "systemctl cat " + joined(*edited)});
    if (auto fine = systemd_.reload(); !fine) return fine.error();
    return told;
}

outcome<void> systemd_component::start_unit() {
    if (auto fine = systemd_.reset_failed(unit_); !fine) return fine;
    return systemd_.start(unit_);
}

outcome<std::vector<finding>> systemd_component::check_returned(const unit_plan& before) {
    const auto unit = systemd_.properties(unit_);
    if (!unit) return unit.error();
    const auto state = state_on_disk();
    if (!state) return state.error();
    if (state->file.state != drop_in_found::none || state->applied)
        return state->file.path + " is still there or still in force: delvegate restore " + definition_.name;
    if (state->runs_dlv) return unit_ + " still runs under dlv: delvegate restore " + definition_.name;
    if (before.was_active && !unit->is_active())
        return unit_ + " ran before and is " + unit->active_state + " now (" + unit->result + "): systemctl status " + unit_;
    std::vector<finding> told;
    std::vector<std::string> added, removed;
    const auto &then = before.own_drop_ins, &now = unit->drop_in_paths;
    std::set_difference(now.begin(), now.end(), then.begin(), then.end(), std::back_inserter(added));
    std::set_difference(then.begin(), then.end(), now.begin(), now.end(), std::back_inserter(removed));
    if (!added.empty())
        told.push_back({severity::warning, unit_ + " has got drop-ins while it was out: " + joined(added), "systemctl cat " + unit_});
    if (!removed.empty())
        told.push_back({severity::warning, unit_ + " has lost drop-ins while it was out: " + joined(removed), "systemctl cat " + unit_});
    if (identity_text(*unit) != before.identity)
        told.push_back({severity::warning, unit_ + " is not what it was before it was taken out: its command, environment or user were "
                                                   "changed meanwhile; it runs with the new ones",
                        "systemctl cat " + unit_});
    return told;
}

outcome<std::vector<finding>> systemd_component::put_back(const std::string& session, bool was_active) {
    std::vector<finding> told;
    const auto state = state_on_disk();
    if (!state) return state.error();
    const auto& file = state->file;
    if (file.state == drop_in_found::ours && file.session != session)
        return file.path + " is of another session (" + file.session + "), so " + unit_ + " is left as it is";
    if (state->runs_dlv) {
        const auto run = running();
        const auto unit = systemd_.properties(unit_);
        if (!run) return run.error();
        if (!unit) return unit.error();
        const auto grace = unit->timeout_stop_usec == no_limit ? std::chrono::seconds(30)
                                                               : std::chrono::seconds(unit->timeout_stop_usec / 1000000);
        if (auto fine = end_debuggee(*run, grace); !fine)
            told.push_back({severity::warning, fine.error(), {}});  // stopping the unit may still do it
    }
    // What runs as itself, although the drop-in is there, was never taken out: it goes on.
    if (state->runs_dlv)
        if (auto fine = stop_unit(); !fine) return fine.error();
    if (file.state == drop_in_found::changed) {
        const auto aside = set_drop_in_aside(unit_, systemd_.runtime_unit_directory());
        if (!aside) return aside.error();
        told.push_back({severity::warning, file.path + " was changed by somebody, and is kept as " + *aside,
                        "look at it, and make a drop-in of its own of what is wanted"});
    } else if (const auto gone = remove(session); !gone) {
        return gone.error();
    }
    if (state->applied || state->needs_reload || file.state != drop_in_found::none) {
        auto more = reload_after_removal();
        if (!more) return more.error();
        told.insert(told.end(), more->begin(), more->end());
    }
    const auto now = systemd_.properties(unit_);
    if (!now) return now.error();
    if (was_active && !now->is_active())
        if (auto fine = start_unit(); !fine) return fine.error();
    return told;
}

}  // namespace launcher
