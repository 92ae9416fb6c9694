// A connected socket to dlv, and how it is had.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/upstream_route.h"

namespace gateway {

namespace asio = boost::asio;
using error_code = boost::system::error_code;

// Bytes to and from dlv on one connection: non-blocking, one outgoing queue, reading that can be
// paused. All callbacks come from the io_context, never from inside a call.
class upstream {
public:
    struct handlers {
        std::function<void(std::string_view)> bytes;   // what dlv sent
        std::function<void(std::string)> closed;       // once; one line; no call follows
    };

    // Over TCP a Delve before 1.22.1 hangs up on its caller unread where the machine has more than 9,999 sockets
    // (launcher/loopback.h). Those of closed connections go within a minute.
    static constexpr std::chrono::seconds default_patience{70};

    // Dials; what is sent before the connection stands is queued. `closed` tells of a failed dial too. A TCP
    // connection that dlv ends without a word is dialled again for `patience`, with what was sent on it.
    upstream(asio::io_context& context, const upstream_route& route, handlers on,
             std::chrono::milliseconds patience = default_patience);
    ~upstream();  // closes; no handler is called any more
    upstream(const upstream&) = delete;
    upstream& operator=(const upstream&) = delete;

    void send(std::string_view bytes);
    void pause();   // no bytes() until resume()
    void resume();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace gateway
