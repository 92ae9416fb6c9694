#include "launcher/dial_dlv.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace launcher {

namespace {

union any_address {
    sockaddr_un local;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

// Its length, or 0 when the text is no address.
socklen_t fill(any_address& out, const dlv_address& address) {
    std::memset(&out, 0, sizeof out);
    if (address.how == dlv_address::kind::unix_socket) {
        if (address.path.empty() || address.path.size() > max_socket_path) return 0;
        out.local.sun_family = AF_UNIX;
        std::memcpy(out.local.sun_path, address.path.data(), address.path.size());
        return sizeof out.local;
    }
    if (::inet_pton(AF_INET, address.host.c_str(), &out.v4.sin_addr) == 1) {
        out.v4.sin_family = AF_INET;
        out.v4.sin_port = htons(address.port);
        return sizeof out.v4;
    }
    if (::inet_pton(AF_INET6, address.host.c_str(), &out.v6.sin6_addr) == 1) {
        out.v6.sin6_family = AF_INET6;
        out.v6.sin6_port = htons(address.port);
        return sizeof out.v6;
    }
    return 0;
}

}  // namespace

outcome<unique_fd> dial_dlv(const dlv_address& address) {
    any_address to;
    const socklen_t size = fill(to, address);
    if (size == 0) return to_string(address) + " is no address of dlv: correct it";
    const auto* generic = reinterpret_cast<const sockaddr*>(&to);
    unique_fd socket(::socket(generic->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return std::string("cannot open a socket to dlv: ") + std::strerror(errno);
    if (generic->sa_family != AF_UNIX) {
        const int one = 1;
        ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    if (::connect(socket.get(), generic, size) != 0 && errno != EINPROGRESS)
        return "dlv does not answer at " + to_string(address) + ": " + std::strerror(errno);
    return socket;
}

int dial_error(int socket) {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
}

}  // namespace launcher
