#include "handshake.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <stdexcept>

namespace auth::test {

handshake::handshake(SSL_CTX* client_context, SSL_CTX* server_context)
    : client_(SSL_new(client_context)), server_(SSL_new(server_context)) {
    BIO *one = nullptr, *other = nullptr;
    if (!client_ || !server_ || BIO_new_bio_pair(&one, 1 << 17, &other, 1 << 17) != 1)
        throw std::runtime_error("TLS pair");
    SSL_set_bio(client_.get(), one, one);
    SSL_set_bio(server_.get(), other, other);
    SSL_set_connect_state(client_.get());
    SSL_set_accept_state(server_.get());
}

void handshake::step(SSL* end, bool& done, bool& failed) {
    if (failed) return;
    ERR_clear_error();
    char byte;
    const int n = done ? SSL_read(end, &byte, 0) : SSL_do_handshake(end);
    if (n == 1 && !done) done = true;
    if (n > 0) return;
    const int why = SSL_get_error(end, n);
    failed = why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE && why != SSL_ERROR_NONE;
    ERR_clear_error();
}

void handshake::run() {
    for (int round = 0; round < 16; ++round) {
        step(client_.get(), client_done_, client_failed_);
        step(server_.get(), server_done_, server_failed_);
    }
}

std::string handshake::sent_to_server(std::string_view text) {
    char buffer[256];
    ERR_clear_error();
    if (SSL_write(client_.get(), text.data(), static_cast<int>(text.size())) <= 0) return {};
    const int n = SSL_read(server_.get(), buffer, sizeof buffer);
    ERR_clear_error();
    return {buffer, n > 0 ? static_cast<std::size_t>(n) : 0};
}

ssl_ptr alone(SSL_CTX* context, bool server, std::string_view bytes, bool closed) {
    ssl_ptr ssl(SSL_new(context));
    BIO* in = BIO_new(BIO_s_mem());
    BIO* out = BIO_new(BIO_s_mem());
    if (!ssl || !in || !out) throw std::runtime_error("TLS end");
    BIO_write(in, bytes.data(), static_cast<int>(bytes.size()));
    BIO_set_mem_eof_return(in, closed ? 0 : -1);
    SSL_set_bio(ssl.get(), in, out);
    if (server)
        SSL_set_accept_state(ssl.get());
    else
        SSL_set_connect_state(ssl.get());
    for (int round = 0; round < 4; ++round) SSL_do_handshake(ssl.get());
    ERR_clear_error();
    return ssl;
}

}  // namespace auth::test
