#include "launcher/health_owner.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "launcher/listeners.h"

namespace launcher {

namespace {

std::string table_of(const char* file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

// In the order in which they are tried.
std::vector<std::string> addresses_of(const std::string& host) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), nullptr, &wanted, &found) != 0) return {};
    std::vector<std::string> out;
    for (const addrinfo* one = found; one; one = one->ai_next) {
        char text[NI_MAXHOST];
        if (::getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0) out.emplace_back(text);
    }
    ::freeaddrinfo(found);
    return out;
}

}  // namespace

std::string stranger_at(const health_check& where, const std::vector<pid_t>& own) {
    std::vector<listening_socket> sockets;
    for (const auto& host : addresses_of(where.host)) {
        dlv_address address;
        address.how = dlv_address::kind::tcp;
        address.host = host;
        address.port = where.port;
        const auto found = find_tcp(table_of("/proc/net/tcp"), table_of("/proc/net/tcp6"), address);
        // The kernel gives a connection to who listens at the very address, if anybody does.
        sockets = found.exact.empty() ? found.wildcard : found.exact;
        if (!sockets.empty()) break;
    }
    const std::string port = "port " + std::to_string(where.port);
    if (sockets.empty()) return "nobody on this node listens at " + port + " of " + where.host;
    const auto holding = who_holds(sockets);
    for (const auto& socket : sockets) {
        const auto ours = [&](const holder& one) { return one.inode == socket.inode && std::ranges::find(own, one.pid) != own.end(); };
        if (std::ranges::any_of(holding.found, ours)) continue;
        const auto other = std::ranges::find(holding.found, socket.inode, &holder::inode);
        return port + " is not the program's own: " +
               (other == holding.found.end() ? std::string("it is not known whose it is")
                                             : "process " + std::to_string(other->pid) + " listens there");
    }
    return {};
}

}  // namespace launcher
