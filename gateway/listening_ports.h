// Ports that are listened on: bound, accepted from a few callers at a time, closed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "auth/tls.h"
#include "gateway/config.h"

namespace gateway {

class listening_ports {
public:
    // `take` owns each accepted descriptor (non-blocking, close-on-exec). `trouble` hears, in one line, when
    // descriptors run out.
    listening_ports(boost::asio::io_context& io, std::function<void(int fd, const boost::asio::ip::tcp::endpoint&)> take,
                    std::function<void(const std::string&)> trouble);
    ~listening_ports();
    listening_ports(const listening_ports&) = delete;
    listening_ports& operator=(const listening_ports&) = delete;

    // Listening sockets that somebody else has opened (systemd's socket unit). They are ours now, and open() takes those of its
    // addresses instead of binding them; one that is left over is an error, for callers would wait at it for ever.
    void inherit(std::vector<int> sockets);

    // Binds and accepts. The error says what to do, and names the key that has the addresses. "::" means
    // IPv4 too, and alone IPv4 on a host without IPv6.
    auth::outcome<void> open(const std::vector<host_port>& where, std::string_view key);
    void close();
    std::vector<boost::asio::ip::tcp::endpoint> addresses() const;  // empty: closed

private:
    struct port;

    auth::outcome<void> open_port(const boost::asio::ip::tcp::endpoint& where, std::string_view key);
    bool take_inherited(const boost::asio::ip::tcp::endpoint& where);
    auth::outcome<void> none_left(std::string_view key) const;
    void wait(const std::shared_ptr<port>& at);
    void accept_some(const std::shared_ptr<port>& at);
    bool accept_one(port& at);
    void rest(const std::shared_ptr<port>& at);
    void shed(port& at);

    boost::asio::io_context& io_;
    std::function<void(int, const boost::asio::ip::tcp::endpoint&)> take_;
    std::function<void(const std::string&)> trouble_;
    std::vector<std::shared_ptr<port>> ports_;
    std::vector<int> inherited_;
    int reserve_fd_ = -1;  // given up for a moment to turn a caller away when descriptors run out
};

}  // namespace gateway
