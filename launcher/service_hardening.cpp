#include "launcher/service_hardening.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "launcher/fd.h"

namespace launcher {

namespace {

constexpr const char* devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
constexpr const char* homes[] = {"/home", "/root", "/run/user"};

int open_tree_of(const char* path) noexcept {
    return static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
}

bool move_tree(int tree, const char* to) noexcept {
    const bool moved = ::syscall(SYS_move_mount, tree, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) == 0;
    const int error = errno;
    ::close(tree);
    errno = error;
    return moved;
}

bool hide_devices() noexcept {
    std::array<int, std::size(devices)> trees{};
    for (std::size_t i = 0; i < trees.size(); ++i)
        if ((trees[i] = open_tree_of(devices[i])) < 0) return false;
    if (::syscall(SYS_mount, "tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k") != 0) return false;
    for (std::size_t i = 0; i < trees.size(); ++i) {
        if (::mknod(devices[i], S_IFREG | 0666, 0) != 0 || !move_tree(trees[i], devices[i])) return false;
    }
    return true;
}

bool is_at_home(const char* program) noexcept {
    for (const char* home : homes)
        if (std::strncmp(program, home, std::strlen(home)) == 0 && program[std::strlen(home)] == '/') return true;
    return false;
}

bool hide_homes() noexcept {
    for (const char* home : homes)
        if (::syscall(SYS_mount, "tmpfs", home, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0000,size=4k") != 0 &&
            errno != ENOENT)
            return false;
    return true;
}

bool add_rules(scmp_filter_ctx filter) {
    bool fine = true;
    const auto forbid = [&](int call, int error, auto... conditions) {
        fine = fine && ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(static_cast<unsigned>(error)), call, sizeof...(conditions), conditions...) == 0;
    };
    for (const int call : {SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(personality), SCMP_SYS(mount), SCMP_SYS(umount2)}) forbid(call, EPERM);
    forbid(SCMP_SYS(clone3), ENOSYS);  // its flags are in memory; glibc then takes clone
    for (const unsigned long space : {CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP})
        forbid(SCMP_SYS(clone), EPERM, SCMP_A0(SCMP_CMP_MASKED_EQ, space, space));
    static_assert(AF_UNIX == 1 && AF_INET == 2 && AF_INET6 == 10);
    forbid(SCMP_SYS(socket), EAFNOSUPPORT, SCMP_A0(SCMP_CMP_EQ, 0));
    for (unsigned long family = 3; family < 10; ++family) forbid(SCMP_SYS(socket), EAFNOSUPPORT, SCMP_A0(SCMP_CMP_EQ, family));
    forbid(SCMP_SYS(socket), EAFNOSUPPORT, SCMP_A0(SCMP_CMP_GT, 10));
    forbid(SCMP_SYS(mmap), EPERM, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC));
    for (const int call : {SCMP_SYS(mprotect), SCMP_SYS(pkey_mprotect)}) forbid(call, EPERM, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    forbid(SCMP_SYS(shmat), EPERM, SCMP_A2(SCMP_CMP_MASKED_EQ, SHM_EXEC, SHM_EXEC));
    for (const unsigned long bit : {S_ISUID, S_ISGID}) {
        forbid(SCMP_SYS(fchmod), EPERM, SCMP_A1(SCMP_CMP_MASKED_EQ, bit, bit));
        forbid(SCMP_SYS(fchmodat), EPERM, SCMP_A2(SCMP_CMP_MASKED_EQ, bit, bit));
#ifdef __NR_chmod
        forbid(SCMP_SYS(chmod), EPERM, SCMP_A1(SCMP_CMP_MASKED_EQ, bit, bit));
#endif
    }
    return fine;
}

}  // namespace

outcome<std::vector<sock_filter>> hardening_filter() {
    const auto fault = [](const std::string& why) { return error_text("its filter of system calls could not be made: " + why); };
    const scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ALLOW);
    if (filter == nullptr) return fault("no memory");
    const unique_fd file(::memfd_create("filter", MFD_CLOEXEC));
    const bool made = file && add_rules(filter) && ::seccomp_export_bpf(filter, file.get()) == 0;
    ::seccomp_release(filter);
    struct stat info {};
    if (!made || ::fstat(file.get(), &info) != 0) return fault("libseccomp cannot");
    std::vector<sock_filter> program(static_cast<std::size_t>(info.st_size) / sizeof(sock_filter));
    if (::pread(file.get(), program.data(), static_cast<std::size_t>(info.st_size), 0) != info.st_size) return fault(std::strerror(errno));
    return program;
}

bool harden_mounts(const transient_service& service) noexcept {
    // Taken before all becomes read-only, and put where they were.
    std::array<int, most_writable> writable{};
    for (std::size_t i = 0; i < service.writable.size(); ++i)
        if ((writable[i] = open_tree_of(service.writable[i].c_str())) < 0) return false;
    if (!hide_devices() || (!is_at_home(service.argv.front().c_str()) && !hide_homes())) return false;
    mount_attr read_only{};
    read_only.attr_set = MOUNT_ATTR_RDONLY;
    if (::syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &read_only, sizeof read_only) != 0) return false;
    for (std::size_t i = 0; i < service.writable.size(); ++i)
        if (!move_tree(writable[i], service.writable[i].c_str())) return false;
    return true;
}

bool drop_bounding_set() noexcept {
    for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
        if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return false;
    return ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0;
}

bool harden_calls(const std::vector<sock_filter>& filter) noexcept {
    const sock_fprog program{static_cast<unsigned short>(filter.size()), const_cast<sock_filter*>(filter.data())};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

}  // namespace launcher
