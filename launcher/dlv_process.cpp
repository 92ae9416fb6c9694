#include "launcher/dlv_process.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "launcher/dlv_process_impl.h"
#include "launcher/process_tree.h"

namespace launcher {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

bool wait_readable(int fd, steady_clock::time_point deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
        pollfd waiting{fd, POLLIN, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<long>(0, left)));
        if (ready > 0) return true;
        if (ready == 0 || errno != EINTR) return false;
    }
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
    for (int i = 0; i < 100 && ::rmdir(group.directory.c_str()) != 0 && errno == EBUSY; ++i)
        ::poll(nullptr, 0, 10);
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
    const auto together =
        report.group_limited ? spec.binary + " and its dlv" : "dlv of " + spec.name;
    if (!elsewhere.empty())
        info.reason = "dlv of " + spec.name + " listened at " + elsewhere +
                      ", where others could reach it, and was killed at once: check what " +
                      spec.dlv + " really is";
    else if (report.over_memory)
        info.reason = together + " used more than " + mebibytes(spec.memory_limit) +
                      " of memory and were ended: raise the component's memory limit, or look for "
                      "what the program (or a very "
                      "deep look at its variables) uses";
    else if (info.asked && report.escalated)
        info.reason = "dlv of " + spec.name + " did not end within " +
                      std::to_string(grace_ms / 1000) + " s of being asked and was killed";
    else if (info.asked && (info.code == 0 || info.signal != 0))
        info.reason = spec.name + " was ended as asked";
    else  // also when it was asked while it was failing: its own words say more
        info.reason = explain_failure(spec, output_tail(), info.code, info.signal);
    return info;
}

// Somebody killed it. dlv dies with it (by its parent-death signal); everything else that was below
// it is still in the session it had made.
dlv_process::exit_info dlv_process::impl::supervisor_died() {
    const auto deadline = steady_clock::now() + milliseconds(grace_ms);
    // The number stays taken while a process of its session lives, and while we have not reaped it.
    // Who left the session is still in the cgroup, where there is one.
    const auto living = [this] {
        return kill_session(supervisor) + (group.directory.empty() ? 0 : kill_members(group));
    };
    while (living() > 0 && steady_clock::now() < deadline) ::poll(nullptr, 0, 10);
    reap_supervisor();
    remove_traces();
    exit_info info;
    info.signal = SIGKILL;
    info.asked = asked;
    info.reason = "dlv's supervisor of " + spec.name +
                  " was killed; dlv and the program were ended with it: start it again";
    return info;
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
            case supervisor_report::kind::elsewhere:
                impl_->elsewhere = report->text;
                break;
            case supervisor_report::kind::exited:
                impl_->finished = true;
                impl_->reap_supervisor();
                result.exited = impl_->explain(*report);
                break;
            case supervisor_report::kind::spawned:
            case supervisor_report::kind::spawn_failed:
                break;
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
    return mebibytes(impl_->spec.memory_limit) +
           (impl_->group_limited ? " for dlv and the program together" : " for dlv alone");
}

}  // namespace launcher
