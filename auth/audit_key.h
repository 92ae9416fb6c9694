// The key that vouches for the audit: Ed25519, in audit.key beside the CA's.
#pragma once

#include <string>
#include <string_view>

#include "auth/pem.h"

namespace auth {

// Made when it is not there, never replaced; its public part is in audit.pub beside it. One process at a time.
outcome<key_ptr> ensure_audit_key(const std::string& directory);

// The raw signature of 64 bytes; empty: failed.
std::string sign_anchor(EVP_PKEY* key, std::string_view bytes);

}  // namespace auth
