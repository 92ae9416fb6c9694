// The process that holds the CA's key, as the gateway sees it: it is asked, and never holds the key itself.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace gateway {

struct enroll_question {
    std::string token_hash;  // SHA-256, lower-case hex
    std::string public_key;  // DER SubjectPublicKeyInfo
    std::string source;      // who asks, for its limits and its record
};

struct renew_question {
    std::string fingerprint;  // SHA-256 of the certificate that is to be replaced, lower-case hex
    std::string public_key;   // DER SubjectPublicKeyInfo of the new key
    std::string proof;        // raw signature by the old key (auth::renewal_text)
};

struct signer_answer {
    bool ok = false;
    // When ok.
    std::string certificate;  // PEM
    std::string ca;           // PEM
    std::string user;
    std::vector<std::string> groups;
    long long not_after = 0;    // seconds since the epoch
    long long renew_until = 0;  // likewise
    // Otherwise: token-unknown, rate-limited, weak-key, unavailable, …, and one line for a person.
    std::string code;
    std::string reason;
    std::string log{};  // the true cause, for our own log only; empty: the reason
};

struct live_tokens {
    bool known = false;         // false: the signer did not answer
    std::size_t count = 0;
    long long next_expiry = 0;  // seconds since the epoch; 0: none
};

// Answers come from the event loop, once, never from within the call.
class signer {
public:
    virtual ~signer() = default;
    virtual void enroll(enroll_question question, std::function<void(signer_answer)> done) = 0;
    virtual void renew(renew_question question, std::function<void(signer_answer)> done) = 0;
    virtual void tokens(std::function<void(live_tokens)> done) = 0;
    // Called when tokens may have come or gone, and when the signer itself has.
    virtual void on_changed(std::function<void()> changed) = 0;
};

}  // namespace gateway
