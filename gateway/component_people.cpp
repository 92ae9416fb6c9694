// Who is at a component.
#include <algorithm>
#include <chrono>

#include "gateway/component.h"
#include "gateway/debug_stream.h"
#include "gateway/time_left.h"
#include "gateway/utc.h"

namespace gateway {

using protocol::json;

std::size_t component::places_taken() const {
    return static_cast<std::size_t>(
        std::count_if(streams_.begin(), streams_.end(), [](auto* s) { return s->takes_place(); }));
}

std::string component::who_is_here() const {
    std::string people;
    for (auto* s : streams_) {
        if (!s->takes_place()) continue;
        if (!people.empty()) people += ", ";
        people += s->who().who.user + " (" + std::string(s->protocol()) + ", since " + utc_time(s->since());
        if (s->away()) people += "; link down since " + utc_time(*s->away());
        people += ")";
    }
    return people;
}

// Whoever comes anew while a broken link of theirs is waited for has given that up, more likely than not.
void component::give_way_to(const auth::identity& who) {
    debug_stream* longest = nullptr;
    for (auto* s : streams_)
        if (s->takes_place() && s->away() && s->who().who.user == who.user && s->who().who.authority == who.authority &&
            (!longest || *s->away() < *longest->away()))
            longest = s;
    if (longest) longest->displaced("its place was taken by another connection of " + who.user + ", for its link was down");
}

void component::list_sessions(json::array& all, bool for_node) const {
    const auto now = static_cast<long long>(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
    for (auto* s : streams_) {
        if (!s->takes_place()) continue;
        const auto& who = s->who();
        json one = json::object{};
        one.set("session", s->session());
        one.set("component", name());
        one.set("user", who.who.user);
        one.set("role", rights_.of(who.who, name()).roles());
        one.set("ide", s->ide());
        one.set("protocol", s->protocol());
        one.set("since", utc_time(s->since()));
        if (s->away()) one.set("awaySince", utc_time(*s->away()));
        if (for_node) {
            json::array groups;
            for (const auto& group : who.who.groups) groups.emplace_back(group);
            one.set("groups", std::move(groups));
            one.set("authority", who.who.authority);
            one.set("address", who.address);
            one.set("client", who.client);
            one.set("certificateEnds", utc_time(std::chrono::system_clock::from_time_t(who.who.not_after)));
            one.set("certificateWarning", nearly_over(who.who.not_before, who.who.not_after, now));
        }
        all.push_back(std::move(one));
    }
}

bool component::shows_source(const auth::grants& rights) { return rights.allows("source", {protocol::op_class::read}); }

json component::session_state(bool source) {
    const auto known = status();
    json out = json::object{{"component", name()}};
    for (const auto* key : {"state", "since", "by", "reason", "position", "exitStatus", "stop", "park", "runControl"})
        if (const auto* value = known.find(key)) out.set(key, *value);
    if (!sources_) return out;
    sources_->keep_up(hub_);
    if (auto line = source ? sources_->at_stop(hub_) : std::string(); !line.empty()) out.set("sourceLine", line);
    return out;
}

bool component::expel(std::string_view session, std::string_view reason) {
    const auto found = std::find_if(streams_.begin(), streams_.end(),
                                    [&](auto* s) { return s->session() == session && s->takes_place(); });
    if (found == streams_.end()) return false;
    (*found)->expelled(reason);
    return true;
}

}  // namespace gateway
