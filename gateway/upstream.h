// A connected socket to dlv's one listener, and the address to dial.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "launcher/dlv_process.h"

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

    // Dials; what is sent before the connection stands is queued. `closed` tells of a failed dial too.
    upstream(asio::io_context& context, const launcher::dlv_address& address, handlers on);
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
