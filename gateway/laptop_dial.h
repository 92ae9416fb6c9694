// A TCP connection to the gateway, or one line that says why there is none.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "gateway/local_port.h"

namespace gateway {

using dial_done = std::function<void(or_reason<boost::asio::ip::tcp::socket>)>;

// Resolves `host` and tries its addresses one after the other, all within `time`. `done` is called
// once, from the event loop. The lines tell apart: a name nobody knows, a port that refuses, a host
// that does not answer, a network without a way there.
void dial(boost::asio::io_context& io, std::string host, std::uint16_t port,
          std::chrono::milliseconds time, dial_done done);

// "host:7443", "[::1]:7443"
std::string host_and_port(const std::string& host, std::uint16_t port);

}  // namespace gateway
