// Whose process is at the other end of a TCP connection within this host.
#pragma once

#include <sys/types.h>

#include <optional>

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/result.hpp>

namespace gateway {

// The user who owns the socket with local address `peer` and remote address `own`, that is: the other
// end of an accepted connection whose addresses are `own` and `peer`. Both of one family; IPv4-mapped
// IPv6 addresses are looked up as IPv4 too. nullopt: no process of this host holds such a socket (the
// peer is on another host, or has closed already: the kernel counts a closed socket as root's, so that
// is never answered). An error: the kernel would not say.
//
// Asks the kernel's socket diagnosis for the exact pair, one send and one receive; where that is not
// to be had, reads /proc/net/tcp. On macOS, libproc is asked for the sockets of this user's processes; another user's are
// as nobody's.
boost::system::result<std::optional<uid_t>> user_of_peer(const boost::asio::ip::tcp::endpoint& own,
                                                         const boost::asio::ip::tcp::endpoint& peer);

#ifdef __linux__
// The two ways, for tests. Addresses as above.
boost::system::result<std::optional<uid_t>> user_by_sock_diag(
    const boost::asio::ip::tcp::endpoint& own, const boost::asio::ip::tcp::endpoint& peer);
boost::system::result<std::optional<uid_t>> user_by_proc(const boost::asio::ip::tcp::endpoint& own,
                                                         const boost::asio::ip::tcp::endpoint& peer);
#endif

}  // namespace gateway
