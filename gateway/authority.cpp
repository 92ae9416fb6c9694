#include "gateway/authority.h"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "gateway/log.h"
#include "protocol/printable.h"
#include "gateway/utc.h"

namespace gateway {

client_authority::client_authority(boost::asio::io_context& io, std::function<long long()> clock)
    : io_(io), clock_(std::move(clock)), timer_(io) {
    // The slot may outlive us, in the context of a connection that is ending.
    slot_->objection = [this, alive = std::weak_ptr<char>(alive_)](const auth::identity& who) {
        return alive.expired() ? std::string("the gateway is shutting down") : revoked_fault(who);
    };
}

void client_authority::trust(std::shared_ptr<const auth::trust> now) {
    slot_->now = std::move(now);
    changed();
}

void client_authority::revoke_by_file(auth::revocations list) {
    by_file_ = std::move(list);
    changed();
}

void client_authority::revoke_by_signer(auth::revocations list) {
    by_signer_ = std::move(list);
    changed();
}

std::string client_authority::revoked_fault(const auth::identity& who) const {
    auto why = by_file_.fault(who);
    return why.empty() ? by_signer_.fault(who) : why;
}

std::string client_authority::fault(const auth::identity& who) const {
    if (!slot_->now) return "no client CA is trusted here";
    if (auto why = revoked_fault(who); !why.empty()) return why;
    if (auto why = slot_->now->fault(who); !why.empty()) return why;
    const auto now = clock_();
    const auto at = [](long long seconds) { return utc_time(std::chrono::system_clock::from_time_t(seconds)); };
    if (now >= who.valid_until)
        return (who.valid_until < who.not_after ? "the CA above your certificate expired at "
                                                : "your certificate expired at ") +
               at(who.valid_until);
    // The clock was set back, or ran ahead when they came in.
    if (now < who.valid_from) return "your certificate is not valid before " + at(who.valid_from);
    return {};
}

void client_authority::enter(client_presence& who) {
    present_.push_back({&who, false});
    arm();
}

void client_authority::leave(client_presence& who) {
    present_.remove_if([&](const auto& one) { return one.who == &who; });
}

bool client_authority::rebind(std::string_view old_fingerprint, const auth::identity& renewed) {
    if (!fault(renewed).empty()) return false;
    const auto of_it = [&](const presence& one) {
        return !one.leaving && one.who->identity().fingerprint == old_fingerprint;
    };
    for (const auto& one : present_)
        if (of_it(one) && (one.who->identity().user != renewed.user ||
                           one.who->identity().authority != renewed.authority))
            return false;
    for (const auto& one : present_)
        if (of_it(one)) one.who->rebind(renewed);
    return true;
}

bool client_authority::rebind(std::string_view old_fingerprint, X509* renewed) {
    if (!slot_->now) return false;
    const auto who = slot_->now->admit(renewed, nullptr, clock_());
    return who && rebind(old_fingerprint, *who);
}

std::size_t client_authority::expel_user(std::string_view user, std::string_view reason) {
    std::size_t count = 0;
    for (auto& one : present_) {
        if (one.leaving || one.who->identity().user != user) continue;
        one.leaving = true;
        ++count;
        expel_soon(*one.who, std::string(reason));
    }
    return count;
}

std::vector<std::string> client_authority::warnings() const {
    return slot_->now ? slot_->now->warnings(clock_()) : std::vector<std::string>{};
}

void client_authority::changed() {
    if (std::exchange(look_posted_, true)) return;
    boost::asio::post(io_, [this, alive = std::weak_ptr<char>(alive_)] {
        if (alive.expired()) return;
        look_posted_ = false;
        look();
        if (on_revocations) on_revocations();
    });
}

void client_authority::look() {
    for (auto& one : present_) {
        if (one.leaving) continue;
        auto why = fault(one.who->identity());
        if (why.empty()) continue;
        one.leaving = true;
        expel_soon(*one.who, std::move(why));
    }
}

// Not from within the walk: whoever is shown out leaves the list.
void client_authority::expel_soon(client_presence& who, std::string reason) {
    ++expelled_;
    boost::asio::post(io_, [this, &who, reason = std::move(reason), alive = std::weak_ptr<char>(alive_)] {
        if (alive.expired()) return;
        const bool there = std::any_of(present_.begin(), present_.end(), [&](const auto& one) { return one.who == &who; });
        if (!there) return;
        log().warn("{} is shown out: {}", protocol::printable(who.identity().user), protocol::printable(reason));
        who.expel(reason);
    });
}

void client_authority::arm() {
    if (std::exchange(armed_, true)) return;
    timer_.expires_after(look_again);
    timer_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
        if (ec || alive.expired()) return;
        armed_ = false;
        look();
        if (!present_.empty()) arm();
    });
}

}  // namespace gateway
