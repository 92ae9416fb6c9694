#include "gateway/host_calls.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#ifdef __APPLE__
#include <mach-o/dyld.h>

#include <array>
#include <cstdint>
#endif

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

}  // namespace gateway
