#include "launcher/launcher_server.h"

#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "launcher/packet_socket.h"
#include "launcher/state_lock.h"
#include "launcher/verb_desk.h"

namespace launcher {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds progress_patience{2000};

std::string errno_text() { return std::generic_category().message(errno); }

std::string user_name(uid_t uid) {
    std::vector<char> room(16 * 1024);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(uid, &entry, room.data(), room.size(), &found) == 0 && found) return found->pw_name;
    return "uid " + std::to_string(uid);
}

// The audit's login uid, which survives sudo and su. For people only: nothing is decided by it.
std::string login_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/loginuid");
    std::uint32_t uid = 0;
    if (!(file >> uid) || uid == 0 || uid == static_cast<std::uint32_t>(-1)) return {};
    return user_name(uid);
}

std::optional<gid_t> group_of(const std::string& user) {
    std::vector<char> room(16 * 1024);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwnam_r(user.c_str(), &entry, room.data(), room.size(), &found) == 0 && found) return found->pw_gid;
    return std::nullopt;
}

bool hung_up(int socket) {
    pollfd one{socket, POLLRDHUP, 0};
    return ::poll(&one, 1, 0) > 0 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void send_fault(int socket, launcher_fault fault, std::string text) {
    launcher_reply reply;
    reply.what = launcher_reply::kind::error;
    reply.fault = fault;
    reply.text = std::move(text);
    static_cast<void>(send_packet(socket, to_text(reply), -1, progress_patience));
}

bool send_answer(int socket, verb_answer answer) {
    if (!answer.ok) {
        send_fault(socket, answer.fault, std::move(answer.text));
        return true;
    }
    const auto packets = result_packets(answer.result);
    if (!packets) {
        send_fault(socket, launcher_fault::failed, "the result is too large to be sent");
        return true;
    }
    for (std::size_t at = 0; at < packets->size(); ++at)
        if (!send_packet(socket, (*packets)[at], at + 1 == packets->size() ? answer.descriptor.get() : -1)) return false;
    return true;
}

}  // namespace

struct launcher_server::impl {
    struct connection {
        unique_fd socket;
        verb_peer peer;
        std::atomic<bool> done{false};
        std::thread thread;
    };

    impl(const launcher_config& configuration, component_manager& manager, armory& arms, verb_log log, boot_clock clock)
        : configuration_(configuration), desk_(configuration, manager, arms, std::move(log), std::move(clock)) {}
    ~impl() {
        for (auto& one : connections_) ::shutdown(one.socket.get(), SHUT_RDWR);
        for (auto& one : connections_) one.thread.join();
        if (recovery_.joinable()) recovery_.join();
    }

