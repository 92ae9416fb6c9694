#include "auth/pinned_tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "auth/authority.h"
#include "auth/tls_profile.h"
#include "auth/tls_trace.h"

namespace auth {

namespace {

constexpr std::string_view pin_prefix = "sha256:";
constexpr std::size_t longest_chain = 4;

bool self_signed(X509* certificate) { return X509_self_signed(certificate, 1) == 1; }

bool issued_by(X509* certificate, X509* issuer) {
    return X509_check_issued(issuer, certificate) == X509_V_OK &&
           X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
}

int http_only(SSL*, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
              unsigned offered_size, void*) {
    for (unsigned at = 0; at < offered_size; at += 1u + offered[at]) {
        const unsigned char size = offered[at];
        if (size >= offered_size - at) break;
        if (alpn_http == std::string_view(reinterpret_cast<const char*>(offered + at + 1), size)) {
            *chosen = offered + at + 1;
            *chosen_size = size;
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

outcome<void> check_pin(std::string& pin) {
    for (char& c : pin)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool fine = pin.starts_with(pin_prefix) && pin.size() == pin_prefix.size() + 64 &&
                      pin.find_first_not_of("0123456789abcdef", pin_prefix.size()) == std::string::npos;
    if (!fine) return std::string("a CA pin is sha256: and 64 hex digits, as `delvegate token create` prints it");
    return {};
}

outcome<ssl_ctx> make_enrollment_context(const tls_files& files, const std::string& pinned) {
    const auto ca = load_certificate(pinned);
    if (!ca) return ca.error();
    auto context = tls_profile::make(true);
    if (!context) return context;
    SSL_CTX* c = context->get();
    SSL_CTX_set_verify(c, SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_alpn_select_cb(c, http_only, nullptr);
    if (auto own = tls_profile::use_certificate(c, files, true); !own) return own.error();

    std::vector<certificate_ptr> known;
    const auto add = [&known](outcome<std::vector<certificate_ptr>> found) {
        if (found) std::move(found->begin(), found->end(), std::back_inserter(known));
    };
    if (!files.ca.empty()) add(load_certificates(files.ca));
    add(load_certificates(pinned));
    STACK_OF(X509)* chain = nullptr;
    SSL_CTX_get0_chain_certs(c, &chain);
    X509* last = chain && sk_X509_num(chain) > 0 ? sk_X509_value(chain, sk_X509_num(chain) - 1) : SSL_CTX_get0_certificate(c);
    for (std::size_t steps = 0; !self_signed(last) && steps < longest_chain; ++steps) {
        const auto issuer = std::find_if(known.begin(), known.end(), [last](const auto& one) {
            return issued_by(last, one.get());
        });
        if (issuer == known.end() || SSL_CTX_add1_chain_cert(c, issuer->get()) != 1) break;
        last = issuer->get();
    }
    const bool complete = self_signed(last) && pin_of(last) == pin_of(ca->get());
    ERR_clear_error();
    if (!complete)
        return "the gateway's certificate " + files.certificate + " was not issued by the CA in " + pinned +
               ", whose pin laptops are given; without `certificate`, `key` and `clientCA` in the configuration it is";
    return context;
}

outcome<std::unique_ptr<pinned_client>> pinned_client::make(std::string pin) {
    if (auto fine = check_pin(pin); !fine) return fine.error();
    auto made = std::unique_ptr<pinned_client>(new pinned_client(std::move(pin)));
    auto context = tls_profile::make(false);
    if (!context) return context.error();
    made->context_ = std::move(*context);
    SSL_CTX_set_cert_verify_callback(made->context_.get(), verify, made.get());
    return made;
}

int pinned_client::verify(X509_STORE_CTX* store, void* self) {
    return static_cast<pinned_client*>(self)->accept(store) ? 1 : 0;
}

// The chain is verified by OpenSSL as ever, with the pinned CA for its only root.
bool pinned_client::accept(X509_STORE_CTX* store) {
    ca_.reset();
    problem_.clear();
    STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store);
    X509* pinned = nullptr;
    std::string seen;
    for (int i = 0; i < sk_X509_num(sent); ++i) {
        X509* one = sk_X509_value(sent, i);
        if (X509_check_ca(one) != 1) continue;
        seen = pin_of(one);
        if (seen == pin_) pinned = one;
        if (pinned) break;
    }
    if (!pinned) {
        problem_ = seen.empty() ? "the gateway showed no CA certificate, so the pin " + pin_ + " cannot be checked"
                                : "the gateway's CA has the pin " + seen + ", not " + pin_;
        problem_ += "; nothing was sent to it; is this the right host and port, and a pin of this gateway?";
        X509_STORE_CTX_set_error(store, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
        return false;
    }
    STACK_OF(X509)* roots = sk_X509_new_null();
    if (!roots || sk_X509_push(roots, pinned) <= 0) {
        sk_X509_free(roots);
        X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
        return false;
    }
    X509_STORE_CTX_set0_trusted_stack(store, roots);
    X509_STORE_CTX_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    const bool good = X509_verify_cert(store) == 1;
    sk_X509_free(roots);
    if (good && X509_up_ref(pinned) == 1) ca_.reset(pinned);
    return good && ca_;
}

std::string pinned_client::explain(SSL* ssl, std::string_view host) const {
    if (!problem_.empty()) return problem_;
    if (const auto* trace = trace_of(ssl); trace && trace->verify_error != X509_V_OK) switch (trace->verify_error) {
            case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
            case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
            case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            case X509_V_ERR_CERT_SIGNATURE_FAILURE:
            case X509_V_ERR_CERT_UNTRUSTED:
                return "the gateway shows the CA of the pin, but its own certificate was not issued by it: "
                       "somebody may stand in between; nothing was sent";
            case X509_V_ERR_CERT_HAS_EXPIRED:
            case X509_V_ERR_CERT_NOT_YET_VALID:
                return explain_tls_failure(ssl, host, {}) +
                       (trace->verify_error == X509_V_ERR_CERT_HAS_EXPIRED ? ", or set this host's clock right" : "");
            default: break;
        }
    return explain_tls_failure(ssl, host, {});
}

}  // namespace auth
