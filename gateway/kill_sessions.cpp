#include "gateway/kill_sessions.h"

#include "gateway/log.h"
#include "protocol/printable.h"

namespace gateway {

using protocol::json;

namespace {

constexpr std::size_t max_reason = 400;

http_answer ended(std::uint64_t sessions, std::uint64_t connections) {
    json answer;
    answer.set("sessions", sessions);
    answer.set("connections", connections);
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
    const auto connections = identities.expel_user(user, reason);
    if (connections == 0) return {404, http_error(protocol::printable(user) + " is not connected")};
    return ended(sessions, connections);
}

}  // namespace gateway
