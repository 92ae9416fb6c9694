#include "tests/bench/load_connection.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace bench {
namespace {

[[noreturn]] void fail(std::string_view what) { throw failure(std::string(what) + ": " + std::strerror(errno)); }

// One buffer a thread: 200 idle connections shall not need 200 of them.
constexpr std::size_t chunk_size = 256 * 1024;
char* chunk() {
    thread_local const std::unique_ptr<char[]> bytes(new char[chunk_size]);
    return bytes.get();
}

}  // namespace

sockaddr_in parse_address(std::string_view text) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const auto colon = text.rfind(':');
    std::uint16_t port = 0;
    if (colon == std::string_view::npos ||
        std::from_chars(text.data() + colon + 1, text.data() + text.size(), port).ec != std::errc{} ||
        ::inet_pton(AF_INET, std::string(text.substr(0, colon)).c_str(), &address.sin_addr) != 1)
        throw failure("not an IPv4 address and port: " + std::string(text));
    address.sin_port = htons(port);
    return address;
}

load_connection::load_connection(const sockaddr_in& address) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) fail("socket");
    const int on = 1;
    const timeval patience{patience_seconds, 0};
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int why = errno;
        ::close(fd_);
        errno = why;
        fail("connect");
    }
}

load_connection::~load_connection() { ::close(fd_); }

void load_connection::send(std::string_view method, std::string_view params) {
    request_.assign(R"({"method":")").append(method).append(R"(","params":[)").append(params).append(R"(],"id":)");
    request_.append(std::to_string(++id_)).append("}\n");
    size_ = 0;
    head_.clear();
    tail_.clear();
    if (::send(fd_, request_.data(), request_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request_.size()))
        fail("send");
}

bool load_connection::receive() {
    char* const bytes = chunk();
    const auto n = ::recv(fd_, bytes, chunk_size, 0);
    if (n < 0 && errno == EINTR) return false;
    if (n < 0) fail("no reply");
    if (n == 0) throw failure("the connection ended before the reply" + (head_.empty() ? "" : ": " + head_));
    const std::string_view got(bytes, static_cast<std::size_t>(n));
    if (size_ < 256) head_.append(got.substr(0, 256 - head_.size()));
    tail_.append(got.substr(got.size() - std::min<std::size_t>(got.size(), 32)));
    if (tail_.size() > 32) tail_.erase(0, tail_.size() - 32);
    size_ += got.size();
    // A reply is one line, and nothing else is outstanding.
    if (got.back() != '\n') return false;
    check_reply();
    return true;
}

void load_connection::check_reply() const {
    const auto expected = R"({"id":)" + std::to_string(id_) + R"(,"result":)";
    if (!head_.starts_with(expected) || !tail_.ends_with(",\"error\":null}\n") || head_.starts_with(expected + "null"))
        throw failure("not the result of request " + std::to_string(id_) + ": " + head_);
}

std::size_t load_connection::call(std::string_view method, std::string_view params) {
    send(method, params);
    while (!receive()) {
    }
    return size_;
}

}  // namespace bench
