#include "gateway/status_socket.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "gateway/single_exchange.h"
#include "launcher/dlv_address.h"

namespace gateway {

using boost::asio::local::stream_protocol;

namespace {

constexpr std::size_t max_requests = 16;

}  // namespace

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
            auto feed = [exchange = std::make_shared<http_exchange>(answer_, post_)](std::string_view bytes) { return exchange->feed(bytes); };
            std::make_shared<single_exchange<stream_protocol::socket>>(std::move(socket), std::move(feed), [this, alive] {
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
