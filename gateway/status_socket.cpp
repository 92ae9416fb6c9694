#include "gateway/status_socket.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/write.hpp>
#include <utility>

#include "launcher/dlv_address.h"

namespace gateway {

using boost::asio::local::stream_protocol;

namespace {

constexpr std::size_t max_requests = 16;
constexpr std::chrono::seconds request_time{5};

}  // namespace

// Lives as long as its reads, writes and timer do.
struct status_socket::request : std::enable_shared_from_this<request> {
    request(stream_protocol::socket s, http_get answer, http_post post, std::function<void()> over)
        : socket(std::move(s)),
          deadline(socket.get_executor()),
          exchange(std::move(answer), std::move(post)),
          done(std::move(over)) {}
    ~request() { done(); }

    void start() {
        deadline.expires_after(request_time);
        deadline.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
            boost::system::error_code ignored;
            if (const auto self = weak.lock(); self && !ec) self->socket.close(ignored);
        });
        read();
    }

    void read() {
        socket.async_read_some(boost::asio::buffer(input),
                               [self = shared_from_this()](const boost::system::error_code& ec, std::size_t n) {
                                   if (ec) return;
                                   auto text = self->exchange.feed({self->input.data(), n});
                                   if (!text) return self->read();
                                   self->output = std::move(*text);
                                   self->write();
                               });
    }

    void write() {
        boost::asio::async_write(socket, boost::asio::buffer(output),
                                 [self = shared_from_this()](const boost::system::error_code&, std::size_t) {
                                     boost::system::error_code ignored;
                                     self->deadline.cancel();
                                     self->socket.shutdown(stream_protocol::socket::shutdown_both, ignored);
                                 });
    }

    stream_protocol::socket socket;
    boost::asio::steady_timer deadline;
    http_exchange exchange;
    std::function<void()> done;
    std::array<char, 1024> input;
    std::string output;
};


status_socket::status_socket(boost::asio::io_context& io, http_get answer, http_post post)
    : io_(io), answer_(std::move(answer)), post_(std::move(post)), acceptor_(io), rest_(io) {}

status_socket::~status_socket() {
    if (!path_.empty()) ::unlink(path_.c_str());
}

launcher::outcome<void> status_socket::open(const std::string& runtime_directory) {
    const std::string path = status_socket_path(runtime_directory);
    if (path.size() > launcher::max_socket_path)
        return "the path of the status socket is too long: " + path + "; choose a shorter runtimeDirectory";
    boost::system::error_code ec;
    stream_protocol::socket probe(io_);
    probe.connect(stream_protocol::endpoint(path), ec);
    if (!ec)
        return "another delvegate serve answers at " + path +
               "; stop it, or give this one a runtimeDirectory of its own";
    ::unlink(path.c_str());

    acceptor_.open(stream_protocol(), ec);
    if (!ec) ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
    // Never connectable by others, not even before a chmod.
    const mode_t before = ::umask(0177);
    if (!ec) acceptor_.bind(stream_protocol::endpoint(path), ec);
    ::umask(before);
    if (!ec) path_ = path;
    if (!ec) acceptor_.listen(static_cast<int>(max_requests), ec);
    if (ec) return "cannot listen on " + path + ": " + ec.message();
    accept();
    return {};
}

void status_socket::accept() {
    acceptor_.async_accept([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec,
                                                                      stream_protocol::socket socket) {
        if (alive.expired() || !acceptor_.is_open() || ec == boost::asio::error::operation_aborted) return;
        if (!ec && open_ < max_requests) {
            ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
            ++open_;
            std::make_shared<request>(std::move(socket), answer_, post_, [this, alive] {
                if (!alive.expired()) --open_;
            })->start();
        }
        if (!ec) return accept();
        // Out of descriptors, most likely: no use in asking again at once.
        rest_.expires_after(std::chrono::milliseconds(100));
        rest_.async_wait([this, alive](const boost::system::error_code& stopped) {
            if (!stopped && !alive.expired()) accept();
        });
    });
}

}  // namespace gateway
