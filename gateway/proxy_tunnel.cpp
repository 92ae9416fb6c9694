#include "gateway/proxy_tunnel.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "auth/armor.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr std::size_t most_header = 16 * 1024, most_password = 1024;

// Its first line; refused where others can read it.
or_reason<std::string> read_password_file(const std::string& file) {
    using result = or_reason<std::string>;
    const auto failed = [&](const std::string& why) { return result(boost::system::in_place_error, why); };
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return failed("cannot read the proxy's password from " + file + ": " + std::generic_category().message(errno));
    struct stat info {};
    std::string text(most_password, '\0');
    const bool open = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 0077) != 0;
    const ssize_t n = open ? -1 : ::read(fd, text.data(), text.size());
    ::close(fd);
    if (open) return failed("the proxy's password in " + file + " can be read by others than its owner; run: chmod 600 " + file);
    if (n < 0) return failed("cannot read the proxy's password from " + file);
    text.resize(static_cast<std::size_t>(n));
    text.resize(std::min(text.find_first_of("\r\n"), text.size()));
    return result(boost::system::in_place_value, text);
}

or_reason<std::string> password() {
    using result = or_reason<std::string>;
    if (const char* file = std::getenv("DELVEGATE_PROXY_PASSWORD_FILE"); file && *file) return read_password_file(file);
    const char* plain = std::getenv("DELVEGATE_PROXY_PASSWORD");
    return result(boost::system::in_place_value, plain ? plain : "");
}

class asker final : public std::enable_shared_from_this<asker> {
public:
    asker(asio::ip::tcp::socket socket, via_way via, std::string gateway, dial_done done)
        : socket_(std::move(socket)), timer_(socket_.get_executor()), via_(std::move(via)), gateway_(std::move(gateway)), done_(std::move(done)) {
        parser_.header_limit(most_header);
        parser_.skip(true);  // what an answer to CONNECT has behind its header is not its body
    }

    void start(std::chrono::milliseconds time) {
        request_ = "CONNECT " + gateway_ + " HTTP/1.1\r\nHost: " + gateway_ + "\r\nUser-Agent: delvegate/" DELVEGATE_VERSION "\r\n";
        if (!via_.user.empty()) {
            auto secret = password();
            if (!secret) return fail(secret.error());
            std::string both = via_.user + ":" + *secret;
            request_ += "Proxy-Authorization: Basic " +
                        auth::to_base64(both) + "\r\n";
            OPENSSL_cleanse(both.data(), both.size());
            OPENSSL_cleanse(secret->data(), secret->size());
        }
        request_ += "\r\n";
        timer_.expires_after(time);
        timer_.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
            if (!ec) self->fail("the proxy " + to_text(self->via_) + " does not answer for " + self->gateway_);
        });
        asio::async_write(socket_, asio::buffer(request_), [self = shared_from_this()](const boost::system::error_code& ec, std::size_t) {
            OPENSSL_cleanse(self->request_.data(), self->request_.size());
            if (ec) return self->fail("the connection to the proxy " + to_text(self->via_) + " broke: " + ec.message());
            self->read();
        });
    }

private:
    // One byte at a time: what comes behind the header is the gateway's. There are few of them, once a connection.
    void read() {
        socket_.async_read_some(asio::buffer(byte_), [self = shared_from_this()](const boost::system::error_code& ec, std::size_t n) {
            self->heard(ec, n);
        });
    }
    void heard(const boost::system::error_code& ec, std::size_t n) {
        if (!done_) return;
        if (ec || n == 0)
            return fail("the proxy " + to_text(via_) + " closed the connection without an answer; is it an HTTP proxy?");
        answer_ += byte_[0];
        if (answer_.size() > most_header) return no_answer();
        if (!answer_.ends_with("\r\n\r\n")) return read();
        boost::system::error_code fault;
        parser_.put(asio::buffer(answer_), fault);
        if (!parser_.is_header_done()) return no_answer();
        const auto& said = parser_.get();
        if (said.result_int() / 100 != 2) return fail(explain_proxy(via_, gateway_, said.result_int(), said.reason()));
        timer_.cancel();
        std::exchange(done_, {})(or_reason<way_there>(boost::system::in_place_value, way_there(std::move(socket_))));
    }
    void no_answer() { fail("what listens at " + to_text(via_) + " gave no proper answer; is it an HTTP proxy?"); }
    void fail(std::string why) {
        timer_.cancel();
        boost::system::error_code ignored;
        socket_.close(ignored);
        if (done_) std::exchange(done_, {})(or_reason<way_there>(boost::system::in_place_error, std::move(why)));
    }

    asio::ip::tcp::socket socket_;
    asio::steady_timer timer_;
    const via_way via_;
    const std::string gateway_;
    dial_done done_;
    std::string request_, answer_;
    std::array<char, 1> byte_{};
    http::response_parser<http::empty_body> parser_;
};

}  // namespace

void ask_proxy(asio::ip::tcp::socket socket, const via_way& via, const std::string& host, std::uint16_t port,
               std::chrono::milliseconds time, dial_done done) {
    std::make_shared<asker>(std::move(socket), via, host_and_port(host, port), std::move(done))->start(time);
}

std::string explain_proxy(const via_way& via, const std::string& gateway, unsigned status, std::string_view reason) {
    const std::string said = std::to_string(status) + (reason.empty() ? "" : " " + protocol::printable(reason.substr(0, 100)));
    const std::string proxy = "the proxy " + to_text(via);
    if (status == 407)
        return proxy + (via.user.empty() ? " wants to know who you are" : " refused user and password") + " (" + said + "): give --via http://USER@" +
               via.host + ":" + std::to_string(via.port) + ", and the password in the file that DELVEGATE_PROXY_PASSWORD_FILE names";
    if (status == 403 || status == 405) return proxy + " does not allow connections to " + gateway + " (" + said + "); ask whoever runs it";
    return proxy + " made no connection to " + gateway + " (" + said + ")";
}

}  // namespace gateway
