#include "launcher/service_child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

namespace launcher::service_child {

namespace {

constexpr int first_kept = 3;

[[noreturn]] void fail(int parent, step where, std::uint32_t index = 0) noexcept {
    const failure_note note{where, errno, index};
    [[maybe_unused]] const auto n = ::send(parent, &note, sizeof note, MSG_NOSIGNAL);
    ::_exit(127);
}

void reset_signals() noexcept {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
}

bool set_oom_score(int value) noexcept {
    std::array<char, 8> text{};
    std::size_t length = 0;
    unsigned left = static_cast<unsigned>(value < 0 ? -value : value);
    std::array<char, 5> digits{};
    std::size_t count = 0;
    do digits[count++] = static_cast<char>('0' + left % 10);
    while ((left /= 10) != 0 && count < digits.size());
    if (value < 0) text[length++] = '-';
    while (count > 0) text[length++] = digits[--count];
    const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    // In a container nobody may lower it, and systemd goes on there too.
    const bool done = fd >= 0 && (::write(fd, text.data(), length) == static_cast<ssize_t>(length) || errno == EACCES);
    if (fd >= 0) ::close(fd);
    return done;
}

// Where it cannot be raised so far, in a container, as far as it can.
bool set_open_files(std::uint64_t count) noexcept {
    rlimit limit{count, count};
    if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return true;
    if (errno != EPERM || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
    limit.rlim_cur = limit.rlim_max;
    return ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

// The directories above, and itself as what is going to be mounted on it, where they are not there.
void make_target(const char* target, bool directory) noexcept {
    std::array<char, longest_path> path{};
    const std::size_t length = std::strlen(target);
    for (std::size_t i = 1; i < length; ++i) {
        if (target[i] != '/') continue;
        std::memcpy(path.data(), target, i);
        path[i] = '\0';
        ::mkdir(path.data(), 0755);
    }
    if (directory) ::mkdir(target, 0755);
    else ::mknod(target, S_IFREG | 0644, 0);
}

void make_mounts(const orders& o, int parent) noexcept {
    const auto& mounts = o.service.mounts;
    if (mounts.empty() && !o.service.hardened) return;
    if (::unshare(CLONE_NEWNS) != 0 || ::syscall(SYS_mount, nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
        fail(parent, step::name_space);
    // All sources are as the host has them: they are taken before any target hides one.
    std::array<int, most_mounts> trees{};
    for (std::uint32_t i = 0; i < mounts.size(); ++i) {
        trees[i] = static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, mounts[i].source.c_str(),
                                              OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
        if (trees[i] < 0) fail(parent, step::mount_source, i);
        if (!mounts[i].read_only) continue;
        mount_attr attributes{};
        attributes.attr_set = MOUNT_ATTR_RDONLY;
        if (::syscall(SYS_mount_setattr, trees[i], "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes) != 0)
            fail(parent, step::mount_read_only, i);
    }
    for (const auto i : o.mount_order) {
        struct stat info {};
        make_target(mounts[i].target.c_str(), ::fstat(trees[i], &info) == 0 && S_ISDIR(info.st_mode));
        if (::syscall(SYS_move_mount, trees[i], "", AT_FDCWD, mounts[i].target.c_str(),
                      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) != 0)
            fail(parent, step::mount_target, i);
        ::close(trees[i]);
    }
    if (o.service.hardened && !harden_mounts(o.service)) fail(parent, step::confine);
}

// glibc's own wrappers take locks to change every thread; here there is one.
bool become(const transient_service& service) noexcept {
    return ::syscall(SYS_setgroups, service.groups.size(), service.groups.data()) == 0 &&
           ::syscall(SYS_setresgid, service.gid, service.gid, service.gid) == 0 &&
           ::syscall(SYS_setresuid, service.uid, service.uid, service.uid) == 0;
}

bool set_streams(int input, int output) noexcept {
    const int in = input >= 0 ? ::fcntl(input, F_DUPFD_CLOEXEC, first_kept) : ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int out = ::fcntl(output, F_DUPFD_CLOEXEC, first_kept);
    return in >= 0 && out >= 0 && ::dup2(in, 0) == 0 && ::dup2(out, 1) == 1 && ::dup2(out, 2) == 2;
}

}  // namespace

void run(const orders& o) noexcept {
    reset_signals();
    const int parent = ::fcntl(o.parent, F_DUPFD_CLOEXEC, first_kept);
    ::close(o.parent);
    ::close(o.parents_own);  // or its end would not be seen
    char go = 0;
    ssize_t n = 0;
    do n = ::recv(parent, &go, 1, 0);
    while (n < 0 && errno == EINTR);
    if (n != 1) ::_exit(127);  // whoever wanted it is gone

    const auto& service = o.service;
    for (const int door : o.doors)
        if (::write(door, "0", 1) != 1) fail(parent, step::cgroup);
    if (::setsid() < 0) fail(parent, step::session);
    if (service.limit_nofile && !set_open_files(*service.limit_nofile)) fail(parent, step::limits);
    if (!set_oom_score(service.oom_score_adjust.value_or(0))) fail(parent, step::oom_score);
    ::umask(0022);
    make_mounts(o, parent);
    ::umask(service.umask.value_or(service.hardened ? 0077 : 0022));
    if (!set_streams(service.standard_input, o.output)) fail(parent, step::streams);
    if (service.hardened && !drop_bounding_set()) fail(parent, step::confine);
    // As root: it may be one that only root can reach.
    if (::chdir(service.working_directory.c_str()) != 0) fail(parent, step::directory);
    if (!become(service)) fail(parent, step::identity);
    ::syscall(SYS_close_range, 3U, UINT_MAX, CLOSE_RANGE_CLOEXEC);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (service.hardened && !harden_calls(o.filter)) fail(parent, step::confine);
    ::execve(o.argv[0], o.argv, o.environment);
    fail(parent, step::execute);
}

}  // namespace launcher::service_child
