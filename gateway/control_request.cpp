// The control API over TLS (ALPN http/1.1), one request a connection: what there is to see, by GET;
// `POST /v1/renew`, which changes nothing but the caller's own certificate; and components' lives (lifecycle_api.h).
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <utility>

#include "gateway/api_paths.h"
#include "gateway/carrier.h"
#include "gateway/http_api.h"
#include "gateway/lifecycle_api.h"
#include "gateway/session_api.h"
#include "gateway/sessions_feed.h"
#include "gateway/web_page.h"

namespace gateway {
namespace {

constexpr std::chrono::milliseconds goodbye_time{5000};
constexpr std::size_t max_body = 16 * 1024;
// While an answer takes its time: so often the caller hears that there is still somebody.
constexpr std::chrono::seconds still_here{15};

class control_request final : public carrier, channel_user {
public:
    control_request(gateway_parts& parts, admitted_channel in)
        : parts_(parts),
          in_(std::move(in)),
          deadline_(parts.io),
          reader_(max_body, [this](const std::string& host) { return named(host); }) {
        ++parts_.counts.control_requests;
        in_.channel->hand_over(*this);
        deadline_.expires_after(parts_.bounds.handshake_time);
        deadline_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
            if (!ec && !alive.expired()) close("no request came");
        });
    }
    ~control_request() override { in_.channel->abort(); }

    // What would go on for ever ends; what has been asked for is answered.
    void drain(std::string_view reason, std::chrono::milliseconds) override {
        if (follows_) reply({503, http_error(reason)});
    }
    void close(std::string_view) override { in_.channel->shutdown(goodbye_time); }
    void expel(std::string_view reason) override {
        const bool waits = std::exchange(asked_, true) && !ended_;
        if (shown_out_) std::exchange(shown_out_, {})(reason);
        if (waits) return reply({403, http_error(reason, "forbidden")});
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
        deadline_.cancel();
        // Whatever could answer it: what the table does not have is not served.
        const auto* known = find_api_path(request.path);
        if (!known) return reply(turned_away().value_or(nothing_there()));
        if (request.path == "/v1/renew" && parts_.renew) return renew(request);
        if (!known->allows(request.method)) {
            const std::string methods(known->methods);
            return reply(turned_away().value_or(http_answer{405, http_error("served here: " + methods), methods}));
        }
        if (parts_.lifecycle && (lifecycle_api::serves(request.path) || session_api::serves(request.path))) return lifecycle(request);
        if (auto page = web_page(request.path)) return reply(turned_away().value_or(std::move(*page)));
        reply(answer(request.path));
    }
    void writable() override {}
    void ended() override {
        // What takes its time is answered all the same; who is gone altogether is noticed when nothing can be sent.
        if (!asked_ || ended_ || follows_) in_.channel->shutdown(goodbye_time);
    }
    void closed(close_cause, std::string_view) override {
        ended_ = true;
        deadline_.cancel();
        if (in_.gone) boost::asio::post(parts_.io, std::exchange(in_.gone, {}));
    }

    // Whether our certificate is for that host.
    bool named(const std::string& host) const {
        auto* const certificate = SSL_get_certificate(in_.channel->ssl());
        return certificate && (X509_check_host(certificate, host.data(), host.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1 ||
                               X509_check_ip_asc(certificate, host.c_str(), 0) == 1);
    }

    void renew(const http_request& request) {
        if (request.method != "POST") return reply({405, http_error("only POST is served here"), "POST"});
        if (!in_.refuse.empty()) return reply({503, http_error(in_.refuse)});
        parts_.renew(in_.who.who, request.body,
                     [this, alive = std::weak_ptr<char>(alive_)](const http_answer& said) {
                         if (!alive.expired()) reply(said);
                     });
    }

    // Who is gone meanwhile hears nothing; what was begun goes on.
    void lifecycle(const http_request& request) {
        if (const auto refused = turned_away()) return reply(*refused);
        follows_ = request.method == "GET" && sessions_feed::follows(request.path);
        events_ = sessions_feed::is_for_pages(request.path);
        const auto listens = [this, alive = std::weak_ptr<char>(alive_)] { return !alive.expired() && !ended_; };
        const auto here = [this, alive = std::weak_ptr<char>(alive_)](auto deed) {
            return [this, alive, deed](auto&&... said) {
                if (!alive.expired() && !ended_) deed(said...);
            };
        };
        parts_.lifecycle(in_.who, request,
                         {here([this](const http_answer& said) { reply(said); }),
                          here([this](const protocol::json& line) { send_line(protocol::to_text(line)); }),
                          here([this] { end_lines(); }),
                          here([this](std::function<void(std::string_view)> deed) { shown_out_ = std::move(deed); }), listens,
                          [this, listens] { return listens() ? in_.channel->unsent() : std::size_t{0}; }, here([this] { cut(); })});
        if (!ended_ && (request.method == "POST" || follows_)) keep_awake();
    }

    void end_lines() {
        ended_ = true;
        deadline_.cancel();
        in_.channel->send(http_lines_end());
        in_.channel->shutdown(goodbye_time);
    }

    // Nothing that waits is sent any more.
    void cut() {
        ended_ = true;
        deadline_.cancel();
        in_.channel->abort();
        if (in_.gone) boost::asio::post(parts_.io, std::exchange(in_.gone, {}));
    }

    void send_line(std::string_view text) {
        if (!std::exchange(streaming_, true)) in_.channel->send(events_ ? http_events_head() : http_lines_head());
        in_.channel->send(events_ ? http_event(text) : http_line(text));
    }

    void keep_awake() {
        deadline_.expires_after(still_here);
        deadline_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
            if (ec || alive.expired() || ended_) return;
            send_line({});
            keep_awake();
        });
    }

    void reply(const http_answer& said) {
        if (ended_) return;
        if (streaming_) {
            send_line(said.body);
            return end_lines();
        }
        ended_ = true;
        deadline_.cancel();
        in_.channel->send(http_text(said));
        in_.channel->shutdown(goodbye_time);
    }

    std::optional<http_answer> turned_away() const {
        if (!in_.refuse.empty()) return http_answer{503, http_error(in_.refuse)};
        // Who may see nothing does not learn what there would be to see.
        if (parts_.components.list(in_.who.who).empty())
            return http_answer{403, http_error("no component of this gateway lists you: " + in_.who.who.user, "forbidden")};
        return std::nullopt;
    }

    static http_answer nothing_there() { return {404, http_error("nothing is served at that path; what is, /v1/openapi.json has")}; }

    http_answer answer(std::string_view path) const {
        if (auto refused = turned_away()) return *refused;
        if (path == "/v1/openapi.json") return {200, std::string(openapi_document())};
        if (path == "/v1/metrics" && parts_.metrics) return parts_.metrics(in_.who.who);
        std::string body = parts_.api(in_.who.who, path);
        if (body.empty()) return nothing_there();
        return {200, std::move(body)};
    }

    gateway_parts& parts_;
    admitted_channel in_;
    boost::asio::steady_timer deadline_;
    http_reader reader_;
    std::function<void(std::string_view)> shown_out_;  // of an order that is under way
    bool asked_ = false;
    bool streaming_ = false;  // the answer comes in lines
    bool ended_ = false;      // it is whole
    bool follows_ = false;    // it has no end of its own
    bool events_ = false;     // its lines are server-sent events
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace

std::unique_ptr<carrier> make_control_request(gateway_parts& parts, admitted_channel in) {
    return std::make_unique<control_request>(parts, std::move(in));
}

}  // namespace gateway
