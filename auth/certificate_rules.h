// What we ask of every certificate beyond what OpenSSL does.
#pragma once

#include <openssl/types.h>

namespace auth {

// Whether the extended key usage says serverAuth (or clientAuth). OpenSSL lets a certificate without the
// extension be anything; we want it said.
bool has_usage(X509* certificate, bool server);

// X509_V_OK, or why a certificate at `depth` of a peer's chain (0: its own) is refused although its
// signature is good: no usage, or a weak key.
int unfit(X509* certificate, int depth, bool server);

// The longest chain below its root: a leaf, and an issuing CA or two.
inline constexpr int max_chain = 3;

}  // namespace auth
