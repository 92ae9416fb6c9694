#include "auth/certificate_rules.h"

#include <openssl/x509v3.h>

#include "auth/pem.h"

namespace auth {

bool has_usage(X509* certificate, bool server) {
    const auto usage = X509_get_extended_key_usage(certificate);
    return usage != UINT32_MAX && (usage & (server ? XKU_SSL_SERVER : XKU_SSL_CLIENT)) != 0;
}

int unfit(X509* certificate, int depth, bool server) {
    if (!certificate) return X509_V_ERR_UNSPECIFIED;
    if (depth == 0 && !has_usage(certificate, server)) return X509_V_ERR_INVALID_PURPOSE;
    if (weakness(X509_get0_pubkey(certificate)).empty()) return X509_V_OK;
    return depth == 0 ? X509_V_ERR_EE_KEY_TOO_SMALL : X509_V_ERR_CA_KEY_TOO_SMALL;
}

}  // namespace auth
