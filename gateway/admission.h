// Who may knock, before any TLS work is done: counts and rates, no sockets and no clock of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_map>

#include <boost/asio/ip/address.hpp>

#include "gateway/limits.h"

namespace gateway {

// What counts as one source: an IPv4 address, or the /64 an IPv6 host owns anyway.
std::string source_of(const boost::asio::ip::address& address);

class admission {
public:
    using time_point = std::chrono::steady_clock::time_point;
    enum class answer { yes, connections, handshakes, source_handshakes, source_rate };

    explicit admission(const limits& bounds) : bounds_(bounds) {}

    // A connection was accepted. After `yes` it counts as a handshake until handshake_over(), and as a
    // connection until connection_over().
    answer knock(const std::string& source, time_point now);
    void handshake_over(const std::string& source);
    void connection_over();

    // A verified connection of this user; false: over connectionsPerIdentity, not counted.
    bool enter(const std::string& user);
    void leave(const std::string& user);

    std::size_t handshakes() const { return handshakes_; }
    std::size_t connections() const { return connections_; }

private:
    struct source_state {
        std::size_t handshakes = 0;
        double tokens = 0;
        time_point filled;
    };
    void forget_idle(time_point now);

    static constexpr std::size_t max_sources = 4096;

    const limits& bounds_;
    std::unordered_map<std::string, source_state> sources_;
    std::unordered_map<std::string, std::size_t> users_;
    std::size_t handshakes_ = 0;
    std::size_t connections_ = 0;
};

}  // namespace gateway
