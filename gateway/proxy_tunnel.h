// HTTP CONNECT (RFC 9110, 9.3.6): a proxy makes the connection to the gateway.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/laptop_dial.h"
#include "gateway/via.h"

namespace gateway {

// Asks the proxy at the other end of `socket`, to which there is a connection, for one to host:port, within `time`. `done`
// is called once, from the event loop, with that same socket. The proxy learns host and port, and the user and password
// that `via` and the environment (DELVEGATE_PROXY_PASSWORD_FILE, DELVEGATE_PROXY_PASSWORD) name for it.
void ask_proxy(boost::asio::ip::tcp::socket socket, const via_way& via, const std::string& host, std::uint16_t port,
               std::chrono::milliseconds time, dial_done done);

// What matters of an answer to CONNECT: fields about a body do not (RFC 9110, 9.3.6), and lines may end by LF alone
// (RFC 9112, 2.2).
struct proxy_answer {
    unsigned status = 0;
    std::string reason;
    std::string schemes;  // of Proxy-Authenticate: "NTLM, Negotiate"
};
// Of a header with the empty line at its end; nothing: it is not HTTP.
std::optional<proxy_answer> read_proxy_answer(std::string_view header);

// The proxy's answer but a success, in one line.
std::string explain_proxy(const via_way& via, const std::string& gateway, const proxy_answer& said);

}  // namespace gateway
