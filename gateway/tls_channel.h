// One TLS connection over a TCP socket, for either end.
//
// Event-driven and sparing: asio tells when the socket is ready, bytes move by plain recv and send in
// large pieces through buffers that all channels of the thread share; an idle channel holds no buffer
// of its own. What is sent within one turn of the event loop leaves in one write.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "gateway/byte_queue.h"
#include "gateway/event_turn.h"

namespace gateway {

// Why a channel closed by itself.
enum class close_cause {
    done,     // shutdown() completed
    tls,      // handshake refused, an alert, or bytes that are not TLS; see tls_channel::ssl()
    network,  // reset, unreachable, ...
    timeout,  // the handshake, or the peer taking no byte during shutdown
};

// Whoever owns a channel. Calls come from the event loop, never from within a call into the channel.
class channel_user {
public:
    virtual ~channel_user() = default;
    // The handshake is done; the peer's certificate has been verified against the context's CA.
    // (A TLS 1.3 client is not told here whether the server accepted its certificate: a refusal
    // comes as closed(tls) instead of the first bytes.)
    virtual void opened() = 0;
    virtual void received(std::string_view bytes) = 0;
    // unsent() fell to half of its last peak above 64 KiB, or to zero.
    virtual void writable() = 0;
    // The peer closed its sending side (close_notify, or FIN without one); all it sent was received.
    // Sending still works.
    virtual void ended() = 0;
    // The last call. Not made after abort(). In it ssl() and OpenSSL's error queue still tell why.
    virtual void closed(close_cause cause, std::string_view text) = 0;
};

struct ssl_free {
    void operator()(SSL* s) const { SSL_free(s); }
};
using ssl_handle = std::unique_ptr<SSL, ssl_free>;

class tls_channel : public std::enable_shared_from_this<tls_channel>, public turn_end {
public:
    enum class role { client, server };

    // Owns the connected socket. The user must call abort() before it dies, unless closed() came.
    static std::shared_ptr<tls_channel> make(boost::asio::ip::tcp::socket socket, ssl_handle ssl,
                                             role which, channel_user& user);
    ~tls_channel();
    tls_channel(const tls_channel&) = delete;
    tls_channel& operator=(const tls_channel&) = delete;

    void start(std::chrono::milliseconds handshake_time);
    // Another user takes over, from the next call on; allowed inside opened() and received().
    void hand_over(channel_user& user) { user_ = &user; }

    // For a channel that is busy and one of few: reads into a buffer of its own, which saves the event
    // loop a system call per message and costs 16 KiB while idle.
    void expect_traffic();

    // Queues bytes; before opened() too. They leave when the event loop comes round, or at once when
    // they are many.
    void send(std::string_view bytes);
    // Bytes queued here and not yet taken by the kernel.
    std::size_t unsent() const;

    // Stops and restarts received(); nested calls do not add up. A paused channel lets TCP push back.
    void pause_reading();
    void resume_reading();

    // Sends what is queued, then close_notify and FIN, reads nothing more, and calls closed(done) when
    // the peer has closed too, or closed(timeout) when it took nothing for `patience`.
    void shutdown(std::chrono::milliseconds patience);
    // Closes at once; no call follows. Safe to call twice and inside any call.
    void abort();

    // Whether the peer said goodbye (close_notify), and did not just vanish; true after an alert, too.
    bool peer_said_goodbye() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
    bool is_open() const { return state_ == state::open; }
    SSL* ssl() const { return ssl_.get(); }
    std::string peer_address() const;  // "192.0.2.7:50312", "[2001:db8::1]:50312"

    // Settings a context needs once for its channels: buffers released when idle, no SSL_write retries.
    static void prepare(SSL_CTX* context);

private:
    enum class state { fresh, handshaking, open, closing, closed };

    tls_channel(boost::asio::ip::tcp::socket socket, ssl_handle ssl, channel_user& user);

    static int bio_read(BIO* bio, char* data, int size);
    static int bio_write(BIO* bio, const char* data, int size);
    static long bio_ctrl(BIO* bio, int command, long number, void* pointer);
    static int bio_create(BIO* bio);
    static const BIO_METHOD* bio_method();

    // Input.
    void arm_read();
    void post_reading();
    bool held_back() const { return paused_ && state_ == state::open; }
    void on_readable();
    void on_received(const boost::system::error_code& ec, std::size_t n);
    void process_input();
    bool handshake_step();
    void peer_has_ended();

    // Output.
    void end_of_turn() override;
    void arm_write();
    void post_flush();
    void flush();
    void encrypt(std::string_view first, std::string_view second = {});
    std::size_t write_some(std::string_view bytes);
    void drain_out();
    void tell_writable();

    // The end.
    void set_deadline(std::chrono::milliseconds time);
    void on_deadline();
    void go_on_closing();
    void discard_input();
    void fail(close_cause cause, std::string text);
    void report_closed();

    boost::asio::ip::tcp::socket socket_;
    boost::asio::steady_timer deadline_;
    ssl_handle ssl_;
    channel_user* user_;
    state state_ = state::fresh;
    bool server_ = false;
    std::unique_ptr<std::array<char, 16 * 1024>> own_buffer_;  // expect_traffic()
    bool reading_armed_ = false;
    bool reading_posted_ = false;
    bool writing_armed_ = false;
    bool flush_posted_ = false;
    bool paused_ = false;
    bool shutdown_wanted_ = false;  // asked for during the handshake
    bool stalled_ = false;       // OpenSSL may hold plaintext that a pause kept back
    bool peer_ended_ = false;    // the user was told
    bool eof_ = false;           // TCP will give no more
    bool output_dead_ = false;   // TCP takes no more; its input may still hold the last request
    bool goodbye_sent_ = false;  // close_notify is queued or gone
    bool fin_sent_ = false;
    std::chrono::milliseconds patience_{0};
    close_cause cause_ = close_cause::done;
    std::string text_;

    std::string_view in_;        // ciphertext OpenSSL has not seen yet
    std::string held_;           // the same, kept while paused
    std::string plain_;          // small sends of this turn
    byte_queue out_;             // ciphertext that TCP did not take yet
    std::string* sink_ = nullptr;  // where bio_write puts it; null: out_
    std::size_t peak_ = 0;
};

}  // namespace gateway
