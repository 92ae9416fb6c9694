#include "gateway/tls_server.h"

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "auth/authority.h"
#include "gateway/audit_trail.h"
#include "gateway/connection.h"

namespace gateway {

using boost::asio::ip::tcp;
using std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds goodbye_time{2000};  // after drainTime, for the last bytes

}  // namespace

tls_server::tls_server(gateway_parts& parts, auth::ssl_ctx context)
    : parts_(parts),
      context_(std::move(context)),
      admission_(parts.bounds),
      ports_(parts.io, [this](int fd, const tcp::endpoint& peer) { take(fd, peer); },
             [this](const std::string& text) { trouble("", text); }),
      drain_timer_(parts.io) {
    tls_channel::prepare(context_.get());
    parts_.links = &links_;
}

tls_server::~tls_server() {
    // Connections reach back into the server while they die.
    auto connections = std::exchange(connections_, {});
    connections.clear();
    parts_.links = nullptr;
}

void tls_server::use(auth::ssl_ctx context) {
    tls_channel::prepare(context.get());
    context_ = std::move(context);
}

std::optional<lifetime> tls_server::certificate_time() const {
    const X509* own = SSL_CTX_get0_certificate(context_.get());
    if (!own) return std::nullopt;
    return lifetime{auth::seconds_of(X509_get0_notBefore(own)), auth::seconds_of(X509_get0_notAfter(own))};
}

std::size_t tls_server::streams() const {
    std::size_t sum = 0;
    for (const auto& [key, one] : connections_) sum += one->streams();
    return sum;
}

std::vector<tls_server::person> tls_server::people() const {
    std::vector<person> all;
    for (const auto& [key, one] : connections_)
        if (!one->who().user.empty()) all.push_back({one->who(), one->address()});
    return all;
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
    const std::string words = skipped > 0 ? text + " (and " + std::to_string(skipped) + " more like it)" : text;
    log().warn("{}", words);
    // As rarely as the log: a flood must not fill the disk.
    if (parts_.audit) parts_.audit->refused_connection(source, words);
}

void tls_server::drain(std::function<void()> done) {
    parts_.draining = true;
    drained_ = std::move(done);
    ports_.close();
    links_.give_up_all("the gateway is shutting down");
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
