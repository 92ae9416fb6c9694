// A small certificate authority: ECDSA P-256, files 0600, no key ever printed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "auth/tls.h"

namespace auth {

struct leaf_request {
    bool server = false;                // serverAuth, else clientAuth
    std::string common_name;            // the user, or the gateway's first host name
    std::vector<std::string> groups;    // O
    std::vector<std::string> hosts;     // of a server: DNS names and IP addresses for the SAN
    std::chrono::seconds lifetime{std::chrono::hours(24)};
    std::chrono::seconds starts_in{0};  // negative or positive, for tests of the validity period
    std::int64_t ends_by = 0;           // seconds since the epoch; 0: only the lifetime counts
};

struct ca_request {
    std::string name;  // CN, 1 to 64 characters
    std::chrono::seconds lifetime = std::chrono::hours(24) * 3650;
    bool ed25519 = false;  // else ECDSA P-256
};

// Makes ca.crt and ca.key in `directory` (created 0700) unless both are there already and fit together.
outcome<void> ensure_ca(const std::string& directory, std::string_view name);
outcome<void> ensure_ca(const std::string& directory, const ca_request& request);

// Issues into `directory`/NAME.crt and NAME.key (0600, written beside and renamed). The lifetime is
// cut to the CA's own.
outcome<void> issue(const std::string& ca_directory, const leaf_request& request, const std::string& certificate_file,
                    const std::string& key_file);

// Whether a certificate file is there, fits its key, chains to the CA, covers every host and lives for
// at least `remaining`; false means: issue a new one.
bool still_good(const std::string& ca_directory, const std::string& certificate_file, const std::string& key_file,
                const std::vector<std::string>& hosts, std::chrono::seconds remaining);

}  // namespace auth
