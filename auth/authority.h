// The key of a CA, and what it signs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "auth/ca.h"
#include "auth/pem.h"

namespace auth {

struct authority {
    authority() = default;  // no aggregate: an error's text must not look like one
    certificate_ptr certificate;
    key_ptr key;
};

// Of ca.crt and ca.key in `directory`, which fit together and are still valid.
outcome<authority> load_authority(const std::string& directory);
std::string ca_certificate_file(const std::string& directory);
std::string ca_key_file(const std::string& directory);

// A certificate authority of its own making.
outcome<authority> new_authority(const ca_request& request);

// A certificate for a public key. It ends with its lifetime, with the CA, or at request.ends_by, whichever
// is first. `now` is in seconds since the epoch.
outcome<certificate_ptr> sign_leaf(const authority& ca, const leaf_request& request, EVP_PKEY* public_key,
                                   std::int64_t now);

struct crl_entry {
    crl_entry() = default;
    std::string serial;  // hex
    std::int64_t revoked_at = 0;
    std::string reason;  // an RFC 5280 name ("keyCompromise") becomes the entry's reason code; else none
};

// A revocation list in PEM, version 2, with its number.
outcome<std::string> sign_crl(const authority& ca, const std::vector<crl_entry>& entries, std::int64_t number,
                              std::int64_t from, std::int64_t until);

// "sha256:" and the hex of the SHA-256 of the certificate's public key (SubjectPublicKeyInfo).
std::string pin_of(const X509* certificate);

std::int64_t seconds_of(const ASN1_TIME* time);  // since the epoch; 0: unreadable

}  // namespace auth
