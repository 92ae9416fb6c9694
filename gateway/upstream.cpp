#include "gateway/upstream.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "gateway/event_turn.h"

namespace gateway {

namespace {

using clock = std::chrono::steady_clock;

// One buffer for all upstream sockets: a read is handed on before the next one starts (one thread).
constexpr std::size_t chunk_size = 128 * 1024;
std::array<char, chunk_size>& shared_chunk() {
    static std::array<char, chunk_size> chunk;
    return chunk;
}

// Each socket's own: what one reply of usual size needs. With a buffer to receive into Asio need not ask
// the kernel for readiness anew each time, as it must for a bare wait.
constexpr std::size_t own_size = 8 * 1024;

// Reads in a row before others get their turn.
constexpr int reads_a_turn = 8;

// Between two dials: twice as long each time.
constexpr std::chrono::milliseconds first_pause{10};
constexpr std::chrono::milliseconds longest_pause{1000};

asio::generic::stream_protocol::endpoint endpoint_of(const launcher::dlv_address& address) {
    if (address.how == launcher::dlv_address::kind::unix_socket)
        return asio::local::stream_protocol::endpoint(address.path);
    return asio::ip::tcp::endpoint(asio::ip::make_address(address.host), address.port);
}

}  // namespace

struct upstream::impl : std::enable_shared_from_this<impl> {
    impl(asio::io_context& context, const upstream_route& to, handlers h, std::chrono::milliseconds patience)
        : route(to), socket(context), redial(context), on(std::move(h)), give_up(clock::now() + patience) {}

    void dial() {
        if (route.dial)
            return route.dial([weak = weak_from_this()](launcher::outcome<launcher::unique_fd> got) {
                if (auto self = weak.lock(); self && !self->dead) self->handed(std::move(got));
            });
        error_code ec;
        auto endpoint = endpoint_of(route.address);
        socket.open(endpoint.protocol(), ec);
        if (ec) return fail("cannot open a socket: " + ec.message());
        socket.non_blocking(true, ec);
        if (endpoint.protocol().family() != AF_UNIX) {
            int one = 1;
            ::setsockopt(socket.native_handle(), IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof one);
        }
        socket.async_connect(endpoint, [self = shared_from_this()](error_code e) {
            if (self->dead) return;
            if (e) return self->fail("dlv does not answer at " + self->route.words() + ": " + e.message());
            self->stands();
        });
    }

    // A descriptor that somebody else has connected.
    void handed(launcher::outcome<launcher::unique_fd> got) {
        if (!got) return fail(got.error());
        sockaddr_storage name{};
        socklen_t size = sizeof name;
        int type = 0;
        socklen_t type_size = sizeof type;
        if (::getsockname(got->get(), reinterpret_cast<sockaddr*>(&name), &size) != 0 ||
            ::getsockopt(got->get(), SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 || type != SOCK_STREAM)
            return fail(route.words() + " handed over something that is no stream socket");
        error_code ec;
        socket.assign(asio::generic::stream_protocol(name.ss_family, 0), got->get(), ec);
        if (ec) return fail("the connection from " + route.words() + " cannot be used: " + ec.message());
        got->release();
        socket.non_blocking(true, ec);
        if (name.ss_family != AF_UNIX) {
            int one = 1;
            ::setsockopt(socket.native_handle(), IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof one);
        }
        stands();
    }

    void stands() {
        connected = true;
        flush();
        wait_readable();
    }

    void wait_readable() {
        if (reading || paused || dead || !connected) return;
        reading = true;
        socket.async_receive(asio::buffer(own), [self = shared_from_this()](error_code e, std::size_t n) {
            self->reading = false;
            if (self->dead) return;
            if (e == asio::error::eof) return self->lost("dlv closed the connection");
            if (e) return self->lost("connection to dlv lost: " + e.message());
            self->heard();
            {
                // What came is on its way to the viewer before asio tries the next read, which seldom has anything yet.
                const event_turn turn;
                self->on.bytes({self->own.data(), n});
            }
            if (self->dead) return;
            if (n < own_size) return self->wait_readable();
            self->read();
        });
    }

    void read() {
        const event_turn turn;
        auto& chunk = shared_chunk();
        for (int round = 0; round < reads_a_turn && !paused; ++round) {
            auto n = ::recv(socket.native_handle(), chunk.data(), chunk.size(), 0);
            if (n > 0) {
                heard();
                on.bytes({chunk.data(), static_cast<std::size_t>(n)});
                if (dead) return;
                if (static_cast<std::size_t>(n) < chunk.size()) break;
                continue;
            }
            if (n == 0) return lost("dlv closed the connection");
            if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) break;
            return lost("connection to dlv lost: " + error_code(errno, boost::system::system_category()).message());
        }
        wait_readable();
    }

