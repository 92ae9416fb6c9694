// One client CA as its files say it now: roots, what stands between, and what is revoked.
#pragma once

#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "auth/pem.h"

namespace auth {

// As the configuration says it.
struct client_ca {
    std::string name = "clientCA";  // for prefixes, logs and revocation lists
    std::string file;               // PEM bundle: roots, and CAs below them
    std::string prefix;             // put before every user and group that it asserts
    std::vector<std::string> users{"*"};   // patterns (* and ?) of names it may assert, without prefix
    std::vector<std::string> groups{"*"};  // … of groups; others are left out of the identity
    std::string trust_domain;       // of the SPIFFE IDs it may assert; empty: none
    std::vector<std::string> crls;  // files, or directories whose files are all revocation lists
    bool stale_crl_warns = false;   // a revocation list past its next update: warn, instead of refusing
};

// Whether the text matches a pattern in which * stands for any characters and ? for one byte.
bool matches(std::string_view pattern, std::string_view text);

class trusted_ca {
public:
    // Whole or not at all. Refused: a bundle without a self-signed CA certificate, a certificate in it that is
    // no CA's, a weak key, a revocation list that no certificate of the bundle has signed, a delta list,
    // and every file that cannot be read to its end. Expired certificates and lists are taken; they are
    // judged when they are used.
    static outcome<std::shared_ptr<const trusted_ca>> load(const client_ca& as);

    const client_ca& configured() const { return as_; }

    struct root {
        certificate_ptr certificate;
        std::string fingerprint;
        openssl_ptr<X509_STORE> store;  // it alone, the certificates between, the revocation lists
    };
    const std::vector<root>& roots() const { return roots_; }

    // Whether a list of this CA's names that certificate.
    bool revoked(const std::string& issuer_key, const std::string& serial) const;
    bool has_lists() const { return !lists_.empty(); }
    // What is wrong with the lists at that time (seconds since the epoch), one line each: past their next
    // update.
    std::vector<std::string> stale(long long now) const;

private:
    outcome<void> read_bundle();
    outcome<void> read_lists();
    outcome<void> make_stores();

    struct list {
        std::string file;
        crl_ptr crl;
        std::string issuer_key;
        long long this_update = 0;
        long long next_update = 0;  // 0: none is promised
    };

    client_ca as_;
    std::vector<root> roots_;
    std::vector<certificate_ptr> between_;
    std::vector<list> lists_;
    std::unordered_map<std::string, std::unordered_set<std::string>> revoked_;  // by issuer_key
};

}  // namespace auth
