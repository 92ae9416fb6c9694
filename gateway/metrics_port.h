// GET /metrics on a port of this host alone, for a Prometheus beside the gateway: plain HTTP without a word of who asks.
#pragma once

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "gateway/http_api.h"
#include "gateway/listening_ports.h"

namespace gateway {

class metrics_port {
public:
    metrics_port(boost::asio::io_context& io, std::function<http_answer()> answer);

    // Loopback addresses, which the configuration has seen to. The error says what to do.
    auth::outcome<void> open(const std::vector<host_port>& where) { return ports_.open(where, "metricsListen"); }
    void close() { ports_.close(); }
    std::vector<boost::asio::ip::tcp::endpoint> addresses() const { return ports_.addresses(); }

    static constexpr std::size_t max_connections = 16;  // further ones are closed at once

private:
    void take(int fd, const boost::asio::ip::tcp::endpoint& peer);

    boost::asio::io_context& io_;
    std::function<http_answer()> answer_;
    std::size_t open_ = 0;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
    listening_ports ports_;
};

}  // namespace gateway
