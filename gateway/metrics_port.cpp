#include "gateway/metrics_port.h"

#include <unistd.h>

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <utility>
#include <variant>

#include "gateway/log.h"

namespace gateway {

using boost::asio::ip::tcp;

namespace {

// A name that somebody else's DNS could answer with this host's address is not taken: a page in a browser here asks by it.
bool names_this_host(std::string_view host) {
    std::string_view name = host.substr(0, host.starts_with('[') ? host.find(']') + 1 : host.rfind(':'));
    if (name == "localhost" || name == "[::1]") return true;
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address_v4(std::string(name), ec);
    return !ec && address.is_loopback();
}

http_answer answer_to(const http_request& asked, const std::function<http_answer()>& answer) {
    if (!names_this_host(asked.host)) return {403, http_error("only this host is served here: ask by its loopback address")};
    if (asked.method != "GET") return {405, http_error("only GET is served here")};
    if (asked.path != "/metrics") return {404, http_error("there is /metrics")};
    return answer();
}

}  // namespace

// Lives as long as its reads, writes and timer do.
struct metrics_port::request : std::enable_shared_from_this<request> {
    request(tcp::socket s, std::function<http_answer()> a, std::function<void()> over)
        : socket(std::move(s)), deadline(socket.get_executor()), answer(std::move(a)), done(std::move(over)) {}
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
        socket.async_read_some(boost::asio::buffer(input), [self = shared_from_this()](const boost::system::error_code& ec, std::size_t n) {
            if (ec) return;
            const auto got = self->reader.feed({self->input.data(), n});
            if (!got) return self->read();
            const auto* refused = std::get_if<http_answer>(&*got);
            self->output = http_text(refused ? *refused : answer_to(std::get<http_request>(*got), self->answer));
            self->write();
        });
    }

    void write() {
        boost::asio::async_write(socket, boost::asio::buffer(output), [self = shared_from_this()](const boost::system::error_code&, std::size_t) {
            boost::system::error_code ignored;
            self->deadline.cancel();
            self->socket.shutdown(tcp::socket::shutdown_both, ignored);
        });
    }

    tcp::socket socket;
    boost::asio::steady_timer deadline;
    std::function<http_answer()> answer;
    std::function<void()> done;
    http_reader reader{0};
    std::array<char, 2048> input;
    std::string output;
};

metrics_port::metrics_port(boost::asio::io_context& io, std::function<http_answer()> answer)
    : io_(io),
      answer_(std::move(answer)),
      ports_(io, [this](int fd, const tcp::endpoint& peer) { take(fd, peer); },
             [](const std::string& text) { log().warn("the metrics port: {}", text); }) {}

void metrics_port::take(int fd, const tcp::endpoint& peer) {
    tcp::socket socket(io_);
    boost::system::error_code ec;
    socket.assign(peer.protocol(), fd, ec);
    if (ec) ::close(fd);
    if (ec || open_ >= max_connections) return;
    ++open_;
    std::make_shared<request>(std::move(socket), answer_, [this, alive = std::weak_ptr<char>(alive_)] {
        if (!alive.expired()) --open_;
    })->start();
}

}  // namespace gateway
