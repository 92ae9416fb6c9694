#include "gateway/listening_ports.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>

#include "gateway/log.h"

namespace gateway {

using boost::asio::ip::tcp;

namespace {

constexpr int accepts_per_turn = 16;
constexpr std::chrono::milliseconds accept_rest{100};
constexpr int backlog = 512;

std::string endpoint_text(const tcp::endpoint& where) {
    return to_string(host_port{where.address().to_string(), where.port()});
}

}  // namespace

struct listening_ports::port {
    explicit port(boost::asio::io_context& io) : acceptor(io), timer(io) {}
    tcp::acceptor acceptor;
    boost::asio::steady_timer timer;
};

listening_ports::listening_ports(boost::asio::io_context& io, std::function<void(int, const tcp::endpoint&)> take,
                                 std::function<void(const std::string&)> trouble)
    : io_(io),
      take_(std::move(take)),
      trouble_(std::move(trouble)),
      reserve_fd_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

listening_ports::~listening_ports() {
    close();
    for (const int fd : inherited_) ::close(fd);
    if (reserve_fd_ >= 0) ::close(reserve_fd_);
}

void listening_ports::inherit(std::vector<int> sockets) {
    inherited_.insert(inherited_.end(), sockets.begin(), sockets.end());
}

auth::outcome<void> listening_ports::open(const std::vector<host_port>& where, std::string_view key) {
    for (const host_port& one : where) {
        tcp::resolver resolver(io_);
        boost::system::error_code ec;
        const auto found = resolver.resolve(one.host, std::to_string(one.port),
                                            tcp::resolver::passive | tcp::resolver::numeric_service, ec);
        auth::outcome<void> opened;
        if (ec || found.empty())
            opened = "cannot listen on " + to_string(one) + ": " + ec.message() + "; `" + std::string(key) +
                     "` takes an address of this host and a port";
        // A name may stand for several addresses; all of them are meant.
        for (const auto& entry : found)
            if (opened) opened = open_port(entry.endpoint(), key);
        if (opened) continue;
        close();
        return opened;
    }
    if (auto none = none_left(key); !none) {
        close();
        return none;
    }
    for (const auto& one : ports_) wait(one);
    return {};
}

void listening_ports::close() {
    boost::system::error_code ignored;
    for (const auto& one : std::exchange(ports_, {})) {
        one->timer.cancel();
        one->acceptor.close(ignored);
    }
}

// Of an inherited socket, where it listens.
static tcp::endpoint place_of(int fd) {
    tcp::endpoint where;
    socklen_t size = static_cast<socklen_t>(where.capacity());
    if (::getsockname(fd, where.data(), &size) == 0) where.resize(size);
    return where;
}

bool listening_ports::take_inherited(const tcp::endpoint& where) {
    const auto at = std::find_if(inherited_.begin(), inherited_.end(), [&](int fd) { return place_of(fd) == where; });
    if (at == inherited_.end()) return false;
    auto one = std::make_shared<port>(io_);
    boost::system::error_code ec;
    one->acceptor.assign(where.protocol(), *at, ec);
    if (!ec) one->acceptor.native_non_blocking(true, ec);
    if (ec) return false;
    inherited_.erase(at);
    ports_.push_back(std::move(one));
    return true;
}

auth::outcome<void> listening_ports::none_left(std::string_view key) const {
    if (inherited_.empty()) return {};
    return "systemd has opened " + endpoint_text(place_of(inherited_.front())) + " for the gateway (delvegate.socket), which `" +
           std::string(key) + "` does not name: make the two the same, or disable the socket unit";
}

auth::outcome<void> listening_ports::open_port(const tcp::endpoint& where, std::string_view key) {
    if (take_inherited(where)) return {};
    auto one = std::make_shared<port>(io_);
    boost::system::error_code ec;
    const bool everywhere = where.address().is_v6() && where.address().is_unspecified();
    one->acceptor.open(where.protocol(), ec);
    if (ec && everywhere)  // a host without IPv6
        return open_port({boost::asio::ip::address_v4::any(), where.port()}, key);
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
        // What has the port may be the very socket that was meant for it, on other addresses.
        if (auto none = none_left(key); !none && ec == boost::asio::error::address_in_use) return none;
        std::string text = "cannot listen on " + endpoint_text(where) + ": " + ec.message();
        if (ec == boost::asio::error::address_in_use)
            text += "; another gateway may be running here: stop it, or choose another port in `" +
                    std::string(key) + "`";
        else if (ec == boost::asio::error::access_denied)
            text += "; ports below 1024 need privilege: choose another port in `" + std::string(key) + "`";
        return text;
    }
    ports_.push_back(std::move(one));
    return {};
}

std::vector<tcp::endpoint> listening_ports::addresses() const {
    std::vector<tcp::endpoint> all;
    for (const auto& one : ports_) {
        boost::system::error_code ec;
        const auto local = one->acceptor.local_endpoint(ec);
        if (!ec) all.push_back(local);
    }
    return all;
}

// A port outlives its closing by the handlers that hold it; they find it closed.
void listening_ports::wait(const std::shared_ptr<port>& at) {
    at->acceptor.async_wait(tcp::acceptor::wait_read, [this, at](const boost::system::error_code& ec) {
        if (!ec && at->acceptor.is_open()) accept_some(at);
    });
}

// A few at a time, so that a flood of callers leaves room for those who are in.
void listening_ports::accept_some(const std::shared_ptr<port>& at) {
    for (int i = 0; i < accepts_per_turn; ++i) {
        if (!at->acceptor.is_open()) return;
        if (accept_one(*at)) continue;
        if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
        if (errno == EMFILE || errno == ENFILE) {
            shed(*at);
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
bool listening_ports::accept_one(port& at) {
    tcp::endpoint peer;
    socklen_t size = static_cast<socklen_t>(peer.capacity());
    const int fd = ::accept4(at.acceptor.native_handle(), peer.data(), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return false;
    peer.resize(size);
    take_(fd, peer);
    return true;
}

// Out of descriptors: the listener would stay readable for ever. One caller is turned away with the
// descriptor kept for this, and then we wait for others to leave.
void listening_ports::shed(port& at) {
    if (reserve_fd_ >= 0) ::close(reserve_fd_);
    const int fd = ::accept4(at.acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) ::close(fd);
    reserve_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    trouble_("out of file descriptors; raise the limit (ulimit -n) or lower limits.connections");
}

void listening_ports::rest(const std::shared_ptr<port>& at) {
    at->timer.expires_after(accept_rest);
    at->timer.async_wait([this, at](const boost::system::error_code& ec) {
        if (!ec && at->acceptor.is_open()) wait(at);
    });
}

}  // namespace gateway
