#include "gateway/host_calls.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
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

#include "gateway/spawning.h"

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
    spawning how;
    how.give_nothing(0, O_RDONLY);
    for (int i = 0; i < 3; ++i) how.give(from[static_cast<std::size_t>(i)], i + 1);
    how.close_from(4);
    // An IDE or nohup may have had them ignored.
    how.usual({SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD});
    how.own_session();
    std::vector<std::string> all{"delvegate"};
    all.insert(all.end(), words.begin(), words.end());
    const int error = from[0] < 0 || from[1] < 0 || from[2] < 0 ? EMFILE : how.start(program, std::move(all), pid);
    for (const int one : from)
        if (one >= 0) ::close(one);
    return error;
}

}  // namespace gateway
