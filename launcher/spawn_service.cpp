#include "launcher/spawn_service.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "launcher/service_child.h"

namespace launcher {

namespace {

constexpr const char* path_of_services = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string words_of(const transient_service& service, const service_child::failure_note& note) {
    using step = service_child::step;
    const auto why = std::string(": ") + std::strerror(note.error);
    const auto* mount = note.index < service.mounts.size() ? &service.mounts[note.index] : nullptr;
    switch (note.where) {
        case step::cgroup: return "its cgroup could not be joined" + why;
        case step::session: return "it could not get a session of its own" + why;
        case step::limits: return "its limits could not be set" + why;
        case step::oom_score: return "its OOM score could not be set" + why;
        case step::name_space: return "it could not get mounts of its own" + why;
        case step::mount_source:
            return (mount ? mount->source : "a directory") + " could not be taken to be mounted" + why;
        case step::mount_read_only:
            return (mount ? mount->source : "a directory") + " could not be made read-only, which takes Linux 5.12" + why;
        case step::mount_target:
            return (mount ? mount->source + " could not be mounted at " + mount->target : "a mount failed") + why;
        case step::directory: return "its working directory " + service.working_directory + " cannot be gone to" + why;
        case step::identity: return "it could not become user " + std::to_string(service.uid) + why;
        case step::streams: return "its standard streams could not be opened" + why;
        case step::confine: return "it could not be confined" + why;
        case step::execute: break;
    }
    return service.argv.front() + " could not be executed" + why;
}

std::vector<char*> pointers_of(std::vector<std::string>& words) {
    std::vector<char*> all;
    for (auto& each : words) all.push_back(each.data());
    all.push_back(nullptr);
    return all;
}

bool has_nul(const std::string& text) { return text.find('\0') != text.npos; }

// A handler that a child inherits would write into its parent's pipes: no signal reaches it before it has put them back.
class without_signals {
public:
    without_signals() {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, &before_);
    }
    ~without_signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    without_signals(const without_signals&) = delete;
    without_signals& operator=(const without_signals&) = delete;

private:
    sigset_t before_;
};

}  // namespace

outcome<void> check_service(const transient_service& service) {
    // A member that is new does not compile here: it is to be done in service_child.cpp, or refused below.
    const auto& [unit, description, argv, environment, environment_file, working_directory, uid, gid, groups, mounts, memory_max,
                 oom_score_adjust, limit_nofile, mask, sealed, timeout_stop, kill_mode, slice, runtime_directory, output_file, after,
                 standard_input, hardened, writable] = service;
    static_cast<void>(environment_file);  // nobody but the process gets its environment to see
    static_cast<void>(description), static_cast<void>(uid), static_cast<void>(gid), static_cast<void>(groups);
    static_cast<void>(memory_max), static_cast<void>(oom_score_adjust), static_cast<void>(limit_nofile);
    static_cast<void>(mask), static_cast<void>(timeout_stop), static_cast<void>(standard_input), static_cast<void>(hardened);
    const auto refuse = [&](const std::string& what) -> outcome<void> {
        return unit + " could not be started: " + what;
    };
    if (argv.empty() || !argv.front().starts_with('/')) return refuse("its program's path is not absolute");
    if (!working_directory.starts_with('/')) return refuse("its working directory is not absolute");
    if (!output_file.empty() && !output_file.starts_with('/')) return refuse("its output file's path is not absolute");
    for (const auto& mount : mounts)
        if (!mount.source.starts_with('/') || !mount.target.starts_with('/') || mount.target.size() >= service_child::longest_path)
            return refuse("the mount of \"" + mount.source + "\" at \"" + mount.target + "\" has a path that is not absolute, or too long");
    if (mounts.size() > service_child::most_mounts) return refuse("it has too many mounts");
    if (std::ranges::any_of(argv, has_nul)) return refuse("an argument of it holds a NUL");
    for (const auto& [name, value] : environment)
        if (name.empty() || has_nul(name) || has_nul(value) || name.find('=') != name.npos)
            return refuse("a variable of it has a name or value that cannot be");
    if (kill_mode != "control-group") return refuse("without systemd all of it is ended together, and not by the mode \"" + kill_mode + "\"");
    if (sealed) return refuse("without systemd nobody seals it off from the network and from its user's files");
    if (writable.size() > most_writable) return refuse("it has too many directories to write in");
    if (!slice.empty()) return refuse("without systemd there is no slice " + slice);
    if (!runtime_directory.empty()) return refuse("without systemd nobody makes its directory /run/" + runtime_directory);
    if (!after.empty()) return refuse("without systemd nobody orders it after " + after.front());
    return {};
}

outcome<process_mark> spawn_service(const transient_service& service, const std::vector<unique_fd>& doors, int output,
                                    const std::function<outcome<void>(const process_mark&)>& known) {
    if (auto fine = check_service(service); !fine) return error_text(fine.error());
    const auto fault = [&](const std::string& why) { return error_text(service.unit + " could not be started: " + why); };

    auto argv = service.argv;
    std::vector<std::string> environment;
    const bool has_path = std::ranges::any_of(service.environment, [](const auto& each) { return each.first == "PATH"; });
    if (!has_path) environment.emplace_back(path_of_services);
    for (const auto& [name, value] : service.environment) environment.push_back(name + "=" + value);
    const auto argument_pointers = pointers_of(argv), environment_pointers = pointers_of(environment);
    std::vector<int> door_numbers;
    for (const auto& each : doors) door_numbers.push_back(each.get());
    // What is above comes first, or it would hide what is below.
    std::vector<std::uint32_t> order(service.mounts.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return service.mounts[i].target; });

    std::vector<sock_filter> filter;
    if (service.hardened) {
        auto made = hardening_filter();
        if (!made) return fault(made.error());
        filter = std::move(*made);
    }

    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return fault(std::strerror(errno));
    const unique_fd ours(ends[0]);
    unique_fd theirs(ends[1]);
    const service_child::orders orders{service, argument_pointers.data(), environment_pointers.data(), door_numbers, order, filter, output,
                                 ours.get(), theirs.get()};
    const auto pid = [&] {
        const without_signals quiet;
        const auto child = static_cast<pid_t>(::_Fork());  // not fork(): it would run other libraries' handlers
        if (child == 0) service_child::run(orders);
        return child;
    }();
    if (pid < 0) return fault(std::strerror(errno));
    theirs.reset();

    const auto mark = mark_process(pid);
    auto told = known(mark);
    service_child::failure_note note{};
    ssize_t n = 0;
    if (told) {
        ::send(ours.get(), "g", 1, MSG_NOSIGNAL);
        do n = ::recv(ours.get(), &note, sizeof note, 0);
        while (n < 0 && errno == EINTR);
        if (n == 0) return mark;
    }
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    if (!told) return fault(told.error());
    return fault(n == sizeof note ? words_of(service, note) : "its process ended at once");
}

}  // namespace launcher
