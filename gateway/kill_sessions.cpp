#include "gateway/kill_sessions.h"

#include "gateway/component.h"
#include "gateway/component_log.h"
#include "gateway/log.h"
#include "gateway/session_log.h"
#include "protocol/printable.h"

namespace gateway {

using protocol::json;

namespace {

constexpr std::size_t max_reason = 400;

http_answer ended(std::uint64_t sessions, std::uint64_t connections, std::uint64_t breakpoints = 0) {
    json answer;
    answer.set("sessions", sessions);
    answer.set("connections", connections);
    answer.set("breakpoints", breakpoints);
    return {200, protocol::to_text(answer)};
}

}  // namespace

http_answer kill_sessions(std::string_view body, endpoints& components, client_authority& identities) {
    const auto wanted = protocol::parse_json(body, {.fold_keys = false});
    if (!wanted || !wanted->if_object()) return {400, http_error("the body must be a JSON object")};
    const std::string user(wanted->get_string("user"));
    const std::string session(wanted->get_string("session"));
    if (user.empty() == session.empty()) return {400, http_error("give a user or a session")};
    std::string reason = protocol::printable(wanted->get_string("reason").substr(0, max_reason));
    reason = "ended by the gateway's administrator" + (reason.empty() ? std::string() : ": " + reason);

    const auto all = components.sessions();
    json::array theirs;
    for (const json& one : *all.if_array())
        if (session.empty() ? one.get_string("user") == user : one.get_string("session") == session) theirs.push_back(one);
    const auto note = [&](const json& one) {
        const session_mark mark(one.get_string("session"), one.get_string("component"));
        component_log(one.get_string("component")).warn("session {} of {} was {}", one.get_string("session"), protocol::printable(one.get_string("user")), reason);
        if (auto* there = components.named(one.get_string("component"))) there->session().measures().api.begun.add({protocol::op_class::lifecycle});
    };
    if (!session.empty()) {
        const session_mark mark(session, theirs.empty() ? std::string_view{} : theirs.front().get_string("component"));
        if (theirs.empty() || !components.expel(session, reason)) return {404, http_error("there is no session " + protocol::printable(session))};
        note(theirs.front());
        return ended(1, 0);
    }
    // Of sessions that end here all breakpoints go by that.
    const auto breakpoints = components.clear_left_by(user);
    const auto connections = identities.expel_user(user, reason);
    if (connections == 0 && breakpoints == 0)
        return {404, http_error(protocol::printable(user) + " is not connected, and has left no breakpoint")};
    if (breakpoints > 0) log().warn("{} breakpoints that {} had left are cleared", breakpoints, protocol::printable(user));
    for (const json& one : theirs) note(one);
    return ended(theirs.size(), connections, breakpoints);
}

}  // namespace gateway
