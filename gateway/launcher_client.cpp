#include "gateway/launcher_client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "protocol/printable.h"

namespace gateway {

using boost::asio::posix::stream_descriptor;
using launcher::launcher_reply;
using launcher::launcher_verb;
using protocol::json;

namespace {

using error_code = boost::system::error_code;

// Packets in a row before others get their turn, whatever the launcher sends.
constexpr int packets_a_turn = 16;
// A launcher whose queue of callers is full is tried again.
constexpr std::chrono::milliseconds full_pause{50};

// Those who wait for one another.
enum class kind { quick, inspect, start, back };

kind kind_of(launcher_verb verb) {
    switch (verb) {
        case launcher_verb::inspect: return kind::inspect;
        case launcher_verb::start: return kind::start;
        case launcher_verb::stop:
        case launcher_verb::restore: return kind::back;
        default: return kind::quick;
    }
}

std::size_t places_of(kind which) {
    switch (which) {
        case kind::quick: return launcher_client::max_quick;
        case kind::inspect: return launcher_client::max_inspect;
        case kind::start: return launcher_client::max_start;
        case kind::back: break;
    }
    return launcher_client::max_back;
}

std::string system_text(int error) { return error_code(error, boost::system::system_category()).message(); }

}  // namespace

struct launcher_client::call : std::enable_shared_from_this<call> {
    call(boost::asio::io_context& context, std::string path, launcher::launcher_request what, on_answer answer, on_progress steps,
         std::chrono::milliseconds within)
        : io(context),
          socket_path(std::move(path)),
          request(std::move(what)),
          done(std::move(answer)),
          progress(std::move(steps)),
          time(within),
          socket(context),
          deadline(context),
          pause(context) {}

    // From the moment it is asked for, so that waiting for its turn counts.
    void arm() {
        deadline.expires_after(time);
        deadline.async_wait([weak = weak_from_this()](const error_code& ec) {
            if (auto self = weak.lock(); self && !ec) self->fail("unreachable", "the launcher did not answer in time (" + self->socket_path + ")");
        });
    }

    void start() {
        if (const auto why = may ? may() : std::string(); !why.empty()) return fail("forbidden", why);
        connect();
    }

    void connect() {
        if (over) return;
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        if (socket_path.size() >= sizeof name.sun_path) return fail("unreachable", "the path of the launcher's socket is too long: " + socket_path);
        std::memcpy(name.sun_path, socket_path.data(), socket_path.size());
        launcher::unique_fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!fd) return fail("unreachable", "cannot open a socket for the launcher: " + system_text(errno));
        // A Unix socket connects at once or not at all.
        if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
            if (errno == EAGAIN) return connect_again();
            const std::string why = errno == ENOENT || errno == ECONNREFUSED ? "it is not running" : system_text(errno);
            return fail("unreachable", "the launcher does not answer at " + socket_path + ": " + why +
                                           "; see: systemctl status delvegate-launcher");
        }
        ucred peer{};
        socklen_t size = sizeof peer;
        if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || (peer.uid != 0 && peer.uid != ::geteuid()))
            return fail("unreachable", "what answers at " + socket_path + " is not the launcher: it runs as uid " + std::to_string(peer.uid) +
                                           ", neither root nor this gateway's user");
        const std::string text = to_text(request);
        // Where that fails, a packet may wait that says why it takes nobody.
        if (::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) send_error = ": " + system_text(errno);
        error_code ec;
        socket.assign(fd.get(), ec);
        if (ec) return fail("unreachable", "the launcher's socket cannot be watched: " + ec.message());
        fd.release();
        wait();
    }

    void connect_again() {
        pause.expires_after(full_pause);
        pause.async_wait([weak = weak_from_this()](const error_code& ec) {
            if (auto self = weak.lock(); self && !ec) self->connect();
        });
    }

    void wait() {
        socket.async_wait(stream_descriptor::wait_read, [weak = weak_from_this()](const error_code& ec) {
            auto self = weak.lock();
            if (!self || self->over) return;
            if (ec) return self->fail("unreachable", "the launcher's socket cannot be read: " + ec.message());
            self->read();
        });
    }

    void read() {
        for (int packet = 0; packet < packets_a_turn && !over; ++packet) {
            launcher::unique_fd descriptor;
            const auto size = receive(descriptor);
            if (size < 0) {
                if (errno == EAGAIN || errno == EWOULDBLOCK) return wait();
                if (errno == EINTR) continue;
                return fail("unreachable", "the launcher's connection broke: " + system_text(errno) + send_error);
            }
            if (size == 0) return fail("unreachable", "the launcher ended the connection without an answer" + send_error);
            take({buffer().data(), static_cast<std::size_t>(size)}, std::move(descriptor));
        }
        if (!over) wait();
    }

    // One for all: a packet is dealt with before the next is read (one thread).
    static std::array<char, launcher::max_launcher_packet>& buffer() {
        static std::array<char, launcher::max_launcher_packet> bytes;
        return bytes;
    }

    // The packet's size; a longer one, or one that brings more than one descriptor, is none: EMSGSIZE.
    ssize_t receive(launcher::unique_fd& descriptor) {
        iovec part{buffer().data(), buffer().size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 4)> control;
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const auto size = ::recvmsg(socket.native_handle(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        if (size < 0) return size;
        std::size_t count = 0;
        for (auto* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
            if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
            const auto here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (std::size_t i = 0; i < here; ++i, ++count) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
                descriptor = launcher::unique_fd(fd);  // an earlier one is closed
            }
        }
        if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || count > 1) {
            errno = EMSGSIZE;
            return -1;
        }
        return size;
    }

    void take(std::string_view packet, launcher::unique_fd descriptor) {
        auto read = launcher::read_launcher_reply(packet);
        if (!read) return fail("unreachable", "the launcher's answer cannot be read: " + read.error());
        auto& reply = *read;
        const bool is_result = reply.what == launcher_reply::kind::result;
        if (descriptor && !(is_result && request.verb == launcher_verb::dial))
            return fail("unreachable", "the launcher sent a descriptor that was not asked for");
        switch (reply.what) {
            case launcher_reply::kind::progress:
                if (progress) progress(reply.body);
                return;
            case launcher_reply::kind::error:
                return fail(std::string(to_string(reply.fault)), reply.text);
            case launcher_reply::kind::part:
            case launcher_reply::kind::parts:
            case launcher_reply::kind::result: break;
        }
        auto joined = joiner.take(std::move(reply));
        if (!joined) return fail("unreachable", "the launcher's answer cannot be read: " + joined.error());
        if (!*joined) return;
        if (request.verb == launcher_verb::dial && !descriptor)
            return fail("failed", "the launcher handed over no connection for " + request.component);
        finish({std::move(**joined), std::move(descriptor), std::nullopt});
    }

    void fail(std::string code, const std::string& text) {
        finish({{}, {}, launcher_failure{std::move(code), protocol::printable(text)}});
    }

    void finish(launcher_answer answer) {
        if (over) return;
        end();
        boost::asio::post(io, [self = shared_from_this(), answer = std::make_shared<launcher_answer>(std::move(answer))] {
            auto tell = std::exchange(self->done, {});
            if (self->gone) std::exchange(self->gone, {})();
            if (tell) tell(std::move(*answer));
        });
    }

    // Nothing is heard of it any more.
    void end() {
        over = true;
        progress = {};
        error_code ignored;
        socket.close(ignored);
        deadline.cancel();
        pause.cancel();
    }

    boost::asio::io_context& io;
    const std::string socket_path;
    const launcher::launcher_request request;
    on_answer done;
    on_progress progress;
    std::function<void()> gone;
    const std::chrono::milliseconds time;
    stream_descriptor socket;  // Asio only waits: packets and descriptors are read here
    boost::asio::steady_timer deadline, pause;
    launcher::result_joiner joiner;
    std::string send_error;
    on_turn may;
    std::string caller;
    bool over = false;
};

