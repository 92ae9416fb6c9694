#include "auth/signing_request.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "auth/armor.h"

namespace auth {

namespace {

constexpr int largest_rsa = 8192;  // a verification above costs us more than its sender

struct request_free {
    void operator()(X509_REQ* p) const { X509_REQ_free(p); }
    void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
};
using request_ptr = std::unique_ptr<X509_REQ, request_free>;
using digest_ptr = std::unique_ptr<EVP_MD_CTX, request_free>;

const unsigned char* octets(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

template <class Writer>
std::string written(BIO* memory, Writer write) {
    openssl_ptr<BIO> out(memory);
    if (!out || write(out.get()) != 1) return {};
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

// Empty, or why a stranger's key is not taken.
std::string fault_of(const EVP_PKEY* key) {
    if (const auto weak = weakness(key); !weak.empty()) return "it " + weak;
    const int kind = EVP_PKEY_get_base_id(key);
    if ((kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS) && EVP_PKEY_get_bits(key) > largest_rsa)
        return "its RSA key has more than 8192 bits";
    if (kind != EVP_PKEY_EC) return {};
    // A curve that comes with the key can be one on which anybody can sign.
    int explicit_curve = 0;
    std::array<char, 64> group{};
    std::size_t size = 0;
    const bool named = EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_curve) == 1 &&
                       explicit_curve == 0 && EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1;
    static constexpr std::array<std::string_view, 3> known{"prime256v1", "secp384r1", "secp521r1"};
    const bool ours = named && std::find(known.begin(), known.end(), std::string_view(group.data(), size)) != known.end();
    ERR_clear_error();
    return ours ? std::string() : "its elliptic curve is none of P-256, P-384 and P-521";
}

// The DER of the one PEM block that `pem` is. OpenSSL's own reader skips whatever stands around it, and asks
// for passwords.
std::optional<std::string> unwrapped(std::string_view pem) {
    constexpr std::string_view begin = "-----BEGIN CERTIFICATE REQUEST-----\n";
    constexpr std::string_view end = "-----END CERTIFICATE REQUEST-----";
    if (pem.ends_with('\n')) pem.remove_suffix(1);
    if (!pem.starts_with(begin) || !pem.ends_with(end) || pem.size() < begin.size() + end.size()) return std::nullopt;
    pem.remove_prefix(begin.size());
    pem.remove_suffix(end.size());
    std::string text(pem);
    std::erase(text, '\n');
    auto der = from_base64(text);
    if (!der || der->empty()) return std::nullopt;
    return der;
}

}  // namespace

outcome<key_ptr> make_key() {
    key_ptr key(EVP_EC_gen("P-256"));
    if (!key) return "cannot make a key: " + openssl_error();
    return key;
}

std::string to_pem(const EVP_PKEY* key) {
    return written(BIO_new(BIO_s_secmem()), [&](BIO* out) {
        return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
}

std::string to_pem(const X509* certificate) {
    return written(BIO_new(BIO_s_mem()), [&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string spki_of(const EVP_PKEY* key) {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key, &der);
    std::string spki;
    if (size > 0) spki.assign(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    ERR_clear_error();
    return spki;
}

std::string make_signing_request(EVP_PKEY* key) {
    request_ptr request(X509_REQ_new());
    if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
        X509_REQ_set_pubkey(request.get(), key) != 1 ||
        X509_REQ_sign(request.get(), key, EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256()) <= 0) {
        ERR_clear_error();
        return {};
    }
    return written(BIO_new(BIO_s_mem()), [&](BIO* out) { return PEM_write_bio_X509_REQ(out, request.get()); });
}

outcome<public_key> read_signing_request(std::string_view pem) {
    if (pem.size() > max_signing_request) return std::string("the signing request is too large");
    const auto der = unwrapped(pem);
    if (!der) return std::string("the signing request is not one PEM block of a CERTIFICATE REQUEST");
    ERR_clear_error();
    const unsigned char* at = octets(*der);
    request_ptr request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der->size())));
    const bool whole = request && at == octets(*der) + der->size();
    EVP_PKEY* key = whole ? X509_REQ_get0_pubkey(request.get()) : nullptr;
    if (!key) {
        ERR_clear_error();
        return std::string("the signing request is damaged, or has a key of an unknown kind");
    }
    if (const auto fault = fault_of(key); !fault.empty()) return "the key of the signing request is refused: " + fault;
    const bool fits = X509_REQ_verify(request.get(), key) == 1;
    ERR_clear_error();
    if (!fits) return std::string("the signature of the signing request does not fit its key");
    public_key out;
    out.spki = spki_of(key);
    if (out.spki.empty()) return std::string("the key of the signing request cannot be read");
    return out;
}

std::string renewal_text(std::string_view new_spki) {
    constexpr std::string_view label("delvegate-renew-v1\0", 19);
    return std::string(label) + std::string(new_spki);
}

// Ed25519 hashes by itself; the others sign SHA-256.
std::string sign_renewal(EVP_PKEY* old_key, std::string_view new_spki) {
    const std::string text = renewal_text(new_spki);
    digest_ptr context(EVP_MD_CTX_new());
    const EVP_MD* digest = EVP_PKEY_get_base_id(old_key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
    std::size_t size = 0;
    std::string signature;
    if (context && EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, old_key) == 1 &&
        EVP_DigestSign(context.get(), nullptr, &size, octets(text), text.size()) == 1) {
        signature.resize(size);
        if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, octets(text),
                           text.size()) == 1)
            signature.resize(size);
        else
            signature.clear();
    }
    ERR_clear_error();
    return signature;
}

bool renewal_signed(EVP_PKEY* old_key, std::string_view new_spki, std::string_view signature) {
    const std::string text = renewal_text(new_spki);
    digest_ptr context(EVP_MD_CTX_new());
    const EVP_MD* digest = EVP_PKEY_get_base_id(old_key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
    const bool fits = context && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, old_key) == 1 &&
                      EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(text), text.size()) == 1;
    ERR_clear_error();
    return fits;
}

}  // namespace auth
