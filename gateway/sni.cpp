#include "gateway/sni.h"

#include <openssl/x509v3.h>

#include <algorithm>

namespace gateway {

std::string component_of(std::string_view sni, const std::vector<std::string>& components,
                         const SSL* ssl) {
    std::string name(sni);
    for (char& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const std::string label = name.substr(0, name.find('.'));
    if (std::find(components.begin(), components.end(), label) != components.end()) return label;
    X509* own = SSL_get_certificate(ssl);
    if (own && !name.empty() && X509_check_host(own, name.data(), name.size(), 0, nullptr) == 1)
        return {};
    return label;
}

}  // namespace gateway
