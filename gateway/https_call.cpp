#include "gateway/https_call.h"

#include <openssl/crypto.h>

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "gateway/laptop_dial.h"
#include "gateway/tls_channel.h"

namespace gateway {
namespace {

namespace http = boost::beast::http;

class https_call final : public std::enable_shared_from_this<https_call>, channel_user {
public:
    https_call(boost::asio::io_context& io, https_question question, SSL_CTX* context,
               std::function<std::string(SSL*)> explain, std::function<void(auth::outcome<https_reply>)> done)
        : io_(io),
          question_(std::move(question)),
          where_(host_and_port(question_.host, question_.port)),
          context_(context),
          explain_(std::move(explain)),
          done_(std::move(done)),
          timer_(io) {
        parser_.body_limit(question_.max_reply);
        parser_.eager(true);
    }
    ~https_call() override {
        if (channel_) channel_->abort();
        OPENSSL_cleanse(question_.body.data(), question_.body.size());
    }

    void start() {
        self_ = shared_from_this();
        arm();
        dial(io_, question_.host, question_.port, question_.via, question_.time * 2 / 3,
             [self = shared_from_this()](or_reason<way_there> way) {
                 if (!self->done_) return;
                 if (!way) return self->fail(way.error());
                 self->connected(std::move(*way));
             });
    }

    void give_up() { fail_later("it was given up"); }

private:
    void arm() {
        timer_.expires_after(question_.time);
        timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
            if (const auto self = weak.lock(); self && !ec) self->fail(self->where_ + " does not answer");
        });
    }

    void connected(way_there way) {
        tunnel_ = std::move(way.through);
        ssl_handle ssl(SSL_new(context_));
        const auto& name = question_.server_name.empty() ? question_.host : question_.server_name;
        auth::set_expected_host(ssl.get(), name, {}, {auth::alpn_http});
        channel_ = tls_channel::make(std::move(way.socket), std::move(ssl), tls_channel::role::client, *this);
        channel_->start(question_.time);
    }

    void opened() override {
        std::string text = question_.method + " " + question_.path + " HTTP/1.1\r\nHost: " + where_ + "\r\n";
        if (question_.method == "POST")
            text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(question_.body.size()) + "\r\n";
        text += "Connection: close\r\n\r\n" + question_.body;
        channel_->send(text);
        OPENSSL_cleanse(text.data(), text.size());
        OPENSSL_cleanse(question_.body.data(), question_.body.size());
    }
    void received(std::string_view bytes) override {
        if (!done_) return;
        if (question_.raw) {
            arm();
            got_some_ = true;
            return question_.raw(bytes);
        }
        pending_.append(bytes);
        boost::system::error_code ec;
        while (!parser_.is_done() && !pending_.empty()) {
            const std::size_t used = parser_.put(boost::asio::buffer(pending_), ec);
            pending_.erase(0, used);
            if (ec || used == 0) break;
        }
        if (question_.line) {
            arm();
            tell_lines();
        }
        if (ec && ec != http::error::need_more) return fail_later(where_ + " gave no proper answer: " + ec.message());
        if (parser_.is_done()) finish();
    }
    void writable() override {}
    void ended() override {
        if (!done_) return;
        if (got_some_) return finish_raw();
        boost::system::error_code ec;
        if (parser_.got_some()) parser_.put_eof(ec);
        if (parser_.is_done() && !ec) return finish();
        if (!tunnel_ended()) fail_later(where_ + " closed the connection without an answer");
    }
    void closed(close_cause cause, std::string_view text) override {
        if (!done_ || tunnel_ended()) return;
        if (cause == close_cause::tls) return fail_later(explain_(channel_->ssl()));
        if (cause == close_cause::timeout) return fail_later(where_ + " does not answer the TLS handshake; is a delvegate gateway listening there?");
        fail_later("the connection to " + where_ + " broke: " + std::string(text));
    }

    // It knows better why.
    bool tunnel_ended() {
        auto said = tunnel_ ? tunnel_->complaint() : std::string();
        if (said.empty()) return false;
        fail_later(std::move(said));
        return true;
    }

    void tell_lines() {
        if (!parser_.is_header_done() || parser_.get()[http::field::content_type] != "application/x-ndjson") return;
        auto& body = parser_.get().body();
        for (auto end = body.find('\n'); end != body.npos; end = body.find('\n')) {
            const std::string line = body.substr(0, end);
            body.erase(0, end + 1);
            if (!line.empty()) question_.line(line);
        }
    }

    void finish() {
        https_reply reply;
        reply.status = parser_.get().result_int();
        reply.date = std::string(parser_.get()[http::field::date]);
        reply.body = std::move(parser_.get().body());
        boost::asio::post(io_, [self = shared_from_this(), reply = std::move(reply)]() mutable {
            self->tell(std::move(reply));
        });
    }
    void finish_raw() {
        boost::asio::post(io_, [self = shared_from_this()] { self->tell(https_reply()); });
    }
    void fail_later(std::string why) {
        boost::asio::post(io_, [self = shared_from_this(), why = std::move(why)] { self->fail(why); });
    }
    void fail(const std::string& why) {
        tell(auth::outcome<https_reply>(boost::system::in_place_error, why));
    }
    void tell(auth::outcome<https_reply> what) {
        if (!done_) return;
        const auto self = std::exchange(self_, {});
        timer_.cancel();
        if (channel_) channel_->abort();
        std::exchange(done_, {})(std::move(what));
    }

    boost::asio::io_context& io_;
    https_question question_;
    const std::string where_;
    SSL_CTX* context_;
    std::function<std::string(SSL*)> explain_;
    std::function<void(auth::outcome<https_reply>)> done_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<tunnel> tunnel_;  // may be none
    std::shared_ptr<tls_channel> channel_;
    http::response_parser<http::string_body> parser_;
    std::string pending_;
    bool got_some_ = false;  // of an answer that is passed on as it comes
    std::shared_ptr<https_call> self_;  // until done
};

}  // namespace

std::function<void()> https_post(boost::asio::io_context& io, https_question question, SSL_CTX* context,
                std::function<std::string(SSL*)> explain, std::function<void(auth::outcome<https_reply>)> done) {
    const auto call = std::make_shared<https_call>(io, std::move(question), context, std::move(explain), std::move(done));
    call->start();
    return [weak = std::weak_ptr(call)] {
        if (const auto there = weak.lock()) there->give_up();
    };
}

}  // namespace gateway
