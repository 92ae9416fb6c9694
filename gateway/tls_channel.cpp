#include "gateway/tls_channel.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <boost/asio/post.hpp>

#include "gateway/host_calls.h"

namespace gateway {
namespace {

constexpr std::size_t record = 16 * 1024;         // the most one TLS record carries
constexpr std::size_t write_piece = 128 * 1024;   // encrypted and written at once
constexpr int read_rounds = 4;                    // before another channel's turn
constexpr std::size_t writable_floor = 64 * 1024;
constexpr std::chrono::milliseconds alert_patience{1000};

// Shared by all channels of a thread: nothing in them outlives one call from the event loop.
struct scratch_buffers {
    std::array<char, 256 * 1024> cipher;
    std::array<char, 128 * 1024> plain;
    std::string out;
};
scratch_buffers& scratch() {
    thread_local const auto buffers = std::make_unique<scratch_buffers>();
    return *buffers;
}

std::string system_text(int error) { return std::generic_category().message(error); }

// What OpenSSL's queue says, without emptying it: the user may want to explain it better.
std::string tls_text(const SSL* ssl) {
    const unsigned long code = ERR_peek_last_error();
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return std::string("certificate: ") + X509_verify_cert_error_string(SSL_get_verify_result(ssl));
    const char* reason = code ? ERR_reason_error_string(code) : nullptr;
    return reason ? reason : "TLS failure";
}

void tune(int fd) {
    const auto set = [fd](int level, int option, int value) {
        ::setsockopt(fd, level, option, &value, sizeof value);
    };
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    // A host that vanished is noticed within a minute, also when neither side has anything to say.
    keep_alive(fd, 30, 10, 3);
    prepare_for_sending(fd);
}

}  // namespace

std::shared_ptr<tls_channel> tls_channel::make(boost::asio::ip::tcp::socket socket, ssl_handle ssl,
                                               role which, channel_user& user) {
    std::shared_ptr<tls_channel> channel(new tls_channel(std::move(socket), std::move(ssl), user));
    channel->server_ = which == role::server;
    if (channel->server_)
        SSL_set_accept_state(channel->ssl_.get());
    else
        SSL_set_connect_state(channel->ssl_.get());
    return channel;
}

tls_channel::tls_channel(boost::asio::ip::tcp::socket socket, ssl_handle ssl, channel_user& user)
    : socket_(std::move(socket)),
      deadline_(socket_.get_executor()),
      ssl_(std::move(ssl)),
      user_(&user) {
    boost::system::error_code ignored;
    socket_.native_non_blocking(true, ignored);
    tune(socket_.native_handle());
    BIO* bio = BIO_new(bio_method());
    BIO_set_data(bio, this);
    SSL_set_bio(ssl_.get(), bio, bio);
}

tls_channel::~tls_channel() = default;

void tls_channel::prepare(SSL_CTX* context) {
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

std::string tls_channel::peer_address() const {
    boost::system::error_code ec;
    const auto remote = socket_.remote_endpoint(ec);
    if (ec) return "unknown address";
    auto address = remote.address();
    // A dual-stack listener sees IPv4 clients as ::ffff:192.0.2.7.
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        address = boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
    const std::string host =
        address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
    return host + ":" + std::to_string(remote.port());
}

// --- between OpenSSL and our buffers ---

int tls_channel::bio_read(BIO* bio, char* data, int size) {
    auto* self = static_cast<tls_channel*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (self->in_.empty()) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const std::size_t n = std::min(self->in_.size(), static_cast<std::size_t>(std::max(size, 0)));
    std::memcpy(data, self->in_.data(), n);
    self->in_.remove_prefix(n);
    return static_cast<int>(n);
}

int tls_channel::bio_write(BIO* bio, const char* data, int size) {
    auto* self = static_cast<tls_channel*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const std::string_view bytes(data, static_cast<std::size_t>(std::max(size, 0)));
    if (self->sink_)
        self->sink_->append(bytes);
    else
        self->out_.append(bytes);
    return size;
}

long tls_channel::bio_ctrl(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int tls_channel::bio_create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
}

const BIO_METHOD* tls_channel::bio_method() {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "channel");
        BIO_meth_set_read(m, bio_read);
        BIO_meth_set_write(m, bio_write);
        BIO_meth_set_ctrl(m, bio_ctrl);
        BIO_meth_set_create(m, bio_create);
        return m;
    }();
    return method;
}

// --- input ---

void tls_channel::start(std::chrono::milliseconds handshake_time) {
    state_ = state::handshaking;
    set_deadline(handshake_time);
    // A client speaks first; a server finds nothing to do yet. By post: the user is not called from here.
    post_reading();
}

