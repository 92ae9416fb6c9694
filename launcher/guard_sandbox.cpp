#include "launcher/guard_sandbox.h"

#include <linux/capability.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "launcher/landlock.h"
#include "launcher/sanitizers.h"

namespace launcher {

namespace {

constexpr const char* allowed[] = {
    "read", "readv", "write", "writev", "recvfrom", "recvmsg", "sendto", "sendmsg", "poll", "ppoll", "accept",
    "accept4", "connect", "getsockopt", "setsockopt", "getsockname", "getpeername", "shutdown", "close", "lseek",
    "fcntl", "openat", "renameat", "renameat2", "unlinkat", "fstat", "newfstatat", "statx", "fsync", "fdatasync",
    "clock_gettime", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "futex", "brk", "munmap", "mremap",
    "madvise", "exit", "exit_group", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
    "restart_syscall", "getrandom", "getpid", "gettid", "geteuid", "getuid", "sched_yield", "rseq",
    "set_robust_list", "membarrier",
};

// Never by accident: whoever asks for one of these is not the guard any more.
constexpr const char* deadly[] = {
    "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "kill", "tkill", "pidfd_open",
    "pidfd_getfd", "pidfd_send_signal", "fork", "vfork", "bpf", "init_module", "finit_module", "mount", "setns",
    "unshare", "keyctl", "perf_event_open", "userfaultfd", "io_uring_setup",
};

using context = std::unique_ptr<void, decltype(&seccomp_release)>;

std::string failure(const char* what, int error) { return std::string(what) + ": " + std::strerror(error); }

// An unknown name is a system call of another architecture.
int add(void* filter, std::uint32_t action, const char* name) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) return 0;
    const int error = ::seccomp_rule_add(filter, action, number, 0);
    return error == -EDOM ? 0 : error;
}

int add_socket(void* filter, int family) {
    return ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                              SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
}

outcome<void> drop_capabilities() {
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
    if (::syscall(SYS_capset, &head, none) != 0) return failure("the guard cannot drop its capabilities", errno);
    return {};
}

}  // namespace

outcome<std::string> confine_guard(const std::string& directory) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return error_text(failure("no_new_privs cannot be set", errno));
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return error_text(failure("the guard cannot be made not dumpable", errno));
    if (auto dropped = drop_capabilities(); !dropped) return error_text(dropped.error());
    const auto landlock = close_files({{}, {directory}});
    const context filter(::seccomp_init(SCMP_ACT_ERRNO(EPERM)), &::seccomp_release);
    if (!filter) return error_text("no memory for the guard's seccomp filter");
    int error = 0;
    for (const char* name : allowed)
        if (error == 0) error = add(filter.get(), SCMP_ACT_ALLOW, name);
    for (const char* name : calls_of_sanitizers())
        if (error == 0) error = add(filter.get(), SCMP_ACT_ALLOW, name);
    no_leaks_from_here();
    for (const char* name : deadly)
        if (error == 0) error = add(filter.get(), SCMP_ACT_KILL_PROCESS, name);
    for (const char* name : {"mmap", "mprotect"})
        if (error == 0)
            error = ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, ::seccomp_syscall_resolve_name(name), 1,
                                       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    for (const int family : {AF_UNIX, AF_INET, AF_INET6})
        if (error == 0) error = add_socket(filter.get(), family);
    if (error == 0) error = ::seccomp_load(filter.get());
    if (error != 0) return error_text(failure("the guard's seccomp filter cannot be loaded", -error));
    if (!landlock) return text("system calls by seccomp; files are open to it as before: " + landlock.error());
    return text(*landlock == 0 ? std::string("system calls by seccomp; this kernel has no Landlock")
                               : "system calls by seccomp, files by Landlock " + std::to_string(*landlock));
}

}  // namespace launcher
