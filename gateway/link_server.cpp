// The server end of ALPN delvegate/1 (docs/protocol.md): hello, opens and their verdicts, the list of
// components, keep-alive and the goodbye. The streams' data is link_streams' business.
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "gateway/audit_trail.h"
#include "gateway/carrier.h"
#include "gateway/config.h"
#include "gateway/link_store.h"
#include "gateway/link_streams.h"
#include "gateway/log.h"
#include "gateway/verdict_wire.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

using protocol::frame_type;
using protocol::json;
using std::chrono::steady_clock;

constexpr std::int64_t link_version = 1;
constexpr std::size_t pause_above = 1024 * 1024;   // unsent bytes; more than streams alone can queue
constexpr std::size_t list_size = 48 * 1024;       // of a COMPONENTS frame, below link_max_control
constexpr std::size_t max_agent = 128;
constexpr std::size_t max_stop = 64;
constexpr std::chrono::milliseconds goodbye_time{2000};

class link_server final : public carrier, channel_user, link_owner, link_output, link_store::live {
public:
    link_server(gateway_parts& parts, admitted_channel in)
        : parts_(parts), in_(std::move(in)), timer_(parts.io), idle_since_(steady_clock::now()) {
        if (parts_.bounds.resume_time.count() > 0) token_ = link_store::new_token();
        ++parts_.counts.links;
        in_.channel->hand_over(*this);
        in_.channel->expect_traffic();
        json hello;
        hello.set("version", link_version);
        hello.set("agent", "delvegate/" DELVEGATE_VERSION);
        hello.set("window", static_cast<std::uint64_t>(protocol::link_window));
        hello.set("pingSeconds", std::int64_t{parts_.bounds.ping_time.count() / 1000});
        hello.set("maxStreams", static_cast<std::uint64_t>(parts_.bounds.streams_per_link));
        if (!token_.empty()) {
            hello.set("link", token_);
            hello.set("keepSeconds", std::int64_t{parts_.bounds.resume_time.count() / 1000});
        }
        streams_.send_control(frame_type::hello, 0, hello);
        if (!in_.refuse.empty()) {
            goaway(in_.refuse, std::chrono::milliseconds(0));
            leave(in_.refuse);
        } else {
            arm_timer();
        }
    }

    ~link_server() override {
        parts_.links->down(token_, *this);
        streams_.close("the gateway closed the link");
        in_.channel->abort();
    }

    void drain(std::string_view reason, std::chrono::milliseconds within) override {
        if (leaving_) return;
        draining_ = true;
        goaway(reason, within);
        // What another gateway can go on with does not wait for the end of this one.
        if (streams_.size() == streams_.rebuildable()) leave(reason);
    }

    void close(std::string_view reason) override {
        if (!leaving_ && !draining_) goaway(reason, std::chrono::milliseconds(0));
        leave(reason);
    }

    void expel(std::string_view reason) override {
        if (leaving_) return;
        streams_.expel(reason);
        json body = goaway_body(reason, 0);
        body.set("code", "expelled");
        streams_.send_control(frame_type::goaway, 0, body);
        leave(reason);
    }

    void rebind(const auth::identity& renewed) override {
        in_.who.who = renewed;
        streams_.rebound(renewed);
    }

    std::size_t streams() const override { return streams_.size(); }

private:
    // channel_user
    void opened() override {}
    void received(std::string_view bytes) override {
        if (leaving_) return;
        streams_.feed(bytes);
        // Answers to pings and lists are the only output that no window bounds.
        if (in_.channel->unsent() > pause_above) in_.channel->pause_reading();
    }
    void writable() override {
        streams_.pump();
        if (in_.channel->unsent() <= pause_above / 2) in_.channel->resume_reading();
    }
    void ended() override {
        if (in_.channel->peer_said_goodbye() || !hold("the connection ended")) leave("the client closed the link");
    }
    void closed(close_cause, std::string_view text) override {
        const std::string reason = "the link broke: " + std::string(text);
        if (hold(text)) return;
        if (!leaving_ && streams_.size() > 0)
            log().warn("{} at {}: {} ({} streams)", in_.who.who.user, in_.who.address, reason,
                       streams_.size());
        streams_.close(reason);
        in_.channel->abort();
        over();
    }

    // link_output
    void send(std::string_view bytes) override { in_.channel->send(bytes); }
    std::size_t unsent() const override { return in_.channel->unsent(); }

    // link_owner
    bool control(frame_type type, std::uint32_t stream, const json& body) override {
        switch (type) {
            case frame_type::hello: return on_hello(body);
            case frame_type::open: return on_open(stream, body);
            case frame_type::list: return on_list();
            case frame_type::resume: return stream == 0 && on_resume(body);
            default: return false;
        }
    }

