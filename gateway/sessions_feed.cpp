#include "gateway/sessions_feed.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include "gateway/component.h"
#include "gateway/log.h"
#include "gateway/page_view.h"
#include "gateway/utc.h"
#include "protocol/printable.h"

namespace gateway {

using protocol::json;

namespace {

constexpr std::chrono::milliseconds look_every{250};
constexpr std::size_t at_once = 8;
constexpr protocol::class_set observe{protocol::op_class::observe};

json fault(std::string_view code, std::string_view text) { return json::object{{"error", text}, {"code", code}}; }

}  // namespace

json sessions_feed::seen_by(const auth::identity& who) const {
    json::array components, sessions;
    for (auto* one : components_.visible(who)) {
        const auto granted = rights_.of(who, one->name());
        if (!granted.allows("sessions", observe)) continue;
        components.push_back(one->session_state(component::shows_source(granted)));
        one->list_sessions(sessions, false);
    }
    if (components.empty()) return {};
    return json::object{{"components", std::move(components)}, {"sessions", std::move(sessions)}};
}

json sessions_feed::of_node() const {
    json::array components, sessions;
    for (auto* one : components_.all()) {
        components.push_back(one->session_state(true));
        one->list_sessions(sessions, true);
    }
    return json::object{{"components", std::move(components)}, {"sessions", std::move(sessions)}};
}

void sessions_feed::handle(const caller& who, const http_request& request, api_stream to) {
    if (request.method != "GET") return to.answer({405, http_error("only GET is served here")});
    auto seen = seen_by(who.who);
    if (seen.is_null())
        return to.answer({403, protocol::to_text(fault("forbidden", "no component of this gateway is for " + who.who.user + " to observe"))});
    if (!follows(request.path)) return to.answer({200, protocol::to_text(seen)});
    const auto of_this_one = static_cast<std::size_t>(std::count_if(followers_.begin(), followers_.end(), [&](const follower& one) {
        return one.who.who.user == who.who.user && one.who.who.authority == who.who.authority && one.to.listening();
    }));
    followers_.remove_if([](const follower& one) { return !one.to.listening(); });
    const bool full = followers_.size() >= bounds_.followers;
    if (full || of_this_one >= bounds_.followers_per_user) {
        ++refused_;
        return to.answer({429, protocol::to_text(fault("limited", full ? "too many follow the sessions here (limits.followers)"
                                                                       : "you follow them " + std::to_string(of_this_one) + " times already"))});
    }
    log().info("{} follows the sessions", protocol::printable(who.who.user));
    followers_.push_back({who, std::move(to), {}, is_for_pages(request.path)});
    if (!tell(followers_.back())) followers_.pop_back();
    if (followers_.size() == 1) look();
}

bool sessions_feed::tell(follower& one) const {
    if (!one.to.listening()) return false;
    if (one.to.unsent() > most_unsent) {
        log().warn("{} follows the sessions and does not read what is sent: cut off", protocol::printable(one.who.who.user));
        one.to.cut();
        return false;
    }
    const auto certificate = one.page && own_certificate ? own_certificate() : std::nullopt;
    const auto seen = one.page ? page_view(one.who.who, components_, rights_, certificate, counted::left_out) : seen_by(one.who.who);
    if (seen.is_null()) {
        one.to.line(fault("forbidden", "no component of this gateway is for " + one.who.who.user + " to observe any more"));
        one.to.end();
        return false;
    }
    auto text = protocol::to_text(seen);
    if (text != one.told) {
        one.told = std::move(text);
        one.to.line(one.page ? page_view(one.who.who, components_, rights_, certificate, counted::shown) : seen);
    }
    if (one.page) tell_records(one);
    return true;
}

void sessions_feed::recorded(const audit_glimpse& record) {
    json text = json::object{{"number", ++recorded_}, {"time", utc_time(std::chrono::system_clock::now())}};
    const std::pair<const char*, std::string_view> texts[] = {{"kind", record.kind},           {"user", record.user},         {"component", record.component},
                                                              {"operation", record.operation}, {"decision", record.decision}, {"result", record.result}};
    // Some of it is a client's, and may be as long as a request.
    constexpr std::size_t most_text = 512;
    for (const auto& [key, value] : texts)
        if (!value.empty()) text.set(key, protocol::printable(value.substr(0, most_text)) + (value.size() > most_text ? "…" : ""));
    records_.push_back({recorded_, std::string(record.component), std::move(text)});
    if (records_.size() > records_kept) records_.pop_front();
}

void sessions_feed::tell_records(follower& one) const {
    const auto from = std::exchange(one.records_told, recorded_);
    json::array told;
    for (const auto& record : records_)
        if (record.number > from && may_see_audit(one.who.who, record.component, components_, rights_)) told.push_back(record.text);
    if (!told.empty()) one.to.line(json::object{{"audit", std::move(told)}});
}

void sessions_feed::look() {
    timer_.expires_after(look_every);
    timer_.async_wait([this](const boost::system::error_code& ec) {
        if (!ec) look_at_some(followers_.size());
    });
}

// Some at a time: what people do in their sessions does not wait until all have been told. Who has been goes to the end of the list.
void sessions_feed::look_at_some(std::size_t left) {
    for (std::size_t n = at_once; n > 0 && left > 0 && !followers_.empty(); --n, --left) {
        if (tell(followers_.front()))
            followers_.splice(followers_.end(), followers_, followers_.begin());
        else
            followers_.pop_front();
    }
    if (followers_.empty()) return;
    if (left == 0) return look();
    boost::asio::post(timer_.get_executor(), [this, left] { look_at_some(left); });
}

void sessions_feed::close() {
    timer_.cancel();
    for (auto& one : std::exchange(followers_, {})) {
        one.to.line(fault("draining", "the gateway is shutting down"));
        one.to.end();
    }
}

}  // namespace gateway
