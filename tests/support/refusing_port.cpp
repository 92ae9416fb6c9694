// A loopback port that tells every IDE the same reason: `refusing_port REASON` prints its port and
// serves until its standard input closes. For tests with real debug clients.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/write.hpp>

#include "gateway/directory.h"

namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

class connection final : public gateway::stream_peer, public std::enable_shared_from_this<connection> {
public:
    connection(tcp::socket socket, const std::string& reason)
        : socket_(std::move(socket)), user_(gateway::make_refusal(*this, reason)) {}

    void read() {
        socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](auto ec, auto n) {
            if (ec) return self->user_->ended();
            self->user_->received({self->buffer_.data(), n});
            if (!self->finished_) self->read();
        });
    }

    void send(std::string_view bytes) override {
        boost::system::error_code ec;
        asio::write(socket_, asio::buffer(bytes), ec);
    }
    std::size_t unsent() const override { return 0; }
    void consumed(std::size_t) override {}
    void finish() override {
        finished_ = true;
        boost::system::error_code ec;
        socket_.shutdown(tcp::socket::shutdown_send, ec);
    }
    void abort(std::string_view) override { socket_.close(); }

private:
    tcp::socket socket_;
    std::array<char, 4096> buffer_{};
    std::unique_ptr<gateway::stream_user> user_;
    bool finished_ = false;
};

void accept(tcp::acceptor& acceptor, const std::string& reason) {
    acceptor.async_accept([&](auto ec, tcp::socket socket) {
        if (ec) return;
        std::make_shared<connection>(std::move(socket), reason)->read();
        accept(acceptor, reason);
    });
}

}  // namespace

int main(int argc, char** argv) {
    const std::string reason = argc > 1 ? argv[1] : "no";
    asio::io_context io;
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    std::cout << acceptor.local_endpoint().port() << std::endl;
    accept(acceptor, reason);
    asio::posix::stream_descriptor input(io, STDIN_FILENO);
    input.async_wait(asio::posix::stream_descriptor::wait_read, [&](auto) { io.stop(); });
    io.run();
}
