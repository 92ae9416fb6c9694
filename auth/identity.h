// Who a client is, from its verified certificate: Kubernetes' x509 convention.
#pragma once

#include <openssl/types.h>

#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

namespace auth {

// One certificate of a verified chain, as a revocation list would name it.
struct chain_link {
    std::string issuer_key;  // sha1 of its issuer's public key, lower-case hex
    std::string serial;      // as identity::serial
    bool operator==(const chain_link&) const = default;
};

struct identity {
    std::string user;                 // CN, or the SPIFFE ID; with the CA's prefix
    std::vector<std::string> groups;  // each O, with the CA's prefix
    std::string issuer;               // RFC 2253 one line
    std::string serial;               // upper-case hex without leading zeros
    std::string fingerprint;          // sha256 of the certificate, lower-case hex
    long long not_after = 0;          // seconds since the epoch
    long long not_before = 0;         // likewise
    bool spiffe = false;              // the user is a SPIFFE ID

    // Of the chain it was verified by (auth/trust.h); empty and zero from identify() alone.
    std::string authority;          // the client CA's name in gateway.yaml
    std::string anchor;             // sha256 of the root certificate
    std::vector<chain_link> links;  // the leaf first, the root left out
    long long valid_from = 0;       // the latest beginning in the chain
    long long valid_until = 0;      // the earliest end in the chain
};

// Reads the identity of a certificate that OpenSSL has verified already; no prefix, no limits of its CA.
// Refused (error text for the log): no or two CNs, an empty name, NUL or control characters, invalid
// UTF-8, a name of more than 256 bytes, more than 64 groups, more than 100 alternative names
// (but in one for servers alone, as the gateway's own, which has one for each component), a SPIFFE
// ID that is malformed or not the only URI, a CN that looks like a SPIFFE ID.
boost::system::result<identity, std::string> identify(const X509* certificate);

// What keeps a text from being a user or group ("has control characters"); empty: nothing.
std::string_view name_fault(std::string_view name);

// The same from bytes that nobody has verified.
boost::system::result<identity, std::string> identify_der(std::string_view der);

// sha256 of the certificate, lower-case hex; empty when memory is short.
std::string fingerprint_of(const X509* certificate);
// sha1 of the certificate's own public key, as in chain_link; empty when there is none.
std::string key_digest_of(const X509* certificate);
// A serial as identity::serial has it, from hex with or without colons, leading zeros and 0x; empty when
// it is none.
std::string canonical_serial(std::string_view hex);
std::string serial_of(const ASN1_INTEGER* number);

}  // namespace auth
