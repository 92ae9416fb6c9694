// A connection to the gateway, straight or by a tunnel, or one line that says why there is none.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "gateway/local_port.h"
#include "gateway/via.h"

namespace gateway {

// What carries a connection, where that is a process of ours. To be kept as long as the connection.
class tunnel {
public:
    virtual ~tunnel() = default;
    // Why it has ended, in one line; empty: it has not. Takes up to some 200 ms to be sure, so it is for a connection
    // that ended.
    virtual std::string complaint() = 0;
};

struct way_there {
    explicit way_there(boost::asio::ip::tcp::socket connected, std::shared_ptr<tunnel> carried_by = {})
        : socket(std::move(connected)), through(std::move(carried_by)) {}
    boost::asio::ip::tcp::socket socket;
    std::shared_ptr<tunnel> through;  // none: the network
};
using dial_done = std::function<void(or_reason<way_there>)>;

// Resolves `host` and tries its addresses one after the other, all within `time`. `done` is called
// once, from the event loop. The lines tell apart: a name nobody knows, a port that refuses, a host
// that does not answer, a network without a way there.
// By a `via`, the name is resolved at its other end; `host` is what TLS is to be verified for all the same. Through ssh
// there is a way at once, and its trouble is the tunnel's complaint.
void dial(boost::asio::io_context& io, std::string host, std::uint16_t port, const via_way& via,
          std::chrono::milliseconds time, dial_done done);

// "host:7443", "[::1]:7443"
std::string host_and_port(const std::string& host, std::uint16_t port);

}  // namespace gateway
