// HTTP CONNECT (RFC 9110, 9.3.6): a proxy makes the connection to the gateway.
#pragma once

#include <chrono>

#include "gateway/laptop_dial.h"
#include "gateway/via.h"

namespace gateway {

// Asks the proxy at the other end of `socket`, to which there is a connection, for one to host:port, within `time`. `done`
// is called once, from the event loop, with that same socket. The proxy learns host and port, and the user and password
// that `via` and the environment (DELVEGATE_PROXY_PASSWORD_FILE, DELVEGATE_PROXY_PASSWORD) name for it.
void ask_proxy(boost::asio::ip::tcp::socket socket, const via_way& via, const std::string& host, std::uint16_t port,
               std::chrono::milliseconds time, dial_done done);

// The proxy's answer but a success, in one line.
std::string explain_proxy(const via_way& via, const std::string& gateway, unsigned status, std::string_view reason);

}  // namespace gateway
