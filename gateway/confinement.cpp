#include "gateway/confinement.h"

#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "launcher/landlock.h"
#include "launcher/sanitizers.h"

namespace gateway {

namespace {

using launcher::outcome;

constexpr const char* allowed[] = {
    // bytes and sockets
    "read", "readv", "pread64", "preadv", "write", "writev", "pwrite64", "pwritev", "recvfrom", "recvmsg", "recvmmsg", "sendto",
    "sendmsg", "sendmmsg", "sendfile", "accept", "accept4", "bind", "connect", "listen", "getsockopt", "setsockopt", "getsockname",
    "getpeername", "shutdown", "close", "close_range", "dup", "dup2", "dup3", "pipe", "pipe2", "poll", "ppoll", "select", "pselect6",
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "timerfd_create",
    "timerfd_settime", "timerfd_gettime", "signalfd4", "ioctl", "fcntl", "fcntl64", "memfd_create",
    // files
    "open", "openat", "openat2", "lseek", "fstat", "stat", "lstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat",
    "faccessat2", "readlink", "readlinkat", "getdents64", "getcwd", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir",
    "mkdirat", "rmdir", "link", "linkat", "fchmod", "chmod", "fchmodat", "fchown", "umask", "ftruncate", "fallocate", "fadvise64",
    "fsync", "fdatasync", "sync_file_range", "flock", "utimensat", "inotify_init1", "inotify_add_watch", "inotify_rm_watch",
    // memory, threads, time
    "brk", "mmap", "munmap", "mremap", "madvise", "mprotect", "mlock", "munlock", "futex", "futex_waitv", "exit", "exit_group",
    "set_robust_list", "get_robust_list", "rseq", "membarrier", "sched_yield", "sched_getaffinity", "sched_getparam",
    "sched_getscheduler", "set_tid_address", "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
    "times", "getrusage", "getrandom", "sysinfo", "uname", "restart_syscall",
    // signals of its own, its child's end, who it is
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "sigaltstack", "wait4", "waitid", "getpid",
    "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getgroups", "getresuid", "getresgid", "getpgrp", "getsid",
    "capget", "getrlimit", "arch_prctl",
};

// Never by accident: whoever asks for one of these is not the gateway any more.
constexpr const char* deadly[] = {
    "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_open", "pidfd_getfd",
    "pidfd_send_signal", "kcmp", "fork", "vfork", "setns", "unshare", "mount", "umount2", "move_mount", "fsopen", "fsmount", "open_tree",
    "pivot_root", "chroot", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "init_module", "finit_module", "delete_module",
    "kexec_load", "kexec_file_load", "keyctl", "add_key", "request_key", "reboot", "swapon", "swapoff", "setuid", "setgid", "setreuid",
    "setregid", "setresuid", "setresgid", "setgroups", "capset", "personality", "open_by_handle_at", "mknod", "mknodat",
};

std::string failure(const std::string& what, int error) { return "the gateway cannot be confined: " + what + ": " + std::strerror(error); }

outcome<void> drop_privileges() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failure("no_new_privs", errno);
    // Not by another process of the same user either.
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failure("it stays dumpable", errno);
    for (int one = 0; ::prctl(PR_CAPBSET_READ, one, 0, 0, 0) >= 0; ++one)
        // Without CAP_SETPCAP there is nothing to drop them with; no_new_privs keeps them from being had.
        if (::prctl(PR_CAPBSET_DROP, one, 0, 0, 0) != 0 && errno != EPERM) return failure("its bounding set", errno);
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) return failure("ambient capabilities", errno);
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
    if (::syscall(SYS_capset, &head, none) != 0) return failure("its capabilities", errno);
    return {};
}

using context = std::unique_ptr<void, decltype(&::seccomp_release)>;

class filter {
public:
    filter() : made_(::seccomp_init(SCMP_ACT_ERRNO(EPERM)), &::seccomp_release) {
        if (!made_) error_ = -ENOMEM;
    }

    // An unknown name is a system call of another architecture, or of a newer kernel than libseccomp's.
    template <class... Conditions>
    void add(std::uint32_t action, const char* name, Conditions... conditions) {
        const int number = ::seccomp_syscall_resolve_name(name);
        if (error_ != 0 || number == __NR_SCMP_ERROR) return;
        const int error = ::seccomp_rule_add(made_.get(), action, number, sizeof...(conditions), conditions...);
        if (error != -EDOM) error_ = error;
    }
    int load() {
        if (error_ == 0) error_ = ::seccomp_load(made_.get());
        return error_;
    }

private:
    context made_;
    int error_ = 0;
};

outcome<void> close_calls(pid_t signer) {
    filter calls;
    for (const char* name : allowed) calls.add(SCMP_ACT_ALLOW, name);
    for (const char* name : launcher::calls_of_sanitizers()) calls.add(SCMP_ACT_ALLOW, name);
    launcher::no_leaks_from_here();
    for (const char* name : deadly) calls.add(SCMP_ACT_KILL_PROCESS, name);
    for (const int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK})
        calls.add(SCMP_ACT_ALLOW, "socket", SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
    calls.add(SCMP_ACT_ALLOW, "socketpair", SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(AF_UNIX)));
    // A thread, never a process. clone3's flags cannot be looked at: the C library then asks by clone.
    calls.add(SCMP_ACT_ALLOW, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM));
    calls.add(SCMP_ACT_ERRNO(ENOSYS), "clone3");
    const auto self = static_cast<scmp_datum_t>(::getpid());
    for (const char* name : {"tgkill", "kill"}) calls.add(SCMP_ACT_ALLOW, name, SCMP_A0(SCMP_CMP_EQ, self));
    if (signer > 0) calls.add(SCMP_ACT_ALLOW, "kill", SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(signer)));
    for (const int what : {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_CAPBSET_READ, PR_SET_VMA})
        calls.add(SCMP_ACT_ALLOW, "prctl", SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(what)));
    // Looked at, not changed: new limits are a null pointer.
    calls.add(SCMP_ACT_ALLOW, "prlimit64", SCMP_A2(SCMP_CMP_EQ, 0));
    if (const int error = calls.load(); error != 0) return failure("its seccomp filter", -error);
    return {};
}

}  // namespace

outcome<confined> confine_gateway(const confinement& how) {
    using result = outcome<confined>;
    const auto failed = [](const std::string& why) { return result(boost::system::in_place_error, why); };
    if (auto dropped = drop_privileges(); !dropped) return failed(dropped.error());
    confined out;
    if (!how.landlock) out.why = "files are open to it as before: other processes' descriptors must be seen (kind connect)";
    if (how.landlock) {
        const auto version = launcher::close_files({how.paths.read, how.paths.write});
        if (!version && how.whole) return failed("the gateway cannot be confined: " + version.error());
        if (!version)
            out.why = out.lacking = "files are open to it as before: " + version.error();
        else if (*version == 0)
            out.why = out.lacking = "files are open to it as before: this kernel has no Landlock";
        else
            out.landlock = *version;
    }
    if (auto closed = close_calls(how.signer); !closed) return failed(closed.error());
    out.calls = true;
    return result(boost::system::in_place_value, std::move(out));
}

}  // namespace gateway
