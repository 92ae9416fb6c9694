// Where a carrier asks for a component by name on behalf of an identity.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/identity.h"
#include "gateway/stream.h"
#include "protocol/local_sources.h"

namespace gateway {

// What becomes of a request to open a debug stream. Codes are those of docs/protocol.md.
struct verdict {
    bool accepted = false;
    std::string code;                     // of a refusal: not-authorized, no-such-component, busy,
                                          // not-running, starting, draining, limit
    std::string reason;                   // one line for a person: what happened, what to do next
    std::string component;                // resolved name
    std::string session;                  // id that follows the stream through log and audit
    std::vector<std::string> components;  // those the caller may see (for no-such-component)
    bool rebuilds = false;                // another gateway could make the same view (docs/protocol.md)
    std::string user;                     // whom the gateway takes the caller for
    std::string stop;                     // of the stop that was asked for: whether it stands; one line for a person
};

struct component_summary {
    std::string name;
    std::string state;   // starting, running, stopped, exited, unavailable
    std::string detail;  // one line: stopped where, exit reason, who is there
};

struct caller {
    auth::identity who;
    std::string address;  // "192.0.2.7:50312"
    std::string client;   // what the peer says it is: "delvegate/0.1.0", "tls"
    std::shared_ptr<const protocol::client_paths> paths{};  // what it says of its sources; null: nothing
    std::string stop{};  // the name of the stop it comes for; empty: any
    bool again = false;  // it has a view of an earlier gateway's, to be rebuilt
};

class directory {
public:
    virtual ~directory() = default;

    // An empty component means "the only one I may see". On acceptance `user` is set; it speaks to
    // `peer`, which must outlive it.
    virtual verdict open(const caller& who, std::string_view component, stream_peer& peer,
                         std::unique_ptr<stream_user>& user) = 0;

    // Those the caller may see; empty when none.
    virtual std::vector<component_summary> list(const auth::identity& who) const = 0;
};

// A user that tells the IDE why there is no session, in its own protocol and in the form it shows
// (VS Code: initialize answered with an error; dlv connect: the error of its halt), then ends.
// Used by the gateway on raw TLS streams and by `connect` on the laptop.
std::unique_ptr<stream_user> make_refusal(stream_peer& peer, std::string reason);

}  // namespace gateway
