#include "auth/spiffe.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>

namespace auth {

namespace {

constexpr std::string_view scheme = "spiffe://";
constexpr std::size_t max_id = 256;
constexpr std::size_t max_trust_domain = 255;
constexpr int max_names = 100;  // a person or a workload has no use for more

bool plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

outcome<std::string> refused(std::string why) { return {boost::system::in_place_error, std::move(why)}; }
outcome<std::string> found(std::string id) { return {boost::system::in_place_value, std::move(id)}; }

// Of those a gateway's own has a name for each component; nobody comes in with it.
bool for_servers_alone(const X509* certificate) {
    // OpenSSL keeps what it has read in the certificate. Without the extension every bit is set.
    const auto usage = X509_get_extended_key_usage(const_cast<X509*>(certificate));
    return (usage & XKU_SSL_SERVER) != 0 && (usage & (XKU_SSL_CLIENT | XKU_ANYEKU)) == 0;
}

struct names_free {
    void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

}  // namespace

bool is_trust_domain(std::string_view text) {
    return !text.empty() && text.size() <= max_trust_domain && std::all_of(text.begin(), text.end(), plain);
}

bool looks_like_spiffe(std::string_view text) {
    constexpr std::string_view begin = scheme.substr(0, scheme.find(':') + 1);
    return text.size() >= begin.size() &&
           std::equal(begin.begin(), begin.end(), text.begin(),
                      [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
}

std::string spiffe_fault(std::string_view text) {
    if (text.size() > max_id) return "is longer than 256 bytes";
    if (!text.starts_with(scheme)) return "does not begin with spiffe://";
    text.remove_prefix(scheme.size());
    const auto slash = text.find('/');
    if (!is_trust_domain(text.substr(0, slash)))
        return "has a trust domain that is not of lower-case letters, digits, dots, hyphens and underscores";
    if (slash == text.npos) return "has no path, so it names a trust domain and no workload";
    // One workload has one name: no empty, dotted or escaped segments.
    for (text.remove_prefix(slash); !text.empty();) {
        text.remove_prefix(1);
        const auto segment = text.substr(0, text.find('/'));
        if (segment.empty() || segment == "." || segment == "..") return "has an empty or dotted segment in its path";
        if (!std::all_of(segment.begin(), segment.end(),
                         [](char c) { return plain(c) || (c >= 'A' && c <= 'Z'); }))
            return "has characters in its path that a SPIFFE ID cannot have";
        text.remove_prefix(segment.size());
    }
    return {};
}

std::string_view trust_domain_of(std::string_view id) {
    id.remove_prefix(std::min(scheme.size(), id.size()));
    return id.substr(0, id.find('/'));
}

outcome<std::string> spiffe_id_of(const X509* certificate) {
    int where = 0;
    const std::unique_ptr<GENERAL_NAMES, names_free> names(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, &where, nullptr)));
    ERR_clear_error();
    if (!names) {
        if (where == -1) return found({});
        return refused("the alternative names (SAN) of the certificate cannot be read");
    }
    const int count = sk_GENERAL_NAME_num(names.get());
    if (count > max_names && !for_servers_alone(certificate)) return refused("the certificate has more than 100 alternative names (SAN)");
    int uris = 0;
    bool any = false;
    std::string id;
    for (int i = 0; i < count; ++i) {
        int type = 0;
        const auto* value = static_cast<const ASN1_STRING*>(
            GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type));
        if (type != GEN_URI) continue;
        ++uris;
        const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                                    static_cast<std::size_t>(ASN1_STRING_length(value)));
        if (!looks_like_spiffe(text)) continue;
        any = true;
        id = text;
    }
    if (!any) return found({});
    if (uris != 1) return refused("the certificate has more than one URI beside its SPIFFE ID; an SVID has one");
    if (const auto why = spiffe_fault(id); !why.empty()) return refused("the SPIFFE ID of the certificate " + why);
    return found(std::move(id));
}

}  // namespace auth
