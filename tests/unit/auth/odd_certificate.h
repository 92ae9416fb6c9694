// Certificates that auth::ca would never issue, and a directory of its own for each test.
#pragma once

#include <openssl/evp.h>

#include <string>
#include <utility>
#include <vector>

#include "auth/ca.h"
#include "auth/pem.h"

namespace auth::test {

class scratch {
public:
    scratch();
    ~scratch();
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

struct odd_certificate {
    struct attribute {
        int nid;
        int type;  // V_ASN1_…
        std::string bytes;
    };
    std::vector<attribute> subject{{NID_commonName, V_ASN1_UTF8STRING, "alice"}};
    std::string usage = "clientAuth";  // extendedKeyUsage; empty: no such extension
    std::string alternative_names;     // in openssl.cnf's form; empty: none
    std::vector<std::string> uris;     // further ones, byte for byte; instead of alternative_names
    std::string raw_san;               // the extension's value as it is, instead of both
    long serial = 0xabcdef;
    long starts_in = -3600;            // seconds
    long ends_in = 3600;
    int rsa_bits = 0;         // 0: an EC key
    const char* curve = "P-256";
    std::string ca_directory;  // empty: self-signed
};

std::pair<certificate_ptr, key_ptr> make(const odd_certificate& wanted);

// … and written as NAME.crt and NAME.key; a CA to trust is the caller's to add.
tls_files write(const odd_certificate& wanted, const scratch& directory, const std::string& name);

// Files issued by the CA in `directory`/ca, which is made when it is not there.
tls_files issued(const scratch& directory, const std::string& name, const leaf_request& request);

// A CA in a directory (ca.crt, ca.key), as odd_certificate::ca_directory wants it.
struct odd_authority {
    std::string name = "a test CA";
    std::string above{};   // directory of the CA that signs it; empty: itself
    std::string key_of{};  // directory of the CA whose key it shares (cross-signing); empty: a new key
    std::string constraints = "critical,CA:TRUE";        // empty: no such extension
    std::string usage = "critical,keyCertSign,cRLSign";  // empty: no such extension
    bool key_identifiers = false;  // without them OpenSSL has only names to go by
    long starts_in = -3600;
    long ends_in = 3600;
    int rsa_bits = 0;
    long serial = 1;
};
std::string write(const odd_authority& wanted, const scratch& directory, const std::string& name);

struct odd_list {
    std::string ca_directory;
    std::vector<long> serials{};
    long starts_in = -3600;
    long ends_in = 3600;  // 0: no next update
    bool der = false;
};
void write(const odd_list& wanted, const std::string& file);

std::string contents(const std::string& file);
void put(const std::string& file, const std::string& bytes, unsigned mode = 0600);

}  // namespace auth::test
