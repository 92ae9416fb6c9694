#include "launcher/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string_view>

#include "launcher/process_tree.h"
#include "launcher/readiness.h"
#include "launcher/spawn_dlv.h"

namespace launcher {

namespace {

constexpr int announcement_poll_ms =
    10;                            // dlv needs 30 to 90 ms; a file cannot be waited for with poll()
constexpr int late_poll_ms = 100;  // once dlv has needed 5 s already
constexpr int memory_poll_ms = 200;

std::int64_t now_ms() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1000000;
}

void close_all_but(int* keep, std::size_t count) noexcept {
    std::sort(keep, keep + count);
    unsigned next = 0;
    const auto close_to = [&](unsigned last) {
        if (next > last) return;
        if (::syscall(SYS_close_range, next, last, 0U) == 0) return;
        for (unsigned fd = next; fd <= std::min(last, 65535U); ++fd) ::close(static_cast<int>(fd));
    };
    for (std::size_t i = 0; i < count; ++i) {
        if (keep[i] < 0) continue;
        const auto fd = static_cast<unsigned>(keep[i]);
        if (fd > next) close_to(fd - 1);
        next = fd + 1;
    }
    close_to(UINT_MAX);
}

class supervisor {
public:
    explicit supervisor(const supervisor_plan& plan) noexcept : plan_(plan) {}

    void run() noexcept {
        settle();
        const auto dlv = spawn_dlv(plan_);
        if (dlv.pid < 0) {
            supervisor_report report;
            report.what = supervisor_report::kind::spawn_failed;
            report.where = dlv.where;
            report.error = dlv.error;
            end_everything();
            finish(report);
            return;
        }
        dlv_ = dlv.pid;
        in_cgroup_ = dlv.in_cgroup;
        supervisor_report report;
        report.what = supervisor_report::kind::spawned;
        report.pid = dlv_;
        report.group_limited = in_cgroup_;
        send(report);

        started_ = now_ms();
        while (!dlv_ended_ && !kill_) wait_and_look();

        supervisor_report last;
        last.what = supervisor_report::kind::exited;
        last.pid = dlv_;
        end_everything();
        check_memory();  // the limit may have killed dlv itself
        last.status = status_;
        last.asked = asked_;
        last.escalated = escalated_;
        last.over_memory = over_memory_;
        last.group_limited = in_cgroup_;
        finish(last);
    }

private:
    // Away from the owner's terminal, group, descriptors and signal handlers.
    void settle() noexcept {
        ::setsid();
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        ::prctl(PR_SET_NAME, "dlv-supervisor");
        for (int number = 1; number < NSIG; ++number) {
            struct sigaction action {};
            action.sa_handler = SIG_DFL;
            ::sigaction(number, &action, nullptr);
        }
        sigset_t all;
        sigfillset(&all);
        ::sigprocmask(SIG_SETMASK, &all, nullptr);

        int keep[] = {plan_.control,      plan_.output_write,  plan_.output_read,
                      plan_.cgroup_procs, plan_.cgroup_events, plan_.cgroup_kill};
        close_all_but(keep, std::size(keep));
        const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int fd = 0; fd < 3; ++fd) {
            if (null >= 0 && null != fd) ::dup2(null, fd);
        }
        if (null > 2) ::close(null);
        signals_ = ::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    }

    void wait_and_look() noexcept {
        pollfd waiting[] = {{plan_.control, POLLIN, 0}, {signals_, POLLIN, 0}};
        int timeout = memory_poll_ms;
        if (!announced_) timeout = now_ms() - started_ < 5000 ? announcement_poll_ms : late_poll_ms;
        if (terminating_)
            timeout = static_cast<int>(std::clamp<std::int64_t>(deadline_ - now_ms(), 0, timeout));
        ::poll(waiting, std::size(waiting), timeout);

        if (waiting[0].revents != 0) take_orders();
        if (waiting[1].revents != 0) take_signals();
        reap();
        look_at_output();
        check_memory();
        if (over_memory_) kill_ = true;
        if (terminating_ && now_ms() >= deadline_ && !dlv_ended_) {
            escalated_ = true;
            kill_ = true;
        }
    }

    void take_orders() noexcept {
        char order = 0;
        const auto n = ::recv(plan_.control, &order, 1, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        asked_ = true;
        if (n == 1 && order == static_cast<char>(supervisor_order::terminate))
            terminate();
        else
            kill_ = true;  // an order to, or the owner is gone
    }

    void take_signals() noexcept {
        signalfd_siginfo info{};
        while (::read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
            // A service manager asks every process of the unit to end; the terminal's signals do
            // not reach us, but somebody may send them.
            if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT || info.ssi_signo == SIGHUP ||
                info.ssi_signo == SIGQUIT) {
                asked_ = true;
                terminate();
            }
        }
    }

    void terminate() noexcept {
        if (terminating_) return;
        terminating_ = true;
        deadline_ = now_ms() + plan_.grace_ms;
        if (!dlv_ended_) ::kill(dlv_, SIGTERM);
    }

