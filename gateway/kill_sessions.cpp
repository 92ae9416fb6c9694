#include "gateway/kill_sessions.h"

#include "gateway/log.h"
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

    if (!session.empty()) {
        if (!components.expel(session, reason)) return {404, http_error("there is no session " + protocol::printable(session))};
        log().warn("session {} was {}", protocol::printable(session), reason);
        return ended(1, 0);
    }
    std::uint64_t sessions = 0;
    const auto all = components.sessions();
    for (const json& one : *all.if_array()) sessions += one.get_string("user") == user;
    // Of sessions that end here all breakpoints go by that.
    const auto breakpoints = components.clear_left_by(user);
    const auto connections = identities.expel_user(user, reason);
    if (connections == 0 && breakpoints == 0)
        return {404, http_error(protocol::printable(user) + " is not connected, and has left no breakpoint")};
    if (breakpoints > 0) log().warn("{} breakpoints that {} had left are cleared", breakpoints, protocol::printable(user));
    return ended(sessions, connections, breakpoints);
}

}  // namespace gateway
