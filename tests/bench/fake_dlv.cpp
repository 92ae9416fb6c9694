// A stand-in for `dlv exec --headless` that answers at once, so that a measurement shows the way to
// dlv and not dlv. It stands at a breakpoint for ever: a resume returns at the very same stop.
//
//   dlv exec --headless --accept-multiclient --api-version=2 --listen=ADDRESS ./program
//
// ADDRESS is 127.0.0.1:PORT (0: any) or unix:PATH. Everything else on the command line is there for
// those who look at it: a gateway checks it before it sends a byte.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "tests/bench/canned_dlv.h"

namespace {

using std::string;
using std::string_view;

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "stand-in for dlv: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

// Finds the end of the first JSON object in `text`; npos while it is not all there.
std::size_t object_end(string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            else if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{') {
            ++depth;
        } else if (c == '}' && --depth == 0) {
            return i + 1;
        }
    }
    return string_view::npos;
}

class connection {
public:
    explicit connection(int fd) : fd_(fd) {}
    ~connection() { ::close(fd_); }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // False: the connection is over.
    bool readable() {
        std::array<char, 16384> chunk;
        const auto n = ::recv(fd_, chunk.data(), chunk.size(), 0);
        if (n < 0) return errno == EAGAIN || errno == EINTR;
        if (n == 0) {
            ended_ = true;  // what it asked before is still answered
            return wants_write();
        }
        in_.append(chunk.data(), static_cast<std::size_t>(n));
        if (!answer_all()) return false;
        return writable();
    }

    bool writable() {
        while (!out_.empty()) {
            auto& a = out_.front();
            std::array<iovec, 3> parts;
            std::size_t count = 0, skip = sent_;
            const auto add = [&](string_view s) {
                const auto drop = std::min(skip, s.size());
                skip -= drop;
                s.remove_prefix(drop);
                if (!s.empty()) parts[count++] = {const_cast<char*>(s.data()), s.size()};
            };
            add(a.text);
            if (a.shared) add(*a.shared);
            add(a.after_shared);
            msghdr message{};
            message.msg_iov = parts.data();
            message.msg_iovlen = count;
            const auto n = count == 0 ? 0 : ::sendmsg(fd_, &message, MSG_NOSIGNAL);
            if (n < 0) return errno == EAGAIN || errno == EINTR;
            sent_ += static_cast<std::size_t>(n);
            if (sent_ < a.text.size() + (a.shared ? a.shared->size() : 0) + a.after_shared.size()) continue;
            const bool over = a.then_close;
            out_.pop_front();
            sent_ = 0;
            if (over) return false;
        }
        return !ended_;
    }

    bool wants_read() const { return !ended_; }
    bool wants_write() const { return !out_.empty(); }

private:
    bool answer_all() {
        std::size_t begin = 0;
        while (true) {
            string_view rest = string_view(in_).substr(begin);
            const auto white = rest.find_first_not_of(" \t\r\n");
            if (white == string_view::npos) break;
            if (!dap_) dap_ = rest[white] == 'C';
            if (*dap_) {
                const auto header = rest.find("\r\n\r\n");
                if (header == string_view::npos) break;
                constexpr string_view name = "Content-Length: ";
                if (!rest.starts_with(name)) return false;
                std::size_t length = 0;
                std::from_chars(rest.data() + name.size(), rest.data() + header, length);
                if (rest.size() < header + 4 + length) break;
                out_.push_back(bench::answer_dap(rest.substr(header + 4, length), seq_));
                begin += header + 4 + length;
            } else {
                rest.remove_prefix(white);
                if (rest.front() != '{') return false;
                const auto end = object_end(rest);
                if (end == string_view::npos) break;
                out_.push_back(bench::answer_rpc(rest.substr(0, end)));
                begin += white + end;
            }
        }
        in_.erase(0, begin);
        return true;
    }

    int fd_;
    std::optional<bool> dap_;
    bool ended_ = false;  // by its side
    int seq_ = 0;
    string in_;
    std::deque<bench::answer> out_;
    std::size_t sent_ = 0;  // of out_.front()
};

int listen_at(const string& address) {
    if (address.starts_with("unix:")) {
        const auto path = address.substr(5);
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        if (path.size() >= sizeof name.sun_path) fail("socket path too long");
        path.copy(name.sun_path, path.size());
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 || ::listen(fd, 1024) != 0) fail("listen");
        std::printf("API server listening at: %s\n", path.c_str());
        return fd;
    }
    const auto colon = address.rfind(':');
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(static_cast<std::uint16_t>(std::atoi(address.c_str() + colon + 1)));
    if (colon == string::npos || ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &name.sin_addr) != 1)
        fail("not an address");
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    socklen_t length = sizeof name;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 || ::listen(fd, 1024) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0)
        fail("listen");
    std::printf("API server listening at: 127.0.0.1:%d\n", ntohs(name.sin_port));
    return fd;
}

std::uint32_t interest(const connection& c) {
    return (c.wants_read() ? EPOLLIN : 0u) | (c.wants_write() ? EPOLLOUT : 0u);
}

void serve(int listener) {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event listening{EPOLLIN, {.fd = listener}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &listening);
    std::unordered_map<int, std::unique_ptr<connection>> connections;
    std::array<epoll_event, 256> events;
    while (true) {
        const int n = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < n; ++i) {
            const auto& e = events[static_cast<std::size_t>(i)];
            if (e.data.fd == listener) {
                const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd < 0) continue;
                const int on = 1;
                ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // as Go does
                epoll_event wanted{EPOLLIN, {.fd = fd}};
                ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted);
                connections.emplace(fd, std::make_unique<connection>(fd));
                continue;
            }
            const auto found = connections.find(e.data.fd);
            if (found == connections.end()) continue;
            auto& c = *found->second;
            const auto before = interest(c);
            bool alive = true;
            if (e.events & EPOLLOUT) alive = c.writable();
            if (e.events & (EPOLLHUP | EPOLLERR)) alive = false;
            if (alive && (e.events & EPOLLIN)) alive = c.readable();
            if (!alive) {
                connections.erase(found);
            } else if (interest(c) != before) {
                epoll_event wanted{interest(c), {.fd = e.data.fd}};
                ::epoll_ctl(epoll, EPOLL_CTL_MOD, e.data.fd, &wanted);
            }
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    string address = "127.0.0.1:0";
    constexpr string_view option = "--listen=";
    for (int i = 1; i < argc; ++i)
        if (string_view(argv[i]).starts_with(option)) address = argv[i] + option.size();
    const int listener = listen_at(address);
    std::fflush(stdout);
    serve(listener);
}
