#include "gateway/laptop_connection.h"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "gateway/verdict_wire.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

using protocol::frame_type;
using protocol::json;
using std::chrono::steady_clock;

constexpr std::int64_t link_version = 1;
constexpr std::chrono::milliseconds handshake_time{10'000};
// A gateway answers hellos and opens at once; one that does not is gone, though TCP may need minutes
// to notice (a laptop that slept, a NAT that forgot).
constexpr std::chrono::milliseconds answer_time{8'000};
constexpr std::chrono::milliseconds ping_time{10'000};
constexpr std::chrono::milliseconds goodbye_time{1'000};
constexpr std::size_t pause_above = 1024 * 1024;
constexpr std::size_t longest_token = 128;
constexpr std::int64_t longest_keep = 24 * 3600;
// Sessions stop reading their IDE long before.
constexpr std::size_t queue_limit = 16 * 1024 * 1024;

}  // namespace

laptop_connection::laptop_connection(boost::asio::io_context& io, std::string host, auth::tls_files files,
                                     connection_owner& owner)
    : io_(io),
      host_(std::move(host)),
      files_(std::move(files)),
      owner_(&owner),
      streams_(*this, *this, queue_limit),
      pings_(io),
      answers_(io) {}

laptop_connection::~laptop_connection() {
    if (channel_) channel_->abort();
}

void laptop_connection::start(way_there way, SSL_CTX* context, broken_link* broken) {
    broken_ = broken;
    tunnel_ = std::move(way.through);
    ssl_handle ssl(SSL_new(context));
    auth::set_expected_host(ssl.get(), host_, {}, {auth::alpn_link});
    channel_ = tls_channel::make(std::move(way.socket), std::move(ssl), tls_channel::role::client, *this);
    json hello;
    hello.set("version", link_version);
    hello.set("agent", "delvegate/" DELVEGATE_VERSION);
    hello.set("promptAcks", true);
    hello.set("resumes", true);
    hello.set("rebuilds", true);
    // Leaves with the last flight of the handshake: no round trip of its own.
    streams_.send_control(frame_type::hello, 0, hello);
    if (broken_) {
        auto places = broken_->streams.places();
        for (auto& one : places) one.undecided = broken_->undecided.contains(one.stream);
        json resume;
        resume.set("link", broken_->token);
        resume.set("streams", to_json(places));
        streams_.send_control(frame_type::resume, 0, resume);
    }
    channel_->start(handshake_time);
}

void laptop_connection::open(std::string_view component, std::shared_ptr<stream_caller> caller,
                             const protocol::client_paths& paths, std::string_view stop, bool again) {
    if (failing_ || !goodbye_.empty())
        return caller->failed(goodbye_.empty() ? "the link to the gateway just broke" : goodbye_);
    const std::uint32_t id = next_id_;
    next_id_ += 2;
    json body;
    body.set("component", component);
    protocol::write_client_paths(body, paths);
    if (!stop.empty()) body.set("stop", stop);
    if (again) body.set("again", true);
    streams_.send_control(frame_type::open, id, body);
    link_stream& stream = streams_.add(id);
    undecided_[id] = {caller, steady_clock::now()};
    expect_answer();
    caller->opened(stream);
}

void laptop_connection::list() { streams_.send_control(frame_type::list, 0, json::object{}); }

void laptop_connection::close(std::string_view reason) {
    if (std::exchange(failing_, true)) return;
    pings_.cancel();
    answers_.cancel();
    streams_.close(reason);
    if (channel_) channel_->shutdown(goodbye_time);
}

// --- the channel ---

void laptop_connection::opened() {
    if (auth::selected_alpn(channel_->ssl()) != auth::alpn_link)
        return fail_later({trouble::refused, host_ + " speaks TLS, but is no delvegate gateway"});
    channel_->expect_traffic();
    expect_answer();
    pings_.expires_after(ping_time);
    tick();
}

void laptop_connection::received(std::string_view bytes) {
    const auto self = shared_from_this();
    streams_.feed(bytes);
    if (channel_->unsent() > pause_above) channel_->pause_reading();
}

void laptop_connection::writable() {
    streams_.pump();
    if (channel_->unsent() <= pause_above / 2) channel_->resume_reading();
}

// A tunnel that ended knows better why.
bool laptop_connection::tunnel_ended(link_problem& why) const {
    auto said = tunnel_ ? tunnel_->complaint() : std::string();
    if (said.empty()) return false;
    why = {trouble::unreachable, std::move(said)};
    return true;
}

void laptop_connection::ended() {
    if (link_problem why; goodbye_.empty() && tunnel_ended(why)) return fail_later(std::move(why));
    fail_later({streams_.greeted() && goodbye_.empty() ? trouble::unreachable : goodbye_kind_,
                goodbye_.empty() ? host_ + " closed the link" : goodbye_});
}

void laptop_connection::closed(close_cause cause, std::string_view text) {
    const auto self = shared_from_this();
    if (failing_) return;
    link_problem why;
    switch (cause) {
        case close_cause::tls:
            // Bytes spoiled on their way are no judgement on a certificate.
            if (streams_.greeted()) {
                why.line = "the connection to " + host_ + " broke: " + std::string(text);
                break;
            }
            why = {trouble::certificate, auth::explain_tls_failure(channel_->ssl(), host_, files_)};
            break;
        case close_cause::timeout:
            why.line = host_ + " does not answer the TLS handshake; is a delvegate gateway listening there?";
            break;
        case close_cause::done:
        case close_cause::network:
            why.line = "the connection to " + host_ + " broke: " + std::string(text);
            break;
    }
    if (!goodbye_.empty())
        why = {goodbye_kind_, goodbye_};
    else
        tunnel_ended(why);
    fail(std::move(why));
}

// --- the link ---

bool laptop_connection::control(frame_type type, std::uint32_t stream, const json& body) {
    switch (type) {
        case frame_type::hello: return stream == 0 && on_hello(body);
        case frame_type::verdict: return on_verdict(stream, body);
        case frame_type::components: return stream == 0 && on_components(body);
        case frame_type::goaway: return stream == 0 && on_goaway(body);
        case frame_type::notice: return on_notice(stream, body);
        case frame_type::resumed: return stream == 0 && on_resumed(body);
        default: return false;
    }
}

bool laptop_connection::on_hello(const json& body) {
    const json* version = body.find("version");
    if (!version || !version->as_int()) return false;
    if (*version->as_int() != link_version) {
        fail_later({trouble::refused, host_ + " speaks another version of the link (" +
                                          std::to_string(*version->as_int()) +
                                          "); use a delvegate of the same release"});
        return true;
    }
    token_ = body.get_string("link");
    if (token_.size() > longest_token) token_.clear();
    keep_time_ = std::chrono::seconds(std::clamp<std::int64_t>(body.get_int("keepSeconds"), 0, longest_keep));
    if (!token_.empty()) streams_.keep();
    if (!broken_) greet();
    return true;
}

// Posted: the owner may open streams, or let go of this connection.
void laptop_connection::greet() {
    boost::asio::post(io_, [self = shared_from_this()] {
        if (!self->failing_ && self->goodbye_.empty()) self->owner_->greeted();
    });
}

bool laptop_connection::on_resumed(const json& body) {
    if (!broken_) return false;
    if (body.get_bool("ok")) {
        const auto there = read_places(body.find("streams"));
        if (!there || !broken_->streams.fault_in(*there).empty()) return false;
        go_on(*there);
        owner_->resumed({}, false);
    } else {
        broken_ = nullptr;
        const auto reason = protocol::printable(body.get_string("reason"));
        const auto code = body.get_string("code");
        owner_->resumed(reason.empty() ? "the gateway does not go on with the link" : reason,
                        code == "unknown" || code == "draining");
    }
    greet();
    return true;
}

void laptop_connection::go_on(const std::vector<stream_place>& there) {
    broken_link& broken = *std::exchange(broken_, nullptr);
    streams_.take_over(broken.streams);
    token_ = broken.token;
    next_id_ = broken.next_id;
    undecided_ = std::exchange(broken.undecided, {});
    for (auto& [id, one] : undecided_) one.since = steady_clock::now();
    for (const auto& one : there) {
        const auto at = undecided_.find(one.stream);
        if (!one.reset || at == undecided_.end()) continue;
        // It was taken, and its requests may have been done: they are not said again.
        const auto caller = std::move(at->second.caller);
        undecided_.erase(at);
        verdict said;
        said.accepted = true;
        caller->decided(said);
    }
    if (!undecided_.empty()) expect_answer();
    streams_.resume(there);
}

bool laptop_connection::on_verdict(std::uint32_t stream, const json& body) {
    const auto at = undecided_.find(stream);
    // A stream that its IDE gave up before the verdict is known no more.
    if (at == undecided_.end()) return stream != 0 && stream < next_id_;
    const auto caller = std::move(at->second.caller);
    undecided_.erase(at);
    const verdict said = read_verdict(body);
    if (!said.accepted) streams_.refuse(stream);
    caller->decided(said);
    return true;
}

bool laptop_connection::on_components(const json& body) {
    const json* list = body.find("components");
    if (!list || (!list->if_array() && !list->is_null())) return false;
    std::vector<component_summary> components;
    if (list->if_array())
        for (const auto& entry : *list->if_array())
            components.push_back({protocol::printable(entry.get_string("name")), protocol::printable(entry.get_string("state")),
                                  protocol::printable(entry.get_string("detail"))});
    boost::asio::post(io_, [self = shared_from_this(), components = std::move(components)] {
        if (!self->failing_) self->owner_->listed(components);
    });
    return true;
}

bool laptop_connection::on_notice(std::uint32_t stream, const json& body) {
    // That of an IDE that has gone may have been under way.
    if (!streams_.find(stream)) return stream < next_id_;
    boost::asio::post(io_, [self = shared_from_this(), line = short_reason(body.get_string("text"))] {
        if (!self->failing_) self->owner_->noticed(line);
    });
    return true;
}

bool laptop_connection::on_goaway(const json& body) {
    goodbye_ = protocol::printable(body.get_string("reason"));
    if (goodbye_.empty()) goodbye_ = "the gateway is going away";
    if (body.get_string("code") == "expelled") goodbye_kind_ = trouble::expelled;
    successor_ = body.get_string("code") == "draining";
    boost::asio::post(io_, [self = shared_from_this()] {
        if (!self->failing_) self->owner_->leaving(self->goodbye_);
    });
    return true;
}

void laptop_connection::stream_closed(std::uint32_t stream) { undecided_.erase(stream); }

void laptop_connection::broken(std::string_view reason) {
    fail_later({trouble::refused,
                host_ + " breaks the protocol of the link: " + protocol::printable(reason)});
}

void laptop_connection::collect_later() {
    if (std::exchange(collecting_, true)) return;
    boost::asio::post(io_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->collecting_ = false;
        self->streams_.collect();
    });
}

// --- time ---

void laptop_connection::expect_answer() {
    if (std::exchange(answers_armed_, true)) return;
    const auto since = undecided_.empty() ? steady_clock::now() : undecided_.begin()->second.since;
    answers_.expires_at(since + answer_time);
    answers_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
        const auto self = weak.lock();
        if (ec || !self || self->failing_) return;
        self->answers_armed_ = false;
        const bool overdue = !self->undecided_.empty() &&
                             steady_clock::now() >= self->undecided_.begin()->second.since + answer_time;
        if (!self->streams_.greeted() || self->broken_ || overdue)
            return self->fail({trouble::unreachable, self->host_ + " does not answer"});
        if (!self->undecided_.empty()) self->expect_answer();
    });
}