    outcome<void> make_socket() {
        const std::string& path = configuration_.socket;
        const auto directory = make_root_directory(path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)), 0755);
        if (!directory) return directory.error();
        sockaddr_un where{};
        where.sun_family = AF_UNIX;
        if (path.size() >= sizeof where.sun_path) return "the socket's path is too long: " + path;
        std::memcpy(where.sun_path, path.c_str(), path.size() + 1);
        struct stat there {};
        if (::lstat(path.c_str(), &there) == 0 && (!S_ISSOCK(there.st_mode) || ::unlink(path.c_str()) != 0))
            return path + " is in the way; remove it, or set `socket` in launcher.yaml";
        listen_ = unique_fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!listen_) return "no socket could be made: " + errno_text();
        // Root's alone until its group is right.
        const mode_t before = ::umask(0177);
        const int bound = ::bind(listen_.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where);
        ::umask(before);
        if (bound != 0) return "the socket " + path + " cannot be made: " + errno_text();
        if (const auto group = group_of(configuration_.gateway_user))
            if (::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0 || ::chmod(path.c_str(), 0660) != 0)
                return path + " cannot be given to the group of " + configuration_.gateway_user + ": " + errno_text();
        if (::listen(listen_.get(), 32) != 0) return "the socket " + path + " cannot listen: " + errno_text();
        return {};
    }

    outcome<void> take_socket(int inherited) {
        int type = 0;
        int listening = 0;
        int domain = 0;
        socklen_t size = sizeof type;
        const bool fine = ::getsockopt(inherited, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
                          ::getsockopt(inherited, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
                          ::getsockopt(inherited, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0;
        if (!fine || type != SOCK_SEQPACKET || domain != AF_UNIX || listening == 0)
            return "what was handed in is no listening Unix SOCK_SEQPACKET socket; the socket unit needs ListenSequentialPacket=";
        listen_ = unique_fd(inherited);
        return {};
    }

    void serve(connection& one) {
        const int socket = one.socket.get();
        for (;;) {
            auto came = receive_packet(socket);
            if (!came) return send_fault(socket, launcher_fault::malformed, came.error());
            if (came->text.empty()) return;
            if (came->descriptor) return send_fault(socket, launcher_fault::malformed, "a request carries no descriptor");
            const auto request = read_launcher_request(came->text);
            if (!request) return send_fault(socket, launcher_fault::malformed, request.error());
            bool reads = true;  // else it gets no more steps, and the verb goes on
            const auto progress = [&](protocol::json step) {
                launcher_reply reply;
                reply.what = launcher_reply::kind::progress;
                reply.body = std::move(step);
                if (reads) reads = send_packet(socket, to_text(reply), -1, progress_patience).has_value();
            };
            auto answer = desk_.answer(one.peer, *request, progress, [socket] { return hung_up(socket); });
            if (!send_answer(socket, std::move(answer))) return;
        }
    }

    void accept_one() {
        unique_fd socket(::accept4(listen_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!socket) {
            // Out of descriptors or memory: the caller waits in the queue, and this thread does not spin.
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) std::this_thread::sleep_for(milliseconds(100));
            return;
        }
        const auto who = credentials_of_peer(socket.get());
        if (!who) return;
        const peer_kind kind = desk_.kind_of(who->uid);
        if (kind == peer_kind::stranger) {
            verb_question question;
            question.who = kind;
            return send_fault(socket.get(), launcher_fault::refused, *refusal_of(question, ""));
        }
        std::size_t alike = 0;
        for (const auto& one : connections_) alike += one.peer.who == kind && !one.done ? 1 : 0;
        if (alike >= configuration_.connections)
            return send_fault(socket.get(), launcher_fault::busy, "the launcher has as many connections as it takes; try again");
        auto& made = connections_.emplace_back();
        made.socket = std::move(socket);
        made.peer = {who->uid, who->pid, kind, kind == peer_kind::root ? login_of(who->pid) : std::string()};
        try {
            made.thread = std::thread([this, &made] {
                serve(made);
                ::shutdown(made.socket.get(), SHUT_RDWR);
                made.done = true;
            });
        } catch (const std::system_error&) {
            send_fault(made.socket.get(), launcher_fault::busy, "the launcher can start no thread; try again");
            connections_.pop_back();
        }
    }

    void reap() {
        for (auto one = connections_.begin(); one != connections_.end();) {
            if (!one->done) {
                ++one;
                continue;
            }
            one->thread.join();
            one = connections_.erase(one);
        }
    }

    const launcher_config& configuration_;
    verb_desk desk_;
    unique_fd listen_;
    std::list<connection> connections_;  // of the thread in run()
    std::thread recovery_;
    std::atomic<bool> recovered_{false};
};

launcher_server::launcher_server(const launcher_config& configuration, component_manager& manager, armory& arms, verb_log log,
                                 boot_clock clock)
    : impl_(std::make_unique<impl>(configuration, manager, arms, std::move(log), std::move(clock))) {}
launcher_server::~launcher_server() = default;

outcome<void> launcher_server::open(int inherited) {
    return inherited >= 0 ? impl_->take_socket(inherited) : impl_->make_socket();
}

bool launcher_server::run(int stop, milliseconds grace, const std::function<void()>& alive,
                          const std::function<void(const std::string&)>& say) {
    // Taken before the first request is read.
    impl_->recovery_ = std::thread([this, say, turn = impl_->desk_.everything()]() mutable {
        impl_->desk_.recover(say ? say : [](const std::string&) {});
        turn.reset();
        impl_->recovered_ = true;
    });
    for (;;) {
        pollfd both[2]{{impl_->listen_.get(), POLLIN, 0}, {stop, POLLIN, 0}};
        ::poll(both, 2, 2000);
        if (alive) alive();
        impl_->reap();
        if (both[1].revents != 0) break;
        if (both[0].revents != 0) impl_->accept_one();
    }
    impl_->listen_.reset();
    impl_->desk_.close();
    for (auto& one : impl_->connections_) ::shutdown(one.socket.get(), SHUT_RD);
    const auto until = std::chrono::steady_clock::now() + grace;
    for (;;) {
        impl_->reap();
        if (impl_->connections_.empty() && impl_->recovered_) return true;
        if (std::chrono::steady_clock::now() >= until) return false;
        if (alive) alive();
        std::this_thread::sleep_for(milliseconds(50));
    }
}

}  // namespace launcher
