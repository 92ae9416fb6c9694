#include "launcher/dlv_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "launcher/command_line.h"
#include "launcher/exec_check.h"
#include "launcher/fd.h"
#include "launcher/memory_limit.h"
#include "launcher/process_tree.h"
#include "launcher/supervisor.h"
#include "launcher/users.h"

namespace launcher {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int spawn_wait_ms = 10000;

std::string errno_words() { return std::strerror(errno); }

// True when `fd` has something (data or its end) before the deadline.
bool wait_readable(int fd, steady_clock::time_point deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
        pollfd waiting{fd, POLLIN, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<long>(0, left)));
        if (ready > 0) return true;
        if (ready == 0 || errno != EINTR) return false;
    }
}

outcome<std::string> failed(std::string words) { return outcome<std::string>(boost::system::in_place_error, std::move(words)); }

// A fresh directory below the runtime directory, of the user who binds the socket in it.
outcome<std::string> make_socket_directory(const exec_spec& spec, const user_account& user) {
    std::string directory = spec.runtime_directory + "/dlv-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr)
        return failed("no directory for dlv's socket could be made in " + spec.runtime_directory + ": " + errno_words() +
                      "; create it with mode 0700, or correct the runtime directory");
    if (!user.is_caller && ::chown(directory.c_str(), user.uid, user.gid) != 0) {
        auto words = failed(directory + " could not be given to user " + user.name + ": " + errno_words());
        ::rmdir(directory.c_str());
        return words;
    }
    return outcome<std::string>(boost::system::in_place_value, std::move(directory));
}

outcome<unique_fd> open_output(const std::string& path, const user_account& user) {
    if (path.empty() || path.front() != '/') return "the output file's path is not absolute: \"" + path + "\"";
    // Never through a link: root may be opening it in a place that others can write to.
    unique_fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0)
        return "the output file " + path + " cannot be opened: " + errno_words() + "; create its directory, or correct its mode";
    if (!S_ISREG(info.st_mode) || info.st_nlink > 1)
        return "the output file " + path + " is not a plain file of its own: remove it, or name another";
    // Whoever runs the program may reopen /dev/stdout, and nobody else may read what it prints.
    const uid_t owner = user.is_caller ? info.st_uid : user.uid;
    if ((info.st_uid != owner && ::fchown(fd.get(), user.uid, user.gid) != 0) ||
        ((info.st_mode & 07777) != 0600 && ::fchmod(fd.get(), 0600) != 0))
        return "the output file " + path + " cannot be made private: " + errno_words() + "; remove it, or name another";
    return fd;
}

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

struct dlv_process::impl {
    exec_spec spec;
    dlv_version version;
    dlv_address address;
    unique_fd control;
    unique_fd output;  // for reading
    std::uint64_t output_start = 0;
    pid_t supervisor = -1;
    pid_t dlv = -1;
    bool announced = false;
    bool finished = false;         // the last report has been read, or the supervisor has died
    bool asked = false;
    bool group_limited = false;
    std::string elsewhere;         // the address that dlv should not have announced
    std::string socket_directory;  // empty: TCP
    std::string socket_path;
    memory_group group;

    ~impl();
    outcome<void> prepare(user_account& user, std::string& dlv_path);
    outcome<void> launch(const user_account& user, const std::string& dlv_path);
    outcome<void> await_spawn(const std::string& dlv_path);
    outcome<void> explain_spawn(const supervisor_report& report, const std::string& dlv_path) const;
    std::optional<supervisor_report> receive(bool& ended) const;
    void order(supervisor_order what);
    void reap_supervisor();
    void remove_traces() const;
    exit_info explain(const supervisor_report& report) const;
    exit_info supervisor_died();
    std::string output_tail() const;
};

