// Certificates and keys in PEM files, and the OpenSSL objects they become.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "auth/tls.h"

namespace auth {

struct openssl_free {
    void operator()(X509* p) const { X509_free(p); }
    void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
    void operator()(BIO* p) const { BIO_free_all(p); }
    void operator()(X509_STORE* p) const { X509_STORE_free(p); }
    void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
};
template <class T>
using openssl_ptr = std::unique_ptr<T, openssl_free>;
using certificate_ptr = openssl_ptr<X509>;
using key_ptr = openssl_ptr<EVP_PKEY>;

// The first certificate of a PEM file of at most 1 MiB.
outcome<certificate_ptr> load_certificate(const std::string& file);

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
