#include "auth/identity.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <ctime>
#include <optional>
#include <string_view>

#include "auth/pem.h"
#include "auth/spiffe.h"

namespace auth {

namespace {

constexpr int max_name = 256;
constexpr std::size_t max_groups = 64;

// The next code point of valid UTF-8 (shortest form, no surrogates); nothing when invalid.
std::optional<char32_t> take_code_point(std::string_view& text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t size = lead < 0x80             ? 1
                             : (lead & 0xe0) == 0xc0 ? 2
                             : (lead & 0xf0) == 0xe0 ? 3
                             : (lead & 0xf8) == 0xf0 ? 4
                                                     : 0;
    if (size == 0 || text.size() < size) return {};
    static constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    char32_t point = size == 1 ? lead : lead & (0x7fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xc0) != 0x80) return {};
        point = (point << 6) | (next & 0x3fu);
    }
    if (point < smallest[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return {};
    text.remove_prefix(size);
    return point;
}

// What would break a log line, or show a name as another one: C0 and C1 controls, line separators,
// and the marks that turn the direction of text or take no room (but not the joiners, which some
// languages need).
bool is_control(char32_t c) {
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x200b || c == 0x200e ||
           c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

// T61, BMP and Universal strings have no one reading that every tool agrees on.
bool is_text(const ASN1_STRING* value) {
    switch (ASN1_STRING_type(value)) {
        case V_ASN1_UTF8STRING:
        case V_ASN1_PRINTABLESTRING:
        case V_ASN1_IA5STRING:
        case V_ASN1_NUMERICSTRING:
            return true;
        default:
            return false;
    }
}

// Every value of one attribute of the subject; an error names the attribute.
std::string attributes(const X509_NAME* subject, int nid, const char* label,
                       std::vector<std::string>& values) {
    for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, nid, i)) >= 0;) {
        const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i));
        if (!is_text(value)) return std::string(label) + " of the certificate is not a UTF-8 string";
        const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                                    static_cast<std::size_t>(ASN1_STRING_length(value)));
        if (const auto why = name_fault(text); !why.empty())
            return std::string(label) + " of the certificate " + std::string(why);
        values.emplace_back(text);
        if (values.size() > max_groups) return "the certificate names more than 64 groups (O)";
    }
    return {};
}

std::string one_line(const X509_NAME* name) {
    openssl_ptr<BIO> out(BIO_new(BIO_s_mem()));
    if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
        return {};
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string hex_of(const unsigned char* digest, unsigned size) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
        text += digits[digest[i] >> 4];
        text += digits[digest[i] & 15];
    }
    return text;
}

// Said in full: C++20 would also take a string for the first member of an identity.
boost::system::result<identity, std::string> refused(std::string why) {
    return {boost::system::in_place_error, std::move(why)};
}

}  // namespace

std::string_view name_fault(std::string_view name) {
    if (name.empty()) return "is empty";
    if (name.size() > max_name) return "is longer than 256 bytes";
    while (!name.empty()) {
        const auto point = take_code_point(name);
        if (!point) return "is not valid UTF-8";
        if (is_control(*point)) return "has control characters";
    }
    return {};
}

std::string fingerprint_of(const X509* certificate) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return {};
    return hex_of(digest, size);
}

std::string key_digest_of(const X509* certificate) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (X509_pubkey_digest(certificate, EVP_sha1(), digest, &size) != 1) return {};
    return hex_of(digest, size);
}

std::string canonical_serial(std::string_view hex) {
    if (hex.starts_with("0x") || hex.starts_with("0X")) hex.remove_prefix(2);
    std::string text;
    for (const char c : hex) {
        if (c == ':') continue;
        if (c >= '0' && c <= '9')
            text += c;
        else if (c >= 'A' && c <= 'F')
            text += c;
        else if (c >= 'a' && c <= 'f')
            text += static_cast<char>(c - 'a' + 'A');
        else
            return {};
    }
    if (text.empty()) return {};
    const auto first = text.find_first_not_of('0');
    return first == text.npos ? "0" : text.substr(first);
}

std::string serial_of(const ASN1_INTEGER* serial) {
    BIGNUM* number = ASN1_INTEGER_to_BN(serial, nullptr);
    char* hex = number ? BN_bn2hex(number) : nullptr;
    std::string text = hex ? hex : "";
    OPENSSL_free(hex);
    BN_free(number);
    // A negative one, which no CA should make, keeps its sign.
    if (text.starts_with('-')) return "-" + canonical_serial(std::string_view(text).substr(1));
    return canonical_serial(text);
}

boost::system::result<identity, std::string> identify(const X509* certificate) {
    if (!certificate) return refused("no certificate");
    const X509_NAME* subject = X509_get_subject_name(certificate);
    identity who;
    std::vector<std::string> users;
    if (auto why = attributes(subject, NID_commonName, "the name (CN)", users); !why.empty()) return refused(why);
    auto workload = spiffe_id_of(certificate);
    if (!workload) return refused(workload.error());
    who.spiffe = !workload->empty();
    if (who.spiffe) {
        who.user = std::move(*workload);
    } else if (users.size() != 1) {
        return refused(users.empty() ? "the certificate has no name (CN)"
                                     : "the certificate has more than one name (CN)");
    } else if (looks_like_spiffe(users.front())) {
        // Where the name of a person stands, no workload's name is believed.
        return refused("the name (CN) of the certificate looks like a SPIFFE ID, which belongs into a URI SAN");
    } else {
        who.user = std::move(users.front());
    }
    if (auto why = attributes(subject, NID_organizationName, "a group (O)", who.groups); !why.empty())
        return refused(why);
    who.issuer = one_line(X509_get_issuer_name(certificate));
    who.serial = serial_of(X509_get0_serialNumber(certificate));
    who.fingerprint = fingerprint_of(certificate);
    std::tm tm{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1 || who.fingerprint.empty())
        return refused("the certificate cannot be read");
    who.not_after = static_cast<long long>(::timegm(&tm));
    if (ASN1_TIME_to_tm(X509_get0_notBefore(certificate), &tm) != 1) return refused("the certificate cannot be read");
    who.not_before = static_cast<long long>(::timegm(&tm));
    return who;
}

boost::system::result<identity, std::string> identify_der(std::string_view der) {
    constexpr std::size_t max_certificate = 100 * 1024;  // what OpenSSL takes in a handshake
    if (der.size() > max_certificate) return refused("the certificate is longer than 100 KiB");
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const auto* end = at + der.size();
    certificate_ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    ERR_clear_error();
    if (!certificate || at != end) return refused("not a certificate");
    return identify(certificate.get());
}

}  // namespace auth
