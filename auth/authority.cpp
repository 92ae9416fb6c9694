#include "auth/authority.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "auth/armor.h"
#include "auth/identity.h"
#include "auth/signing_request.h"

namespace auth {

namespace {

using std::chrono::seconds;

constexpr seconds clock_skew = std::chrono::minutes(5);  // the peer's clock may be that much behind

// Ed25519 hashes by itself.
const EVP_MD* digest_for(const EVP_PKEY* key) {
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
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

struct crl_free {
    void operator()(X509_CRL* p) const { X509_CRL_free(p); }
    void operator()(X509_REVOKED* p) const { X509_REVOKED_free(p); }
    void operator()(ASN1_STRING* p) const { ASN1_STRING_free(p); }  // integers, times and all others
};
template <class T>
using crl_part = std::unique_ptr<T, crl_free>;

// The reason code of RFC 5280 §5.3.1 with that name; -1: none.
long reason_code(std::string_view name) {
    static constexpr std::array<std::string_view, 6> names{"",           "keyCompromise",
                                                           "",           "affiliationChanged",
                                                           "superseded", "cessationOfOperation"};
    const auto found = name.empty() ? names.end() : std::find(names.begin(), names.end(), name);
    return found == names.end() ? -1 : static_cast<long>(found - names.begin());
}

bool add_entry(X509_CRL* list, const crl_entry& entry) {
    BIGNUM* number = nullptr;
    if (BN_hex2bn(&number, entry.serial.c_str()) == 0) return false;
    crl_part<ASN1_INTEGER> serial(BN_to_ASN1_INTEGER(number, nullptr));
    BN_free(number);
    crl_part<ASN1_TIME> when(ASN1_TIME_set(nullptr, entry.revoked_at));
    crl_part<X509_REVOKED> revoked(X509_REVOKED_new());
    if (!serial || !when || !revoked || X509_REVOKED_set_serialNumber(revoked.get(), serial.get()) != 1 ||
        X509_REVOKED_set_revocationDate(revoked.get(), when.get()) != 1)
        return false;
    if (const long code = reason_code(entry.reason); code >= 0) {
        crl_part<ASN1_ENUMERATED> value(ASN1_ENUMERATED_new());
        if (!value || ASN1_ENUMERATED_set(value.get(), code) != 1 ||
            X509_REVOKED_add1_ext_i2d(revoked.get(), NID_crl_reason, value.get(), 0, 0) != 1)
            return false;
    }
    if (X509_CRL_add0_revoked(list, revoked.get()) != 1) return false;
    revoked.release();
    return true;
}

}  // namespace

std::string ca_certificate_file(const std::string& directory) { return directory + "/ca.crt"; }
std::string ca_key_file(const std::string& directory) { return directory + "/ca.key"; }

std::int64_t seconds_of(const ASN1_TIME* time) {
    std::tm tm{};
    return ASN1_TIME_to_tm(time, &tm) == 1 ? static_cast<std::int64_t>(::timegm(&tm)) : 0;
}

outcome<authority> load_authority(const std::string& directory) {
    auto certificate = load_certificate(ca_certificate_file(directory));
    if (!certificate) return certificate.error();
    auto key = load_key(ca_key_file(directory));
    if (!key) return key.error();
    if (X509_check_private_key(certificate->get(), key->get()) != 1) {
        ERR_clear_error();
        return ca_key_file(directory) + " does not belong to " + ca_certificate_file(directory) +
               "; restore the pair, or move both away to start with a new CA";
    }
    if (X509_check_ca(certificate->get()) == 0) return ca_certificate_file(directory) + " is not a CA certificate";
    if (X509_cmp_current_time(X509_get0_notAfter(certificate->get())) <= 0)
        return "the CA " + ca_certificate_file(directory) + " expired on " +
               to_string(X509_get0_notAfter(certificate->get())) +
               "; move it and its key away to start with a new one";
    authority out;
    out.certificate = std::move(*certificate);
    out.key = std::move(*key);
    return out;
}

outcome<authority> new_authority(const ca_request& request) {
    authority out;
    out.key.reset(request.ed25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519") : EVP_EC_gen("P-256"));
    const std::time_t now = std::time(nullptr);
    if (out.key) out.certificate = blank(out.key.get(), now - clock_skew.count(), now + request.lifetime.count());
    if (!out.certificate) return "cannot make a CA key: " + openssl_error();
    X509* c = out.certificate.get();
    if (!add_name(X509_get_subject_name(c), NID_commonName, request.name)) {
        ERR_clear_error();
        return std::string("the name of the CA must be UTF-8 text of 1 to 64 characters");
    }
    if (X509_set_issuer_name(c, X509_get_subject_name(c)) != 1 ||
        !add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
        !add_extension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !add_extension(c, c, NID_subject_key_identifier, "hash") ||
        !add_extension(c, c, NID_authority_key_identifier, "keyid:always") ||
        X509_sign(c, out.key.get(), digest_for(out.key.get())) == 0)
        return "cannot make a CA certificate: " + openssl_error();
    if (auto readable = identify(c); !readable) return "the name of the CA is refused: " + readable.error();
    return out;
}

outcome<certificate_ptr> sign_leaf(const authority& ca, const leaf_request& request, EVP_PKEY* public_key,
                                   std::int64_t now) {
    if (request.server && request.hosts.empty())
        return std::string("a server's certificate needs at least one host name or address");
    X509* issuer = ca.certificate.get();
    const std::int64_t start = now + request.starts_in.count();
    std::int64_t until = std::min(start + request.lifetime.count(), seconds_of(X509_get0_notAfter(issuer)));
    if (request.ends_by != 0) until = std::min(until, request.ends_by);
    const std::int64_t from = request.starts_in.count() == 0 ? start - clock_skew.count() : start;
    if (until <= from || (request.starts_in.count() == 0 && until <= now))
        return std::string("the certificate would end before it starts");
    auto certificate = blank(public_key, from, until);
    if (!certificate) return "cannot make a certificate: " + openssl_error();
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
        if (auto done = add_hosts(c, request.hosts); !done) return done.error();
    if (X509_set_issuer_name(c, X509_get_subject_name(issuer)) != 1 ||
        !add_extension(c, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(c, issuer, NID_key_usage, "critical,digitalSignature") ||
        !add_extension(c, issuer, NID_ext_key_usage, request.server ? "serverAuth" : "clientAuth") ||
        !add_extension(c, issuer, NID_subject_key_identifier, "hash") ||
        !add_extension(c, issuer, NID_authority_key_identifier, "keyid:always") ||
        X509_sign(c, ca.key.get(), digest_for(ca.key.get())) == 0)
        return "cannot make a certificate: " + openssl_error();
    // Never issue what we would refuse to read.
    if (auto who = identify(c); !who) return who.error();
    return certificate;
}

outcome<std::string> sign_crl(const authority& ca, const std::vector<crl_entry>& entries, std::int64_t number,
                              std::int64_t from, std::int64_t until) {
    using result = outcome<std::string>;
    const auto failed = [] {
        return result(boost::system::in_place_error, "cannot make a revocation list: " + openssl_error());
    };
    crl_part<X509_CRL> list(X509_CRL_new());
    crl_part<ASN1_TIME> begins(ASN1_TIME_set(nullptr, from));
    crl_part<ASN1_TIME> ends(ASN1_TIME_set(nullptr, until));
    crl_part<ASN1_INTEGER> count(ASN1_INTEGER_new());
    if (!list || !begins || !ends || !count || ASN1_INTEGER_set_int64(count.get(), number) != 1 ||
        X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) != 1 ||
        X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(ca.certificate.get())) != 1 ||
        X509_CRL_set1_lastUpdate(list.get(), begins.get()) != 1 || X509_CRL_set1_nextUpdate(list.get(), ends.get()) != 1 ||
        X509_CRL_add1_ext_i2d(list.get(), NID_crl_number, count.get(), 0, 0) != 1)
        return failed();
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, ca.certificate.get(), nullptr, nullptr, list.get(), 0);
    X509_EXTENSION* identifier =
        X509V3_EXT_conf_nid(nullptr, &context, NID_authority_key_identifier, "keyid:always");
    const bool identified = identifier && X509_CRL_add_ext(list.get(), identifier, -1) == 1;
    X509_EXTENSION_free(identifier);
    if (!identified) return failed();
    for (const auto& entry : entries)
        if (!add_entry(list.get(), entry)) return failed();
    X509_CRL_sort(list.get());
    if (X509_CRL_sign(list.get(), ca.key.get(), digest_for(ca.key.get())) == 0) return failed();
    openssl_ptr<BIO> out(BIO_new(BIO_s_mem()));
    if (!out || PEM_write_bio_X509_CRL(out.get(), list.get()) != 1) return failed();
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return result(boost::system::in_place_value, text, static_cast<std::size_t>(size));
}

std::string pin_of(const X509* certificate) {
    return "sha256:" + sha256_hex(spki_of(X509_get0_pubkey(certificate)));
}

}  // namespace auth
