#include "gateway/session_api.h"

#include <memory>
#include <string>
#include <utility>

#include "gateway/component.h"
#include "gateway/log.h"
#include "protocol/printable.h"

namespace gateway {

using protocol::json;
using protocol::op_class;

namespace {

http_answer fault(unsigned status, std::string_view code, std::string_view text) {
    return {status, protocol::to_text(json(json::object{{"error", text}, {"code", code}}))};
}

std::string name_in(std::string_view path) {
    path.remove_prefix(std::string_view("/v1/components/").size());
    return std::string(path.substr(0, path.find('/')));
}

struct deed {
    std::string verb, to;  // an empty verb: only to be told
};

// Empty: well read.
std::string read_body(std::string_view body, deed& into) {
    const auto parsed = protocol::parse_json(body, {.max_depth = 4, .fold_keys = false});
    if (!parsed || !parsed->if_object()) return "the body must be a JSON object";
    for (const auto& [key, value] : *parsed->if_object()) {
        if ((key != "do" && key != "to") || !value.if_string()) return "the body's members are the texts `do` and `to`";
        (key == "do" ? into.verb : into.to) = *value.if_string();
    }
    if (into.verb != "ask" && into.verb != "give" && into.verb != "take" && into.verb != "drop")
        return "`do` must be ask, give, take or drop";
    if (!into.to.empty() && into.verb != "give") return "`to` belongs to give";
    return {};
}

}  // namespace

struct session_api::order {
    std::string name;
    person by;
    bool rules = false;  // has lifecycle there
    deed what;
    caller who{};
    protocol::judged judged{};
    api_stream to{};
    std::unique_ptr<audit_session> session{};
    audit_operation recorded{};
};

http_answer session_api::act(const order& one) {
    auto* target = components_.named(one.name);
    if (!target) return fault(404, "unknown", "no component of that name; see /v1/components");
    const auto said = target->baton().carry_out(one.by, one.rules, one.what.verb, one.what.to);
    if (!one.what.verb.empty())
        log().info("{}: baton {} by {}: {}", one.name, one.what.verb, protocol::printable(one.by.user),
                   protocol::printable(said ? *said : said.error()));
    if (!said) return fault(409, "refused", said.error());
    return {200, protocol::to_text(json(json::object{{"text", *said}, {"baton", target->baton().describe()}}))};
}

void session_api::handle(const caller& who, const http_request& request, api_stream to) {
    auto one = std::make_shared<order>();
    one->name = name_in(request.path);
    one->who = who;
    one->by = person_of(who.who);
    one->to = std::move(to);
    if (!components_.find(who.who, one->name))
        return one->to.answer(fault(404, "unknown", "no component of that name for " + who.who.user + " here; see /v1/components"));
    if (request.method != "GET" && request.method != "POST")
        return one->to.answer({405, http_error("only GET and POST are served here"), "GET, POST"});
    if (request.method == "POST")
        if (const auto wrong = read_body(request.body, one->what); !wrong.empty()) return one->to.answer(fault(400, "malformed", wrong));
    auto& judged = one->judged;
    judged.how = protocol::service::local;
    judged.operation = "baton" + (one->what.verb.empty() ? "" : " " + one->what.verb);
    judged.classes = {one->what.verb.empty() ? op_class::observe : one->what.verb == "take" ? op_class::lifecycle : op_class::control};
    judged.arguments = json::object{};
    if (!one->what.to.empty()) judged.arguments.set("to", one->what.to);
    if (audit_) {
        one->session = std::make_unique<audit_session>(*audit_, who, std::string(), one->name);
        one->session->speaks("api");
    }
    const auto rights = rights_.of(who.who, one->name);
    const auto decided = rights.decide(judged.operation, judged.classes);
    if (!decided.allowed) {
        const auto why = auth::refusal_text(decided, who.who.user, judged.operation, one->name);
        if (one->session) one->session->refusal(judged, {false, decided.rule}, why);
        return one->to.answer(fault(403, "forbidden", why));
    }
    if (!one->session) return go(one, {});
    if (one->what.verb.empty()) {
        one->recorded = one->session->intent(judged, {true, decided.rule}, [](const std::string&) {});
        return go(one, {});
    }
    orders_.push_back(one);
    one->recorded = one->session->intent(judged, {true, decided.rule}, [this, weak = std::weak_ptr<order>(one)](const std::string& error) {
        if (const auto kept = weak.lock()) go(kept, error);
    });
}

void session_api::go(const std::shared_ptr<order>& one, const std::string& error) {
    orders_.remove(one);
    if (!error.empty()) return one->to.answer(fault(503, "failed", "not done, because it could not be recorded: " + error));
    // The record of it has taken its time.
    const auto rights = rights_.of(one->who.who, one->name);
    one->rules = rights.allows("baton", {op_class::lifecycle});
    const auto decided = rights.decide(one->judged.operation, one->judged.classes);
    const auto answer = decided.allowed
                            ? act(*one)
                            : fault(403, "forbidden", auth::refusal_text(decided, one->who.who.user, one->judged.operation, one->name));
    if (one->session) one->session->outcome(one->recorded, answer.status == 200 ? "ok" : answer.body);
    one->to.answer(answer);
}

http_answer session_api::on_node(std::string_view path, std::string_view body) {
    order one;
    one.name = name_in(path);
    one.by = {"the node's administrator", "node"};
    one.rules = true;
    if (!body.empty())
        if (const auto wrong = read_body(body, one.what); !wrong.empty()) return fault(400, "malformed", wrong);
    auto answer = act(one);
    if (audit_ && !one.what.verb.empty())
        audit_->administration({}, "baton " + one.what.verb + " " + one.name + " " + one.what.to + ": " + answer.body);
    return answer;
}

}  // namespace gateway
