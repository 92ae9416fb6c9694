#include "gateway/enrollment_server.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "auth/enrollment_request.h"
#include "protocol/printable.h"
#include "gateway/tls_channel.h"

namespace gateway {

using boost::asio::ip::tcp;
using std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds goodbye_time{2000};
constexpr std::chrono::seconds ask_again{5};        // a signer or a port that is not there
constexpr std::chrono::seconds longest_wait{3600};  // clocks jump

// IPv4 as such, also where an IPv6 socket took it.
std::string peer_text(const boost::asio::ip::address& address) {
    const bool mapped = address.is_v6() && address.to_v6().is_v4_mapped();
    return mapped ? boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).to_string()
                  : address.to_string();
}

}  // namespace

// One caller: handshake, one request, one answer, all within handshakeTime.
class enrollment_server::call final : public std::enable_shared_from_this<call>, channel_user {
public:
    // `address` is the caller's, `source` what it counts as.
    call(enrollment_server& server, std::uint64_t id, tcp::socket socket, ssl_handle ssl, std::string address,
         std::string source)
        : server_(server),
          id_(id),
          address_(std::move(address)),
          source_(std::move(source)),
          channel_(tls_channel::make(std::move(socket), std::move(ssl), tls_channel::role::server, *this)),
          deadline_(server.io_),
          reader_(auth::max_enrollment_request) {}
    ~call() override {
        channel_->abort();
        server_.admission_.handshake_over(source_);
        server_.admission_.connection_over();
    }

    void start() {
        channel_->start(server_.bounds_.handshake_time);
        deadline_.expires_after(server_.bounds_.handshake_time);
        deadline_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
            const auto self = weak.lock();
            if (ec || !self) return;
            self->channel_->abort();
            self->over();
        });
    }

private:
    void opened() override {}
    void received(std::string_view bytes) override {
        if (asked_) return;
        auto got = reader_.feed(bytes);
        if (!got) return;
        asked_ = true;
        auto* request = std::get_if<http_request>(&*got);
        // A stranger learns nothing of what there might be.
        if (!request || request->method != "POST" || request->path != "/v1/enroll") return reply({404});
        server_.service_.enroll(std::move(request->body), address_, [weak = weak_from_this()](const http_answer& said) {
            if (const auto self = weak.lock()) self->reply(said);
        });
    }
    void writable() override {}
    void ended() override {
        if (!asked_) channel_->shutdown(goodbye_time);
    }
    void closed(close_cause cause, std::string_view text) override {
        if (cause == close_cause::tls && !asked_) {
            ++server_.counts_.failed_handshakes;
            server_.trouble(source_, "enrolment handshake with " + address_ + " failed: " + protocol::printable(text));
        }
        over();
    }

    void reply(const http_answer& said) {
        channel_->send(http_text(said, false));
        channel_->shutdown(goodbye_time);
    }

    void over() {
        deadline_.cancel();
        boost::asio::post(server_.io_, [server = &server_, id = id_, alive = std::weak_ptr<char>(server_.alive_)] {
            if (!alive.expired()) server->remove(id);
        });
    }

    enrollment_server& server_;
    const std::uint64_t id_;
    const std::string address_;
    const std::string source_;
    std::shared_ptr<tls_channel> channel_;
    boost::asio::steady_timer deadline_;
    http_reader reader_;
    bool asked_ = false;
};

enrollment_server::enrollment_server(boost::asio::io_context& io, const limits& bounds, counters& counts,
                                     enrollment& service, signer& who_signs, settings how)
    : io_(io),
      bounds_(bounds),
      counts_(counts),
      service_(service),
      signer_(who_signs),
      how_(std::move(how)),
      ports_(io, [this](int fd, const tcp::endpoint& peer) { take(fd, peer); },
             [this](const std::string& text) { trouble("", text); }),
      again_(io) {
    // Each connection is a handshake for as long as it lasts.
    bounds_.connections = bounds_.handshakes;
}

enrollment_server::~enrollment_server() {
    alive_.reset();
    calls_.clear();
}

void enrollment_server::start() {
    signer_.on_changed([this, alive = std::weak_ptr<char>(alive_)] {
        if (!alive.expired()) ask();
    });
    ask();
}

void enrollment_server::stop() {
    stopped_ = true;
    again_.cancel();
    ports_.close();
}

void enrollment_server::use_new_files() {
    if (!open()) return;
    auto context = how_.context();
    if (!context) return log().error("enrolment goes on with the gateway's former certificate: {}", context.error());
    tls_channel::prepare(context->get());
    context_ = std::move(*context);
}

void enrollment_server::ask() {
    if (stopped_) return;
    signer_.tokens([this, alive = std::weak_ptr<char>(alive_)](const live_tokens& tokens) {
        if (!alive.expired() && !stopped_) told(tokens);
    });
}

void enrollment_server::told(const live_tokens& tokens) {
    std::chrono::seconds wait = tokens.known ? longest_wait : ask_again;
    live_ = tokens.known ? tokens.count : 0;
    if (live_ == 0) {
        if (open()) log().info("enrolment is closed: no token is live");
        ports_.close();
    } else if (!open()) {
        open_ports();
        if (!open()) wait = ask_again;
    }
    if (live_ > 0 && tokens.next_expiry > 0) {
        const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
        wait = std::min(wait, std::max(std::chrono::seconds(1), std::chrono::seconds(tokens.next_expiry - now + 1)));
    }
    again_.expires_after(wait);
    again_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
        if (!ec && !alive.expired()) ask();
    });
}

void enrollment_server::open_ports() {
    auto context = how_.context();
    auth::outcome<void> opened;
    if (!context) opened = context.error();
    if (opened) {
        tls_channel::prepare(context->get());
        context_ = std::move(*context);
        opened = ports_.open(how_.listen, "enrollListen");
    }
    if (!opened) {
        // Said once for each reason, however often it is tried.
        if (std::exchange(told_, opened.error()) != opened.error())
            log().error("there are enrolment tokens, but the enrolment port stays closed: {}", opened.error());
        return;
    }
    told_.clear();
    std::string where;
    for (const auto& one : addresses())
        where += (where.empty() ? "" : ", ") + to_string(host_port{one.address().to_string(), one.port()});
    log().info("enrolment is open on {}", where);
}

void enrollment_server::take(int fd, const tcp::endpoint& peer) {
    ++counts_.accepted;
    const std::string source = source_of(peer.address());
    const auto answer = admission_.knock(source, steady_clock::now());
    if (answer != admission::answer::yes) {
        ::close(fd);
        const bool theirs = answer == admission::answer::source_handshakes || answer == admission::answer::source_rate;
        ++(theirs ? counts_.limit_source : counts_.limit_handshakes);
        return trouble(source, source + " turned away from enrolment: too many connections" +
                                   (theirs ? " from there" : ""));
    }
    tcp::socket socket(io_);
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
    const auto made = std::make_shared<call>(
        *this, id, std::move(socket), std::move(ssl), peer_text(peer.address()), source);
    calls_[id] = made;
    made->start();
}

void enrollment_server::remove(std::uint64_t id) {
    const auto at = calls_.find(id);
    if (at == calls_.end()) return;
    const auto dying = std::move(at->second);
    calls_.erase(at);
}

void enrollment_server::trouble(const std::string& source, const std::string& text) {
    std::size_t skipped = 0;
    if (!gate_.open(source, steady_clock::now(), skipped)) return;
    if (skipped > 0)
        log().warn("{} (and {} more like it)", text, skipped);
    else
        log().warn("{}", text);
}

}  // namespace gateway