launcher_client::launcher_client(boost::asio::io_context& io, std::string socket) : io_(io), socket_(std::move(socket)) {}

launcher_client::~launcher_client() {
    const auto silence = [](const auto& all) {
        for (auto& one : all) {
            one->done = {};
            one->gone = {};
            one->end();
        }
    };
    silence(waiting_);
    silence(running_);
}

std::chrono::milliseconds launcher_client::usual_time(launcher_verb verb) {
    switch (verb) {
        case launcher_verb::start:
        case launcher_verb::stop:
        case launcher_verb::restore: return std::chrono::minutes(20);  // the launcher's own limits are below that
        case launcher_verb::inspect: return std::chrono::minutes(1);
        case launcher_verb::dial: return std::chrono::seconds(10);
        case launcher_verb::status:
        case launcher_verb::arm:
        case launcher_verb::disarm:
        case launcher_verb::park:
        case launcher_verb::heartbeat: break;
    }
    return std::chrono::seconds(5);
}

launcher_client::take_back launcher_client::ask(launcher::launcher_request request, on_answer done, on_progress progress,
                                                std::chrono::milliseconds time, on_turn may, std::string caller) {
    if (time.count() == 0) time = usual_time(request.verb);
    auto one = std::make_shared<call>(io_, socket_, std::move(request), std::move(done), std::move(progress), time);
    one->may = std::move(may);
    one->caller = std::move(caller);
    one->gone = [this, which = one.get(), alive = std::weak_ptr<char>(alive_)] {
        if (alive.expired()) return;
        const auto is = [which](const auto& other) { return other.get() == which; };
        std::erase_if(running_, is);
        std::erase_if(waiting_, is);
        next();
    };
    waiting_.push_back(one);
    one->arm();
    boost::asio::post(io_, [this, alive = std::weak_ptr<char>(alive_)] {
        if (!alive.expired()) next();
    });
    return [weak = std::weak_ptr<call>(one)](const std::string& why) {
        if (const auto self = weak.lock()) self->fail("forbidden", why);
    };
}

// Those whose turn it is: each kind in its order, but that who has a plan made waits with his next one for that.
void launcher_client::next() {
    for (const auto which : {kind::quick, kind::back, kind::start, kind::inspect}) {
        const auto alike = [which](const auto& one) { return kind_of(one->request.verb) == which; };
        auto busy = static_cast<std::size_t>(std::count_if(running_.begin(), running_.end(), alike));
        for (auto at = waiting_.begin(); at != waiting_.end() && busy < places_of(which);) {
            const auto has_one = [&](const auto& one) { return alike(one) && one->caller == (*at)->caller; };
            const bool second = which == kind::inspect && !(*at)->caller.empty() &&
                                std::any_of(running_.begin(), running_.end(), has_one);
            if (!alike(*at) || (*at)->over || second) {
                ++at;
                continue;
            }
            auto one = *at;
            at = waiting_.erase(at);
            running_.push_back(one);
            ++busy;
            one->start();
        }
    }
}

}  // namespace gateway
