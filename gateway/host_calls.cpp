#include "gateway/host_calls.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#ifdef __APPLE__
#include <mach-o/dyld.h>

#include <cstdint>
#endif

extern char** environ;

namespace gateway {

void prepare_for_sending([[maybe_unused]] int socket) {
#ifdef SO_NOSIGPIPE
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
}

int accept_one(int listener, sockaddr* peer, socklen_t* size) {
#ifdef __linux__
    return ::accept4(listener, peer, size, SOCK_CLOEXEC);
#else
    const int fd = ::accept(listener, peer, size);
    if (fd >= 0) {
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        prepare_for_sending(fd);
    }
    return fd;
#endif
}

void keep_alive(int socket, int idle, int interval, int count) {
    const auto set = [socket](int level, int option, int value) { ::setsockopt(socket, level, option, &value, sizeof value); };
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
    set(IPPROTO_TCP, TCP_KEEPIDLE, idle);
#else
    set(IPPROTO_TCP, TCP_KEEPALIVE, idle);
#endif
    set(IPPROTO_TCP, TCP_KEEPINTVL, interval);
    set(IPPROTO_TCP, TCP_KEEPCNT, count);
}

int rename_to_new(const std::string& from, const std::string& to) {
#ifdef __APPLE__
    return ::renamex_np(from.c_str(), to.c_str(), RENAME_EXCL);
#else
    return ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
#endif
}

int rename_exchanging(const std::string& from, const std::string& to) {
#ifdef __APPLE__
    return ::renamex_np(from.c_str(), to.c_str(), RENAME_SWAP);
#else
    return ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE);
#endif
}

std::string own_executable() {
    std::error_code ec;
#ifdef __APPLE__
    std::array<char, 4096> path{};
    auto size = static_cast<std::uint32_t>(path.size());
    if (::_NSGetExecutablePath(path.data(), &size) != 0) return {};
    const auto self = std::filesystem::canonical(path.data(), ec);
#else
    const auto self = std::filesystem::read_symlink("/proc/self/exe", ec);
#endif
    return ec ? std::string() : self.string();
}

int start_detached(const std::string& program, const std::vector<std::string>& words, int out, int err, int kept, pid_t& pid) {
    // Above those they become, so that none is overwritten before it is copied.
    constexpr int above = 10;
    const std::array<int, 3> from{::fcntl(out, F_DUPFD_CLOEXEC, above), ::fcntl(err, F_DUPFD_CLOEXEC, above), ::fcntl(kept, F_DUPFD_CLOEXEC, above)};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    for (int i = 0; i < 3; ++i) posix_spawn_file_actions_adddup2(&actions, from[static_cast<std::size_t>(i)], i + 1);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    // An IDE or nohup may have had them ignored.
    for (const int one : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD}) sigaddset(&usual, one);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    short flags = POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
#ifdef __linux__
    posix_spawn_file_actions_addclosefrom_np(&actions, 4);
#else
    flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
    posix_spawnattr_setflags(&attributes, flags);
    std::string name = "delvegate";
    std::vector<std::string> copies = words;
    std::vector<char*> argv{name.data()};
    for (auto& word : copies) argv.push_back(word.data());
    argv.push_back(nullptr);
    const int error = from[0] < 0 || from[1] < 0 || from[2] < 0 ? EMFILE : ::posix_spawn(&pid, program.c_str(), &actions, &attributes, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    for (const int one : from)
        if (one >= 0) ::close(one);
    return error;
}

}  // namespace gateway
