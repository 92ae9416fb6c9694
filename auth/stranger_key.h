// A public key that somebody else sent.
#pragma once

#include <string>
#include <string_view>

#include "auth/pem.h"

namespace auth {

inline constexpr std::size_t max_public_key = 4096;  // bytes of DER

// From the DER of a SubjectPublicKeyInfo, and nothing behind it. Refused (the error says why): malformed
// ones, RSA below 2048 or above 8192 bits, curves other than P-256, P-384 and P-521 or given by their
// parameters, points that are not on their curve, other kinds but Ed25519.
outcome<key_ptr> read_public_key(std::string_view der);

}  // namespace auth
