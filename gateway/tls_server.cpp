#include "gateway/tls_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "gateway/connection.h"

namespace gateway {

using boost::asio::ip::tcp;
using std::chrono::steady_clock;

namespace {

constexpr int accepts_per_turn = 16;
constexpr std::chrono::milliseconds accept_rest{100};
constexpr int backlog = 512;
constexpr std::chrono::milliseconds goodbye_time{2000};  // after drainTime, for the last bytes

std::string endpoint_text(const tcp::endpoint& where) {
    return to_string(host_port{where.address().to_string(), where.port()});
}

}  // namespace

struct tls_server::port {
    explicit port(boost::asio::io_context& io) : acceptor(io), timer(io) {}
    tcp::acceptor acceptor;
    boost::asio::steady_timer timer;
};

tls_server::tls_server(gateway_parts& parts, auth::ssl_ctx context)
    : parts_(parts),
      context_(std::move(context)),
      admission_(parts.bounds),
      drain_timer_(parts.io),
      reserve_fd_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
    tls_channel::prepare(context_.get());
}

tls_server::~tls_server() {
    // Connections reach back into the server while they die.
    auto connections = std::exchange(connections_, {});
    connections.clear();
    if (reserve_fd_ >= 0) ::close(reserve_fd_);
}

auth::outcome<void> tls_server::listen(const std::vector<host_port>& where) {
    for (const host_port& one : where) {
        tcp::resolver resolver(parts_.io);
        boost::system::error_code ec;
        const auto found = resolver.resolve(one.host, std::to_string(one.port),
                                            tcp::resolver::passive | tcp::resolver::numeric_service, ec);
        if (ec || found.empty())
            return "cannot listen on " + to_string(one) + ": " + ec.message() +
                   "; `listen` takes an address of this host and a port";
        // A name may stand for several addresses; all of them are meant.
        for (const auto& entry : found)
            if (auto opened = open_port(entry.endpoint()); !opened) return opened;
    }
    for (const auto& one : ports_) wait(*one);
    return {};
}

