// Which client certificates are believed, and whose they are: several CAs, each with its names.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "auth/identity.h"
#include "auth/trusted_ca.h"

namespace auth {

// All client CAs at one moment; never changes, so that whoever holds it sees one truth.
class trust {
public:
    // The order counts where a chain would fit more than one CA (cross-signing): the first wins. Refused: one
    // root certificate in two CAs, for whose are its names then; two CAs of one name.
    static outcome<std::shared_ptr<const trust>> of(std::vector<std::shared_ptr<const trusted_ca>> cas);

    // A client's certificate with what it sent along.
    struct verdict {
        int error = X509_V_OK;     // X509_V_ERR_…
        int depth = 0;             // … of which certificate
        certificate_ptr refused;   // … and it
        STACK_OF(X509)* chain = nullptr;  // the caller's, when there is no error: leaf first, root last
    };
    // The whole of OpenSSL's verification (signatures, times, basic constraints, path lengths, purpose,
    // revocation lists) against one root after the other. `now`: seconds since the epoch.
    verdict verify(X509* leaf, STACK_OF(X509)* untrusted, long long now) const;

    // Who it is, by a chain that verify() found: decided by the root's certificate, never by names. The CA's
    // prefix stands before user and groups; a user it may not assert is refused, a group left out.
    outcome<identity> identify(STACK_OF(X509)* chain) const;

    // Both in one, for a certificate that did not come by a handshake; the error is for a log.
    outcome<identity> admit(X509* leaf, STACK_OF(X509)* untrusted, long long now) const;

    // Why an identity made earlier, perhaps by other CAs' files, is not good (any more): its root is not
    // trusted, or a certificate of its chain is on a list. Empty: nothing against it. Looks nothing up but
    // tables; says nothing of time.
    std::string fault(const identity& who) const;

    // Stale revocation lists, one line each.
    std::vector<std::string> warnings(long long now) const;
    const std::vector<std::shared_ptr<const trusted_ca>>& cas() const { return cas_; }

private:
    const trusted_ca* owner_of(const std::string& anchor) const;
    std::string foreign_prefix(const std::string& name, const trusted_ca& own) const;

    std::vector<std::shared_ptr<const trusted_ca>> cas_;
};

// What a server's context asks at every handshake, so that a change needs no new context.
struct trust_slot {
    std::shared_ptr<const trust> now;
    // Further objections, such as a list of revoked people; empty: none.
    std::function<std::string(const identity&)> objection;
};

// Has the context judge clients by the slot, which it keeps alive. Sets how clients are verified; nothing else.
void judge_clients_by(SSL_CTX* context, std::shared_ptr<trust_slot> slot);

// Who is at the other end of a finished handshake, by the slot's trust of now.
outcome<identity> identify_client(const SSL* ssl);

}  // namespace auth
