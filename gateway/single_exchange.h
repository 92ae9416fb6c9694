// One HTTP request over a socket, its answer, and the end, all within a time: for the ports of this host that need no more.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

namespace gateway {

constexpr std::chrono::seconds single_exchange_time{5};  // for a whole request, and for its answer

// Lives as long as its reads, writes and timer do; `done` is called when it goes.
template <typename Socket>
class single_exchange : public std::enable_shared_from_this<single_exchange<Socket>> {
public:
    // Bytes in, the answer's bytes out once they are due.
    using feed = std::function<std::optional<std::string>(std::string_view)>;

    single_exchange(Socket socket, feed answer, std::function<void()> done)
        : socket_(std::move(socket)), deadline_(socket_.get_executor()), answer_(std::move(answer)), done_(std::move(done)) {}
    ~single_exchange() { done_(); }
    single_exchange(const single_exchange&) = delete;
    single_exchange& operator=(const single_exchange&) = delete;

    void start() {
        deadline_.expires_after(single_exchange_time);
        deadline_.async_wait([weak = this->weak_from_this()](const boost::system::error_code& ec) {
            boost::system::error_code ignored;
            if (const auto self = weak.lock(); self && !ec) self->socket_.close(ignored);
        });
        read();
    }

private:
    void read() {
        socket_.async_read_some(boost::asio::buffer(input_), [self = this->shared_from_this()](const boost::system::error_code& ec, std::size_t n) {
            if (ec) return;
            auto text = self->answer_({self->input_.data(), n});
            if (!text) return self->read();
            self->output_ = std::move(*text);
            self->write();
        });
    }

    void write() {
        boost::asio::async_write(socket_, boost::asio::buffer(output_), [self = this->shared_from_this()](const boost::system::error_code&, std::size_t) {
            boost::system::error_code ignored;
            self->deadline_.cancel();
            self->socket_.shutdown(Socket::shutdown_both, ignored);
        });
    }

    Socket socket_;
    boost::asio::steady_timer deadline_;
    feed answer_;
    std::function<void()> done_;
    std::array<char, 2048> input_;
    std::string output_;
};

}  // namespace gateway