auth::outcome<void> tls_server::open_port(const tcp::endpoint& where) {
    auto one = std::make_unique<port>(parts_.io);
    boost::system::error_code ec;
    const bool everywhere = where.address().is_v6() && where.address().is_unspecified();
    one->acceptor.open(where.protocol(), ec);
    if (ec && everywhere)  // a host without IPv6
        return open_port({boost::asio::ip::address_v4::any(), where.port()});
    if (!ec) {
        ::fcntl(one->acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
        one->acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    }
    if (!ec && where.address().is_v6())
        one->acceptor.set_option(boost::asio::ip::v6_only(!everywhere), ec);
    if (!ec) one->acceptor.bind(where, ec);
    if (!ec) one->acceptor.listen(backlog, ec);
    if (!ec) one->acceptor.native_non_blocking(true, ec);
    if (ec) {
        std::string text = "cannot listen on " + endpoint_text(where) + ": " + ec.message();
        if (ec == boost::asio::error::address_in_use)
            text += "; another gateway may be running here: stop it, or choose another port in `listen`";
        else if (ec == boost::asio::error::access_denied)
            text += "; ports below 1024 need privilege: choose another port in `listen`";
        return text;
    }
    ports_.push_back(std::move(one));
    return {};
}

std::vector<tcp::endpoint> tls_server::addresses() const {
    std::vector<tcp::endpoint> all;
    for (const auto& one : ports_) {
        boost::system::error_code ec;
        const auto local = one->acceptor.local_endpoint(ec);
        if (!ec) all.push_back(local);
    }
    return all;
}

std::size_t tls_server::streams() const {
    std::size_t sum = 0;
    for (const auto& [key, one] : connections_) sum += one->streams();
    return sum;
}

void tls_server::wait(port& at) {
    at.acceptor.async_wait(tcp::acceptor::wait_read, [this, &at](const boost::system::error_code& ec) {
        if (!ec) accept_some(at);
    });
}

// A few at a time, so that a flood of callers leaves room for those who are in.
void tls_server::accept_some(port& at) {
    for (int i = 0; i < accepts_per_turn; ++i) {
        if (parts_.draining || !at.acceptor.is_open()) return;
        if (accept_one(at)) continue;
        if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
        if (errno == EMFILE || errno == ENFILE) {
            shed(at);
            return rest(at);
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            log().error("accept: {}", std::generic_category().message(errno));
            return rest(at);
        }
        break;
    }
    wait(at);
}

// False: errno says why there was none.
bool tls_server::accept_one(port& at) {
    tcp::endpoint peer;
    socklen_t size = static_cast<socklen_t>(peer.capacity());
    const int fd = ::accept4(at.acceptor.native_handle(), peer.data(), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return false;
    peer.resize(size);
    take(fd, peer);
    return true;
}

void tls_server::take(int fd, const tcp::endpoint& peer) {
    ++parts_.counts.accepted;
    const std::string source = source_of(peer.address());
    if (const auto answer = admission_.knock(source, steady_clock::now());
        answer != admission::answer::yes) {
        ::close(fd);
        return turned_away(source, answer);
    }
    tcp::socket socket(parts_.io);
    boost::system::error_code ec;
    socket.assign(peer.protocol(), fd, ec);
    ssl_handle ssl(ec ? nullptr : SSL_new(context_.get()));
    if (!ssl) {
        if (ec) ::close(fd);
        admission_.handshake_over(source);
        admission_.connection_over();
        return;
    }
    const std::uint64_t id = ++last_id_;
    auto& slot = connections_[id];
    slot = std::make_unique<connection>(*this, id, std::move(socket), std::move(ssl), source);
    slot->start();
}

// Out of descriptors: the listener would stay readable for ever. One caller is turned away with the
// descriptor kept for this, and then we wait for others to leave.
void tls_server::shed(port& at) {
    if (reserve_fd_ >= 0) ::close(reserve_fd_);
    const int fd = ::accept4(at.acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) ::close(fd);
    reserve_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    trouble("", "out of file descriptors; raise the limit (ulimit -n) or lower limits.connections");
}

void tls_server::rest(port& at) {
    at.timer.expires_after(accept_rest);
    at.timer.async_wait([this, &at](const boost::system::error_code& ec) {
        if (!ec) wait(at);
    });
}

void tls_server::turned_away(const std::string& source, admission::answer why) {
    auto& counts = parts_.counts;
    switch (why) {
        case admission::answer::connections:
            ++counts.limit_connections;
            return trouble(source, source + " turned away: limits.connections reached");
        case admission::answer::handshakes:
            ++counts.limit_handshakes;
            return trouble(source, source + " turned away: limits.handshakes reached");
        case admission::answer::source_handshakes:
            ++counts.limit_source;
            return trouble(source, source + " turned away: limits.handshakesPerSource reached");
        case admission::answer::source_rate:
            ++counts.limit_source;
            return trouble(source, source + " turned away: limits.handshakeRatePerSource reached");
        case admission::answer::yes: return;
    }
}

void tls_server::trouble(const std::string& source, const std::string& text) {
    std::size_t skipped = 0;
    if (!gate_.open(source, steady_clock::now(), skipped)) return;
    if (skipped > 0)
        log().warn("{} (and {} more like it)", text, skipped);
    else
        log().warn("{}", text);
}

void tls_server::drain(std::function<void()> done) {
    parts_.draining = true;
    drained_ = std::move(done);
    boost::system::error_code ignored;
    for (const auto& one : ports_) {
        one->timer.cancel();
        one->acceptor.close(ignored);
    }
    const auto within = parts_.bounds.drain_time;
    for (const auto& [key, one] : connections_) one->drain("the gateway is shutting down", within);
    drain_timer_.expires_after(within);
    drain_timer_.async_wait([this](const boost::system::error_code& ec) {
        if (ec) return;
        for (const auto& [key, one] : connections_) one->close("the gateway is shutting down");
        drain_timer_.expires_after(goodbye_time);
        drain_timer_.async_wait([this](const boost::system::error_code& stopped) {
            if (stopped) return;
            auto late = std::exchange(connections_, {});
            late.clear();
            check_drained();
        });
    });
    check_drained();
}

void tls_server::remove(std::uint64_t id) {
    const auto at = connections_.find(id);
    if (at == connections_.end()) return;
    const auto dying = std::move(at->second);
    connections_.erase(at);
    check_drained();
}

void tls_server::check_drained() {
    if (!drained_ || !connections_.empty()) return;
    drain_timer_.cancel();
    boost::asio::post(parts_.io, std::exchange(drained_, {}));
}

}  // namespace gateway
