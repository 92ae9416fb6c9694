#ifdef __linux__

#include "gateway/peer_user.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

namespace gateway {
namespace {

namespace ip = boost::asio::ip;
using endpoint = ip::tcp::endpoint;
using answer = boost::system::result<std::optional<uid_t>>;

boost::system::error_code last_error() {
    return {errno, boost::system::system_category()};
}

// An IPv4 connection may be held by an IPv6 socket on either side: one form for comparing.
ip::address plain(const ip::address& a) {
    if (a.is_v6() && a.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, a.to_v6());
    return a;
}

void put(const ip::address& address, __be32 (&out)[4]) {
    std::memset(out, 0, sizeof out);
    if (address.is_v4()) {
        const auto bytes = address.to_v4().to_bytes();
        std::memcpy(out, bytes.data(), bytes.size());
    } else {
        const auto bytes = address.to_v6().to_bytes();
        std::memcpy(out, bytes.data(), bytes.size());
    }
}

struct diag_socket {
    int fd = ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    ~diag_socket() {
        if (fd >= 0) ::close(fd);
    }
};

// 127.0.0.1 in /proc/net/tcp is 0100007F: each 32-bit word in the host's byte order.
std::string proc_form(const ip::address& address, unsigned short port) {
    __be32 words[4];
    put(address, words);
    std::string out;
    char text[16];
    for (int i = 0; i < (address.is_v4() ? 1 : 4); ++i) {
        std::snprintf(text, sizeof text, "%08X", words[i]);
        out += text;
    }
    std::snprintf(text, sizeof text, ":%04X", port);
    return out + text;
}

answer search_proc(const char* file, const std::string& local, const std::string& remote) {
    std::ifstream table(file);
    if (!table) return last_error();
    std::string line;
    std::getline(table, line);
    while (std::getline(table, line)) {
        char from[64];
        char to[64];
        unsigned uid = 0;
        unsigned long inode = 0;
        if (std::sscanf(line.c_str(), " %*d: %63s %63s %*x %*x:%*x %*x:%*x %*x %u %*d %lu", from, to,
                        &uid, &inode) != 4)
            continue;
        if (inode != 0 && local == from && remote == to) return std::optional<uid_t>(uid);
    }
    return std::optional<uid_t>();
}

}  // namespace

answer user_by_sock_diag(const endpoint& own, const endpoint& peer) {
    // One for the thread's life: opening it would cost more than the question. Requests and answers
    // alternate, and the kernel answers within the send.
    thread_local const diag_socket diag;
    if (diag.fd < 0) return boost::system::errc::make_error_code(boost::system::errc::not_supported);

    const auto from = plain(peer.address());
    const auto to = plain(own.address());
    struct {
        nlmsghdr header;
        inet_diag_req_v2 body;
    } request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = NLM_F_REQUEST;
    static thread_local std::uint32_t sequence = 0;
    request.header.nlmsg_seq = ++sequence;
    request.body.sdiag_family = static_cast<std::uint8_t>(from.is_v4() ? AF_INET : AF_INET6);
    request.body.sdiag_protocol = IPPROTO_TCP;
    request.body.idiag_states = ~0u;
    request.body.id.idiag_sport = htons(peer.port());
    request.body.id.idiag_dport = htons(own.port());
    put(from, request.body.id.idiag_src);
    put(to, request.body.id.idiag_dst);
    request.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;

    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    if (::sendto(diag.fd, &request, sizeof request, 0, reinterpret_cast<sockaddr*>(&kernel),
                 sizeof kernel) < 0)
        return last_error();

    for (;;) {
        alignas(nlmsghdr) std::array<char, 2048> buffer;
        sockaddr_nl source{};
        socklen_t source_size = sizeof source;
        const auto n = ::recvfrom(diag.fd, buffer.data(), buffer.size(), MSG_DONTWAIT,
                                  reinterpret_cast<sockaddr*>(&source), &source_size);
        if (n < 0) return last_error();
        if (source.nl_pid != 0) continue;  // not from the kernel
        const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
        if (!NLMSG_OK(header, static_cast<std::uint32_t>(n)) || header->nlmsg_seq != sequence)
            continue;
        if (header->nlmsg_type == NLMSG_ERROR) {
            const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(header));
            if (error->error == -ENOENT) return std::optional<uid_t>();
            return boost::system::error_code(-error->error, boost::system::system_category());
        }
        const auto* found = static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
        // The kernel also finds a listener for the address, and sockets nobody holds any more: those
        // are not the peer.
        if (found->idiag_inode == 0 || found->id.idiag_dport != request.body.id.idiag_dport)
            return std::optional<uid_t>();
        return std::optional<uid_t>(found->idiag_uid);
    }
}

answer user_by_proc(const endpoint& own, const endpoint& peer) {
    const auto from = plain(peer.address());
    const auto to = plain(own.address());
    answer found = std::optional<uid_t>();
    if (from.is_v4()) {
        found = search_proc("/proc/net/tcp", proc_form(from, peer.port()), proc_form(to, own.port()));
        if (found && *found) return found;
    }
    const auto wide = [](const ip::address& a) {
        return a.is_v4() ? ip::address(ip::make_address_v6(ip::v4_mapped, a.to_v4())) : a;
    };
    // A host without IPv6 has no such table; then the IPv4 one has said all there is.
    const auto found6 = search_proc("/proc/net/tcp6", proc_form(wide(from), peer.port()),
                                    proc_form(wide(to), own.port()));
    return found6 ? found6 : found;
}

answer user_of_peer(const endpoint& own, const endpoint& peer) {
    auto found = user_by_sock_diag(own, peer);
    return found ? found : user_by_proc(own, peer);
}

}  // namespace gateway

#endif