    bool on_hello(const json& body) {
        const json* version = body.find("version");
        if (!version || !version->as_int()) return false;
        if (*version->as_int() != link_version) {
            close("this gateway speaks version 1 of the link; use a delvegate of the same release");
            return true;
        }
        const std::string agent = protocol::printable(body.get_string("agent").substr(0, max_agent));
        if (!agent.empty()) in_.who.client = agent;
        if (body.get_bool("promptAcks")) streams_.prompt_acks();
        if (body.get_bool("resumes") && !token_.empty()) {
            keeps_ = true;
            streams_.keep();
            parts_.links->up(token_, *this);
        }
        rebuilds_ = body.get_bool("rebuilds");
        log().info("{} at {}: link opened by {}", in_.who.who.user, in_.who.address, in_.who.client);
        return true;
    }

    bool on_open(std::uint32_t id, const json& body) {
        if (id % 2 == 0 || id <= streams_.last_id()) return false;
        const json* name = body.find("component");
        if (name && !name->is_string()) return false;
        const std::string component(body.get_string("component"));
        auto paths = protocol::read_client_paths(body);
        if (!paths) return false;
        caller who = in_.who;
        const json* stop = body.find("stop");
        if (stop && (!stop->is_string() || stop->if_string()->size() > max_stop)) return false;
        who.stop = protocol::printable(body.get_string("stop"));
        who.again = body.get_bool("again");
        if (!paths->empty()) who.paths = std::make_shared<protocol::client_paths>(std::move(*paths));

        verdict said;
        if (draining_ || parts_.draining) {
            said.code = "draining";
            said.reason = "the gateway is shutting down; connect again in a moment";
        } else if (streams_.size() >= parts_.bounds.streams_per_link) {
            ++parts_.counts.limit_streams;
            said.code = "limit";
            said.reason = "this link carries " + std::to_string(parts_.bounds.streams_per_link) +
                          " debug connections already (limits.streamsPerLink); close one";
        } else {
            link_stream& stream = streams_.add(id);
            stream.cork();
            std::unique_ptr<stream_user> user;
            said = parts_.components.open(who, component, stream, user);
            if (said.accepted && (!user || stream.gone())) {
                said = {};
                said.code = "not-running";
                said.reason = "the session ended before it began; try again";
            }
            if (user) stream.attach(std::move(user));
            if (said.accepted) {
                ++parts_.counts.streams;
                said.rebuilds = said.rebuilds && keeps_ && rebuilds_;
                if (who.again) note_rebuilding(said);
                send_verdict(id, said);
                stream.uncork();
                return true;
            }
        }
        ++parts_.counts.refused_streams;
        send_verdict(id, said);
        streams_.refuse(id);
        if (parts_.audit) parts_.audit->refused_connection(in_.who.address, "no session with \"" + component.substr(0, max_agent) + "\": " + said.reason, &in_.who.who);
        log().info("{} at {}: no session with \"{}\": {}", in_.who.who.user, in_.who.address,
                   protocol::printable(component.substr(0, max_agent)), said.reason);
        return true;
    }

    void note_rebuilding(const verdict& said) {
        log().info("{} at {}: a view of an earlier gateway's is rebuilt at {}", in_.who.who.user, in_.who.address, said.component);
        if (parts_.audit)
            parts_.audit->administration(in_.who.address, in_.who.who.user + " comes back to " + said.component +
                                                              " with a view of an earlier gateway's: session " + said.session);
    }

    void send_verdict(std::uint32_t id, const verdict& said) {
        const json body = to_json(said);
        if (said.accepted) streams_.find(id)->was_made_by(body);
        streams_.send_control(frame_type::verdict, id, body);
    }

    bool on_list() {
        json::array components;
        std::size_t size = 0;
        for (const auto& one : parts_.components.list(in_.who.who)) {
            json entry;
            entry.set("name", one.name);
            entry.set("state", one.state);
            entry.set("detail", one.detail);
            size += protocol::to_text(entry).size() + 1;
            if (size > list_size) break;
            components.push_back(std::move(entry));
        }
        json body;
        body.set("components", std::move(components));
        streams_.send_control(frame_type::components, 0, body);
        return true;
    }

    // A client that is told no opens its streams anew; its IDEs see their connections end.
    bool on_resume(const json& body) {
        const auto there = read_places(body.find("streams"));
        const std::string link(body.get_string("link"));
        if (streams_.last_id() != 0 || std::exchange(resume_asked_, true) || !there) return false;
        json answer;
        std::string no = keeps_ ? "the gateway is shutting down" : "a link that is not to be kept cannot go on";
        const bool possible = keeps_ && !draining_ && !parts_.draining;
        bool unknown = false;
        link_streams* const from = possible ? parts_.links->find(link, in_.who, no, &unknown) : nullptr;
        if (from) {
            no = from->fault_in(*there);
            if (no.empty()) return go_on(link, *from, *there);
            // Nonsense from whoever it belongs to: it cannot go on.
            ++parts_.counts.broken_links;
            no = "the laptop's account of the link is wrong: " + no;
            parts_.links->give_up(link, no);
            unknown = false;
        }
        log().info("{} at {}: cannot go on with a broken link: {}", in_.who.who.user, in_.who.address, no);
        answer.set("ok", false);
        answer.set("reason", no);
        if (unknown) answer.set("code", "unknown");
        if (draining_ || parts_.draining) answer.set("code", "draining");
        streams_.send_control(frame_type::resumed, 0, answer);
        return true;
    }