void tls_channel::arm_read() {
    if (reading_armed_ || eof_ || state_ == state::closed) return;
    reading_armed_ = true;
    if (own_buffer_) {
        // Asio asks the kernel for readiness anew with each wait, but not for this.
        socket_.async_receive(boost::asio::buffer(*own_buffer_),
                              [self = shared_from_this()](const boost::system::error_code& ec, std::size_t n) {
                                  self->reading_armed_ = false;
                                  self->on_received(ec, n);
                              });
        return;
    }
    socket_.async_wait(boost::asio::ip::tcp::socket::wait_read,
                       [self = shared_from_this()](const boost::system::error_code&) {
                           self->reading_armed_ = false;
                           self->on_readable();
                       });
}

void tls_channel::post_reading() {
    if (reading_posted_) return;
    reading_posted_ = true;
    boost::asio::post(socket_.get_executor(), [self = shared_from_this()] {
        self->reading_posted_ = false;
        self->on_readable();
    });
}

void tls_channel::pause_reading() { paused_ = true; }

void tls_channel::resume_reading() {
    if (!paused_) return;
    paused_ = false;
    if (state_ != state::fresh) post_reading();
}

void tls_channel::expect_traffic() {
    if (!own_buffer_) own_buffer_ = std::make_unique<std::array<char, 16 * 1024>>();
    // Given back and taken anew for every record otherwise.
    SSL_clear_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
}

void tls_channel::on_received(const boost::system::error_code& ec, std::size_t n) {
    const event_turn turn;
    if (state_ == state::closed) return;
    if (ec && ec != boost::asio::error::eof) return fail(close_cause::network, ec.message());
    if (ec || n == 0) {
        eof_ = true;
        if (state_ == state::closing) return discard_input();
        return on_readable();
    }
    if (state_ == state::closing) return discard_input();
    const std::string_view bytes(own_buffer_->data(), n);
    if (held_back()) {
        held_.append(bytes);
        return;
    }
    std::string held = std::exchange(held_, {});
    if (held.empty()) {
        in_ = bytes;
    } else {
        held.append(bytes);
        in_ = held;
    }
    process_input();
    if (n < own_buffer_->size() && state_ == state::open && !held_back()) return arm_read();
    on_readable();
}

void tls_channel::on_readable() {
    const event_turn turn;
    auto& cipher = scratch().cipher;
    for (int round = 0; round < read_rounds; ++round) {
        if (eof_ || state_ == state::closed) break;
        if (state_ == state::closing) return discard_input();
        if (held_back()) return;
        if (stalled_ || !held_.empty() || state_ == state::handshaking) {
            const std::string held = std::exchange(held_, {});
            in_ = held;
            process_input();
            if (held_back() || state_ == state::closed || state_ == state::closing) continue;
        }
        // A receive that is under way may hold the next bytes already: it must not be overtaken.
        if (own_buffer_ && reading_armed_) return;
        const ssize_t n = ::recv(socket_.native_handle(), cipher.data(), cipher.size(), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return arm_read();
        if (n < 0) return fail(close_cause::network, system_text(errno));
        if (n == 0) {
            eof_ = true;
            break;
        }
        in_ = {cipher.data(), static_cast<std::size_t>(n)};
        process_input();
        // A short read has emptied the socket; what came since wakes the wait.
        if (static_cast<std::size_t>(n) < cipher.size() && state_ != state::closing && !held_back())
            return arm_read();
    }
    if (state_ == state::closed) return;
    if (!eof_) return post_reading();
    if (state_ == state::handshaking)
        return fail(close_cause::tls, "the peer closed the connection during the handshake");
    if (state_ != state::open || paused_) return;
    // Bytes kept by a pause come before the news that there are no more.
    if (stalled_ || !held_.empty()) {
        const std::string held = std::exchange(held_, {});
        in_ = held;
        process_input();
    }
    if (state_ == state::open && !paused_) peer_has_ended();
}

// Leaves nothing in in_: what a pause keeps back goes to held_.
void tls_channel::process_input() {
    auto& plain = scratch().plain;
    stalled_ = false;
    while (state_ == state::handshaking || state_ == state::open) {
        if (state_ == state::handshaking) {
            if (!handshake_step()) break;
            continue;
        }
        if (peer_ended_) break;
        if (paused_) {
            stalled_ = true;
            break;
        }
        std::size_t filled = 0;
        int result = 1;
        ERR_clear_error();
        while (filled < plain.size()) {
            std::size_t got = 0;
            result = SSL_read_ex(ssl_.get(), plain.data() + filled, plain.size() - filled, &got);
            if (result != 1) break;
            filled += got;
            // Nothing left to read from: SSL_read would only find that out the long way.
            if (in_.empty() && !SSL_has_pending(ssl_.get())) break;
        }
        const int why = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), result);
        // Reading may have written: an alert, or the answer to a key update.
        if (!out_.empty()) post_flush();
        if (why == SSL_ERROR_SSL || why == SSL_ERROR_SYSCALL) {
            const std::string text = tls_text(ssl_.get());
            if (filled) user_->received({plain.data(), filled});
            if (state_ == state::open) fail(close_cause::tls, text);
            break;
        }
        if (filled) user_->received({plain.data(), filled});
        if (why == SSL_ERROR_ZERO_RETURN) {
            if (paused_)
                stalled_ = true;
            else if (state_ == state::open)
                peer_has_ended();
            break;
        }
        if (why != SSL_ERROR_NONE || (in_.empty() && !SSL_has_pending(ssl_.get()))) break;
    }
    if (!in_.empty() && (state_ == state::handshaking || state_ == state::open) && !peer_ended_)
        held_.assign(in_);
    in_ = {};
}

