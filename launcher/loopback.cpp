#include "launcher/loopback.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "launcher/fd.h"

namespace launcher {

namespace {

std::size_t lines_in(const char* path) {
    std::ifstream file(path);
    return static_cast<std::size_t>(
        std::count(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>(), '\n'));
}

bool v6_can_listen() {
    const unique_fd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 any_port{};
    any_port.sin6_family = AF_INET6;
    any_port.sin6_addr = in6addr_loopback;
    return probe && ::bind(probe.get(), reinterpret_cast<sockaddr*>(&any_port), sizeof any_port) == 0;
}

}  // namespace

std::string quieter_loopback(std::size_t tcp_lines, std::size_t tcp6_lines) {
    return tcp_lines > last_line_old_dlv_reads / 2 && tcp6_lines < tcp_lines ? "[::1]" : "127.0.0.1";
}

std::string quieter_loopback() {
    auto quieter = quieter_loopback(lines_in("/proc/net/tcp"), lines_in("/proc/net/tcp6"));
    return quieter == "[::1]" && !v6_can_listen() ? "127.0.0.1" : quieter;
}

}  // namespace launcher