    bool go_on(const std::string& link, link_streams& from, const std::vector<stream_place>& there) {
        streams_.take_over(from);
        parts_.links->taken(link);
        parts_.links->down(token_, *this);
        token_ = link;
        parts_.links->up(token_, *this);
        json answer;
        answer.set("ok", true);
        answer.set("streams", to_json(streams_.places()));
        streams_.send_control(frame_type::resumed, 0, answer);
        log().info("{} at {}: a broken link goes on ({} streams)", in_.who.who.user, in_.who.address, streams_.size());
        if (parts_.audit)
            parts_.audit->administration(in_.who.address, in_.who.who.user + " goes on with a link that broke, " +
                                                              std::to_string(streams_.size()) + " sessions");
        streams_.rebound(in_.who.who);
        streams_.tell_link(true, in_.who.address);
        streams_.resume(there);
        return true;
    }

    // link_store::live
    const auth::identity& identity() const override { return in_.who.who; }
    void displaced() override { hold("its laptop has come by another connection"); }

    // The streams wait for the laptop to come back. False: there is nothing to wait with.
    bool hold(std::string_view why) {
        if (leaving_ || draining_ || parts_.draining || !keeps_ || streams_.empty()) return false;
        log().warn("{} at {}: the link broke: {}; {} streams are kept for {}", in_.who.who.user, in_.who.address,
                   protocol::printable(why), streams_.size(), format_duration(parts_.bounds.resume_time));
        parts_.links->keep(token_, in_.who, streams_);
        in_.channel->abort();
        over();
        return true;
    }

    void stream_overflowed(std::uint32_t) override { ++parts_.counts.limit_viewer_buffer; }

    void stream_closed(std::uint32_t) override {
        if (streams_.size() > 0) return;
        idle_since_ = steady_clock::now();
        if (draining_) leave("drained");
    }

    void broken(std::string_view reason) override {
        ++parts_.counts.broken_links;
        log().warn("{} at {}: link closed: {}", in_.who.who.user, in_.who.address, reason);
        // The streams are dead already, and so is feed(); the client still learns why.
        std::string frame;
        protocol::append_control(frame, frame_type::goaway, 0, goaway_body(reason, 0));
        in_.channel->send(frame);
        leave(reason);
    }

    void collect_later() override {
        if (std::exchange(collecting_, true)) return;
        boost::asio::post(parts_.io, [this, alive = std::weak_ptr<char>(alive_)] {
            if (alive.expired()) return;
            collecting_ = false;
            streams_.collect();
        });
    }

    json goaway_body(std::string_view reason, std::int64_t seconds) const {
        json body;
        body.set("reason", reason);
        body.set("seconds", seconds);
        if (draining_ || parts_.draining) body.set("code", "draining");
        return body;
    }
    void goaway(std::string_view reason, std::chrono::milliseconds within) {
        streams_.send_control(frame_type::goaway, 0, goaway_body(reason, within.count() / 1000));
    }

    void arm_timer() {
        timer_.expires_after(parts_.bounds.ping_time);
        timer_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
            if (!ec && !alive.expired() && !leaving_) on_timer();
        });
    }

    void on_timer() {
        if (!streams_.greeted()) return close("no hello came; is this a delvegate client?");
        if (!streams_.tick()) {
            if (hold("it is silent")) return;
            log().warn("{} at {}: the link is silent; closed", in_.who.who.user, in_.who.address);
            streams_.close("the laptop's end of the link is gone");
            in_.channel->abort();
            return over();
        }
        if (streams_.size() == 0 && steady_clock::now() - idle_since_ >= parts_.bounds.link_idle_time) {
            ++parts_.counts.limit_idle;
            return close("the link was idle (limits.linkIdleTime)");
        }
        arm_timer();
    }

    // Says goodbye and goes; closed() comes when the client has seen it, or takes too long.
    void leave(std::string_view reason) {
        if (std::exchange(leaving_, true)) return;
        timer_.cancel();
        streams_.close(reason);
        in_.channel->shutdown(goodbye_time);
    }

    void over() {
        leaving_ = true;
        timer_.cancel();
        if (in_.gone) boost::asio::post(parts_.io, std::exchange(in_.gone, {}));
    }

    gateway_parts& parts_;
    admitted_channel in_;
    boost::asio::steady_timer timer_;
    link_streams streams_{*this, *this, parts_.bounds.viewer_buffer};
    steady_clock::time_point idle_since_;
    std::string token_;
    bool keeps_ = false;         // the client comes back when the link breaks
    bool rebuilds_ = false;      // … and when this gateway has been followed by another one
    bool resume_asked_ = false;
    bool collecting_ = false;
    bool draining_ = false;
    bool leaving_ = false;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace

std::unique_ptr<carrier> make_link_server(gateway_parts& parts, admitted_channel in) {
    return std::make_unique<link_server>(parts, std::move(in));
}

}  // namespace gateway
