// Whose certificate a failed handshake was about.
#pragma once

#include <openssl/ssl.h>

namespace auth {

// Ours, which the peer refused or wanted in vain; theirs, which we refused; or neither's, where something else listens or the
// bytes were spoiled. Of a context that keeps a trace (make_client_context).
enum class tls_blame { ours, theirs, neither };
tls_blame blame_of_tls_failure(const SSL* ssl);

}  // namespace auth
