// A new key, the PKCS#10 request that shows that one has it, and the proof that an old key's owner
// wants it to take over.
#pragma once

#include <string>
#include <string_view>

#include "auth/pem.h"

namespace auth {

// A key by its public half: DER SubjectPublicKeyInfo, as OpenSSL writes it.
struct public_key {
    public_key() = default;  // no aggregate: an error's text must not look like one
    std::string spki;
};

inline constexpr std::size_t max_signing_request = 12 * 1024;  // bytes of PEM

// P-256; it exists in memory only.
outcome<key_ptr> make_key();
std::string to_pem(const EVP_PKEY* key);  // with the private half; the caller cleanses it
std::string to_pem(const X509* certificate);
std::string spki_of(const EVP_PKEY* key);

// PEM, without a name: who it is for is the signer's to say.
std::string make_signing_request(EVP_PKEY* key);

// Exactly one PEM block and nothing else. Refused: damaged ones, a self-signature that does not fit, keys
// that are weak, of unnamed curves, or so large that they cost more than they are worth. The error tells
// none of the text.
outcome<public_key> read_signing_request(std::string_view pem);

// What the owner of the certificate that is to be replaced signs.
std::string renewal_text(std::string_view new_spki);
std::string sign_renewal(EVP_PKEY* old_key, std::string_view new_spki);  // raw signature; empty: failed
bool renewal_signed(EVP_PKEY* old_key, std::string_view new_spki, std::string_view signature);

}  // namespace auth
