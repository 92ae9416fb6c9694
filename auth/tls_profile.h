// What every TLS context of ours starts from, for those that are made elsewhere than in tls.cpp.
#pragma once

#include "auth/tls.h"

namespace auth::tls_profile {

// TLS 1.3 and nothing else, as make_server_context() and make_client_context() have it: the peer needs a
// certificate for its role with a strong key. Without certificates and CAs of its own.
outcome<ssl_ctx> make(bool server);

// Certificate chain and key, checked as at every start.
outcome<void> use_certificate(SSL_CTX* context, const tls_files& files, bool server);

// OpenSSL's verification callback of the profile, which keeps the trace.
int verify_peer(int ok, X509_STORE_CTX* store);

}  // namespace auth::tls_profile
