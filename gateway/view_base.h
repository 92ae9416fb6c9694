// What both kinds of view share: who it is, its way to the IDE, and its end.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/audited_view.h"
#include "gateway/config.h"
#include "gateway/hub.h"
#include "gateway/permissions.h"
#include "gateway/stream.h"
#include "gateway/viewer_paths.h"
#include "protocol/operations.h"

namespace gateway {

struct view_limits {
    std::size_t rpc_request = 4u << 20;
    std::size_t dap_request = 4u << 20;
    std::size_t rpc_reply = 1u << 30;  // as the IDE gets it; a larger one is refused
    std::size_t dap_reply = 1u << 30;
    std::uint64_t* refused_replies = nullptr;  // counts those
    std::size_t depth = 64;
    std::size_t buffer = 64u << 20;  // bytes queued towards an IDE that does not read
    protocol::clamps clamps;
};

// Held by a shared_ptr: work of the hub that was begun for a view keeps it, so that it can be finished
// after the IDE has gone. `over_` then makes it say nothing more.
class view_base : public viewer, public std::enable_shared_from_this<view_base> {
public:
    view_base(hub& h, const permissions& rights, stream_peer& peer, caller who, view_limits limits,
              std::string session)
        : hub_(h), rights_(rights), peer_(peer), who_(std::move(who)), limits_(limits),
          session_(std::move(session)), paths_(who_.paths), waits_for_link_(h.context()) {}

    // Before anything is received: what this view does is recorded there.
    void record_in(audit_trail& trail, std::string component) {
        auto session = std::make_unique<audit_session>(trail, who_, session_, std::move(component));
        session->speaks(speaks_dap() ? "dap" : "json-rpc");
        audit_.begin(std::move(session));
    }

    // Before anything is received: what this view does counts there; of the hub's.
    void count_in(protocol_measures& measures) {
        measures_ = &measures;
        audit_.count_in(measures);
    }

    // From the IDE; as stream_user's.
    virtual void received(std::string_view bytes) = 0;
    virtual void writable() = 0;
    virtual void ended() = 0;
    // The stream is gone: `peer` must not be touched any more.
    virtual void close() {
        over_ = true;
        leave();
    }

    // Whoever it belongs to may not be here any more: requests that wait are answered with the reason, and
    // what the view has at dlv is let go of at once.
    void expel(std::string_view reason) { end_by(reason, [this] { hub_.expel(*this); }); }
    // Its place is needed, and it is as good as gone: what its owner has set stays as when they leave.
    void displace(std::string_view reason) { end_by(reason, [this] { hub_.leave(*this); }); }

    bool finished() const { return over_ || left_; }

    // A reply waits for a link that broke, as for an IDE that reads slowly. But when the link stays away it is read on into
    // what is kept: dlv is not to be held up for so long.
    void link_is(bool up) {
        away_ = false;
        waits_for_link_.cancel();
        link_down_since_ = up ? std::nullopt : std::optional(std::chrono::system_clock::now());
        if (up) return;
        waits_for_link_.expires_after(link_patience);
        waits_for_link_.async_wait([this, alive = weak_from_this()](const boost::system::error_code& ec) {
            const auto self = alive.lock();
            if (ec || !self || over_) return;
            away_ = true;
            writable();
        });
    }

