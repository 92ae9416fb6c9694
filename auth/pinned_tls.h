// TLS for enrolment, where the client has no certificate yet: it knows the gateway by a pin of its CA.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "auth/pem.h"

namespace auth {

// Whether a text is as pin_of() in auth/authority.h writes one; a pin in capital letters becomes one in small ones.
outcome<void> check_pin(std::string& pin);

// A server's side: no client certificate, ALPN http/1.1 or none. Its chain goes up to and includes a
// self-signed CA, which is looked for in the certificate's own file, in files.ca and in `pinned`. That last is
// the file of the CA whose pin laptops are given; an error when the chain does not come to it.
outcome<ssl_ctx> make_enrollment_context(const tls_files& files, const std::string& pinned);

// A client's side: a server is accepted when its chain holds a CA certificate of this pin and verifies
// against it, for the host of set_expected_host(); all of that within the handshake, before a byte of ours
// is sent.
class pinned_client {
public:
    static outcome<std::unique_ptr<pinned_client>> make(std::string pin);

    SSL_CTX* context() const { return context_.get(); }
    // After a handshake: the pinned CA's certificate; null before.
    const X509* ca() const { return ca_.get(); }
    // After a handshake that failed: why, in a person's words.
    std::string explain(SSL* ssl, std::string_view host) const;

private:
    explicit pinned_client(std::string pin) : pin_(std::move(pin)) {}
    static int verify(X509_STORE_CTX* store, void* self);
    bool accept(X509_STORE_CTX* store);

    const std::string pin_;
    ssl_ctx context_;
    certificate_ptr ca_;
    std::string problem_;
};

}  // namespace auth
