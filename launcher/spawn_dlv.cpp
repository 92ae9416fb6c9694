#include "launcher/spawn_dlv.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

namespace launcher {

namespace {

using step = supervisor_report::step;

struct failure_note {
    step where;
    int error;
};

[[noreturn]] void fail(int notes, step where) noexcept {
    const failure_note note{where, errno};
    [[maybe_unused]] const auto n = ::write(notes, &note, sizeof note);
    ::_exit(127);
}

// glibc's own wrappers take locks to change every thread; here there is one thread, and it may have
// been forked while another held such a lock.
bool become(const supervisor_plan& plan) noexcept {
    return ::syscall(SYS_setgroups, plan.group_count, plan.groups) == 0 &&
           ::syscall(SYS_setresgid, plan.gid, plan.gid, plan.gid) == 0 &&
           ::syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) == 0;
}

[[noreturn]] void run_dlv(const supervisor_plan& plan, pid_t parent, int notes) noexcept {
    // By the one who opened it, hence before the identity changes. Not being in it is not fatal:
    // the supervisor then watches instead.
    if (plan.cgroup_procs >= 0 && ::write(plan.cgroup_procs, "0", 1) != 1) {
        const failure_note note{step::cgroup, errno};
        [[maybe_unused]] const auto n = ::write(notes, &note, sizeof note);
    }
    // dlv may be told to start in a directory that only root can reach.
    if (::chdir(plan.directory) != 0) fail(notes, step::directory);
    if (plan.switch_user && !become(plan)) fail(notes, step::user);

    // After the change of identity, which clears it.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail(notes, step::fork);
    if (::getppid() != parent) ::_exit(127);

    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(plan.output_write, 1) < 0 ||
        ::dup2(plan.output_write, 2) < 0)
        fail(notes, step::fork);
    // All of ours are close-on-exec already; this is for any that a library opened carelessly.
    ::syscall(SYS_close_range, 3U, UINT_MAX, CLOSE_RANGE_CLOEXEC);

    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execve(plan.dlv, plan.argv, plan.envp);
    fail(notes, step::exec);
}

}  // namespace

spawned_dlv spawn_dlv(const supervisor_plan& plan) noexcept {
    spawned_dlv result;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        result.error = errno;
        return result;
    }
    const pid_t parent = ::getpid();
    // Not fork(): it would run handlers that other libraries registered.
    const auto pid = static_cast<pid_t>(::_Fork());
    if (pid == 0) run_dlv(plan, parent, ends[1]);
    ::close(ends[1]);
    if (pid < 0) {
        result.error = errno;
        ::close(ends[0]);
        return result;
    }
    result.pid = pid;
    result.in_cgroup = plan.cgroup_procs >= 0;
    failure_note note{};
    ssize_t n = 0;
    while ((n = ::read(ends[0], &note, sizeof note)) == sizeof note || (n < 0 && errno == EINTR)) {
        if (n < 0) continue;
        if (note.where == step::cgroup) {
            result.in_cgroup = false;
            continue;
        }
        result.pid = -1;
        result.where = note.where;
        result.error = note.error;
    }
    ::close(ends[0]);
    return result;
}

}  // namespace launcher