// True: go on with what is left of the input.
bool tls_channel::handshake_step() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    const int why = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), result);
    if (why == SSL_ERROR_WANT_READ) {
        drain_out();
        return false;
    }
    if (why != SSL_ERROR_NONE) {
        fail(close_cause::tls, tls_text(ssl_.get()));
        return false;
    }
    state_ = state::open;
    deadline_.cancel();
    // A client's Finished and what it says first leave together.
    if (!plain_.empty())
        post_flush();
    else
        drain_out();
    user_->opened();
    if (shutdown_wanted_) shutdown(patience_);
    return true;
}

void tls_channel::peer_has_ended() {
    if (std::exchange(peer_ended_, true)) return;
    user_->ended();
}

// --- output ---

void tls_channel::send(std::string_view bytes) {
    if (state_ == state::closing || state_ == state::closed || output_dead_) return;
    if (state_ == state::open && plain_.size() + bytes.size() >= record) {
        // Whole records leave at once; the piece that completes the first one is all that is copied.
        const std::size_t completing = plain_.empty() ? 0 : record - plain_.size();
        plain_.append(bytes.substr(0, completing));
        bytes.remove_prefix(completing);
        const std::size_t whole = bytes.size() / record * record;
        encrypt(plain_, bytes.substr(0, whole));
        plain_.clear();
        bytes.remove_prefix(whole);
    }
    plain_.append(bytes);
    peak_ = std::max(peak_, unsent());
    if (state_ == state::open) post_flush();
}

std::size_t tls_channel::unsent() const { return plain_.size() + out_.size(); }

void tls_channel::post_flush() {
    if (std::exchange(flush_posted_, true)) return;
    if (event_turn::active() && state_ == state::open) return event_turn::at_end(shared_from_this());
    boost::asio::post(socket_.get_executor(), [self = shared_from_this()] {
        self->flush_posted_ = false;
        if (self->state_ == state::closing)
            self->go_on_closing();
        else if (self->state_ == state::open)
            self->flush();
    });
}

void tls_channel::end_of_turn() {
    flush_posted_ = false;
    if (state_ == state::open)
        flush();
    else if (state_ == state::closing)
        post_flush();
}

void tls_channel::flush() {
    // The plaintext of a blocked connection waits: more of it makes fewer records.
    if (!writing_armed_) {
        drain_out();
        if (!plain_.empty()) {
            encrypt(plain_);
            if (plain_.capacity() > 4096)
                std::string().swap(plain_);
            else
                plain_.clear();
        }
    }
    tell_writable();
}

// Straight from OpenSSL into the kernel, both pieces in one write; only what the kernel does not take is
// kept.
void tls_channel::encrypt(std::string_view first, std::string_view second) {
    std::string& buffer = scratch().out;
    const auto write_buffer = [&] {
        const std::size_t taken = write_some(buffer);
        if (taken < buffer.size() && !output_dead_) out_.append(std::string_view(buffer).substr(taken));
        buffer.clear();
    };
    for (std::string_view bytes : {first, second}) {
        while (!bytes.empty() && !output_dead_) {
            const std::string_view piece = bytes.substr(0, write_piece);
            bytes.remove_prefix(piece.size());
            // Behind what is waiting already, or else by way of the buffer.
            if (out_.empty()) sink_ = &buffer;
            std::size_t written = 0;
            ERR_clear_error();
            const int result = SSL_write_ex(ssl_.get(), piece.data(), piece.size(), &written);
            sink_ = nullptr;
            // Our BIO takes everything, so a failure means that the connection's state is beyond use.
            if (result != 1) output_dead_ = true;
            if (buffer.size() >= write_piece) write_buffer();
        }
    }
    if (!buffer.empty()) write_buffer();
}

std::size_t tls_channel::write_some(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
        const ssize_t n = ::send(socket_.native_handle(), bytes.data() + taken,
                                 bytes.size() - taken, send_flags);
        if (n >= 0) {
            taken += static_cast<std::size_t>(n);
            continue;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            arm_write();
            break;
        }
        // Not the end yet: what the peer sent before it went is still to be read.
        output_dead_ = true;
        out_.clear();
        plain_.clear();
        if (eof_) {
            boost::asio::post(socket_.get_executor(),
                              [self = shared_from_this(), text = system_text(errno)] {
                                  if (!self->paused_) self->fail(close_cause::network, text);
                              });
        }
        break;
    }
    return taken;
}

