// Two ends of TLS in one process, joined by memory.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

namespace auth::test {

struct ssl_free {
    void operator()(SSL* s) const { SSL_free(s); }
};
using ssl_ptr = std::unique_ptr<SSL, ssl_free>;

class handshake {
public:
    handshake(SSL_CTX* client_context, SSL_CTX* server_context);

    // Runs until both ends are done or have failed. In TLS 1.3 a client learns only after its own handshake
    // that it was refused, so both ends also read once afterwards.
    void run();

    bool client_done() const { return client_done_; }  // finished its handshake, whatever came later
    bool server_done() const { return server_done_; }
    bool client_works() const { return client_done_ && !client_failed_; }
    bool server_works() const { return server_done_ && !server_failed_; }
    std::string sent_to_server(std::string_view text);  // … and what arrived there

    SSL* client() { return client_.get(); }
    SSL* server() { return server_.get(); }

private:
    void step(SSL* end, bool& done, bool& failed);

    ssl_ptr client_, server_;
    bool client_done_ = false, server_done_ = false, client_failed_ = false, server_failed_ = false;
};

// One end alone that gets `bytes` as the peer's first words, and then the end of the connection when
// `closed`.
ssl_ptr alone(SSL_CTX* context, bool server, std::string_view bytes, bool closed);

}  // namespace auth::test
