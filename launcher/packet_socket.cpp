#include "launcher/packet_socket.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "launcher/launcher_wire.h"

namespace launcher {
namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

constexpr std::size_t most_descriptors = 8;  // room to take, and close, what should not have been sent

std::string errno_text() { return std::generic_category().message(errno); }

// False: time is up.
bool wait_for(int socket, short what, std::optional<steady::time_point> until) {
    for (;;) {
        int left = -1;
        if (until) {
            const auto rest = std::chrono::ceil<milliseconds>(*until - steady::now()).count();
            if (rest <= 0) return false;
            left = static_cast<int>(std::min<long long>(rest, 60'000));
        }
        pollfd one{socket, what, 0};
        const int ready = ::poll(&one, 1, left);
        if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
    }
}

}  // namespace

outcome<packet> receive_packet(int socket, std::optional<milliseconds> patience) {
    const auto failed = [](std::string why) { return outcome<packet>(boost::system::in_place_error, std::move(why)); };
    std::optional<steady::time_point> until;
    if (patience) until = steady::now() + *patience;
    std::string text(max_launcher_packet, '\0');
    for (bool reset = false;;) {
        if (!wait_for(socket, POLLIN, until)) return failed("nothing came in time");
        iovec piece{text.data(), text.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * most_descriptors)> room{};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = room.data();
        message.msg_controllen = room.size();
        const ssize_t n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) continue;
        // The other end closed with something of ours unread; what it said before that is still there.
        if (n < 0 && errno == ECONNRESET && !std::exchange(reset, true)) continue;
        if (n < 0) return failed("the connection broke: " + errno_text());
        std::vector<unique_fd> came;
        for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
            if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
            const std::size_t bytes = part->cmsg_len - CMSG_LEN(0);
            for (std::size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(part) + at, sizeof fd);
                came.emplace_back(fd);
            }
        }
        if ((message.msg_flags & MSG_TRUNC) != 0) return failed("a packet is too large");
        if ((message.msg_flags & MSG_CTRUNC) != 0 || came.size() > 1) return failed("a packet carries too many descriptors");
        packet out;
        out.text.assign(text.data(), static_cast<std::size_t>(n));
        if (!came.empty()) out.descriptor = std::move(came.front());
        return out;
    }
}

outcome<void> send_packet(int socket, std::string_view text, int descriptor, milliseconds patience) {
    if (text.empty() || text.size() > max_launcher_packet) return "a packet of this size cannot be sent";
    const auto until = steady::now() + patience;
    for (;;) {
        iovec piece{const_cast<char*>(text.data()), text.size()};  // sendmsg does not write to it
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        if (descriptor >= 0) {
            message.msg_control = room.data();
            message.msg_controllen = room.size();
            cmsghdr* part = CMSG_FIRSTHDR(&message);
            part->cmsg_level = SOL_SOCKET;
            part->cmsg_type = SCM_RIGHTS;
            part->cmsg_len = CMSG_LEN(sizeof descriptor);
            std::memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
        }
        if (::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return {};
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) return "the connection broke: " + errno_text();
        if (!wait_for(socket, POLLOUT, until)) return "the other end does not read";
    }
}

outcome<peer_credentials> credentials_of_peer(int socket) {
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || size != sizeof who)
        return "the kernel does not say who is at the other end: " + errno_text();
    return peer_credentials{who.pid, who.uid, who.gid};
}

}  // namespace launcher
