#include "gateway/ui_server.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <optional>
#include <stdexcept>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "gateway/api_paths.h"
#include "gateway/http_api.h"
#include "gateway/local_port.h"

namespace gateway {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;

namespace {

constexpr std::chrono::seconds request_time{10};

std::string random_word() {
    std::array<unsigned char, 16> bits;
    if (RAND_bytes(bits.data(), static_cast<int>(bits.size())) != 1) throw std::runtime_error("no random numbers are to be had");
    std::string word;
    for (const auto byte : bits) {
        constexpr std::string_view digits = "0123456789abcdef";
        word += digits[byte >> 4];
        word += digits[byte & 15];
    }
    return word;
}

bool same(std::string_view a, std::string_view b) { return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

// "a=1; b=2"
std::string cookie_named(std::string_view all, std::string_view name) {
    while (!all.empty()) {
        const auto end = std::min(all.find(';'), all.size());
        auto one = all.substr(0, end);
        all.remove_prefix(std::min(end + 1, all.size()));
        while (one.starts_with(' ')) one.remove_prefix(1);
        if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=') return std::string(one.substr(name.size() + 1));
    }
    return {};
}

constexpr std::string_view of_ui = "X-Delvegate-Ui: 1\r\n";

std::string answer_text(unsigned status, std::string_view type, std::string_view body, const std::string& more = {}) {
    return "HTTP/1.1 " + std::to_string(status) + " " + std::string(http::obsolete_reason(static_cast<http::status>(status))) +
           "\r\nContent-Type: " + std::string(type) + "\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
           "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'\r\n" +
           std::string(of_ui) + more + "Connection: close\r\n\r\n" + std::string(body);
}

}  // namespace

ui_gate::ui_gate(std::uint16_t port, std::string token, std::string secret)
    : host_("127.0.0.1:" + std::to_string(port)),
      origin_("http://" + host_),
      token_(std::move(token)),
      secret_(std::move(secret)),
      name_("delvegate-ui-" + std::to_string(port)) {}

std::string ui_gate::cookie() const { return name_ + "=" + secret_ + "; Path=/; HttpOnly; SameSite=Strict"; }

bool ui_gate::opens(const ui_request& asked) {
    if (used_ || asked.host != host_ || asked.method != "GET" || asked.path != "/" || !same(asked.query, "token=" + token_)) return false;
    return used_ = true;
}

ui_refusal ui_gate::judge(const ui_request& asked) const {
    if (asked.host != host_) return {403, "this page is at " + origin_ + ", and answers to no other name"};
    if (!same(cookie_named(asked.cookie, name_), secret_))
        return {403, asked.query.starts_with("token=") ? "this link was for one time; run delvegate ui again for another one"
                                                       : "come by the link that delvegate ui has printed"};
    const bool own = asked.site == "same-origin" || asked.site == "none" || asked.site.empty();
    if (asked.method == "GET") {
        if (!own && !(asked.mode == "navigate" && asked.path == "/")) return {403, "another site's page is shown nothing"};
    } else if (asked.origin != origin_ || !own || asked.ours != "1") {
        return {403, "nothing is changed at the word of another page"};
    }
    // A certificate is renewed by those who have its key.
    const auto* known = asked.path == "/v1/renew" ? nullptr : find_api_path(asked.path);
    if (!known) return {404, "there is nothing there"};
    if (!known->allows(asked.method)) return {405, "served here: " + std::string(known->methods)};
    return {};
}

// One request and its answer. Lives as long as its reads, writes and the gateway's answer do.
struct ui_server::exchange : std::enable_shared_from_this<exchange> {
    exchange(ui_server& of, tcp::socket s) : server(of), socket(std::move(s)), deadline(socket.get_executor()) {
        ++*open;
        parser.header_limit(max_header);
        parser.body_limit(max_body);
    }
    ~exchange() { --*open; }

    void start() {
        deadline.expires_after(request_time);
        deadline.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
            if (const auto self = weak.lock(); self && !ec) self->close();
        });
        http::async_read(socket, input, parser, [self = shared_from_this()](const boost::system::error_code& ec, std::size_t) {
            self->deadline.cancel();
            if (ec == http::error::header_limit) return self->refuse({431, "the request's header is too large"});
            if (ec == http::error::body_limit) return self->refuse({413, "the request's body is too large"});
            if (!ec) self->answer();
        });
    }

    // A browser that turns away from the page ends the answer, and what it takes of the gateway.
    void watch() {
        socket.async_read_some(boost::asio::buffer(&rest, 1), [weak = weak_from_this()](const boost::system::error_code& ec, std::size_t) {
            const auto self = weak.lock();
            if (!self || self->closed) return;
            if (ec) return self->close();
            self->watch();
        });
    }

    std::string only(http::field name) const {
        const auto& all = parser.get();
        return all.count(name) == 1 ? std::string(all[name]) : std::string();
    }
    std::string only(std::string_view name) const {
        const auto& all = parser.get();
        return all.count(name) == 1 ? std::string(all[name]) : std::string();
    }

