// The hosts a certificate is for.
#pragma once

#include <openssl/types.h>

#include <string>
#include <vector>

namespace auth {

// DNS names and addresses of the subject alternative names, in their order; other kinds are left out, and
// so are names with characters a host cannot have (they would lie in a log).
std::vector<std::string> certificate_names(const X509* certificate);

}  // namespace auth