void laptop_connection::tick() {
    pings_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
        const auto self = weak.lock();
        if (ec || !self || self->failing_) return;
        if (!self->streams_.tick())
            return self->fail({trouble::unreachable, self->host_ + " fell silent"});
        self->pings_.expires_after(ping_time);
        self->tick();
    });
}

// --- the end ---

void laptop_connection::fail_later(link_problem why) {
    boost::asio::post(io_, [self = shared_from_this(), why = std::move(why)] { self->fail(why); });
}

void laptop_connection::fail(link_problem why) {
    if (std::exchange(failing_, true)) return;
    const auto self = shared_from_this();
    pings_.cancel();
    answers_.cancel();
    channel_->abort();
    auto left = what_is_left(why);
    undecided_.clear();
    owner_->gone(why, std::move(left));
    if (successor_)
        streams_.forget(why.line);
    else
        streams_.close(why.line);
}

// Nothing, when the gateway sent us away or does not keep links.
std::unique_ptr<broken_link> laptop_connection::what_is_left(const link_problem& why) {
    if (why.kind != trouble::unreachable || !goodbye_.empty() || token_.empty() || broken_ || streams_.empty()) return {};
    auto left = std::make_unique<broken_link>(io_, queue_limit);
    left->token = token_;
    left->time = keep_time_;
    left->next_id = next_id_;
    left->undecided = std::exchange(undecided_, {});
    left->streams.take_over(streams_);
    return left;
}

}  // namespace gateway
