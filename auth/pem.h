// Certificates and keys in PEM files, and the OpenSSL objects they become.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/tls.h"

namespace auth {

struct openssl_free {
    void operator()(X509* p) const { X509_free(p); }
    void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
    void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
    void operator()(BIO* p) const { BIO_free_all(p); }
    void operator()(X509_STORE* p) const { X509_STORE_free(p); }
    void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
    void operator()(X509_CRL* p) const { X509_CRL_free(p); }
};
template <class T>
using openssl_ptr = std::unique_ptr<T, openssl_free>;
using certificate_ptr = openssl_ptr<X509>;
using key_ptr = openssl_ptr<EVP_PKEY>;
using crl_ptr = openssl_ptr<X509_CRL>;

// The first certificate of a PEM file of at most 1 MiB.
outcome<certificate_ptr> load_certificate(const std::string& file);

// Every certificate of a PEM text; one at least, 64 at most. A text that breaks off in the middle of a
// certificate is refused. `name` is what an error calls it.
outcome<std::vector<certificate_ptr>> read_certificates(std::string_view pem, const std::string& name);
// The same of a file of at most 1 MiB.
outcome<std::vector<certificate_ptr>> load_certificates(const std::string& file);
// A private key of a PEM text, not encrypted.
outcome<key_ptr> read_key(std::string_view pem, const std::string& name);

// Every revocation list of a file of at most 32 MiB: PEM, or one in DER. Refused as above.
outcome<std::vector<crl_ptr>> load_crls(const std::string& file);

// The bytes of a text file of at most 1 MiB.
outcome<std::string> load_text(const std::string& file);

// The private key of a PEM file. Refused: one that others than its owner can read (the group of a key
// that root owns may, as packages install them), and an encrypted one, for nobody is there to be asked.
outcome<key_ptr> load_key(const std::string& file);

// Empty when the key is strong enough, else what is wrong with it: "has an RSA key of 1024 bits, …".
std::string weakness(const EVP_PKEY* key);

// "2026-03-01 12:00 UTC".
std::string to_string(const ASN1_TIME* time);

// The oldest error of this thread's OpenSSL queue as one line, and the queue is emptied.
std::string openssl_error();

}  // namespace auth
