#include "launcher/launcher_client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "launcher/packet_socket.h"

namespace launcher {

boost::system::result<launcher_client, launcher_failure> launcher_client::connect(const std::string& socket) {
    const auto failed = [](std::string text) { return launcher_failure{launcher_fault::failed, std::move(text), true}; };
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    if (socket.size() >= sizeof where.sun_path) return failed("the launcher's socket has too long a path: " + socket);
    std::memcpy(where.sun_path, socket.c_str(), socket.size() + 1);
    unique_fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!fd) return failed("no socket could be made: " + std::generic_category().message(errno));
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) {
        if (errno == ENOENT || errno == ECONNREFUSED)
            return failed("no launcher answers at " + socket + "; start it with: systemctl start delvegate-launcher");
        if (errno == EACCES || errno == EPERM)
            return launcher_failure{launcher_fault::refused,
                                    "this user may not speak to the launcher at " + socket + "; use sudo, or go through the gateway",
                                    true};
        return failed("the launcher at " + socket + " cannot be reached: " + std::generic_category().message(errno));
    }
    const auto peer = credentials_of_peer(fd.get());
    if (!peer) return failed(peer.error());
    if (peer->uid != 0 && peer->uid != ::geteuid())
        return failed("what answers at " + socket + " runs as uid " + std::to_string(peer->uid) + ", which is no launcher's");
    return launcher_client(std::move(fd));
}

boost::system::result<launcher_answer, launcher_failure> launcher_client::call(
    const launcher_request& request, const std::function<void(const protocol::json&)>& progress,
    std::optional<std::chrono::milliseconds> patience) {
    const auto broken = [this](std::string text) {
        socket_.reset();  // what comes later on it would be taken for the answer to something else
        return launcher_failure{launcher_fault::failed, std::move(text), true};
    };
    if (!socket_) return broken("the connection to the launcher has ended");
    // An error may wait there although sending fails: the launcher says why it takes nobody, and closes.
    const auto sent = send_packet(socket_.get(), to_text(request));
    result_joiner joiner;
    for (;;) {
        auto came = receive_packet(socket_.get(), patience);
        if (!came) return broken("the launcher does not answer: " + came.error());
        if (came->text.empty())
            return broken(sent ? "the launcher ended before it answered; `delvegate status` tells what became of it"
                               : "the launcher could not be asked: " + sent.error());
        auto reply = read_launcher_reply(came->text);
        if (!reply) return broken("the launcher's answer cannot be read: " + reply.error());
        if (reply->what == launcher_reply::kind::progress) {
            if (progress) progress(reply->body);
            continue;
        }
        if (reply->what == launcher_reply::kind::error) return launcher_failure{reply->fault, reply->text, false};
        auto whole = joiner.take(std::move(*reply));
        if (!whole) return broken(whole.error());
        if (!*whole) continue;
        if (came->descriptor.get() < 0 && request.verb == launcher_verb::dial)
            return broken("the launcher sent no descriptor");
        launcher_answer out;
        out.result = std::move(**whole);
        if (request.verb == launcher_verb::dial) out.descriptor = std::move(came->descriptor);
        return out;
    }
}

}  // namespace launcher
