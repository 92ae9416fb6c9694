#include "auth/tls_trace.h"

#include <openssl/ssl3.h>

namespace auth {

namespace {

void free_trace(void*, void* trace, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<tls_trace*>(trace);
}

int trace_index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_trace);
    return index;
}

void on_message(int sent, int, int content_type, const void* data, std::size_t size, SSL* ssl, void*) {
    if (sent || content_type != SSL3_RT_HEADER || size < 2) return;
    auto* trace = trace_of(ssl);
    if (!trace || trace->heard_anything) return;
    const auto* header = static_cast<const unsigned char*>(data);
    trace->heard_anything = true;
    trace->heard_tls =
        header[0] >= SSL3_RT_CHANGE_CIPHER_SPEC && header[0] <= SSL3_RT_APPLICATION_DATA && header[1] == 3;
    SSL_set_msg_callback(const_cast<SSL*>(ssl), nullptr);  // one record tells; the session need not pay
}

void on_info(const SSL* ssl, int where, int value) {
    if (!(where & SSL_CB_ALERT)) return;
    auto* trace = trace_of(ssl);
    if (!trace) return;
    int& alert = where & SSL_CB_READ ? trace->alert_received : trace->alert_sent;
    alert = value & 0xff;
}

}  // namespace

tls_trace* trace_of(const SSL* ssl) {
    auto* trace = static_cast<tls_trace*>(SSL_get_ex_data(ssl, trace_index()));
    if (trace) return trace;
    trace = new (std::nothrow) tls_trace;
    if (trace && SSL_set_ex_data(const_cast<SSL*>(ssl), trace_index(), trace) != 1) {
        delete trace;
        trace = nullptr;
    }
    return trace;
}

void keep_trace(SSL_CTX* context) {
    SSL_CTX_set_msg_callback(context, on_message);
    SSL_CTX_set_info_callback(context, on_info);
}

}  // namespace auth
