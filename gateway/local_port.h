// The loopback port of `delvegate connect`: its address, opening it, and who may use it.
#pragma once

#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/result.hpp>

namespace gateway {

template <class T>
using or_reason = boost::system::result<T, std::string>;  // the error is one line for a person

// "127.0.0.1:2345", "[::1]:2345", "localhost:2345" (127.0.0.1), ":2345" and "2345" (127.0.0.1).
// Port 0 lets the system choose.
or_reason<boost::asio::ip::tcp::endpoint> parse_listen_address(std::string_view text);

// Whether only processes of this host can reach it.
bool is_loopback(const boost::asio::ip::address& address);

// Opens, binds and listens; non-blocking, close-on-exec. The reason of a failure says what to do
// about it (a port that is taken, one that needs privilege, an address this host does not have).
or_reason<boost::asio::ip::tcp::acceptor> open_local_port(const boost::asio::any_io_executor& executor,
                                                          const boost::asio::ip::tcp::endpoint& where);

// "127.0.0.1:2345", "[::1]:2345"
std::string to_text(const boost::asio::ip::tcp::endpoint& endpoint);

enum class local_peer { own_user, other_user, unknown };
struct local_peer_check {
    local_peer who = local_peer::unknown;
    std::string line;  // of a refusal, for the log: who was there, or why nobody knows
};
// Whether the process at the other end of an accepted connection belongs to this process's own user.
// Root is no exception: what root does is not what this user meant to do.
local_peer_check check_local_peer(const boost::asio::ip::tcp::endpoint& own,
                       const boost::asio::ip::tcp::endpoint& peer);

}  // namespace gateway
