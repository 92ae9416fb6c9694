// One HTTP request to a gateway over a TLS connection of its own, from the laptop's side.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "auth/tls.h"
#include "gateway/via.h"

namespace gateway {

struct https_question {
    std::string host;
    std::uint16_t port = 0;
    std::string server_name;  // what the certificate must be for; empty: host
    via_way via{};            // how to get there
    std::string path;
    std::string body{};       // JSON, sent by POST; overwritten when it was sent
    std::chrono::milliseconds time{15'000};  // for all of it; with `line`, until the first byte and between two
    std::string method = "POST";
    std::size_t max_reply = 256 * 1024;      // bytes
    // Called with each line of an answer that comes in lines (application/x-ndjson), empty ones left out; the reply's
    // body has then what is left over.
    std::function<void(std::string_view)> line{};
    // Called with the bytes of the answer as they come, its head too, and the reply is empty then; `time` as with `line`.
    std::function<void(std::string_view)> raw{};
};

struct https_reply {
    https_reply() = default;  // no aggregate: an error's text must not look like one
    unsigned status = 0;
    std::string body;
    std::string date;  // when it was, by the gateway's clock: the Date of RFC 9110, as it was sent; empty: not told
};

// `context` must live until `done` is called, from the event loop, once. Nothing of the request is sent
// before the server's certificate is verified. `explain` says why a handshake failed, in one line.
// What is returned gives it up: `done` is told so, unless it has been called.
std::function<void()> https_post(boost::asio::io_context& io, https_question question, SSL_CTX* context,
                std::function<std::string(SSL*)> explain, std::function<void(auth::outcome<https_reply>)> done);

}  // namespace gateway
