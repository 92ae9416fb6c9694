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

#include "auth/armor.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

namespace asio = boost::asio;

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
        : socket_(std::move(socket)), timer_(socket_.get_executor()), via_(std::move(via)), gateway_(std::move(gateway)), done_(std::move(done)) {}

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
        if (++heard_ > most_header) return no_answer();
        if (!answer_.ends_with("\n\r\n") && !answer_.ends_with("\n\n")) return read();
        const auto said = read_proxy_answer(answer_);
        if (!said) return no_answer();
        if (said->status / 100 == 1) {  // one more answer follows (RFC 9110, 15.2)
            answer_.clear();
            return read();
        }
        if (said->status / 100 != 2) return fail(explain_proxy(via_, gateway_, *said));
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
    std::size_t heard_ = 0;
};

}  // namespace

void ask_proxy(asio::ip::tcp::socket socket, const via_way& via, const std::string& host, std::uint16_t port,
               std::chrono::milliseconds time, dial_done done) {
    std::make_shared<asker>(std::move(socket), via, host_and_port(host, port), std::move(done))->start(time);
}

std::optional<proxy_answer> read_proxy_answer(std::string_view header) {
    const auto next_line = [&header] {
        const auto end = std::min(header.find('\n'), header.size());
        auto line = header.substr(0, end);
        header.remove_prefix(std::min(end + 1, header.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        return line;
    };
    // "HTTP/1.1 200 Connection established"; what follows the number may lack.
    const auto first = next_line();
    constexpr std::size_t number_at = 9;
    const auto digit = [&](std::size_t at) { return first[at] >= '0' && first[at] <= '9'; };
    if (!first.starts_with("HTTP/1.") || first.size() < number_at + 3 || !digit(7) || first[8] != ' ' || first[number_at] < '1' || !digit(number_at) ||
        !digit(number_at + 1) || !digit(number_at + 2))
        return std::nullopt;
    if (first.size() > number_at + 3 && first[number_at + 3] != ' ') return std::nullopt;
    proxy_answer out;
    for (std::size_t i = 0; i < 3; ++i) out.status = out.status * 10 + static_cast<unsigned>(first[number_at + i] - '0');
    out.reason = first.substr(std::min(first.size(), number_at + 4));
    constexpr std::string_view wanted = "proxy-authenticate:";
    while (!header.empty()) {
        const auto line = next_line();
        const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
        if (line.size() < wanted.size() || !std::equal(wanted.begin(), wanted.end(), line.begin(), [&](char b, char a) { return same(a, b); })) continue;
        auto value = line.substr(wanted.size());
        value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
        value = value.substr(0, value.find_first_of(" \t,"));
        if (!value.empty()) out.schemes += (out.schemes.empty() ? "" : ", ") + std::string(value);
    }
    return out;
}

std::string explain_proxy(const via_way& via, const std::string& gateway, const proxy_answer& answer) {
    const auto shown = [](std::string_view text) { return protocol::printable(text.substr(0, 100)); };
    const std::string said = std::to_string(answer.status) + (answer.reason.empty() ? "" : " " + shown(answer.reason));
    const std::string proxy = "the proxy " + to_text(via);
    if (answer.status == 407) {
        std::string low = answer.schemes;
        std::transform(low.begin(), low.end(), low.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        if (!low.empty() && low.find("basic") == low.npos)
            return proxy + " wants " + shown(answer.schemes) + ", and delvegate knows Basic only (" + said +
                   "): use a proxy on this host that speaks it for you, such as cntlm or px, or --via ssh://HOST";
        return proxy + (via.user.empty() ? " wants to know who you are" : " refused user and password") + " (" + said + "): give --via http://USER@" +
               via.host + ":" + std::to_string(via.port) + ", and the password in the file that DELVEGATE_PROXY_PASSWORD_FILE names";
    }
    if (answer.status == 403 || answer.status == 405)
        return proxy + " does not allow connections to " + gateway + " (" + said + "); ask whoever runs it";
    return proxy + " made no connection to " + gateway + " (" + said + ")";
}

}  // namespace gateway
