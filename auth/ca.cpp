#include "auth/ca.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <system_error>

#include "auth/identity.h"
#include "auth/pem.h"

namespace auth {

namespace {

using std::chrono::seconds;

constexpr seconds ca_lifetime = std::chrono::hours(24) * 3650;
constexpr seconds clock_skew = std::chrono::minutes(5);  // the peer's clock may be that much behind

struct authority {
    certificate_ptr certificate;
    key_ptr key;
};

std::string errno_text() { return std::generic_category().message(errno); }

std::string certificate_of(const std::string& directory) { return directory + "/ca.crt"; }
std::string key_of(const std::string& directory) { return directory + "/ca.key"; }

// Written beside and renamed: a reader sees the old file or the new one, whole.
outcome<void> write_private(const std::string& file, const std::string& bytes) {
    std::string beside = file + ".XXXXXX";
    const int fd = ::mkostemp(beside.data(), O_CLOEXEC);  // 0600 by itself
    if (fd < 0) return "cannot write " + file + ": " + errno_text();
    bool fine = true;
    for (std::size_t at = 0; fine && at < bytes.size();) {
        const ssize_t n = ::write(fd, bytes.data() + at, bytes.size() - at);
        if (n < 0 && errno == EINTR) continue;
        fine = n > 0;
        if (fine) at += static_cast<std::size_t>(n);
    }
    fine = fine && ::fsync(fd) == 0;
    fine = ::close(fd) == 0 && fine && ::rename(beside.c_str(), file.c_str()) == 0;
    if (fine) return {};
    const std::string why = errno_text();
    ::unlink(beside.c_str());
    return "cannot write " + file + ": " + why;
}

template <class Writer>
std::string pem(Writer write) {
    openssl_ptr<BIO> out(BIO_new(BIO_s_secmem()));
    if (!out || write(out.get()) != 1) return {};
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(const X509* certificate) {
    return pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string pem_of(const EVP_PKEY* key) {
    return pem([&](BIO* out) {
        return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
}

outcome<authority> load_authority(const std::string& directory) {
    auto certificate = load_certificate(certificate_of(directory));
    if (!certificate) return certificate.error();
    auto key = load_key(key_of(directory));
    if (!key) return key.error();
    if (X509_check_private_key(certificate->get(), key->get()) != 1) {
        ERR_clear_error();
        return key_of(directory) + " does not belong to " + certificate_of(directory) +
               "; restore the pair, or move both away to start with a new CA";
    }
    if (X509_check_ca(certificate->get()) == 0) return certificate_of(directory) + " is not a CA certificate";
    if (X509_cmp_current_time(X509_get0_notAfter(certificate->get())) <= 0)
        return "the CA " + certificate_of(directory) + " expired on " +
               to_string(X509_get0_notAfter(certificate->get())) +
               "; move it and its key away to start with a new one";
    return authority{std::move(*certificate), std::move(*key)};
}

bool add_name(X509_NAME* subject, int nid, std::string_view value) {
    return X509_NAME_add_entry_by_NID(subject, nid, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    const bool fine = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return fine;
}

// Built as values, never as configuration text: a host name cannot bring an extension of its own.
outcome<void> add_hosts(X509* certificate, const std::vector<std::string>& hosts) {
    GENERAL_NAMES* names = GENERAL_NAMES_new();
    std::string problem = names ? "" : "out of memory";
    for (const auto& host : hosts) {
        if (!problem.empty()) break;
        const bool plain = !host.empty() && host.size() <= 253 &&
                           std::all_of(host.begin(), host.end(), [](unsigned char c) {
                               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                                      (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == ':';
                           });
        GENERAL_NAME* name = GENERAL_NAME_new();
        if (plain && name) {
            if (ASN1_OCTET_STRING* address = a2i_IPADDRESS(host.c_str())) {
                GENERAL_NAME_set0_value(name, GEN_IPADD, address);
            } else if (host.find(':') == host.npos) {
                ASN1_IA5STRING* text = ASN1_IA5STRING_new();
                if (text && ASN1_STRING_set(text, host.data(), static_cast<int>(host.size())) == 1)
                    GENERAL_NAME_set0_value(name, GEN_DNS, text);
                else
                    ASN1_IA5STRING_free(text), problem = "out of memory";
            } else {
                problem = "'" + host + "' is neither a host name nor an address";
            }
        } else {
            problem = "a host for the certificate is not a host name or an address";
        }
        if (problem.empty() && sk_GENERAL_NAME_push(names, name) > 0) continue;
        GENERAL_NAME_free(name);
    }
    if (problem.empty() && X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) != 1)
        problem = "the host names do not fit into a certificate";
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    if (!problem.empty()) return problem;
    return {};
}

// What every certificate has: version 3, a random serial of 127 bits, its times and its key.
certificate_ptr blank(EVP_PKEY* key, std::time_t from, std::time_t until) {
    certificate_ptr certificate(X509_new());
    unsigned char serial[16];
    if (!certificate || RAND_bytes(serial, sizeof serial) != 1) return {};
    serial[0] = static_cast<unsigned char>((serial[0] & 0x7f) | 0x40);  // positive, and never short
    BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
    const bool fine = number && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                      BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get())) &&
                      ASN1_TIME_set(X509_getm_notBefore(certificate.get()), from) &&
                      ASN1_TIME_set(X509_getm_notAfter(certificate.get()), until) &&
                      X509_set_pubkey(certificate.get(), key) == 1;
    BN_free(number);
    return fine ? std::move(certificate) : nullptr;
}

std::time_t seconds_of(const ASN1_TIME* time) {
    std::tm tm{};
    return ASN1_TIME_to_tm(time, &tm) == 1 ? ::timegm(&tm) : 0;
}

outcome<void> make_ca(const std::string& directory, std::string_view name) {
    key_ptr key(EVP_EC_gen("P-256"));
    const std::time_t now = std::time(nullptr);
    auto certificate = key ? blank(key.get(), now - clock_skew.count(), now + ca_lifetime.count()) : nullptr;
    if (!certificate) return "cannot make a CA key: " + openssl_error();
    X509* c = certificate.get();
    if (!add_name(X509_get_subject_name(c), NID_commonName, name)) {
        ERR_clear_error();
        return std::string("the name of the CA must be UTF-8 text of 1 to 64 characters");
    }
    if (X509_set_issuer_name(c, X509_get_subject_name(c)) != 1 ||
        !add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
        !add_extension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !add_extension(c, c, NID_subject_key_identifier, "hash") ||
        !add_extension(c, c, NID_authority_key_identifier, "keyid:always") ||
        X509_sign(c, key.get(), EVP_sha256()) == 0)
        return "cannot make a CA certificate: " + openssl_error();
    // The key first: a key without a certificate is trusted by nobody and may be replaced.
    if (auto done = write_private(key_of(directory), pem_of(key.get())); !done) return done;
    return write_private(certificate_of(directory), pem_of(c));
}

bool covers(X509* certificate, const std::string& host) {
    unsigned char bytes[sizeof(in6_addr)];
    if (inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1)
        return X509_check_ip_asc(certificate, host.c_str(), 0) == 1;
    return X509_check_host(certificate, host.data(), host.size(),
                           X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1;
}

}  // namespace

outcome<void> ensure_ca(const std::string& directory, std::string_view name) {
    std::error_code ec;
    const std::filesystem::path path(directory);
    if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ec);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
        return "cannot create " + directory + ": " + errno_text();
    const int lock = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0) return "cannot open " + directory + ": " + errno_text();
    // Two gateways that start at once must end with one CA.
    while (::flock(lock, LOCK_EX) != 0 && errno == EINTR) {
    }
    outcome<void> done;
    if (::access(certificate_of(directory).c_str(), F_OK) != 0) {
        done = make_ca(directory, name);
    } else if (auto there = load_authority(directory); !there) {
        done = there.error();
    }
    ::close(lock);
    return done;
}

outcome<void> issue(const std::string& ca_directory, const leaf_request& request,
                    const std::string& certificate_file, const std::string& key_file) {
    auto ca = load_authority(ca_directory);
    if (!ca) return ca.error();
    if (request.server && request.hosts.empty())
        return std::string("a server's certificate needs at least one host name or address");
    X509* issuer = ca->certificate.get();
    const std::time_t start = std::time(nullptr) + request.starts_in.count();
    const std::time_t until =
        std::min(start + request.lifetime.count(), seconds_of(X509_get0_notAfter(issuer)));
    const std::time_t from = request.starts_in.count() == 0 ? start - clock_skew.count() : start;
    if (until <= from) return std::string("the certificate would end before it starts");
    key_ptr key(EVP_EC_gen("P-256"));
    auto certificate = key ? blank(key.get(), from, until) : nullptr;
    if (!certificate) return "cannot make a key: " + openssl_error();
    X509* c = certificate.get();
    X509_NAME* subject = X509_get_subject_name(c);
    for (const auto& group : request.groups)
        if (!add_name(subject, NID_organizationName, group)) {
            ERR_clear_error();
            return "the group '" + group + "' does not fit into a certificate (UTF-8, 1 to 64 characters)";
        }
    if (!add_name(subject, NID_commonName, request.common_name)) {
        ERR_clear_error();
        return "the name '" + request.common_name + "' does not fit into a certificate (UTF-8, 1 to 64 characters)";
    }
    if (!request.hosts.empty())
        if (auto done = add_hosts(c, request.hosts); !done) return done;
    if (X509_set_issuer_name(c, X509_get_subject_name(issuer)) != 1 ||
        !add_extension(c, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(c, issuer, NID_key_usage, "critical,digitalSignature") ||
        !add_extension(c, issuer, NID_ext_key_usage, request.server ? "serverAuth" : "clientAuth") ||
        !add_extension(c, issuer, NID_subject_key_identifier, "hash") ||
        !add_extension(c, issuer, NID_authority_key_identifier, "keyid:always") ||
        X509_sign(c, ca->key.get(), EVP_sha256()) == 0)
        return "cannot make a certificate: " + openssl_error();
    // Never issue what we would refuse to read.
    if (auto who = identify(c); !who) return who.error();
    // A crash between the two leaves a pair that does not fit; still_good() then says so.
    if (auto done = write_private(key_file, pem_of(key.get())); !done) return done;
    return write_private(certificate_file, pem_of(c));
}

bool still_good(const std::string& ca_directory, const std::string& certificate_file, const std::string& key_file,
                const std::vector<std::string>& hosts, std::chrono::seconds remaining) {
    auto ca = load_certificate(certificate_of(ca_directory));
    auto certificate = load_certificate(certificate_file);
    auto key = load_key(key_file);
    if (!ca || !certificate || !key) return false;
    X509* c = certificate->get();
    bool good = X509_check_private_key(c, key->get()) == 1;
    openssl_ptr<X509_STORE> store(X509_STORE_new());
    openssl_ptr<X509_STORE_CTX> check(X509_STORE_CTX_new());
    good = good && store && check && X509_STORE_add_cert(store.get(), ca->get()) == 1 &&
           X509_STORE_CTX_init(check.get(), store.get(), c, nullptr) == 1 &&
           X509_verify_cert(check.get()) == 1;
    good = good && seconds_of(X509_get0_notAfter(c)) >= std::time(nullptr) + remaining.count();
    good = good && std::all_of(hosts.begin(), hosts.end(), [&](const auto& host) { return covers(c, host); });
    ERR_clear_error();
    return good;
}

}  // namespace auth
