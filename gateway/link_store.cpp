#include "gateway/link_store.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "gateway/audit_trail.h"
#include "gateway/authority.h"
#include "gateway/config.h"
#include "gateway/held_link.h"
#include "gateway/log.h"

namespace gateway {

namespace {

constexpr std::size_t stream_cost = 64 * 1024;  // what a view keeps besides, at the least
constexpr std::size_t epitaphs = 64;

}  // namespace

// Watched for revocation, as a connection is.
class link_store::held final : public held_link, client_presence {
public:
    held(link_store& store, std::string token, caller whose, std::uint64_t number)
        : held_link(store.parts_.io, store.parts_.bounds.viewer_buffer),
          who(std::move(whose)),
          order(number),
          store_(store),
          token_(std::move(token)),
          timer_(store.parts_.io) {
        if (auto* identities = store_.parts_.identities) identities->enter(*this);
        timer_.expires_after(store_.parts_.bounds.resume_time);
        timer_.async_wait([this, alive = std::weak_ptr<char>(here_)](const boost::system::error_code& ec) {
            if (!ec && !alive.expired())
                store_.give_up(token_, "the laptop did not come back within " +
                                           format_duration(store_.parts_.bounds.resume_time) + " (limits.resumeTime)");
        });
    }
    ~held() override {
        if (auto* identities = store_.parts_.identities) identities->leave(*this);
    }

    std::size_t cost() const { return streams.kept() + stream_cost * streams.size(); }
    void stop_waiting() { timer_.cancel(); }

    caller who;
    const std::uint64_t order;  // of breaking

private:
    void held_more() override { store_.look_at_memory(); }
    void stream_overflowed(std::uint32_t) override { ++store_.parts_.counts.limit_viewer_buffer; }

    const auth::identity& identity() const override { return who.who; }
    void rebind(const auth::identity& renewed) override {
        who.who = renewed;
        streams.rebound(renewed);
    }
    void expel(std::string_view reason) override {
        const std::string why(reason);
        if (auto* audit = store_.parts_.audit) audit->revoked(who.who, {}, why);
        streams.expel(why);
        store_.give_up(token_, why);
    }

    link_store& store_;
    const std::string token_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<char> here_ = std::make_shared<char>();
};

link_store::link_store(gateway_parts& parts) : parts_(parts) {}

link_store::~link_store() {
    for (auto& [token, one] : held_) one->streams.close("the gateway ended");
}

std::string link_store::new_token() {
    std::array<unsigned char, 16> bits{};
    // Without entropy there is no token, and nothing is kept.
    if (RAND_bytes(bits.data(), static_cast<int>(bits.size())) != 1) return {};
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : bits) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

bool link_store::same(const auth::identity& a, const auth::identity& b) {
    auto mine = a.groups, theirs = b.groups;  // in whatever order their certificates have them
    std::sort(mine.begin(), mine.end());
    std::sort(theirs.begin(), theirs.end());
    return a.user == b.user && a.authority == b.authority && mine == theirs;
}

void link_store::up(const std::string& token, live& link) { up_[token] = &link; }

void link_store::down(const std::string& token, const live& link) {
    if (const auto at = up_.find(token); at != up_.end() && at->second == &link) up_.erase(at);
}

void link_store::keep(const std::string& token, const caller& who, link_streams& from) {
    up_.erase(token);
    if (!displacing_) make_room(who.who.user);
    auto& slot = held_[token];
    slot = std::make_unique<held>(*this, token, who, ++order_);
    slot->streams.take_over(from);
    slot->streams.tell_link(false, who.address);
    look_at_memory();
}

link_streams* link_store::find(const std::string& token, const caller& who, std::string& no, bool* unknown) {
    if (unknown) *unknown = true;
    no = "the gateway keeps nothing of that link: it was restarted, or the link was down for too long";
    const auto is_of = [&](const auth::identity& owner) {
        if (same(owner, who.who)) return true;
        log().warn("{} at {}: asked for a link of {}; refused", who.who.user, who.address, owner.user);
        if (parts_.audit)
            parts_.audit->refused_connection(who.address, "asked to go on with a link of " + owner.user, &who.who);
        return false;
    };
    if (const auto at = up_.find(token); at != up_.end()) {
        if (!is_of(at->second->identity())) return nullptr;
        displacing_ = true;  // it is taken over at once
        at->second->displaced();
        displacing_ = false;
    }
    if (const auto at = held_.find(token); at != held_.end()) return is_of(at->second->who.who) ? &at->second->streams : nullptr;
    for (const auto& one : given_up_) {
        if (one.token != token || one.user != who.who.user || one.authority != who.who.authority) continue;
        no = one.reason;
        if (unknown) *unknown = false;
    }
    return nullptr;
}

void link_store::taken(const std::string& token) {
    const auto at = held_.find(token);
    if (at == held_.end()) return;
    ++parts_.counts.resumed_links;
    held_.erase(at);
}

void link_store::give_up(const std::string& token, std::string_view reason) {
    if (const auto at = held_.find(token); at != held_.end()) end(at, reason);
}

void link_store::give_up_all(std::string_view reason) {
    while (!held_.empty()) end(held_.begin(), reason);
}

std::size_t link_store::streams() const {
    std::size_t sum = 0;
    for (const auto& [token, one] : held_) sum += one->streams.size();
    return sum;
}

std::size_t link_store::bytes() const {
    std::size_t sum = 0;
    for (const auto& [token, one] : held_) sum += one->cost();
    return sum;
}

// The oldest one of the person goes.
void link_store::make_room(const std::string& user) {
    std::size_t count = 0;
    auto oldest = held_.end();
    for (auto at = held_.begin(); at != held_.end(); ++at) {
        if (at->second->who.who.user != user) continue;
        ++count;
        if (oldest == held_.end() || at->second->order < oldest->second->order) oldest = at;
    }
    if (count < parts_.bounds.resume_links || oldest == held_.end()) return;
    ++parts_.counts.limit_resume;
    end(oldest, "too many broken links of " + user + " are kept (limits.resumeLinks)");
}

// By post: users send, and must not hear of an end while they do.
void link_store::look_at_memory() {
    if (std::exchange(looking_, true)) return;
    boost::asio::post(parts_.io, [this, alive = std::weak_ptr<char>(alive_)] {
        if (alive.expired()) return;
        looking_ = false;
        while (!held_.empty() && bytes() > parts_.bounds.resume_buffer) {
            ++parts_.counts.limit_resume;
            end(std::max_element(held_.begin(), held_.end(),
                                 [](const auto& a, const auto& b) { return a.second->cost() < b.second->cost(); }),
                "more waits for broken links than fits (limits.resumeBuffer)");
        }
    });
}

void link_store::end(shelf::iterator at, std::string_view reason) {
    const std::string why(reason);
    auto dying = std::move(at->second);
    given_up_.push_back({at->first, dying->who.who.user, dying->who.who.authority, why});
    if (given_up_.size() > epitaphs) given_up_.pop_front();
    held_.erase(at);
    ++parts_.counts.given_up_links;
    log().warn("{} at {}: the broken link is given up: {} ({} streams)", dying->who.who.user, dying->who.address, why,
               dying->streams.size());
    dying->stop_waiting();
    dying->streams.close(why);
    dying_.push_back(std::move(dying));
    boost::asio::post(parts_.io, [this, alive = std::weak_ptr<char>(alive_)] {
        if (!alive.expired()) dying_.clear();
    });
}

}  // namespace gateway
