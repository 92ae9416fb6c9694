#include "gateway/verdict_wire.h"

#include <utility>

#include "protocol/printable.h"

namespace gateway {

using protocol::json;

namespace {

constexpr std::size_t names_size = 48 * 1024;  // below link_max_control

}  // namespace

json to_json(const verdict& said) {
    json body;
    body.set("ok", said.accepted);
    if (said.accepted) {
        body.set("component", said.component);
        body.set("session", said.session);
        if (!said.stop.empty()) body.set("stop", said.stop);
        if (!said.rebuilds) return body;
        body.set("rebuilds", true);
        body.set("user", said.user);
        return body;
    }
    body.set("code", said.code);
    body.set("reason", said.reason);
    json::array names;
    std::size_t size = 0;
    for (const auto& name : said.components)
        if ((size += name.size() + 8) < names_size) names.emplace_back(name);
    body.set("components", std::move(names));
    return body;
}

verdict read_verdict(const json& body) {
    verdict said;
    said.accepted = body.get_bool("ok");
    said.code = protocol::printable(body.get_string("code"));
    said.reason = protocol::printable(body.get_string("reason"));
    said.component = protocol::printable(body.get_string("component"));
    said.session = protocol::printable(body.get_string("session"));
    said.stop = protocol::printable(body.get_string("stop"));
    said.user = protocol::printable(body.get_string("user"));
    said.rebuilds = body.get_bool("rebuilds");
    if (const auto* names = body.find("components"); names && names->if_array())
        for (const auto& name : *names->if_array())
            if (name.if_string()) said.components.push_back(protocol::printable(*name.if_string()));
    if (!said.accepted && said.reason.empty()) said.reason = "the gateway refused the session: " + said.code;
    return said;
}

}  // namespace gateway
