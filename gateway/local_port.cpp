#include "gateway/local_port.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include <boost/asio/ip/v6_only.hpp>

#include "gateway/peer_user.h"

namespace gateway {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, ec] = std::from_chars(text.data(), end, port);
    if (text.empty() || ec != std::errc() || stop != end) return std::nullopt;
    return port;
}

std::string user_name(uid_t uid) {
    std::array<char, 4096> buffer;
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found)
        return std::string(found->pw_name) + " (uid " + std::to_string(uid) + ")";
    return "uid " + std::to_string(uid);
}

}  // namespace

or_reason<tcp::endpoint> parse_listen_address(std::string_view text) {
    const auto wrong = [&] {
        return "--listen wants ADDRESS:PORT such as 127.0.0.1:2345, not \"" + std::string(text) + "\"";
    };
    std::string_view host;
    std::string_view port = text;
    if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
        host = text.substr(0, colon);
        port = text.substr(colon + 1);
    }
    const auto number = parse_port(port);
    if (!number) return wrong();
    if (host.empty() || host == "localhost") return tcp::endpoint(asio::ip::address_v4::loopback(), *number);

    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    boost::system::error_code ec;
    const auto address = asio::ip::make_address(std::string(host), ec);
    if (ec || address.is_v6() != bracketed) return wrong();
    return tcp::endpoint(address, *number);
}

bool is_loopback(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback();
    return address.is_loopback();
}

or_reason<tcp::acceptor> open_local_port(const asio::any_io_executor& executor,
                                         const tcp::endpoint& where) {
    boost::system::error_code ec;
    const auto failed = [&](std::string_view what) {
        std::string line = "cannot listen on " + to_text(where) + ": ";
        if (ec == asio::error::address_in_use)
            line += "the port is taken, by another `delvegate connect` or a local dlv perhaps (see "
                    "`ss -ltnp`); choose another with --listen 127.0.0.1:PORT, or let the system "
                    "choose with port 0";
        else if (ec == asio::error::access_denied)
            line += "permission denied; choose a port from 1024 up";
        else if (ec == boost::system::errc::address_not_available)
            line += "this host has no such address";
        else
            line += std::string(what) + ": " + ec.message();
        return line;
    };

    tcp::acceptor acceptor(executor);
    if (acceptor.open(where.protocol(), ec)) return failed("socket");
    ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
    // A new connect finds its port free although old connections are still in TIME_WAIT.
    acceptor.set_option(asio::socket_base::reuse_address(true), ec);
    if (where.protocol() == tcp::v6()) acceptor.set_option(asio::ip::v6_only(true), ec);
    if (acceptor.bind(where, ec)) return failed("bind");
    if (acceptor.listen(asio::socket_base::max_listen_connections, ec)) return failed("listen");
    acceptor.non_blocking(true, ec);
    if (ec) return failed("non-blocking");
    return acceptor;
}

std::string to_text(const tcp::endpoint& endpoint) {
    const auto address = endpoint.address().to_string();
    const auto port = std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

local_peer_check check_local_peer(const tcp::endpoint& own, const tcp::endpoint& peer) {
    const auto owner = user_of_peer(own, peer);
    if (!owner)
        return {local_peer::unknown, "refused a connection from " + to_text(peer) +
                                        ": the kernel does not say whose it is: " +
                                        owner.error().message()};
    if (!*owner)
        return {local_peer::unknown, "refused a connection from " + to_text(peer) +
                                        ": no process of this host holds it (any more)"};
    if (**owner != ::geteuid())
        return {local_peer::other_user, "refused a connection from " + to_text(peer) + ": it belongs to " +
                                           user_name(**owner) + ", and this port is for " +
                                           user_name(::geteuid()) + " only"};
    return {local_peer::own_user, {}};
}

}  // namespace gateway
