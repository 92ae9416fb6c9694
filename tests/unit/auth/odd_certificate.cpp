#include "odd_certificate.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace auth::test {

namespace {

void require(bool fine, const char* what) {
    if (!fine) throw std::runtime_error(what);
}

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    require(extension && X509_add_ext(certificate, extension, -1), value.c_str());
    X509_EXTENSION_free(extension);
}

}  // namespace

scratch::scratch() {
    std::string form = std::filesystem::temp_directory_path() / "auth_test.XXXXXX";
    require(::mkdtemp(form.data()), "mkdtemp");
    path_ = form;
}

scratch::~scratch() {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
}

std::string contents(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void put(const std::string& file, const std::string& bytes, unsigned mode) {
    std::ofstream(file, std::ios::binary) << bytes;
    require(::chmod(file.c_str(), mode) == 0, "chmod");
}

std::pair<certificate_ptr, key_ptr> make(const odd_certificate& wanted) {
    key_ptr key(wanted.rsa_bits ? EVP_RSA_gen(static_cast<unsigned>(wanted.rsa_bits)) : EVP_EC_gen(wanted.curve));
    certificate_ptr certificate(X509_new());
    require(key && certificate, "key");
    X509* c = certificate.get();
    X509_set_version(c, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c), 0xabcdef);
    X509_gmtime_adj(X509_getm_notBefore(c), wanted.starts_in);
    X509_gmtime_adj(X509_getm_notAfter(c), wanted.ends_in);
    X509_set_pubkey(c, key.get());
    for (const auto& [nid, type, bytes] : wanted.subject) {
        // Set as raw bytes of a type: that way OpenSSL neither checks nor cuts them.
        X509_NAME_ENTRY* entry =
            X509_NAME_ENTRY_create_by_NID(nullptr, nid, type, reinterpret_cast<const unsigned char*>(bytes.data()),
                                          static_cast<int>(bytes.size()));
        require(entry && X509_NAME_add_entry(X509_get_subject_name(c), entry, -1, 0), "subject");
        X509_NAME_ENTRY_free(entry);
    }
    certificate_ptr issuer;
    key_ptr issuer_key;
    if (!wanted.ca_directory.empty()) {
        auto i = load_certificate(wanted.ca_directory + "/ca.crt");
        auto k = load_key(wanted.ca_directory + "/ca.key");
        require(i.has_value() && k.has_value(), "CA");
        issuer = std::move(*i);
        issuer_key = std::move(*k);
    }
    X509* above = issuer ? issuer.get() : c;
    X509_set_issuer_name(c, X509_get_subject_name(above));
    extend(c, above, NID_basic_constraints, "critical,CA:FALSE");
    if (!wanted.usage.empty()) extend(c, above, NID_ext_key_usage, wanted.usage);
    if (!wanted.alternative_names.empty()) extend(c, above, NID_subject_alt_name, wanted.alternative_names);
    require(X509_sign(c, issuer_key ? issuer_key.get() : key.get(), EVP_sha256()), "signature");
    // Through DER once, as a peer would get it; what OpenSSL would not even decode is kept as it is.
    unsigned char* der = nullptr;
    const int size = i2d_X509(c, &der);
    const unsigned char* at = der;
    require(size > 0, "DER");
    if (X509* decoded = d2i_X509(nullptr, &at, size)) certificate.reset(decoded);
    OPENSSL_free(der);
    ERR_clear_error();
    return {std::move(certificate), std::move(key)};
}

tls_files write(const odd_certificate& wanted, const scratch& directory, const std::string& name) {
    const auto [certificate, key] = make(wanted);
    tls_files files{directory / (name + ".crt"), directory / (name + ".key"), ""};
    openssl_ptr<BIO> c(BIO_new_file(files.certificate.c_str(), "w"));
    openssl_ptr<BIO> k(BIO_new_file(files.key.c_str(), "w"));
    require(PEM_write_bio_X509(c.get(), certificate.get()) == 1, "write");
    require(PEM_write_bio_PrivateKey(k.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1, "write");
    require(::chmod(files.key.c_str(), 0600) == 0, "chmod");
    return files;
}

tls_files issued(const scratch& directory, const std::string& name, const leaf_request& request) {
    tls_files files{directory / (name + ".crt"), directory / (name + ".key"), directory / "ca/ca.crt"};
    if (auto done = ensure_ca(directory / "ca", "a test CA"); !done) throw std::runtime_error(done.error());
    if (auto done = issue(directory / "ca", request, files.certificate, files.key); !done)
        throw std::runtime_error(done.error());
    return files;
}

}  // namespace auth::test