void tls_channel::arm_write() {
    if (std::exchange(writing_armed_, true)) return;
    socket_.async_wait(boost::asio::ip::tcp::socket::wait_write,
                       [self = shared_from_this()](const boost::system::error_code&) {
                           self->writing_armed_ = false;
                           const event_turn turn;
                           if (self->state_ == state::closed) return;
                           self->drain_out();
                           if (self->state_ == state::closing)
                               self->go_on_closing();
                           else if (self->state_ == state::open)
                               self->flush();
                       });
}

void tls_channel::drain_out() {
    while (!out_.empty() && !writing_armed_ && !output_dead_) {
        const std::string_view bytes = out_.front(out_.size());
        const std::size_t taken = write_some(bytes);
        if (output_dead_) return;
        out_.drop(taken);
        if (taken && state_ == state::closing) set_deadline(patience_);
    }
}

void tls_channel::tell_writable() {
    const std::size_t left = unsent();
    if (peak_ == 0 || (left > 0 && (peak_ <= writable_floor || left > peak_ / 2))) return;
    peak_ = left > writable_floor ? left : 0;
    user_->writable();
}

// --- the end ---

void tls_channel::set_deadline(std::chrono::milliseconds time) {
    deadline_.expires_after(time);
    deadline_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
        if (ec) return;
        if (const auto self = weak.lock()) self->on_deadline();
    });
}

void tls_channel::on_deadline() {
    if (state_ == state::handshaking)
        return fail(close_cause::timeout, "the handshake took too long");
    if (state_ != state::closing) return;
    if (!out_.empty() && cause_ == close_cause::done) {
        cause_ = close_cause::timeout;
        text_ = "the peer stopped reading";
    }
    report_closed();
}

void tls_channel::shutdown(std::chrono::milliseconds patience) {
    if (state_ == state::closing || state_ == state::closed) return;
    patience_ = patience;
    // What is queued cannot leave before the handshake is done; its own deadline bounds the wait.
    if (state_ != state::open) {
        shutdown_wanted_ = true;
        return;
    }
    state_ = state::closing;
    set_deadline(patience);
    post_flush();
}

void tls_channel::go_on_closing() {
    if (!writing_armed_ && !output_dead_) {
        drain_out();
        if (!plain_.empty()) {
            encrypt(plain_);
            std::string().swap(plain_);
        }
        if (!std::exchange(goodbye_sent_, true)) {
            ERR_clear_error();
            SSL_shutdown(ssl_.get());
        }
        drain_out();
    }
    if (out_.empty() && !std::exchange(fin_sent_, true))
        ::shutdown(socket_.native_handle(), SHUT_WR);
    discard_input();
}

// Closing a socket with unread input would reset the connection and take our last bytes with it.
void tls_channel::discard_input() {
    auto& cipher = scratch().cipher;
    held_.clear();
    for (int round = 0; round < read_rounds && !eof_; ++round) {
        const ssize_t n = ::recv(socket_.native_handle(), cipher.data(), cipher.size(), 0);
        if (n > 0 || (n < 0 && errno == EINTR)) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return arm_read();
        eof_ = true;
        if (n < 0) output_dead_ = true;
    }
    if (!eof_) return post_reading();
    if (fin_sent_ || output_dead_) report_closed();
}

void tls_channel::fail(close_cause cause, std::string text) {
    if (state_ == state::closed || state_ == state::closing) return;
    cause_ = cause;
    text_ = std::move(text);
    // A refused client reads why in our alert; it must not be overtaken by a reset.
    if (cause == close_cause::tls && server_ && !out_.empty() && !eof_ && !output_dead_) {
        state_ = state::closing;
        goodbye_sent_ = true;
        plain_.clear();
        patience_ = alert_patience;
        set_deadline(patience_);
        post_flush();
        return;
    }
    if (cause == close_cause::tls) drain_out();
    report_closed();
}

void tls_channel::report_closed() {
    if (state_ == state::closed) return;
    const auto self = shared_from_this();  // the user may drop us inside closed()
    state_ = state::closed;
    boost::system::error_code ignored;
    deadline_.cancel();
    socket_.close(ignored);
    user_->closed(cause_, text_);
}

void tls_channel::abort() {
    if (state_ == state::closed) return;
    state_ = state::closed;
    boost::system::error_code ignored;
    deadline_.cancel();
    socket_.close(ignored);
    out_.clear();
    std::string().swap(plain_);
    std::string().swap(held_);
}

}  // namespace gateway
