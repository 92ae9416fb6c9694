// Who is out before their certificate ends: by its serial, or by name.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "auth/identity.h"
#include "auth/tls.h"

namespace auth {

class revocations {
public:
    // The issuer is the certificate's issuer (RFC 2253, as logs show it), or the name of a client CA in
    // gateway.yaml, or the sha256 of its root certificate. The serial is hex; false when it is not.
    bool add_serial(std::string_view issuer, std::string_view serial);
    // As policies name it, with the CA's prefix.
    void add_user(std::string_view user) { users_.emplace(user); }

    // Why the identity is out, as told to its owner; empty: it is not.
    std::string fault(const identity& who) const;
    std::size_t size() const { return users_.size() + serials_.size(); }
    bool operator==(const revocations&) const = default;

private:
    std::unordered_set<std::string> users_;
    std::unordered_set<std::string> serials_;  // "SERIAL ISSUER"
};

// The file of the key `revocations`: a map with `users` (list of text) and `serials` (list of {issuer,
// serial}); an empty file revokes nobody. Errors have the place: "revoked.yaml:3:5: …". An unknown key is one.
outcome<revocations> parse_revocations(std::string_view text, const std::string& file);
outcome<revocations> load_revocations(const std::string& file);

}  // namespace auth
