// Who gets a certificate: the rules between a request, the CA's key and its store.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/system/result.hpp>

#include "auth/authority.h"
#include "auth/ca_store.h"

namespace auth {

// What root has configured.
struct issue_terms {
    std::chrono::seconds certificate_ttl = std::chrono::hours(24);     // of one made from a token
    std::chrono::seconds renew_window = std::chrono::hours(24) * 30;   // after enrolment
    std::chrono::seconds attempt_window = std::chrono::minutes(1);     // failed attempts count for so long
    std::int64_t attempts_per_source = 5;                              // IPv6: per /64
    std::int64_t attempts_in_all = 100;
};

struct issue_refusal {
    issue_refusal() = default;
    issue_refusal(std::string c, std::string r, std::string l)
        : code(std::move(c)), reason(std::move(r)), log(std::move(l)) {}
    std::string code;    // token-unknown, rate-limited, weak-key, not-renewable, refused, unavailable
    std::string reason;  // for the requester: a stranger learns nothing from it
    std::string log;     // the true cause, for the gateway's log
};
template <class T>
using issue_result = boost::system::result<T, issue_refusal>;

struct issued_certificate {
    std::string certificate;  // PEM
    std::string ca;           // PEM
    std::string user;
    std::vector<std::string> groups;
    std::int64_t not_after = 0;
    std::int64_t renew_until = 0;  // 0: may not be renewed
};

// Empty, or why a text cannot be a user or a group in a certificate: "is empty", "has control characters",
// "is longer than 64 characters".
std::string certificate_name_fault(std::string_view name);

// One certificate for a token, or none: the token is used up in the same commit that records the
// certificate. A failure of the token counts as an attempt of `source`. `spki` is DER.
issue_result<issued_certificate> issue_for_token(ca_store& store, const authority& ca, const issue_terms& terms,
                                                 const std::string& token_hash, std::string_view spki,
                                                 const std::string& source, std::int64_t now);

// For the owner of a certificate that is still valid, who shows by `proof` (signing_request.h) that the new
// key is wanted. Asked again for the same key, the answer is the same certificate.
issue_result<issued_certificate> issue_renewal(ca_store& store, const authority& ca, const issue_terms& terms,
                                               const std::string& fingerprint, std::string_view spki,
                                               std::string_view proof, std::int64_t now);

// Records a certificate that the CA issued before there was a store; nothing happens when it is known.
// Within a transaction of the caller's.
void adopt(ca_store& store, X509* certificate, const std::string& how, std::int64_t now);

struct admin_request {
    std::string user;
    std::vector<std::string> groups;
    std::chrono::seconds lifetime = std::chrono::hours(24);
    bool renewable = false;
};
// These two within a transaction of the caller's: nothing is recorded unless that is committed.
issue_result<issued_certificate> issue_for_admin(ca_store& store, const authority& ca, const issue_terms& terms,
                                                 const admin_request& request, EVP_PKEY* public_key,
                                                 std::int64_t now);
issue_result<issued_certificate> issue_for_gateway(ca_store& store, const authority& ca,
                                                   const std::vector<std::string>& hosts,
                                                   std::chrono::seconds lifetime, EVP_PKEY* public_key,
                                                   std::int64_t now);

struct new_token {
    new_token() = default;
    std::string text;  // "dvt1." and 43 characters, 256 bits of chance; kept nowhere
    token_record record;
};
// To be added to the store by the caller.
outcome<new_token> make_token(const std::string& user, const std::vector<std::string>& groups,
                              std::chrono::seconds lifetime, std::int64_t now);

// The one form of a source address that attempts are counted by: an IPv6 address counts as its /64.
std::string source_key(std::string_view address);

}  // namespace auth
