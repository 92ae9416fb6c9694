// Who a client is, from its verified certificate: Kubernetes' x509 convention.
#pragma once

#include <openssl/types.h>

#include <string>
#include <vector>

#include <boost/system/result.hpp>

namespace auth {

struct identity {
    std::string user;                 // CN
    std::vector<std::string> groups;  // each O
    std::string issuer;               // RFC 2253 one line
    std::string serial;               // upper-case hex
    std::string fingerprint;          // sha256 of the certificate, lower-case hex
    long long not_after = 0;          // seconds since the epoch
};

// Reads the identity of a certificate that OpenSSL has verified already. Refused (error text for the
// log): no or two CNs, an empty name, NUL or control characters, invalid UTF-8, a name of more than
// 256 bytes, more than 64 groups.
boost::system::result<identity, std::string> identify(const X509* certificate);

}  // namespace auth
