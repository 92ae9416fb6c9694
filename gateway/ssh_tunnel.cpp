#include "gateway/ssh_tunnel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "gateway/spawning.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

constexpr std::size_t most_said = 16 * 1024;  // the end of it
constexpr int looks = 20, between_looks = 10;  // ms: its end comes with its last word, or a moment later

std::string errno_text(int error) { return std::generic_category().message(error); }

void close_on_exec(int fd) { ::fcntl(fd, F_SETFD, FD_CLOEXEC); }

struct pair_of_ends {
    std::array<int, 2> fd{-1, -1};
    ~pair_of_ends() {
        for (const int one : fd)
            if (one >= 0) ::close(one);
    }
};

class ssh_tunnel final : public tunnel {
public:
    ssh_tunnel(pid_t pid, int said, via_way via, std::string gateway)
        : pid_(pid), said_(said), via_(std::move(via)), gateway_(std::move(gateway)) {}

    // Its group, for what it may have started itself (ProxyJump, ProxyCommand).
    ~ssh_tunnel() override {
        if (!ended_) {
            ::kill(-pid_, SIGTERM);
            for (int i = 0; i < looks && !has_ended(); ++i) ::poll(nullptr, 0, between_looks);
        }
        if (!ended_) {
            ::kill(-pid_, SIGKILL);
            while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {}
        }
        ::close(said_);
    }

    std::string complaint() override {
        for (int i = 0; i < looks && !has_ended(); ++i) {
            pollfd one{said_, POLLIN, 0};
            ::poll(&one, 1, between_looks);
            listen();
            if (one.revents & POLLHUP) ::poll(nullptr, 0, between_looks);
        }
        listen();
        // Where the gateway closed the connection ssh ends well, and has nothing to say about it but a banner perhaps.
        if (!ended_ || (WIFEXITED(status_) && WEXITSTATUS(status_) == 0)) return {};
        auto line = explain_ssh(via_, gateway_, text_);
        if (!line.empty()) return line;
        return "ssh to " + via_.host + " ended, " +
               (WIFEXITED(status_) ? "with exit code " + std::to_string(WEXITSTATUS(status_)) : "by signal " + std::to_string(WTERMSIG(status_)));
    }

private:
    bool has_ended() {
        if (!ended_) ended_ = ::waitpid(pid_, &status_, WNOHANG) == pid_;
        return ended_;
    }
    void listen() {
        std::array<char, 4096> buffer;
        for (ssize_t n = 0; (n = ::read(said_, buffer.data(), buffer.size())) > 0;) {
            text_.append(buffer.data(), static_cast<std::size_t>(n));
            if (text_.size() > most_said) text_.erase(0, text_.size() - most_said);
        }
    }

    const pid_t pid_;
    const int said_;
    const via_way via_;
    const std::string gateway_;
    std::string text_;
    int status_ = 0;
    bool ended_ = false;
};

std::vector<std::string> words(const via_way& via, const std::string& gateway) {
    std::vector<std::string> out{"ssh", "-T",
                                 "-o", "BatchMode=yes",
                                 "-o", "ConnectTimeout=10",
                                 "-o", "ServerAliveInterval=5",
                                 "-o", "ServerAliveCountMax=3",
                                 // What explain_ssh() reads; a configuration may have made it silent.
                                 "-o", "LogLevel=INFO"};
    if (via.port != 0) out.insert(out.end(), {"-p", std::to_string(via.port)});
    if (!via.user.empty()) out.insert(out.end(), {"-l", via.user});
    out.insert(out.end(), {"-W", gateway, "--", via.host});
    return out;
}

}  // namespace

or_reason<way_there> open_ssh_tunnel(const boost::asio::any_io_executor& executor, const via_way& via, const std::string& host,
                                     std::uint16_t port) {
    using result = or_reason<way_there>;
    const auto failed = [](const std::string& why) { return result(boost::system::in_place_error, why); };
    const std::string gateway = host_and_port(host, port);
    pair_of_ends data, said;
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, data.fd.data()) != 0 || ::pipe(said.fd.data()) != 0)
        return failed("cannot start ssh: " + errno_text(errno));
    for (const int fd : {data.fd[0], data.fd[1], said.fd[0], said.fd[1]}) close_on_exec(fd);
    ::fcntl(said.fd[0], F_SETFL, O_NONBLOCK);

    spawning how;
    how.give(data.fd[1], 0);
    how.give(data.fd[1], 1);
    how.give(said.fd[1], 2);
    // Connections of IDEs are no business of ssh's, which would keep them open.
    how.close_from(3);
    how.usual({SIGPIPE, SIGCHLD});  // ssh waits for children of its own, whoever started us
    // A group of its own: Ctrl-C in the terminal is for us, who say goodbye to the gateway first.
    how.own_group();
    pid_t pid = -1;
    const int error = how.start("ssh", words(via, gateway), pid);
    if (error != 0)
        return failed("cannot start ssh for --via " + to_text(via) + ": " + errno_text(error) + "; is OpenSSH's client installed?");
    auto holder = std::make_shared<ssh_tunnel>(pid, std::exchange(said.fd[0], -1), via, gateway);
    // One end of a socket pair in a socket of TCP's type: the channel reads and writes it, and waits for it, no more.
    boost::asio::ip::tcp::socket socket(executor);
    boost::system::error_code ec;
    socket.assign(boost::asio::ip::tcp::v4(), data.fd[0], ec);
    if (ec) return failed("cannot use ssh's connection: " + ec.message());
    data.fd[0] = -1;
    return result(boost::system::in_place_value, way_there(std::move(socket), std::move(holder)));
}

std::string explain_ssh(const via_way& via, const std::string& gateway, std::string_view said) {
    std::string line;
    while (!said.empty()) {
        const auto end = std::min(said.find('\n'), said.size());
        auto one = protocol::printable(said.substr(0, end));
        said.remove_prefix(std::min(end + 1, said.size()));
        while (!one.empty() && (one.back() == ' ' || one.back() == '\r')) one.pop_back();
        // The consequence of the line before it.
        if (one.empty() || one.starts_with("Warning: ") || one.starts_with("** ") || one == "stdio forwarding failed") continue;
        line = one;
    }
    if (line.size() > 300) line.resize(300);
    const std::string at = "ssh to " + via.host;
    const auto has = [&](std::string_view part) { return line.find(part) != line.npos; };
    if (line.empty()) return {};
    if (has("administratively prohibited")) return at + " works, but that host forwards nothing to " + gateway + " (AllowTcpForwarding, PermitOpen): " + line;
    if (has("open failed")) return at + " works, but from there " + gateway + " cannot be reached: " + line;
    if (has("Permission denied")) return at + " failed: " + line + "; it needs a key that works without a question, in ssh's agent for instance";
    if (has("Host key verification failed")) return at + " failed: " + line + " Run `ssh` to that host once, and compare its key";
    return at + " failed: " + line;
}

}  // namespace gateway