    void flush() {
        while (connected && !dead && sent < queue.size()) {
            auto n = ::send(socket.native_handle(), queue.data() + sent, queue.size() - sent, MSG_NOSIGNAL);
            if (n > 0) {
                sent += static_cast<std::size_t>(n);
                continue;
            }
            if (errno == EINTR) continue;
            if (errno == EAGAIN || errno == EWOULDBLOCK) return wait_writable();
            // The reading side tells the reason, after the bytes dlv may still have sent.
            break;
        }
        if (sent >= queue.size()) {
            sent = 0;
            queue.clear();
            if (queue.capacity() > chunk_size) queue.shrink_to_fit();
        }
    }

    void wait_writable() {
        if (writing) return;
        writing = true;
        socket.async_wait(asio::socket_base::wait_write, [self = shared_from_this()](error_code e) {
            self->writing = false;
            if (!self->dead && !e) self->flush();
        });
    }

    void heard() {
        answered = true;
        unanswered = {};
    }

    void lost(std::string reason) {
        if (answered || !route.may_be_turned_away()) return fail(std::move(reason));
        if (clock::now() >= give_up)
            return fail("dlv at " + route.words() + " turns the gateway away without a word; where over 9,999 TCP "
                        "sockets are open, Delve before 1.22.1 does so: use a newer dlv");
        if (next_pause == first_pause)
            spdlog::warn("dlv at {} turned the gateway away without a word; dialling again", route.words());
        error_code ignored;
        socket.close(ignored);
        connected = false;
        queue = unanswered;
        sent = 0;
        redial.expires_after(next_pause);
        next_pause = std::min(next_pause * 2, longest_pause);
        redial.async_wait([self = shared_from_this()](error_code e) {
            if (!e && !self->dead) self->dial();
        });
    }

    void fail(std::string reason) {
        if (dead) return;
        dead = true;
        error_code ignored;
        socket.close(ignored);
        asio::post(socket.get_executor(), [self = shared_from_this(), reason = std::move(reason)] {
            if (!self->abandoned) self->on.closed(reason);
        });
    }

    const upstream_route route;
    asio::generic::stream_protocol::socket socket;
    asio::steady_timer redial;
    handlers on;
    std::array<char, own_size> own;
    std::string queue;
    std::size_t sent = 0;
    std::string unanswered;  // all that was sent, until dlv has said something
    std::chrono::milliseconds next_pause = first_pause;
    const clock::time_point give_up;
    bool answered = false;
    bool connected = false, reading = false, writing = false, paused = false, dead = false;
    bool abandoned = false;  // the owner is gone: its handlers must not be called, nor freed mid-call
};

upstream::upstream(asio::io_context& context, const upstream_route& route, handlers on,
                   std::chrono::milliseconds patience)
    : impl_(std::make_shared<impl>(context, route, std::move(on), patience)) {
    impl_->dial();
}

upstream::~upstream() {
    impl_->dead = impl_->abandoned = true;
    error_code ignored;
    impl_->socket.close(ignored);
    impl_->redial.cancel();
}

void upstream::send(std::string_view bytes) {
    if (impl_->dead) return;
    if (!impl_->answered) impl_->unanswered.append(bytes);
    impl_->queue.append(bytes);
    if (!impl_->writing) impl_->flush();
}

void upstream::pause() { impl_->paused = true; }

void upstream::resume() {
    if (!impl_->paused) return;
    impl_->paused = false;
    // Not from inside the caller: it may hold state that bytes() changes.
    asio::post(impl_->socket.get_executor(), [self = impl_] {
        // Between two dials there is nothing to be read.
        if (self->connected && !self->dead && !self->reading) self->read();
    });
}

}  // namespace gateway
