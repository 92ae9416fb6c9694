#include "launcher/guard_callers.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace launcher {

namespace {

constexpr std::size_t most_callers = 8;
constexpr std::size_t max_packet = 64 * 1024;

}  // namespace

bool trusted_peer(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    return peer.uid == 0 || peer.uid == ::geteuid();
}

void guard_callers::add_to(poll_set& polls) {
    std::erase_if(callers_, [](const auto& c) { return !*c; });
    if (callers_.size() < most_callers) polls.add(listening_, POLLIN, [this](short) { admit(); });
    for (const auto& caller : callers_)
        polls.add(caller->get(), POLLIN, [this, caller](short) { receive(caller); });
}

void guard_callers::admit() {
    unique_fd caller(::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (caller && trusted_peer(caller.get())) callers_.push_back(std::make_shared<unique_fd>(std::move(caller)));
}

void guard_callers::receive(const std::shared_ptr<unique_fd>& caller) {
    std::array<char, max_packet> bytes;
    const auto n = ::recv(caller->get(), bytes.data(), bytes.size(), MSG_TRUNC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0 || static_cast<std::size_t>(n) > bytes.size()) return caller->reset();
    const auto request = protocol::parse_json({bytes.data(), static_cast<std::size_t>(n)});
    const auto reply = [weak = std::weak_ptr(caller)](const protocol::json& j) {
        const auto to = weak.lock();
        if (!to || !*to) return;
        const std::string text = to_text(j);
        if (::send(to->get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) to->reset();
    };
    on_(request ? *request : protocol::json(), reply);
}

}  // namespace launcher