    // The policy is another one from now on. Ends the view, saying why, when its person no longer sees
    // the component; what it asked for before and has not begun is to be asked for again.
    void permissions_changed() {
        if (over_ || left_) return;
        const auto had = grants_;  // nothing: it has not asked for anything yet
        if (!grants().sees())
            return revoked(who_.who.user + " may no longer debug " + hub_.name() +
                           ": the policy has changed; ask the gateway's administrator");
        if (!had || grants().same_as(*had)) return;
        hub_.withdraw(*this, "permissions have changed; ask again", false);
        regranted(had->classes());
        hub_.baton().recheck();
    }
    const caller& who() const override { return who_; }
    std::uint64_t said() const override { return peer_.sent() + waiting_.size(); }
    std::uint64_t heard() const override { return peer_.delivered(); }
    std::string role() const override { return grants().roles(); }
    bool may_read() const override { return grants().classes().has(protocol::op_class::read); }
    std::optional<std::chrono::system_clock::time_point> link_down_since() const override { return link_down_since_; }
    bool may_run() const override { return grants().classes().has(protocol::op_class::control); }
    void read_on() override { writable(); }
    void rebound(const auth::identity& now) {
        who_.who = now;
        audit_.rebound(now);
    }
    void cut_off(std::string_view reason) override {
        if (over_) return;
        over_ = true;
        leave();
        peer_.abort(reason);
    }

protected:
    void end_by(std::string_view reason, const std::function<void()>& letting_go) {
        if (over_) return;
        if (!std::exchange(left_, true)) letting_go();
        // In the middle of a message nothing else can be said.
        if (!mid_reply_) last_words(reason);
        if (std::exchange(over_, true)) return;
        if (mid_reply_) return peer_.abort(reason);
        peer_.finish();
    }

    virtual void process() = 0;      // what has been received
    virtual void acknowledge() = 0;  // and is dealt with

    // Who drives is served at once. The others take turns, so that neither many nor one who floods keep the driver waiting.
    bool has_turn() {
        if (in_turn_ || hub_.drives(*this)) {
            left_in_turn_ = in_turn_ ? left_in_turn_ : requests_in_a_turn;
            return true;
        }
        ask_for_turn();
        return false;
    }
    // Before each request but those that are done: after some it is the next one's turn.
    bool turn_goes_on() {
        if (left_in_turn_ > 0) return left_in_turn_--, true;
        ask_for_turn();
        return false;
    }

    // A request is whole when its last byte is here and those before it, of the same IDE, let it be taken.
    void bytes_came() {
        if (came_ == time_point{}) came_ = time_histogram::clock::now();
    }
    void took_request(bool whole) {
        const auto came = std::exchange(came_, {});
        if (whole) whole_ = came == time_point{} ? time_histogram::clock::now() : came;
    }
    void look_is_sent() {
        if (measures_) measures_->look_to_dlv.add(time_histogram::clock::now() - whole_);
    }
    void measure(run_order& order) {
        order.asked = whole_;
        if (measures_) order.measured = &measures_->run_to_dlv;
    }
    // The end of a look's reply came then, and has been handed to the IDE.
    void look_is_answered(time_histogram::clock::time_point came) {
        if (measures_) measures_->to_viewer.add(time_histogram::clock::now() - came);
    }

    virtual void last_words(std::string_view reason) = 0;
    virtual void tell_person(const std::string& line) { peer_.notice(line); }

    // Bytes on their way to the IDE beyond which a reply waits.
    static constexpr std::size_t high_water = 1u << 20;
    static constexpr std::chrono::seconds link_patience{60};
    // Whether what passes through waits until the IDE has read more: not while somebody waits to run, nor for a link that
    // stays away.
    bool has_to_wait() const { return !over_ && !away_ && peer_.unsent() > high_water && !hub_.impatient(); }

    // What this person has by the policy of now.
    const auth::grants& grants() const {
        if (grants_of_ != rights_.generation() || !grants_) {
            grants_ = rights_.of(who_.who, hub_.name());
            grants_of_ = rights_.generation();
        }
        return *grants_;
    }
    // Nothing when this person may do it, else the reason, one line.
    std::optional<std::string> forbidden(std::string_view operation, protocol::class_set needs) const {
        if (grants().allows(operation, needs)) return std::nullopt;
        return auth::refusal_text(grants().decide(operation, needs), who_.who.user, operation, hub_.name());
    }
    // The person may do nothing here any more: says so and ends.
    virtual void revoked(const std::string& reason) = 0;
    // The classes are others than `before`.
    virtual void regranted(protocol::class_set before) = 0;

