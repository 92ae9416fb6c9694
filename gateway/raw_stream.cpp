// A stock TLS client as the laptop side (ALPN `delve` or none): the connection is one debug stream,
// exactly the bytes an IDE would exchange with dlv. The component is the first label of the SNI.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "gateway/audit_trail.h"
#include "gateway/carrier.h"
#include "gateway/log.h"
#include "protocol/printable.h"
#include "gateway/sni.h"

namespace gateway {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds goodbye_time{10000};  // for a slow IDE to take what is queued

class raw_stream final : public carrier, channel_user, stream_peer {
public:
    raw_stream(gateway_parts& parts, admitted_channel in)
        : parts_(parts), in_(std::move(in)), idle_(parts.io), last_active_(steady_clock::now()) {
        ++parts_.counts.raw_streams;
        in_.channel->hand_over(*this);
        open();
        if (!over_) arm_idle();
    }

    ~raw_stream() override {
        in_.channel->abort();
        user_.reset();
    }

    // An IDE cannot be told to hurry: it keeps its session until close().
    void drain(std::string_view, std::chrono::milliseconds) override {}

    void close(std::string_view reason) override {
        if (std::exchange(finished_, true)) return;
        user_->lost(reason);
        in_.channel->shutdown(goodbye_time);
    }

    void expel(std::string_view reason) override {
        if (finished_) return;
        user_->expelled(reason);
        // A user with nothing to say has not finished.
        if (!std::exchange(finished_, true)) in_.channel->shutdown(goodbye_time);
    }

    void rebind(const auth::identity& renewed) override {
        in_.who.who = renewed;
        if (user_) user_->rebound(renewed);
    }

    std::size_t streams() const override { return finished_ ? 0 : 1; }

private:
    void open() {
        const std::string component = component_of(in_.sni, parts_.names, in_.channel->ssl());
        verdict said;
        if (!in_.refuse.empty())
            said.reason = in_.refuse;
        else if (parts_.draining)
            said.reason = "the gateway is shutting down; connect again in a moment";
        else
            said = parts_.components.open(in_.who, component, *this, user_);
        if (!said.accepted || !user_) {
            ++parts_.counts.refused_streams;
            if (parts_.audit) parts_.audit->refused_connection(in_.who.address, "no session with \"" + component + "\": " + said.reason, &in_.who.who);
            log().info("{} at {}: no session with \"{}\": {}", in_.who.who.user, in_.who.address,
                       protocol::printable(component), said.reason);
            user_ = make_refusal(*this, said.reason);
        }
    }

    // channel_user
    void opened() override {}
    void received(std::string_view bytes) override {
        last_active_ = steady_clock::now();
        if (finished_) return;
        outstanding_ += bytes.size();
        // Before the call: what consumed() gives back in it counts.
        if (outstanding_ > parts_.bounds.viewer_window) pause();
        user_->received(bytes);
    }
    void writable() override {
        last_active_ = steady_clock::now();
        if (!finished_) user_->writable();
    }
    void ended() override {
        if (!finished_) user_->ended();
    }
    void closed(close_cause, std::string_view text) override {
        if (!std::exchange(finished_, true)) user_->lost(text);
        over();
    }

    // stream_peer
    void send(std::string_view bytes) override {
        if (finished_) return;
        in_.channel->send(bytes);
        if (in_.channel->unsent() <= parts_.bounds.viewer_buffer || std::exchange(choked_, true)) return;
        // By post: send() never calls back into the user.
        boost::asio::post(parts_.io, [this, alive = std::weak_ptr<char>(alive_)] {
            if (alive.expired() || std::exchange(finished_, true)) return;
            ++parts_.counts.limit_viewer_buffer;
            log().warn("{} at {}: the IDE does not read what it is sent; closed", in_.who.who.user,
                       in_.who.address);
            user_->lost("the IDE does not read what it is sent");
            in_.channel->abort();
            over();
        });
    }
    std::size_t unsent() const override { return in_.channel->unsent(); }
    void consumed(std::size_t n) override {
        outstanding_ -= std::min(n, outstanding_);
        if (outstanding_ <= parts_.bounds.viewer_window / 2 && std::exchange(paused_, false))
            in_.channel->resume_reading();
    }
    void finish() override {
        if (std::exchange(finished_, true)) return;
        in_.channel->shutdown(goodbye_time);
    }
    void abort(std::string_view reason) override {
        if (std::exchange(finished_, true)) return;
        log().info("{} at {}: stream closed: {}", in_.who.who.user, in_.who.address, protocol::printable(reason));
        in_.channel->abort();
        over();
    }

    void pause() {
        if (std::exchange(paused_, true)) return;
        in_.channel->pause_reading();
    }

    void arm_idle() {
        idle_.expires_at(last_active_ + parts_.bounds.idle_time);
        idle_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
            if (ec || alive.expired() || finished_) return;
            if (steady_clock::now() < last_active_ + parts_.bounds.idle_time) return arm_idle();
            ++parts_.counts.limit_idle;
            log().info("{} at {}: idle; closed", in_.who.who.user, in_.who.address);
            close("the connection was idle (limits.idleTime)");
        });
    }

    void over() {
        over_ = true;
        idle_.cancel();
        if (in_.gone) boost::asio::post(parts_.io, std::exchange(in_.gone, {}));
    }

    gateway_parts& parts_;
    admitted_channel in_;
    boost::asio::steady_timer idle_;
    steady_clock::time_point last_active_;
    std::unique_ptr<stream_user> user_;
    std::size_t outstanding_ = 0;  // received and not yet consumed
    bool paused_ = false;
    bool choked_ = false;
    bool finished_ = false;  // the user hears no more
    bool over_ = false;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace

std::unique_ptr<carrier> make_raw_stream(gateway_parts& parts, admitted_channel in) {
    return std::make_unique<raw_stream>(parts, std::move(in));
}

}  // namespace gateway