    // True while there are children.
    bool reap() noexcept {
        for (;;) {
            int status = 0;
            const pid_t pid = ::waitpid(-1, &status, WNOHANG);
            if (pid < 0 && errno == EINTR) continue;
            if (pid <= 0) return pid == 0;
            if (pid == dlv_) {
                dlv_ended_ = true;
                status_ = status;
            }
        }
    }

    void look_at_output() noexcept {
        if (announced_) {
            cap_output();
            return;
        }
        const auto n = ::pread(plan_.output_read, output_, sizeof output_, plan_.output_start);
        const std::string_view seen(output_, n > 0 ? static_cast<std::size_t>(n) : 0);
        const auto found = find_announcement(seen, plan_.announced_socket);
        if (found.verdict == announcement::answer::none_yet) return;
        announced_ = true;
        supervisor_report report;
        const bool accepted = found.verdict == announcement::answer::accepted;
        report.what =
            accepted ? supervisor_report::kind::announced : supervisor_report::kind::elsewhere;
        report.pid = dlv_;
        const auto length = std::min(found.address.size(), sizeof report.text - 1);
        std::memcpy(report.text, found.address.data(), length);
        if (!accepted) {
            asked_ = true;
            kill_ = true;
        }
        send(report);
    }

    // A program that prints without end must not fill the disk. Appending goes on at the new end.
    void cap_output() noexcept {
        struct stat info {};
        if (plan_.output_cap == 0 || ::fstat(plan_.output_write, &info) != 0) return;
        if (static_cast<std::uint64_t>(info.st_size) <= plan_.output_cap) return;
        if (::ftruncate(plan_.output_write, 0) != 0) return;
        constexpr std::string_view note =
            "[delvegate: the output grew too long; what came before was dropped]\n";
        [[maybe_unused]] const auto n = ::write(plan_.output_write, note.data(), note.size());
    }

    void check_memory() noexcept {
        if (over_memory_) return;
        if (!in_cgroup_) {
            if (plan_.watched_memory != 0 && !dlv_ended_)
                over_memory_ = resident_memory(dlv_) > plan_.watched_memory;
            return;
        }
        if (plan_.cgroup_events < 0) return;
        char text[512];
        const auto n = ::pread(plan_.cgroup_events, text, sizeof text, 0);
        const std::string_view events(text, n > 0 ? static_cast<std::size_t>(n) : 0);
        constexpr std::string_view counter = "\noom_kill ";
        const auto at = events.find(counter);
        if (at == std::string_view::npos || at + counter.size() >= events.size()) return;
        over_memory_ = events[at + counter.size()] != '0';
    }

    // Everything below us, dlv's debuggee first; until nothing is left.
    void end_everything() noexcept {
        const auto begun = now_ms();
        while (reap()) {
            if (plan_.cgroup_kill >= 0) [[maybe_unused]]
                const auto n = ::pwrite(plan_.cgroup_kill, "1", 1, 0);
            const int living = kill_descendants(::getpid());
            // What we may not signal (a set-user-id program when we are not root) is not waited
            // for.
            if (living == 0 && now_ms() - begun > plan_.grace_ms) return;
            wait_for_child();
        }
    }

    void wait_for_child() noexcept {
        pollfd waiting{signals_, POLLIN, 0};
        ::poll(&waiting, 1, 20);
        signalfd_siginfo info{};
        while (::read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        }
    }

    void send(const supervisor_report& report) const noexcept {
        ::send(plan_.control, &report, sizeof report, MSG_DONTWAIT | MSG_NOSIGNAL);
    }

    // Removed before the last report, so that whoever reads it finds nothing left.
    void finish(const supervisor_report& report) noexcept {
        if (plan_.socket_path != nullptr) ::unlink(plan_.socket_path);
        if (plan_.socket_directory != nullptr) ::rmdir(plan_.socket_directory);
        if (plan_.cgroup_directory != nullptr) {
            // The kernel lets go of a cgroup a moment after its last process is reaped.
            for (int i = 0; i < 100 && ::rmdir(plan_.cgroup_directory) != 0 && errno == EBUSY; ++i)
                ::poll(nullptr, 0, 10);
        }
        send(report);
    }

    const supervisor_plan& plan_;
    pid_t dlv_ = -1;
    int signals_ = -1;
    int status_ = 0;
    std::int64_t started_ = 0;
    std::int64_t deadline_ = 0;
    bool dlv_ended_ = false;
    bool kill_ = false;
    bool terminating_ = false;
    bool asked_ = false;
    bool escalated_ = false;
    bool announced_ = false;
    bool in_cgroup_ = false;
    bool over_memory_ = false;
    char output_[16 * 1024];
};

}  // namespace

void supervise(const supervisor_plan& plan) noexcept {
    supervisor self(plan);
    self.run();
    ::_exit(0);
}

}  // namespace launcher