// What can be refused before anything is made.
outcome<void> dlv_process::impl::prepare(user_account& user, std::string& dlv_path) {
    if (auto fine = check_strings(spec); !fine) return fine;
    auto account = resolve_user(spec.user);
    if (!account) return account.error();
    user = std::move(*account);
    if (auto fine = check_program(spec.binary); !fine) return fine;
    if (spec.working_directory.empty()) {
        char* here = ::getcwd(nullptr, 0);
        if (here == nullptr) return "the current directory is gone (" + errno_words() + "): give the component a workingDirectory";
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
        return dlv_path + " is " + to_string(version) + ", which listens on TCP only and there accepts nobody but its own user: " +
               "install dlv " + to_string(first_with_unix_sockets) + " or later to run " + spec.name + " as user " + user.name +
               ", or leave the component's user out";
    return {};
}

outcome<void> dlv_process::impl::launch(const user_account& user, const std::string& dlv_path) {
    auto output_write = open_output(spec.output_file, user);
    if (!output_write) return output_write.error();
    output = unique_fd(::open(spec.output_file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY));
    struct stat info {};
    if (!output || ::fstat(output_write->get(), &info) != 0)
        return "the output file " + spec.output_file + " cannot be read: " + errno_words();
    output_start = static_cast<std::uint64_t>(info.st_size);

    std::string listen = "127.0.0.1:0";
    std::string announced_socket;
    std::string directory = spec.working_directory;
    if (version >= first_with_unix_sockets) {
        auto made = make_socket_directory(spec, user);
        if (!made) return made.error();
        socket_directory = *made;
        socket_path = socket_directory + "/dlv.sock";
        if (socket_path.size() > max_socket_path)
            return socket_path + " is longer than the 107 bytes a Unix socket's path may have: use a shorter runtime directory";
        // The directories above are ours alone, so another user starts inside and binds by the bare name.
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
    if (supervisor < 0) return std::string("dlv's supervisor could not be forked: ") + std::strerror(error);
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
        if (report && report->what == supervisor_report::kind::spawn_failed) return explain_spawn(*report, dlv_path);
        if (ended) return "dlv's supervisor of " + spec.name + " died before it could start dlv: start it again";
    }
    return dlv_path + " did not start within 10 s: check the file system it is on";
}

outcome<void> dlv_process::impl::explain_spawn(const supervisor_report& report, const std::string& dlv_path) const {
    const std::string why = std::strerror(report.error);
    const auto who = spec.user.empty() ? std::string("this user") : "user " + spec.user;
    switch (report.where) {
        case supervisor_report::step::exec:
            if (report.error == EACCES)
                return who + " may not execute " + dlv_path + ": make it and its directories accessible, e.g. install dlv in /usr/local/bin";
            return dlv_path + " could not be executed: " + why;
        case supervisor_report::step::user: return "dlv could not become user " + spec.user + ": " + why;
        case supervisor_report::step::directory:
            return who + " cannot work in " + spec.working_directory + ": " + why + "; correct its mode or the component's workingDirectory";
        case supervisor_report::step::cgroup:
        case supervisor_report::step::fork: break;
    }
    return "dlv of " + spec.name + " could not be started: " + why;
}

std::optional<supervisor_report> dlv_process::impl::receive(bool& ended) const {
    supervisor_report report;
    for (;;) {
        const auto n = ::recv(control.get(), &report, sizeof report, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        ended = n == 0 || (n < 0 && errno != EAGAIN);
        if (n == static_cast<ssize_t>(sizeof report)) return report;
        return std::nullopt;
    }
}

void dlv_process::impl::order(supervisor_order what) {
    if (finished || !control) return;
    asked = true;
    const auto byte = static_cast<char>(what);
    ::send(control.get(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// Only called when it is about to end or has ended.
void dlv_process::impl::reap_supervisor() {
    if (supervisor <= 0) return;
    while (::waitpid(supervisor, nullptr, 0) < 0 && errno == EINTR) {
    }
    supervisor = -1;
}

void dlv_process::impl::remove_traces() const {
    if (!socket_path.empty()) ::unlink(socket_path.c_str());
    if (!socket_directory.empty()) ::rmdir(socket_directory.c_str());
    if (group.directory.empty()) return;
    // The kernel lets go of a cgroup a moment after its last process.
    for (int i = 0; i < 100 && ::rmdir(group.directory.c_str()) != 0 && errno == EBUSY; ++i) ::poll(nullptr, 0, 10);
}

dlv_process::impl::~impl() {
    order(supervisor_order::kill);
    if (supervisor > 0) {
        // The socket ends when the supervisor does.
        const auto deadline = steady_clock::now() + milliseconds(destructor_wait_ms);
        bool ended = false;
        while (!ended && wait_readable(control.get(), deadline)) receive(ended);
        if (!ended) return;  // it ends what is stuck when that can be ended, and has our order
        if (!finished && dlv > 0) {
            supervisor_died();
            return;
        }
        reap_supervisor();
    }
    remove_traces();
}

std::string dlv_process::impl::output_tail() const {
    constexpr std::uint64_t most = 64 * 1024;
    struct stat info {};
    if (::fstat(output.get(), &info) != 0) return {};
    const auto size = static_cast<std::uint64_t>(info.st_size);
    auto begin = size < output_start ? 0 : output_start;
    begin = std::max(begin, size > most ? size - most : 0);
    std::string text(static_cast<std::size_t>(size - begin), '\0');
    const auto n = ::pread(output.get(), text.data(), text.size(), static_cast<off_t>(begin));
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
}

dlv_process::exit_info dlv_process::impl::explain(const supervisor_report& report) const {
    exit_info info;
    if (WIFSIGNALED(report.status))
        info.signal = WTERMSIG(report.status);
    else
        info.code = WEXITSTATUS(report.status);
    info.asked = asked || (report.asked && elsewhere.empty());
    info.over_memory = report.over_memory;
    const auto together = report.group_limited ? spec.binary + " and its dlv" : "dlv of " + spec.name;
    if (!elsewhere.empty())
        info.reason = "dlv of " + spec.name + " listened at " + elsewhere +
                      ", where others could reach it, and was killed at once: check what " + spec.dlv + " really is";
    else if (report.over_memory)
        info.reason = together + " used more than " + mebibytes(spec.memory_limit) +
                      " of memory and were ended: raise the component's memory limit, or look for what the program (or a very "
                      "deep look at its variables) uses";
    else if (info.asked && report.escalated)
        info.reason = "dlv of " + spec.name + " did not end within " + std::to_string(grace_ms / 1000) + " s of being asked and was killed";
    else if (info.asked && (info.code == 0 || info.signal != 0))
        info.reason = spec.name + " was ended as asked";
    else  // also when it was asked while it was failing: its own words say more
        info.reason = explain_failure(spec, output_tail(), info.code, info.signal);
    return info;
}

// Somebody killed it. dlv dies with it (by its parent-death signal); everything else that was below it
// is still in the session it had made.
dlv_process::exit_info dlv_process::impl::supervisor_died() {
    const auto deadline = steady_clock::now() + milliseconds(grace_ms);
    // The number stays taken while a process of its session lives, and while we have not reaped it. Who
    // left the session is still in the cgroup, where there is one.
    const auto living = [this] { return kill_session(supervisor) + (group.directory.empty() ? 0 : kill_members(group)); };
    while (living() > 0 && steady_clock::now() < deadline) ::poll(nullptr, 0, 10);
    reap_supervisor();
    remove_traces();
    exit_info info;
    info.signal = SIGKILL;
    info.asked = asked;
    info.reason = "dlv's supervisor of " + spec.name + " was killed; dlv and the program were ended with it: start it again";
    return info;
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

dlv_process::dlv_process(std::unique_ptr<impl> p) noexcept : impl_(std::move(p)) {}
dlv_process::dlv_process(dlv_process&&) noexcept = default;
dlv_process& dlv_process::operator=(dlv_process&&) noexcept = default;
dlv_process::~dlv_process() = default;

int dlv_process::event_fd() const { return impl_->control.get(); }

dlv_process::events dlv_process::poll_events() {
    events result;
    while (!impl_->finished) {
        bool ended = false;
        const auto report = impl_->receive(ended);
        if (ended) {
            impl_->finished = true;
            result.exited = impl_->supervisor_died();
        }
        if (!report) break;
        switch (report->what) {
            case supervisor_report::kind::announced:
                impl_->address = {};
                if (impl_->socket_path.empty()) {
                    const auto address = parse_address(report->text);
                    if (address) impl_->address = *address;
                } else {
                    impl_->address.path = impl_->socket_path;
                }
                result.announced = true;
                break;
            case supervisor_report::kind::elsewhere: impl_->elsewhere = report->text; break;
            case supervisor_report::kind::exited:
                impl_->finished = true;
                impl_->reap_supervisor();
                result.exited = impl_->explain(*report);
                break;
            case supervisor_report::kind::spawned:
            case supervisor_report::kind::spawn_failed: break;
        }
    }
    return result;
}

const dlv_address& dlv_process::address() const { return impl_->address; }
pid_t dlv_process::dlv_pid() const { return impl_->dlv; }
const dlv_version& dlv_process::version() const { return impl_->version; }
void dlv_process::terminate() { impl_->order(supervisor_order::terminate); }
void dlv_process::kill_now() { impl_->order(supervisor_order::kill); }
const std::string& dlv_process::output_file() const { return impl_->spec.output_file; }
std::uint64_t dlv_process::output_start() const { return impl_->output_start; }

std::string dlv_process::memory_limit() const {
    if (impl_->spec.memory_limit == 0) return "none";
    return mebibytes(impl_->spec.memory_limit) + (impl_->group_limited ? " for dlv and the program together" : " for dlv alone");
}

}  // namespace launcher
