// The bodies of `POST /v1/enroll` (strangers' bytes: whoever reaches the port while a token is live) and of
// `POST /v1/renew`.
#pragma once

#include <string>
#include <string_view>

#include "auth/tls.h"

namespace auth {

inline constexpr std::size_t max_enrollment_request = 16 * 1024;  // bytes
inline constexpr std::size_t max_token = 256;                     // bytes

struct enrollment_request {
    enrollment_request() = default;  // no aggregate: an error's text must not look like one
    std::string token_hash;  // SHA-256 of the token, lower-case hex
    std::string spki;        // of the new key
};
struct renewal_request {
    renewal_request() = default;
    std::string spki;
    std::string proof;  // raw signature by the old key over renewal_text(spki)
};

// {"token","csr"}: exactly these two strings. The token is hashed here and overwritten; no error holds any
// of it.
outcome<enrollment_request> read_enrollment_request(std::string_view body);

// {"csr","proof"}: exactly these two strings, proof in base64.
outcome<renewal_request> read_renewal_request(std::string_view body);

// Whether a text can be a token: 1 to 256 visible ASCII characters.
bool can_be_token(std::string_view text);

}  // namespace auth
