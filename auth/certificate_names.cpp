#include "auth/certificate_names.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <string_view>

namespace auth {

namespace {

bool is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '*';
}

std::string_view bytes(const ASN1_STRING* value) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
            static_cast<std::size_t>(ASN1_STRING_length(value))};
}

}  // namespace

std::vector<std::string> certificate_names(const X509* certificate) {
    std::vector<std::string> names;
    auto* all = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
        int type = 0;
        const auto* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all, i), &type);
        if (type == GEN_DNS) {
            const auto text = bytes(static_cast<const ASN1_STRING*>(value));
            if (!text.empty() && std::all_of(text.begin(), text.end(), is_host_character))
                names.emplace_back(text);
        } else if (type == GEN_IPADD) {
            const auto address = bytes(static_cast<const ASN1_STRING*>(value));
            char text[INET6_ADDRSTRLEN];
            const int family = address.size() == 4 ? AF_INET : address.size() == 16 ? AF_INET6 : 0;
            if (family && inet_ntop(family, address.data(), text, sizeof text)) names.emplace_back(text);
        }
    }
    GENERAL_NAMES_free(all);
    return names;
}

}  // namespace auth