    void answer() {
        const auto& request = parser.get();
        const std::string target(request.target());
        const auto mark = std::min(target.find('?'), target.size());
        const ui_request asked{std::string(request.method_string()), target.substr(0, mark), target.substr(std::min(mark + 1, target.size())),
                               only(http::field::host), only(http::field::cookie), only(http::field::origin), only("Sec-Fetch-Site"),
                               only("Sec-Fetch-Mode"), only("X-Delvegate")};
        if (server.gate_.opens(asked)) {
            // A page and no redirection: the browser may have come from another site, and sends the cookie only on our own page's way.
            return send(answer_text(200, "text/html; charset=utf-8", "<!doctype html><meta http-equiv=\"refresh\" content=\"0;url=/\"><title>delvegate</title>",
                                    "Set-Cookie: " + server.gate_.cookie() + "\r\n"), true);
        }
        if (auto refused = server.gate_.judge(asked); refused.status != 0) {
            if (server.on_trouble && asked.query.starts_with("token=")) server.on_trouble("a link that does not open, or not any more, was followed");
            return refuse(refused);
        }
        https_question question;
        question.method = asked.method;
        question.path = asked.path;
        question.body = request.body();
        question.time = std::chrono::seconds(60);  // the gateway says something every 15 s
        question.raw = [weak = weak_from_this()](std::string_view bytes) {
            const auto self = weak.lock();
            if (!self) return;
            self->pass(bytes);
        };
        watch();
        // Held by what waits for the end: the gateway answers, or its silence ends it.
        give_up = server.forward_(std::move(question), [self = shared_from_this()](const ui_refusal& why) {
            if (why.status == 0 || self->passed) return self->send({}, true);
            self->refuse(why);
        });
    }

    // What the gateway says, with our word in its head: a page that gets no answer later on knows who is gone.
    void pass(std::string_view bytes) {
        if (passed) return send(std::string(bytes), false);
        begun.append(bytes);
        const auto line = begun.find("\r\n");
        if (line == begun.npos && begun.size() < max_header) return;
        passed = true;
        if (line != begun.npos) begun.insert(line + 2, of_ui);
        send(std::move(begun), false);
    }

    void refuse(const ui_refusal& why) { send(answer_text(why.status, "application/json", http_error(why.text, why.code)), true); }

    void send(std::string bytes, bool last) {
        if (closed) return;
        ends = ends || last;
        unsent += bytes.size();
        if (unsent > max_unsent) return close();
        if (!bytes.empty()) waiting.push_back(std::move(bytes));
        if (!writing) write();
    }

    void write() {
        if (waiting.empty()) {
            if (ends) close();
            return;
        }
        writing = true;
        boost::asio::async_write(socket, boost::asio::buffer(waiting.front()), [self = shared_from_this()](const boost::system::error_code& ec, std::size_t n) {
            self->writing = false;
            if (ec) return self->close();
            self->unsent -= n;
            self->waiting.pop_front();
            self->write();
        });
    }

    void close() {
        if (std::exchange(closed, true)) return;
        deadline.cancel();
        if (give_up) std::exchange(give_up, {})();
        boost::system::error_code ignored;
        socket.shutdown(tcp::socket::shutdown_both, ignored);
        socket.close(ignored);
    }

    ui_server& server;
    std::shared_ptr<std::size_t> open = server.open_;
    std::function<void()> give_up;
    char rest = 0;
    tcp::socket socket;
    boost::asio::steady_timer deadline;
    boost::beast::flat_buffer input{max_header + max_body + 1024};
    http::request_parser<http::string_body> parser;
    std::deque<std::string> waiting;
    std::size_t unsent = 0;
    std::string begun;  // of the gateway's answer, until its first line is whole
    bool writing = false, ends = false, closed = false, passed = false;
};

ui_server::ui_server(tcp::acceptor acceptor, forward to)
    : acceptor_(std::move(acceptor)), pause_(acceptor_.get_executor()), forward_(std::move(to)), gate_(acceptor_.local_endpoint().port(), random_word(), random_word()) {
    accept();
}

void ui_server::begin(tcp::socket socket) {
    exchanges_.remove_if([](const auto& one) { return one.expired(); });
    const auto made = std::make_shared<exchange>(*this, std::move(socket));
    exchanges_.push_back(made);
    made->start();
}

void ui_server::close() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for (const auto& one : exchanges_)
        if (const auto there = one.lock()) there->close();
}

void ui_server::accept() {
    acceptor_.async_accept([this](const boost::system::error_code& ec, tcp::socket socket) {
        if (ec == boost::asio::error::operation_aborted || !acceptor_.is_open()) return;
        if (ec) {
            // No descriptor is left, say: there will be.
            pause_.expires_after(std::chrono::milliseconds(100));
            pause_.async_wait([this](const boost::system::error_code& stopped) {
                if (!stopped) accept();
            });
            return;
        }
        if (*open_ < max_connections) {
            boost::system::error_code unknown;
            const auto own = acceptor_.local_endpoint();
            const auto judged = check_local_peer(own, socket.remote_endpoint(unknown));
            if (!unknown && judged.who == local_peer::own_user)
                begin(std::move(socket));
            else if (on_trouble && !judged.line.empty())
                on_trouble(judged.line);
        }
        accept();
    });
}

}  // namespace gateway
