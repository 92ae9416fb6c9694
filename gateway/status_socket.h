// The Unix socket that `delvegate status` asks: HTTP, one request a connection, for the gateway's own
// user only (directory and socket modes).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "gateway/http_api.h"
#include "launcher/outcome.h"

namespace gateway {

std::string status_socket_path(const std::string& runtime_directory);

class status_socket {
public:
    status_socket(boost::asio::io_context& io, http_get answer, http_post post = {});
    ~status_socket();
    status_socket(const status_socket&) = delete;
    status_socket& operator=(const status_socket&) = delete;

    // Refused when another gateway answers there; a socket left behind is replaced.
    launcher::outcome<void> open(const std::string& runtime_directory);

private:
    void accept();

    boost::asio::io_context& io_;
    http_get answer_;
    http_post post_;
    boost::asio::local::stream_protocol::acceptor acceptor_;
    boost::asio::steady_timer rest_;
    std::string path_;
    std::size_t open_ = 0;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace gateway
