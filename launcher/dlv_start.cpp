// The way from a spec to a dlv that runs under its supervisor.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "launcher/command_line.h"
#include "launcher/dlv_process_impl.h"
#include "launcher/exec_check.h"
#include "launcher/loopback.h"
#include "launcher/run_files.h"

namespace launcher {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int spawn_wait_ms = 10000;

std::string errno_words() { return std::strerror(errno); }

}  // namespace

// What can be refused before anything is made.
outcome<void> dlv_process::impl::prepare(user_account& user, std::string& dlv_path) {
    if (auto fine = check_strings(spec); !fine) return fine;
    auto account = resolve_user(spec.user);
    if (!account) return account.error();
    user = std::move(*account);
    if (auto fine = check_program(spec.binary); !fine) return fine;
    if (spec.working_directory.empty()) {
        char* here = ::getcwd(nullptr, 0);
        if (here == nullptr)
            return "the current directory is gone (" + errno_words() +
                   "): give the component a workingDirectory";
        spec.working_directory = here;
        std::free(here);
    }
    if (auto fine = check_directory(spec.working_directory); !fine) return fine;

    const auto path = find_dlv(spec.dlv);
    if (!path) return path.error();
    dlv_path = *path;
    const auto known = version_of(dlv_path);
    if (!known) return known.error();
    version = *known;
    // Over TCP dlv closes whatever does not come from its own uid, even root's.
    if (!user.is_caller && version < first_with_unix_sockets)
        return dlv_path + " is " + to_string(version) +
               ", which listens on TCP only and there accepts nobody but its own user: " +
               "install dlv " + to_string(first_with_unix_sockets) + " or later to run " +
               spec.name + " as user " + user.name + ", or leave the component's user out";
    return {};
}

outcome<void> dlv_process::impl::launch(const user_account& user, const std::string& dlv_path) {
    auto output_write = open_output(spec.output_file, user);
    if (!output_write) return output_write.error();
    output =
        unique_fd(::open(spec.output_file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY));
    struct stat info {};
    if (!output || ::fstat(output_write->get(), &info) != 0)
        return "the output file " + spec.output_file + " cannot be read: " + errno_words();
    output_start = static_cast<std::uint64_t>(info.st_size);

    std::string listen = quieter_loopback() + ":0";
    std::string announced_socket;
    std::string directory = spec.working_directory;
    if (version >= first_with_unix_sockets) {
        auto made = make_socket_directory(spec, user);
        if (!made) return made.error();
        socket_directory = *made;
        socket_path = socket_directory + "/dlv.sock";
        if (socket_path.size() > max_socket_path)
            return socket_path +
                   " is longer than the 107 bytes a Unix socket's path may have: use a shorter "
                   "runtime directory";
        // The directories above are ours alone, so another user starts inside and binds by the bare
        // name.
        announced_socket = user.is_caller ? socket_path : "dlv.sock";
        if (!user.is_caller) directory = socket_directory;
        listen = "unix:" + announced_socket;
    }

    supervisor_plan plan;
    if (spec.memory_limit != 0) {
        if (auto made = make_memory_group(spec.name, spec.memory_limit)) {
            group = std::move(*made);
            plan.cgroup_procs = group.procs.get();
            plan.cgroup_events = group.events.get();
            plan.cgroup_kill = group.kill ? group.kill.get() : -1;
            plan.cgroup_directory = group.directory.c_str();
        }
        plan.watched_memory = spec.memory_limit;
    }

    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return "no socket for dlv's supervisor: " + errno_words();
    control = unique_fd(ends[0]);
    unique_fd theirs(ends[1]);

    const auto arguments = command_line(spec, dlv_path, listen, spec.working_directory);
    const auto variables = environment(spec, user);
    const auto argv = c_strings(arguments);
    const auto envp = c_strings(variables);
    plan.control = theirs.get();
    plan.output_write = output_write->get();
    plan.output_read = output.get();
    plan.output_start = static_cast<off_t>(output_start);
    plan.output_cap = output_cap;
    plan.dlv = dlv_path.c_str();
    plan.argv = argv.data();
    plan.envp = envp.data();
    plan.directory = directory.c_str();
    plan.switch_user = !user.is_caller;
    plan.uid = user.uid;
    plan.gid = user.gid;
    plan.groups = user.groups.data();
    plan.group_count = user.groups.size();
    plan.announced_socket = announced_socket.c_str();
    if (!socket_path.empty()) {
        plan.socket_path = socket_path.c_str();
        plan.socket_directory = socket_directory.c_str();
    }
    plan.grace_ms = grace_ms;

    // No handler of ours may run in the child before it has put them all aside.
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    supervisor = ::fork();
    if (supervisor == 0) supervise(plan);
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (supervisor < 0)
        return std::string("dlv's supervisor could not be forked: ") + std::strerror(error);
    theirs.reset();
    return await_spawn(dlv_path);
}

outcome<void> dlv_process::impl::await_spawn(const std::string& dlv_path) {
    const auto deadline = steady_clock::now() + milliseconds(spawn_wait_ms);
    while (wait_readable(control.get(), deadline)) {
        bool ended = false;
        const auto report = receive(ended);
        if (report && report->what == supervisor_report::kind::spawned) {
            dlv = report->pid;
            group_limited = report->group_limited;
            return {};
        }
        if (report && report->what == supervisor_report::kind::spawn_failed)
            return explain_spawn(*report, dlv_path);
        if (ended)
            return "dlv's supervisor of " + spec.name +
                   " died before it could start dlv: start it again";
    }
    return dlv_path + " did not start within 10 s: check the file system it is on";
}

outcome<void> dlv_process::impl::explain_spawn(const supervisor_report& report,
                                               const std::string& dlv_path) const {
    const std::string why = std::strerror(report.error);
    const auto who = spec.user.empty() ? std::string("this user") : "user " + spec.user;
    switch (report.where) {
        case supervisor_report::step::exec:
            if (report.error == EACCES)
                return who + " may not execute " + dlv_path +
                       ": make it and its directories accessible, e.g. install dlv in "
                       "/usr/local/bin";
            return dlv_path + " could not be executed: " + why;
        case supervisor_report::step::user:
            return "dlv could not become user " + spec.user + ": " + why;
        case supervisor_report::step::directory:
            return who + " cannot work in " + spec.working_directory + ": " + why +
                   "; correct its mode or the component's workingDirectory";
        case supervisor_report::step::cgroup:
        case supervisor_report::step::fork:
            break;
    }
    return "dlv of " + spec.name + " could not be started: " + why;
}

outcome<dlv_process> dlv_process::start(const exec_spec& spec) {
    auto self = std::make_unique<impl>();
    self->spec = spec;
    user_account user;
    std::string dlv_path;
    if (auto fine = self->prepare(user, dlv_path); !fine) return fine.error();
    if (auto fine = self->launch(user, dlv_path); !fine) return fine.error();
    return dlv_process(std::move(self));
}

}  // namespace launcher
