// The page of `delvegate ui`: a loopback port on the laptop that shows a browser the gateway's web page and asks the gateway, by mutual
// TLS as the laptop's user, what the page asks for.
//
// Who gets anything: a process of this user (peer_user.h), which asks by the very address that was opened (no name that somebody's DNS
// answers with 127.0.0.1), with the cookie that the one-time link has given; what changes something only from the page itself. Cookies
// of 127.0.0.1 are shown to every port there: the cookie alone opens nothing to another user of the host.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/https_call.h"

namespace gateway {

// Why a request is not passed on, or is not answered; status 0: it is.
struct ui_refusal {
    unsigned status = 0;
    std::string text{};
    std::string code{};  // as in docs/api.md; may be empty
};

// What of a browser's request decides: each header's value, empty where it is not there or there twice.
struct ui_request {
    std::string method, path, query, host, cookie, origin, site, mode, ours;
};

class ui_gate {
public:
    // `port` as opened at 127.0.0.1; `token` and `secret` are random words of hexadecimal digits.
    ui_gate(std::uint16_t port, std::string token, std::string secret);

    std::string link() const { return origin_ + "/?token=" + token_; }
    // "/" with the token of the link: true once, and never again.
    bool opens(const ui_request& asked);
    std::string cookie() const;
    ui_refusal judge(const ui_request& asked) const;

private:
    std::string host_, origin_, token_, secret_, name_;
    bool used_ = false;
};

class ui_server {
public:
    using answered = std::function<void(ui_refusal)>;  // status 0: all of it was passed on
    // Passes a request on; the question has path, method, body and raw. What it returns gives it up.
    using forward = std::function<std::function<void()>(https_question, answered)>;

    // The acceptor listens at a port of 127.0.0.1.
    ui_server(boost::asio::ip::tcp::acceptor acceptor, forward to);

    const ui_gate& gate() const { return gate_; }
    // Ends it and what is under way; the event loop has nothing of this to do then.
    void close();
    // Told of connections of other users and of a link used twice, one line.
    std::function<void(const std::string&)> on_trouble;

    static constexpr std::size_t max_connections = 64;
    static constexpr std::size_t max_header = 16 * 1024;
    static constexpr std::size_t max_body = 16 * 1024;
    static constexpr std::size_t max_unsent = 8 << 20;

private:
    struct exchange;
    void accept();
    void begin(boost::asio::ip::tcp::socket socket);

    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer pause_;
    std::list<std::weak_ptr<exchange>> exchanges_;
    forward forward_;
    ui_gate gate_;
    std::shared_ptr<std::size_t> open_ = std::make_shared<std::size_t>(0);  // outlived by nobody it counts
};

}  // namespace gateway
