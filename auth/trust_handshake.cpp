// How a server's handshakes ask the trust of now.
#include <openssl/err.h>

#include <ctime>

#include "auth/tls_trace.h"
#include "auth/trust.h"

namespace auth {

namespace {

using slot_ptr = std::shared_ptr<trust_slot>;

void free_slot(void*, void* slot, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<slot_ptr*>(slot); }

int slot_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_slot);
    return index;
}

const trust_slot* slot_of(const SSL* ssl) {
    const auto* kept = static_cast<slot_ptr*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), slot_index()));
    return kept ? kept->get() : nullptr;
}

int verify_client(X509_STORE_CTX* store, void*) {
    auto* ssl = static_cast<SSL*>(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    X509* leaf = X509_STORE_CTX_get0_cert(store);
    const trust_slot* slot = ssl ? slot_of(ssl) : nullptr;
    if (!slot || !slot->now || !leaf) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    auto verdict = slot->now->verify(leaf, X509_STORE_CTX_get0_untrusted(store), std::time(nullptr));
    std::string words;
    if (verdict.error == X509_V_OK) {
        if (const auto who = slot->now->identify(verdict.chain); !who) {
            words = who.error();
            verdict.error = X509_V_ERR_APPLICATION_VERIFICATION;
        } else {
            words = slot->now->fault(*who);
            if (words.empty() && slot->objection) words = slot->objection(*who);
            if (!words.empty()) {
                words = who->user + ": " + words;
                verdict.error = X509_V_ERR_CERT_REVOKED;
            }
        }
    }
    X509_STORE_CTX_set_error(store, verdict.error);
    X509_STORE_CTX_set_error_depth(store, verdict.depth);
    if (verdict.error == X509_V_OK) {
        X509_STORE_CTX_set0_verified_chain(store, verdict.chain);
        return 1;
    }
    sk_X509_pop_free(verdict.chain, X509_free);
    if (auto* trace = trace_of(ssl); trace && trace->verify_error == X509_V_OK) {
        trace->verify_error = verdict.error;
        trace->verify_depth = verdict.depth;
        trace->refused = std::move(verdict.refused);
        trace->words = std::move(words);
        if (X509_up_ref(leaf)) trace->leaf.reset(leaf);
    }
    return 0;
}

}  // namespace

void judge_clients_by(SSL_CTX* context, std::shared_ptr<trust_slot> slot) {
    delete static_cast<slot_ptr*>(SSL_CTX_get_ex_data(context, slot_index()));
    SSL_CTX_set_ex_data(context, slot_index(), new slot_ptr(std::move(slot)));
    SSL_CTX_set_cert_verify_callback(context, verify_client, nullptr);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

outcome<identity> identify_client(const SSL* ssl) {
    const trust_slot* slot = slot_of(ssl);
    if (!slot || !slot->now) return {boost::system::in_place_error, "no client CA is trusted"};
    auto who = slot->now->identify(SSL_get0_verified_chain(ssl));
    ERR_clear_error();
    return who;
}

}  // namespace auth
