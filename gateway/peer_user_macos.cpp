// peer_user.h on macOS, by libproc: each socket of each process of this user's. Processes of others cannot be looked
// into, so what theirs hold counts as held by nobody, and is refused.
#ifdef __APPLE__

#include <arpa/inet.h>
#include <libproc.h>
#include <sys/proc_info.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

#include "gateway/peer_user.h"

namespace gateway {
namespace {

namespace ip = boost::asio::ip;
using endpoint = ip::tcp::endpoint;

ip::address plain(const ip::address& a) {
    if (a.is_v6() && a.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, a.to_v6());
    if (!a.is_v6()) return a;
    auto bare = a.to_v6();
    bare.scope_id(0);
    return bare;
}

endpoint end_of(const in_sockinfo& info, bool local) {
    const auto& address = local ? info.insi_laddr : info.insi_faddr;
    const auto port = ntohs(static_cast<std::uint16_t>(local ? info.insi_lport : info.insi_fport));
    if ((info.insi_vflag & INI_IPV4) != 0)
        return {ip::address_v4(ntohl(address.ina_46.i46a_addr4.s_addr)), port};
    ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &address.ina_6, bytes.size());
    return {plain(ip::address_v6(bytes)), port};
}

bool holds(pid_t pid, const endpoint& own, const endpoint& peer) {
    const int size = ::proc_pidinfo(pid, PROC_PIDLISTFDS, 0, nullptr, 0);
    if (size <= 0) return false;
    std::vector<proc_fdinfo> all(static_cast<std::size_t>(size) / sizeof(proc_fdinfo));
    const int got = ::proc_pidinfo(pid, PROC_PIDLISTFDS, 0, all.data(), static_cast<int>(all.size() * sizeof(proc_fdinfo)));
    for (std::size_t i = 0; got > 0 && i < static_cast<std::size_t>(got) / sizeof(proc_fdinfo); ++i) {
        if (all[i].proc_fdtype != PROX_FDTYPE_SOCKET) continue;
        socket_fdinfo info{};
        if (::proc_pidfdinfo(pid, all[i].proc_fd, PROC_PIDFDSOCKETINFO, &info, sizeof info) != static_cast<int>(sizeof info)) continue;
        if (info.psi.soi_kind != SOCKINFO_TCP) continue;
        const auto& tcp = info.psi.soi_proto.pri_tcp.tcpsi_ini;
        if (end_of(tcp, true) == peer && end_of(tcp, false) == own) return true;
    }
    return false;
}

}  // namespace

boost::system::result<std::optional<uid_t>> user_of_peer(const endpoint& own, const endpoint& peer) {
    const endpoint here(plain(own.address()), own.port()), there(plain(peer.address()), peer.port());
    const uid_t user = ::geteuid();
    const int size = ::proc_listpids(PROC_UID_ONLY, user, nullptr, 0);
    if (size <= 0) return boost::system::error_code(errno, boost::system::system_category());
    std::vector<pid_t> pids(static_cast<std::size_t>(size) / sizeof(pid_t) + 16);
    const int got = ::proc_listpids(PROC_UID_ONLY, user, pids.data(), static_cast<int>(pids.size() * sizeof(pid_t)));
    for (std::size_t i = 0; got > 0 && i < static_cast<std::size_t>(got) / sizeof(pid_t); ++i)
        if (pids[i] > 0 && holds(pids[i], here, there)) return std::optional<uid_t>(user);
    return std::optional<uid_t>();
}

}  // namespace gateway

#endif