    // Callbacks given to others are wrapped, so that they do nothing once this view is gone.
    template <class F>
    auto guarded(F f) {
        return [alive = weak_from_this(), f = std::move(f)](auto&&... args) {
            if (auto self = alive.lock()) f(std::forward<decltype(args)>(args)...);
        };
    }

    void leave() {
        if (left_) return;
        left_ = true;
        hub_.leave(*this);
    }

    // Everything said, the IDE's view ends: what is queued is still sent.
    void finish() {
        if (over_) return;
        over_ = true;
        leave();
        peer_.finish();
    }

    // Calls `then` once the viewer's paths are known, where its checkout is and the program can be asked; `halt`: it may
    // be halted for that. Words for the person go to whoever carries the stream.
    void know_paths(bool halt, std::function<void()> then) {
        if (!paths_.pending() || !(hub_.now() == phase::stopped || (halt && hub_.now() == phase::running))) return then();
        learn_then(hub_, *this, paths_, halt, [this, keep = shared_from_this(), then](const std::vector<std::string>& words) {
            if (over_) return;
            for (const auto& line : words) tell_person(line);
            then();
        });
    }

    // One whole message to the IDE. While a large reply is passing through, it waits for its end.
    void post(std::string_view message) {
        if (mid_reply_)
            waiting_ += message;
        else
            send(message);
    }
    void begin_reply() { mid_reply_ = true; }
    void end_reply() {
        mid_reply_ = false;
        if (!waiting_.empty()) send(std::exchange(waiting_, {}));
    }
    // dlv broke off inside a reply: what was begun cannot be completed.
    bool broken_reply(std::string_view reason) {
        if (!mid_reply_) return false;
        cut_off(reason);
        return true;
    }

    // A reply goes beyond its limit: counts it, and says so in one line.
    std::string too_large(std::string_view what, std::string_view key, std::size_t limit) {
        if (limits_.refused_replies) ++*limits_.refused_replies;
        return std::string(what) + " is larger than " + format_size(limit) + " (limits." + std::string(key) +
               " of the gateway); ask for less at once";
    }

    // Bytes to the IDE; one that lets more than its share pile up is cut off.
    void send(std::string_view bytes) {
        if (over_) return;
        peer_.send(bytes);
        if (peer_.unsent() + waiting_.size() <= limits_.buffer) return;
        ++hub_.measures().cut_off;
        cut_off("the IDE does not read what the debugger sends");
    }

    // By the policy of now, for the audit.
    std::string rule_for(const protocol::judged& j) const { return grants().decide(j.operation, j.classes).rule; }

    hub& hub_;
    const permissions& rights_;
    audited_view audit_;
    stream_peer& peer_;
    caller who_;
    view_limits limits_;
    std::string session_;
    viewer_paths paths_;
    bool over_ = false;   // nothing more is sent or handled
    bool left_ = false;
    bool input_ended_ = false;

private:
    static constexpr std::size_t requests_in_a_turn = 16;
    void ask_for_turn() {
        if (std::exchange(awaits_turn_, true)) return;
        hub_.turns().later(this, guarded([this] {
            awaits_turn_ = false;
            if (over_) return;
            in_turn_ = true;
            left_in_turn_ = requests_in_a_turn;
            process();
            in_turn_ = false;
            acknowledge();
        }));
    }

    using time_point = time_histogram::clock::time_point;
    protocol_measures* measures_ = nullptr;
    time_point came_{}, whole_{};
    bool awaits_turn_ = false, in_turn_ = false;
    std::size_t left_in_turn_ = 0;
    asio::steady_timer waits_for_link_;
    bool away_ = false;
    std::optional<std::chrono::system_clock::time_point> link_down_since_;
    bool mid_reply_ = false;
    mutable std::optional<auth::grants> grants_;
    mutable std::uint64_t grants_of_ = 0;
    std::string waiting_;
};

}  // namespace gateway
