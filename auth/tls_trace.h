// What a connection remembers of its handshake, so that a failure can be explained afterwards: OpenSSL
// itself keeps neither the refused certificate nor the alerts.
#pragma once

#include <openssl/ssl.h>

#include "auth/pem.h"

namespace auth {

struct tls_trace {
    int verify_error = X509_V_OK;
    int verify_depth = 0;
    certificate_ptr refused;      // the certificate at verify_depth
    certificate_ptr leaf;         // the peer's own
    std::string words;            // why, where verify_error alone does not say it
    int alert_received = -1;      // TLS AlertDescription
    int alert_sent = -1;
    bool heard_anything = false;  // a first record arrived
    bool heard_tls = false;       // … and looked like TLS
};

// Null when memory is short.
tls_trace* trace_of(const SSL* ssl);

// Has every connection of the context keep its trace.
void keep_trace(SSL_CTX* context);

}  // namespace auth
