// The control API over TLS (ALPN http/1.1), one request a connection: what there is to see, by GET, and
// `POST /v1/renew`, which changes nothing but the caller's own certificate.
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "gateway/carrier.h"
#include "gateway/http_api.h"

namespace gateway {
namespace {

constexpr std::chrono::milliseconds goodbye_time{5000};
constexpr std::size_t max_body = 16 * 1024;

class control_request final : public carrier, channel_user {
public:
    control_request(gateway_parts& parts, admitted_channel in)
        : parts_(parts),
          in_(std::move(in)),
          deadline_(parts.io),
          reader_(max_body) {
        ++parts_.counts.control_requests;
        in_.channel->hand_over(*this);
        deadline_.expires_after(parts_.bounds.handshake_time);
        deadline_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
            if (!ec && !alive.expired()) close("no request came");
        });
    }
    ~control_request() override { in_.channel->abort(); }

    void drain(std::string_view, std::chrono::milliseconds) override {}
    void close(std::string_view) override { in_.channel->shutdown(goodbye_time); }
    void expel(std::string_view) override {
        asked_ = true;
        in_.channel->shutdown(goodbye_time);
    }
    void rebind(const auth::identity& renewed) override { in_.who.who = renewed; }
    std::size_t streams() const override { return 0; }

private:
    void opened() override {}
    void received(std::string_view bytes) override {
        if (asked_) return;
        auto got = reader_.feed(bytes);
        if (!got) return;
        asked_ = true;
        if (const auto* refused = std::get_if<http_answer>(&*got)) return reply(*refused);
        const auto& request = std::get<http_request>(*got);
        if (request.path == "/v1/renew" && parts_.renew) return renew(request);
        reply(request.method == "GET" ? answer(request.path) : http_answer{405, http_error("only GET is served here")});
    }
    void writable() override {}
    void ended() override { in_.channel->shutdown(goodbye_time); }
    void closed(close_cause, std::string_view) override {
        deadline_.cancel();
        if (in_.gone) boost::asio::post(parts_.io, std::exchange(in_.gone, {}));
    }

    void renew(const http_request& request) {
        if (request.method != "POST") return reply({405, http_error("only POST is served here"), "POST"});
        if (!in_.refuse.empty()) return reply({503, http_error(in_.refuse)});
        parts_.renew(in_.who.who, request.body,
                     [this, alive = std::weak_ptr<char>(alive_)](const http_answer& said) {
                         if (!alive.expired()) reply(said);
                     });
    }

    void reply(const http_answer& said) {
        in_.channel->send(http_text(said));
        in_.channel->shutdown(goodbye_time);
    }

    http_answer answer(std::string_view path) const {
        if (!in_.refuse.empty()) return {503, http_error(in_.refuse)};
        // Who may see nothing does not learn what there would be to see.
        if (parts_.components.list(in_.who.who).empty())
            return {403, http_error("no component of this gateway lists you: " + in_.who.who.user)};
        std::string body = parts_.api(in_.who.who, path);
        if (body.empty()) return {404, http_error("there are /v1/status and /v1/components")};
        return {200, std::move(body)};
    }

    gateway_parts& parts_;
    admitted_channel in_;
    boost::asio::steady_timer deadline_;
    http_reader reader_;
    bool asked_ = false;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace

std::unique_ptr<carrier> make_control_request(gateway_parts& parts, admitted_channel in) {
    return std::make_unique<control_request>(parts, std::move(in));
}

}  // namespace gateway
