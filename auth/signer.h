// The signer: the one process that reads the CA's key and the audit's, and that nobody reaches but through
// the gateway's socket pair. It builds every certificate's subject itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/issuing.h"
#include "auth/signer_message.h"

namespace auth {

struct signer_options {
    std::string directory;           // of the CA, its store and the audit key; made when it is not there
    issue_terms terms;
    std::vector<std::string> hosts;  // what the gateway's own certificate may be for
    std::chrono::seconds gateway_lifetime = std::chrono::hours(24) * 90;
    std::chrono::milliseconds patience = std::chrono::seconds(2);  // for a locked store
};

// Answers one packet after the other; docs/certificates.md has the messages.
class signer_desk {
public:
    static outcome<std::unique_ptr<signer_desk>> open(const signer_options& options);
    ~signer_desk();
    signer_desk(const signer_desk&) = delete;
    signer_desk& operator=(const signer_desk&) = delete;

    // Always one packet of at most max_signer_packet. `now`: seconds since the epoch.
    std::string answer(std::string_view packet, std::int64_t now);

    // Whether the store is another one than when last asked: another process has written, or has put
    // another file in its place; or a token was used here.
    bool changed();

    // Marks tokens that have expired, so that a clock set back does not revive them.
    void sweep(std::int64_t now);

private:
    struct state;
    explicit signer_desk(std::unique_ptr<state> made);
    std::unique_ptr<state> state_;
};

// Serves the gateway at `fd` (SOCK_SEQPACKET) until that end is closed. First {"event":"ready"}, or
// {"event":"failed","reason":…} and it returns 1; then {"event":"changed"} when changed() says so, asked
// every 200 ms. Changes the process for good: own session, no core, not dumpable, few resources, ends
// with its parent, deaf to SIGTERM and SIGINT (a draining gateway still needs it).
int run_signer(int fd, const signer_options& options);

}  // namespace auth
