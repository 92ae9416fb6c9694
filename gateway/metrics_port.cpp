#include "gateway/metrics_port.h"

#include <unistd.h>

#include <string>
#include <utility>
#include <variant>

#include "gateway/log.h"
#include "gateway/single_exchange.h"

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
    auto feed = [reader = std::make_shared<http_reader>(0), answer = answer_](std::string_view bytes) -> std::optional<std::string> {
        const auto got = reader->feed(bytes);
        if (!got) return std::nullopt;
        const auto* refused = std::get_if<http_answer>(&*got);
        return http_text(refused ? *refused : answer_to(std::get<http_request>(*got), answer));
    };
    std::make_shared<single_exchange<tcp::socket>>(std::move(socket), std::move(feed), [this, alive = std::weak_ptr<char>(alive_)] {
        if (!alive.expired()) --open_;
    })->start();
}

}  // namespace gateway
