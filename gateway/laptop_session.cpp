#include "gateway/laptop_session.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include "gateway/host_calls.h"

namespace gateway {
namespace {

using tcp = boost::asio::ip::tcp;

constexpr std::size_t held_limit = 64 * 1024;          // from the IDE before the verdict
constexpr std::size_t unsent_limit = 256 * 1024;       // waiting for the link before the IDE waits too
constexpr int read_rounds = 8;                         // before another session's turn
constexpr std::chrono::milliseconds refusal_time{30'000};  // for an IDE to take no for an answer
constexpr std::chrono::milliseconds linger_time{5'000};    // for an IDE to close after us

// Shared by all sessions: nothing in it outlives one call.
std::array<char, 256 * 1024>& scratch() {
    static const auto buffer = std::make_unique<std::array<char, 256 * 1024>>();
    return *buffer;
}

}  // namespace

// What the link calls. Keeps the session while the stream lives.
class laptop_session::ear final : public stream_user {
public:
    explicit ear(std::shared_ptr<laptop_session> session) : session_(std::move(session)) {}
    void received(std::string_view bytes) override { session_->from_link(bytes); }
    void writable() override { session_->read(); }
    void ended() override { session_->link_ended(); }
    void lost(std::string_view reason) override { session_->link_lost(reason); }
    void forgotten(std::string_view reason) override { session_->link_forgotten(reason); }

private:
    const std::shared_ptr<laptop_session> session_;
};

laptop_session::laptop_session(tcp::socket socket, std::string_view component, laptop_link& link,
                               session_owner& owner)
    : socket_(std::move(socket)), component_(component), link_(link), owner_(owner) {}

void laptop_session::start() {
    boost::system::error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    read();
}

void laptop_session::end() {
    if (closed_) return;
    leave_stream();
    finish();
}

// --- from the IDE ---

bool laptop_session::paused() const {
    if (finishing_ || refusal_) return false;
    if (again_) return talk_.kept() >= held_limit;
    if (!decided_ && held_.size() >= held_limit) return true;
    return stream_ && stream_->unsent() > unsent_limit;
}

void laptop_session::read() {
    if (reading_ || closed_ || ide_ended_ || paused()) return;
    reading_ = true;
    // A small buffer of its own for the first bytes costs an idle session less than the two system
    // calls that a wait for readiness costs every request.
    socket_.async_read_some(boost::asio::buffer(first_),
                            [self = shared_from_this()](const boost::system::error_code& ec,
                                                        std::size_t n) { self->on_read(ec, n); });
}

void laptop_session::on_read(const boost::system::error_code& ec, std::size_t n) {
    // The turn ends, and what came is on its way, before asio tries the next read: it seldom has anything yet.
    {
        const event_turn turn;
        // reading_ stays true meanwhile: a read begun from within could take bytes out of their order.
        if (!closed_ && n > 0) from_ide({first_.data(), n});
        if (!closed_ && ec) ide_ended(ec != boost::asio::error::eof);
        if (!closed_ && n == first_.size()) read_the_rest();
    }
    reading_ = false;
    read();
}

void laptop_session::read_the_rest() {
    auto& buffer = scratch();
    for (int round = 0; round < read_rounds && !closed_ && !paused(); ++round) {
        const ssize_t n = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        // An end or an error is asio's to report, by the next read.
        if (n <= 0) return;
        from_ide({buffer.data(), static_cast<std::size_t>(n)});
        if (static_cast<std::size_t>(n) < buffer.size()) return;
    }
}

void laptop_session::from_ide(std::string_view bytes) {
    if (finishing_) return;
    if (!std::exchange(asked_, true)) link_.open(std::string(component_), shared_from_this());
    if (reads_) return talk_.from_ide(bytes);
    to_gateway(bytes);
}

void laptop_session::to_gateway(std::string_view bytes) {
    if (closed_ || finishing_ || again_ || bytes.empty()) return;
    if (refusal_) return refusal_->received(bytes);
    if (!decided_) held_.append(bytes);
    if (stream_) stream_->send(bytes);
}

void laptop_session::ide_ended(bool broken) {
    if (std::exchange(ide_ended_, true)) return;
    if (broken) ide_deaf_ = true;
    if (finishing_ || again_) return close();
    // What is not whole is its to say, too.
    if (reads_) to_gateway(talk_.release());
    if (refusal_) {
        refusal_->ended();
        return settle();
    }
    if (!asked_) return close();
    // END, not RESET: the last request may still be on its way.
    if (stream_) stream_->end();
    settle();
}

// --- from the link ---

void laptop_session::opened(link_stream& stream) {
    if (closed_) return stream.abort("the IDE is gone");
    stream_ = &stream;
    stream.attach(std::make_unique<ear>(shared_from_this()));
    if (again_) return;
    if (!held_.empty()) stream.send(held_);
    if (ide_ended_) stream.end();
}

void laptop_session::decided(const verdict& said) {
    if (again_) return decided_again(said);
    if (std::exchange(decided_, true)) return;
    user_ = said.user;
    if (said.accepted && !said.rebuilds) stop_reading();
    if (!said.accepted) {
        stream_ = nullptr;
        if (!closed_) refuse(said.reason);
        return;
    }
    std::string().swap(held_);
    read();
}

void laptop_session::failed(std::string_view reason) {
    stream_ = nullptr;
    if (again_) return ask_again_later(reason);
    if (closed_ || decided_) return;
    decided_ = true;
    refuse(reason);
}

void laptop_session::from_link(std::string_view bytes) {
    owed_ += bytes.size();
    const std::size_t before = out_.size();
    const bool deaf = ide_deaf_;
    if (closed_ || finishing_ || ide_deaf_)
        ;  // nobody hears it
    else if (reads_)
        talk_.from_gateway(bytes);
    else
        to_ide(bytes);
    // A failed write makes the IDE deaf, and then nothing is kept for it.
    if (before == 0 && !out_.empty() && out_.size() < bytes.size()) pay(bytes.size() - out_.size());
    pay(0);
    if (ide_deaf_ && !deaf) settle();
}

// Acknowledges what the IDE's socket has. What is kept of half a message counts: without its other half it says nothing. Where
// talk_ changes messages they differ by a few bytes; so some wait until all have been written.
void laptop_session::pay(std::size_t written) {
    constexpr std::size_t difference = 4096;
    std::size_t done = out_.empty() || ide_deaf_ ? owed_ : std::min(written, owed_ - std::min(owed_, difference));
    if (!stream_) done = owed_;
    owed_ -= done;
    if (stream_ && done > 0) stream_->consumed(done);
}

void laptop_session::to_ide(std::string_view bytes) {
    if (closed_ || finishing_ || ide_deaf_) return;
    const std::size_t taken = out_.empty() ? write(bytes) : 0;
    if (ide_deaf_ || taken == bytes.size()) return;
    out_.append(bytes.substr(taken));
    arm_write();
}

void laptop_session::link_ended() {
    link_ended_ = true;
    if (out_.empty() && !closed_) {
        boost::system::error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
    }
    settle();
}

void laptop_session::link_lost(std::string_view reason) {
    stream_ = nullptr;
    if (closed_) return;
    if (again_) return ask_again_later(reason);
    if (decided_) {
        if (!ide_ended_) owner_.cut_off(reason);
        return finish();
    }
    // Nothing has been done with what the IDE said: it can be said again on another link.
    if (asks_left_-- > 0) return link_.open(std::string(component_), shared_from_this());
    decided_ = true;
    refuse(reason);
}

// --- towards the IDE ---

std::size_t laptop_session::write(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
        const ssize_t n = ::send(socket_.native_handle(), bytes.data() + taken, bytes.size() - taken,
                                 MSG_DONTWAIT | send_flags);
        if (n >= 0) {
            taken += static_cast<std::size_t>(n);
            continue;
        }
        if (errno == EINTR) continue;
        // What it said before it went is still to be read.
        if (errno != EAGAIN && errno != EWOULDBLOCK) ide_deaf_ = true;
        break;
    }
    return taken;
}

void laptop_session::arm_write() {
    if (std::exchange(writing_, true)) return;
    socket_.async_wait(tcp::socket::wait_write,
                       [self = shared_from_this()](const boost::system::error_code&) {
                           self->writing_ = false;
                           if (!self->closed_) self->on_writable();
                       });
}

void laptop_session::on_writable() {
    const std::size_t before = out_.size();
    const std::size_t taken = write(out_.front(before));
    const std::size_t done = ide_deaf_ ? before : taken;
    out_.drop(done);
    pay(done);
    if (!out_.empty()) return arm_write();
    if ((link_ended_ || finishing_) && !ide_deaf_) {
        boost::system::error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
    }
    settle();
}

void laptop_session::send(std::string_view bytes) { to_ide(bytes); }

// --- the end ---

void laptop_session::refuse(std::string_view reason) {
    owner_.refused(reason);
    refusal_ = make_refusal(*this, std::string(reason));
    expire_after(refusal_time);
    const std::string said = std::exchange(held_, {});
    if (!said.empty()) refusal_->received(said);
    if (ide_ended_ && !finishing_) refusal_->ended();
    read();
}

void laptop_session::finish() {
    if (closed_ || std::exchange(finishing_, true)) return;
    if (out_.empty() && !ide_deaf_) {
        boost::system::error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
    }
    // Closing now, with bytes of the IDE unread, would reset the connection and could take our last
    // words with it: read on until it closes.
    expire_after(linger_time);
    settle();
    read();
}

void laptop_session::abort(std::string_view) { close(); }

// The stream goes on without us: what was sent still leaves.
void laptop_session::leave_stream() {
    if (auto* stream = std::exchange(stream_, nullptr)) stream->finish();
}

void laptop_session::settle() {
    if (closed_ || !ide_ended_ || (!out_.empty() && !ide_deaf_)) return;
    if (refusal_ && !finishing_) return;
    if (asked_ && !decided_) return;  // the request may be all the IDE wanted to say
    if (stream_ && !link_ended_ && !ide_deaf_) return;
    close();
}

void laptop_session::expire_after(std::chrono::milliseconds time) {
    if (!deadline_) deadline_.emplace(socket_.get_executor());
    deadline_->expires_after(time);
    deadline_->async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
        const auto self = weak.lock();
        if (!ec && self) self->close();
    });
}

void laptop_session::close() {
    if (std::exchange(closed_, true)) return;
    const auto self = shared_from_this();  // the owner lets go of it
    leave_stream();
    if (deadline_) deadline_->cancel();
    boost::system::error_code ignored;
    socket_.close(ignored);
    out_.clear();
    owner_.over(*this);
}

}  // namespace gateway
