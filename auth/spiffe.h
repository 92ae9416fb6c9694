// SPIFFE IDs: who a workload is, from the URI SAN of its X.509 SVID.
#pragma once

#include <openssl/types.h>

#include <string>
#include <string_view>

#include "auth/tls.h"

namespace auth {

// Empty when the text is a SPIFFE ID of a workload ("spiffe://TRUST-DOMAIN/PATH"), else what is wrong with
// it. At most 256 bytes, as other names here.
std::string spiffe_fault(std::string_view text);

// The trust domain of a SPIFFE ID without fault.
std::string_view trust_domain_of(std::string_view id);
// 1 to 255 lower-case letters, digits, dots, hyphens and underscores.
bool is_trust_domain(std::string_view text);
// Begins like one, in any case.
bool looks_like_spiffe(std::string_view text);

// The certificate's SPIFFE ID, empty when it has none. Refused: alternative names that cannot be read,
// more than 100 of them (but in one for servers alone), a SPIFFE ID that is malformed or not the only URI.
outcome<std::string> spiffe_id_of(const X509* certificate);

}  // namespace auth
