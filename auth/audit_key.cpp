#include "auth/audit_key.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "auth/private_file.h"
#include "auth/signing_request.h"

namespace auth {

namespace {

struct digest_free {
    void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
};

// What `audit verify --public-key` takes.
outcome<void> ensure_public_part(const std::string& file, EVP_PKEY* key) {
    if (::access(file.c_str(), F_OK) == 0) return {};
    const openssl_ptr<BIO> bio(BIO_new(BIO_s_mem()));
    char* text = nullptr;
    if (!bio || PEM_write_bio_PUBKEY(bio.get(), key) != 1) return "cannot write " + file + ": " + openssl_error();
    const auto size = BIO_get_mem_data(bio.get(), &text);
    return write_private(file, std::string(text, static_cast<std::size_t>(size)));
}

}  // namespace

outcome<key_ptr> ensure_audit_key(const std::string& directory) {
    const std::string file = directory + "/audit.key";
    key_ptr key;
    if (::access(file.c_str(), F_OK) == 0 || errno != ENOENT) {
        auto loaded = load_key(file);
        if (!loaded) return loaded.error();
        key = std::move(*loaded);
    } else {
        key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
        if (!key) return "cannot make a key for the audit: " + openssl_error();
        if (auto written = write_private(file, to_pem(key.get())); !written) return written.error();
    }
    if (auto written = ensure_public_part(directory + "/audit.pub", key.get()); !written) return written.error();
    return key;
}

std::string sign_anchor(EVP_PKEY* key, std::string_view bytes) {
    std::unique_ptr<EVP_MD_CTX, digest_free> context(EVP_MD_CTX_new());
    std::string signature(64, '\0');
    std::size_t size = signature.size();
    const bool fine = context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
                      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) == 1 &&
                      size == signature.size();
    ERR_clear_error();
    return fine ? signature : std::string();
}

}  // namespace auth
