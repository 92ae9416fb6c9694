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
#include <tuple>

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

void add_raw(X509* certificate, int nid, const std::string& value) {
    ASN1_OCTET_STRING* bytes = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(bytes, reinterpret_cast<const unsigned char*>(value.data()), static_cast<int>(value.size()));
    X509_EXTENSION* extension = X509_EXTENSION_create_by_NID(nullptr, nid, 0, bytes);
    require(extension && X509_add_ext(certificate, extension, -1), "extension");
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(bytes);
}

void add_uris(X509* certificate, const std::vector<std::string>& uris) {
    GENERAL_NAMES* names = GENERAL_NAMES_new();
    for (const auto& uri : uris) {
        GENERAL_NAME* name = GENERAL_NAME_new();
        ASN1_IA5STRING* text = ASN1_IA5STRING_new();
        ASN1_STRING_set(text, uri.data(), static_cast<int>(uri.size()));
        GENERAL_NAME_set0_value(name, GEN_URI, text);
        sk_GENERAL_NAME_push(names, name);
    }
    require(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) == 1, "URIs");
    GENERAL_NAMES_free(names);
}

std::pair<certificate_ptr, key_ptr> load_pair(const std::string& directory) {
    auto certificate = load_certificate(directory + "/ca.crt");
    auto key = load_key(directory + "/ca.key");
    require(certificate.has_value() && key.has_value(), "CA");
    return {std::move(*certificate), std::move(*key)};
}

void save(const X509* certificate, const EVP_PKEY* key, const tls_files& files) {
    openssl_ptr<BIO> c(BIO_new_file(files.certificate.c_str(), "w"));
    openssl_ptr<BIO> k(BIO_new_file(files.key.c_str(), "w"));
    require(PEM_write_bio_X509(c.get(), certificate) == 1, "write");
    require(PEM_write_bio_PrivateKey(k.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1, "write");
    require(::chmod(files.key.c_str(), 0600) == 0, "chmod");
}

}  // namespace

std::string write(const odd_authority& wanted, const scratch& directory, const std::string& name) {
    const std::string path = directory / name;
    std::filesystem::create_directories(path);
    key_ptr key = !wanted.key_of.empty() ? load_pair(wanted.key_of).second
                  : wanted.rsa_bits      ? key_ptr(EVP_RSA_gen(static_cast<unsigned>(wanted.rsa_bits)))
                                         : key_ptr(EVP_EC_gen("P-256"));
    certificate_ptr certificate(X509_new());
    require(key && certificate, "key");
    X509* c = certificate.get();
    X509_set_version(c, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c), wanted.serial);
    X509_gmtime_adj(X509_getm_notBefore(c), wanted.starts_in);
    X509_gmtime_adj(X509_getm_notAfter(c), wanted.ends_in);
    X509_set_pubkey(c, key.get());
    X509_NAME_add_entry_by_NID(X509_get_subject_name(c), NID_commonName, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(wanted.name.c_str()), -1, -1, 0);
    std::pair<certificate_ptr, key_ptr> above;
    if (!wanted.above.empty()) above = load_pair(wanted.above);
    X509* issuer = above.first ? above.first.get() : c;
    X509_set_issuer_name(c, X509_get_subject_name(issuer));
    if (!wanted.constraints.empty()) extend(c, issuer, NID_basic_constraints, wanted.constraints);
    if (!wanted.usage.empty()) extend(c, issuer, NID_key_usage, wanted.usage);
    if (wanted.key_identifiers) {
        extend(c, issuer, NID_subject_key_identifier, "hash");
        extend(c, issuer, NID_authority_key_identifier, "keyid:always");
    }
    require(X509_sign(c, above.second ? above.second.get() : key.get(), EVP_sha256()), "signature");
    save(c, key.get(), {path + "/ca.crt", path + "/ca.key", ""});
    return path;
}

void write(const odd_list& wanted, const std::string& file) {
    const auto [certificate, key] = load_pair(wanted.ca_directory);
    crl_ptr list(X509_CRL_new());
    X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate.get()));
    ASN1_TIME* time = ASN1_TIME_new();
    X509_gmtime_adj(time, wanted.starts_in);
    X509_CRL_set1_lastUpdate(list.get(), time);
    for (const long serial : wanted.serials) {
        X509_REVOKED* entry = X509_REVOKED_new();
        ASN1_INTEGER* number = ASN1_INTEGER_new();
        ASN1_INTEGER_set(number, serial);
        X509_REVOKED_set_serialNumber(entry, number);
        X509_REVOKED_set_revocationDate(entry, time);
        X509_CRL_add0_revoked(list.get(), entry);
        ASN1_INTEGER_free(number);
    }
    X509_gmtime_adj(time, wanted.ends_in);
    if (wanted.ends_in != 0) X509_CRL_set1_nextUpdate(list.get(), time);
    ASN1_TIME_free(time);
    X509_CRL_sort(list.get());
    require(X509_CRL_sign(list.get(), key.get(), EVP_sha256()), "signature");
    openssl_ptr<BIO> out(BIO_new_file(file.c_str(), "w"));
    require((wanted.der ? i2d_X509_CRL_bio(out.get(), list.get()) : PEM_write_bio_X509_CRL(out.get(), list.get())) == 1,
            "write");
}

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
    ASN1_INTEGER_set(X509_get_serialNumber(c), wanted.serial);
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
        std::tie(issuer, issuer_key) = load_pair(wanted.ca_directory);
    }
    X509* above = issuer ? issuer.get() : c;
    X509_set_issuer_name(c, X509_get_subject_name(above));
    extend(c, above, NID_basic_constraints, "critical,CA:FALSE");
    if (!wanted.usage.empty()) extend(c, above, NID_ext_key_usage, wanted.usage);
    if (!wanted.raw_san.empty())
        add_raw(c, NID_subject_alt_name, wanted.raw_san);
    else if (!wanted.uris.empty())
        add_uris(c, wanted.uris);
    else if (!wanted.alternative_names.empty())
        extend(c, above, NID_subject_alt_name, wanted.alternative_names);
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
    save(certificate.get(), key.get(), files);
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
