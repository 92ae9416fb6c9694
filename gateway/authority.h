// Whether an identity is good now: not expired, not revoked, its CA still trusted. Those who are in are
// watched, and shown out when they are not good any more.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "auth/identity.h"
#include "auth/revocations.h"
#include "auth/trust.h"

namespace gateway {

// A live connection, as the authority sees it.
class client_presence {
public:
    virtual ~client_presence() = default;
    virtual const auth::identity& identity() const = 0;
    // The same person with a renewed certificate.
    virtual void rebind(const auth::identity& renewed) = 0;
    // Not good any more: ends within a second, and tells why (one line). Called by post, once at most.
    virtual void expel(std::string_view reason) = 0;
};

class client_authority {
public:
    // `clock` gives the wall clock's seconds; tests have their own.
    explicit client_authority(boost::asio::io_context& io,
                              std::function<long long()> clock = [] { return static_cast<long long>(std::time(nullptr)); });
    client_authority(const client_authority&) = delete;
    client_authority& operator=(const client_authority&) = delete;

    // For the contexts of servers: handshakes are judged by what is true at their time.
    std::shared_ptr<auth::trust_slot> slot() const { return slot_; }

    // Each takes effect for handshakes at once, and for those who are in before the event loop's next turn.
    void trust(std::shared_ptr<const auth::trust> now);
    void revoke_by_file(auth::revocations list);
    void revoke_by_signer(auth::revocations list);

    // Why the identity is not good now, as told to its owner; empty: it is.
    std::string fault(const auth::identity& who) const;
    // Only whether the gateway's own lists name it: also of somebody who is not here, whose certificate may have ended meanwhile.
    std::string revoked_fault(const auth::identity& who) const;
    // Called by post when one of the lists has changed.
    std::function<void()> on_revocations;

    // Watched until leave(); looked at whenever something changes and every second, by the wall clock, so that
    // expiry and a clock that jumps are both seen.
    void enter(client_presence& who);
    void leave(client_presence& who);

    // Live connections of the certificate with that fingerprint go on as `renewed`. False, and nothing is
    // changed, when it is of another user or not good.
    bool rebind(std::string_view old_fingerprint, const auth::identity& renewed);

    // The same for a certificate that has just been issued: who it makes them is for the CAs to say.
    bool rebind(std::string_view old_fingerprint, X509* renewed);

    // At once, whatever the certificates say: every connection of the user. How many there were.
    std::size_t expel_user(std::string_view user, std::string_view reason);

    std::uint64_t expelled() const { return expelled_; }  // since the start
    std::size_t present() const { return present_.size(); }
    std::size_t revoked() const { return by_file_.size() + by_signer_.size(); }
    std::vector<std::string> warnings() const;  // stale lists, one line each

private:
    static constexpr std::chrono::milliseconds look_again{500};

    void changed();
    void look();
    void arm();
    void expel_soon(client_presence& who, std::string reason);

    boost::asio::io_context& io_;
    std::function<long long()> clock_;
    std::shared_ptr<auth::trust_slot> slot_ = std::make_shared<auth::trust_slot>();
    auth::revocations by_file_, by_signer_;
    boost::asio::steady_timer timer_;
    struct presence {
        client_presence* who;
        bool leaving;  // has been told
    };
    std::list<presence> present_;
    std::uint64_t expelled_ = 0;
    bool armed_ = false;
    bool look_posted_ = false;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace gateway
