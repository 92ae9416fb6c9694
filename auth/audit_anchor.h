// Anchors: heads of the chain, signed by a key that the writer does not have, kept where who holds the
// audit's files cannot reach. They show what was cut off, or written anew from some record on.
#pragma once

#include <openssl/types.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "auth/armor.h"
#include "auth/pem.h"
#include "auth/tls.h"

namespace auth {

struct audit_anchor {
    std::uint64_t sequence = 0;
    std::string hash;
    std::int64_t time = 0;  // when it was signed, by the writer's clock
    std::string signature;  // raw; empty: not signed

    bool operator==(const audit_anchor&) const = default;
};

// What is signed: "delvegate-audit-anchor-v1\0SEQUENCE\nHASH\nTIME\n".
std::string bytes_to_sign(const audit_anchor& anchor);

// One line of JSON, {"sequence":…,"hash":"…","time":"…","signature":"base64"}, and back; strict.
std::string to_anchor_line(const audit_anchor& anchor);
outcome<audit_anchor> parse_anchor_line(std::string_view line);

// A public key, PEM: Ed25519, or ECDSA P-256 (with SHA-256).
outcome<key_ptr> load_anchor_key(const std::string& file);
// Whether that key's owner signed it.
bool signed_by(const audit_anchor& anchor, EVP_PKEY* key);

// Signs and publishes on a thread of its own ("audit-anchor"), so that neither keeps records waiting.
class audit_anchorer {
public:
    // Called on that thread; they block as long as they need, and must come back by themselves.
    struct work {
        std::function<outcome<std::string>(std::string_view bytes)> sign;   // may be empty: not signed
        std::function<outcome<void>(const audit_anchor& anchor)> publish;   // may be empty
        std::function<void(const audit_anchor& anchor, std::string error)> done;
    };

    explicit audit_anchorer(work how);
    ~audit_anchorer() { stop(); }

    // Takes the newest head; one that still waits is forgotten for it.
    void request(audit_anchor head);
    // The same here and now, after stop().
    void make(audit_anchor head) const;
    // Waits for what is under way.
    void stop();

private:
    void run();

    work how_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::optional<audit_anchor> next_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace auth
