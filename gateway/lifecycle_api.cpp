#include "gateway/lifecycle_api.h"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "gateway/component.h"
#include "gateway/component_log.h"
#include "gateway/session_log.h"
#include "protocol/printable.h"

namespace gateway {

using launcher::launcher_request;
using launcher::launcher_verb;
using protocol::json;

namespace {

constexpr std::size_t max_by = 128;
constexpr std::size_t max_step = 1024;  // bytes of one step's text
constexpr std::string_view hash_prefix = "sha256:";

// 32 hex digits, as the launcher wants them.
std::string new_session() {
    static std::random_device entropy;
    static constexpr char digits[] = "0123456789abcdef";
    std::string id;
    for (int i = 0; i < 4; ++i)
        for (auto word = entropy(), n = 0u; n < 8; ++n, word >>= 4) id += digits[word & 15];
    return id;
}

// A claim for the launcher's log, within its bounds.
std::string claim(const std::string& user) {
    std::string text = protocol::printable(user).substr(0, max_by);
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80u) != 0) text.pop_back();
    return text.empty() ? "somebody" : text;
}

http_answer fault(unsigned status, std::string_view code, std::string_view text) {
    return {status, protocol::to_text(json(json::object{{"error", text}, {"code", code}}))};
}

unsigned status_of(std::string_view code) {
    if (code == "refused" || code == "forbidden") return 403;
    if (code == "unknown") return 404;
    if (code == "limited") return 429;
    if (code == "busy" || code == "failed") return 409;
    return 502;
}

struct action {
    std::string_view path, method, operation;
    launcher_verb verb;
};
constexpr action actions[] = {
    {"plan", "GET", "inspect", launcher_verb::inspect},
    {"start", "POST", "start", launcher_verb::start},
    {"stop", "POST", "stop", launcher_verb::stop},
    {"restore", "POST", "restore", launcher_verb::restore},
};

// Of a start: {"plan":"sha256:HEX64","stopOnEntry":true}, both optional; of others {} or nothing. Empty: well read.
std::string read_body(std::string_view body, launcher_request& into) {
    if (body.empty()) return {};
    const auto parsed = protocol::parse_json(body, {.max_depth = 4, .fold_keys = false});
    if (!parsed || !parsed->if_object()) return "the body must be a JSON object, or empty";
    for (const auto& [key, value] : *parsed->if_object()) {
        if (into.verb == launcher_verb::start && key == "plan") {
            const auto* text = value.if_string();
            if (!text || !text->starts_with(hash_prefix) || !launcher::is_hash(std::string_view(*text).substr(hash_prefix.size())))
                return "`plan` must be \"sha256:\" and 64 lower-case hex digits, as the plan's `hash` is";
            into.plan = text->substr(hash_prefix.size());
        } else if (into.verb == launcher_verb::start && key == "stopOnEntry") {
            const auto* flag = value.if_bool();
            if (!flag) return "`stopOnEntry` must be true or false";
            into.stop_on_entry = *flag;
        } else {
            return "unknown member `" + protocol::printable(key) + "`";
        }
    }
    return {};
}

}  // namespace

// Lives until the launcher has answered, whoever still listens.
struct lifecycle_api::order {
    caller who;
    std::string name;
    launcher_request request;
    std::string operation;
    api_stream to;
    std::unique_ptr<audit_session> session;
    audit_operation recorded;
    std::size_t lines = 0;
    bool asked = false;  // of the launcher
    bool begun = false;  // by the launcher, as far as it has said so
    std::string shown_out;  // why its caller is not here any more
    launcher_client::take_back take_back;
};

void lifecycle_api::close() {
    look_.cancel();
    for (const auto& one : std::exchange(orders_, {}))
        if (one->session && one->asked) {
            one->session->outcome(one->recorded, "not known: the gateway ended first");
            one->session.reset();
        }
}

void lifecycle_api::handle(const caller& who, const http_request& request, api_stream to) {
    const auto rest = std::string_view(request.path).substr(std::string_view("/v1/components/").size());
    const auto slash = rest.find('/');
    const std::string name(rest.substr(0, slash));
    const auto verb = slash == rest.npos ? std::string_view{} : rest.substr(slash + 1);
    auto* target = components_.find(who.who, name);
    if (!target)
        return to.answer(fault(404, "unknown", "no component of that name for " + who.who.user + " here; see /v1/components"));
    if (slash == rest.npos) {
        if (request.method != "GET") return to.answer({405, http_error("only GET is served here")});
        return to.answer({200, protocol::to_text(target->status())});
    }
    const auto found = std::find_if(std::begin(actions), std::end(actions), [&](const action& a) { return a.path == verb; });
    if (found == std::end(actions))
        return to.answer(fault(404, "unknown", "of a component there are /plan, /start, /stop and /restore"));
    if (request.method != found->method)
        return to.answer({405, http_error("only " + std::string(found->method) + " is served here"), std::string(found->method)});
    if (!target->of_launcher() || !components_.of_launcher())
        return to.answer(fault(409, "failed", name + " is of kind " + std::string(to_string(target->configuration().how)) +
                                                  "; only components of kind launcher are started and stopped"));

    auto one = std::make_shared<order>();
    one->who = who;
    one->name = name;
    one->operation = found->operation;
    one->to = std::move(to);
    one->request.verb = found->verb;
    one->request.component = name;
    auto& counts = target->session().measures().api;
    constexpr protocol::class_set needs{protocol::op_class::lifecycle};
    if (const auto wrong = read_body(request.body, one->request); !wrong.empty()) {
        counts.refused.add(needs);
        return one->to.answer(fault(400, "malformed", wrong));
    }
    if (found->verb == launcher_verb::start || found->verb == launcher_verb::stop || found->verb == launcher_verb::restore)
        one->request.by = claim(who.who.user);
    if (found->verb == launcher_verb::start) one->request.session = new_session();
    if (const auto* now = target->of_launcher()->report(); now && found->verb == launcher_verb::stop)
        one->request.session = now->session;  // this one, not a later one of somebody else's

    protocol::judged judged;
    judged.how = protocol::service::local;
    judged.operation = one->operation;
    judged.classes = needs;
    judged.arguments = json::object{};
    if (audit_) {
        one->session = std::make_unique<audit_session>(*audit_, who, one->request.session, name);
        one->session->speaks("api");
    }
    const auto decided = rights_.of(who.who, name).decide(judged.operation, judged.classes);
    (decided.allowed ? counts.begun : counts.refused).add(needs);
    if (!decided.allowed) {
        const auto why = auth::refusal_text(decided, who.who.user, judged.operation, name);
        if (one->session) one->session->refusal(judged, {false, decided.rule}, why);
        return one->to.answer(fault(403, "forbidden", why));
    }
    orders_.push_back(one);
    if (one->to.shown_out)
        one->to.shown_out([weak = std::weak_ptr<order>(one)](std::string_view reason) {
            const auto kept = weak.lock();
            if (!kept) return;
            kept->shown_out = reason;
            if (kept->take_back && !kept->begun) kept->take_back(kept->shown_out);
        });
    if (!one->session) return act(one);
    one->recorded = one->session->intent(judged, {true, decided.rule}, [this, weak = std::weak_ptr<order>(one)](const std::string& error) {
        const auto kept = weak.lock();
        if (!kept) return;
        if (error.empty()) return act(kept);
        kept->to.answer(fault(503, "failed", "not done, because it could not be recorded: " + error));
        orders_.remove(kept);
    });
}

// Why its caller may not any more; empty: he may.
std::string lifecycle_api::judged_now(const order& one) const {
    if (!one.shown_out.empty()) return one.shown_out;
    if (auto fault = fault_ ? fault_(one.who.who) : std::string(); !fault.empty()) return fault;
    const auto decided = rights_.of(one.who.who, one.name).decide(one.operation, {protocol::op_class::lifecycle});
    return decided.allowed ? std::string() : auth::refusal_text(decided, one.who.who.user, one.operation, one.name);
}

// While something waits, here or at the launcher: certificates end and policies change meanwhile.
void lifecycle_api::look() {
    if (looking_ || orders_.empty()) return;
    looking_ = true;
    look_.expires_after(look_again);
    look_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
        if (ec || alive.expired()) return;
        looking_ = false;
        for (const auto& one : orders_)
            if (one->take_back && !one->begun)
                if (const auto why = judged_now(*one); !why.empty()) one->take_back(why);
        look();
    });
}

void lifecycle_api::act(const std::shared_ptr<order>& one) {
    one->asked = true;
    // The record of it has taken its time.
    if (auto why = judged_now(*one); !why.empty()) return over(one, {{}, {}, launcher_failure{"forbidden", std::move(why)}});
    const session_mark mark(one->request.session, one->name);
    component_log(one->name).info("{} by {}{}", one->operation, protocol::printable(one->who.who.user),
               one->request.session.empty() ? "" : ", session " + one->request.session);
    const bool goes_back = one->request.verb == launcher_verb::stop || one->request.verb == launcher_verb::restore;
    if (auto* target = components_.find(one->who.who, one->name); goes_back && target && target->of_launcher())
        target->of_launcher()->being_stopped(protocol::printable(one->who.who.user));
    one->take_back = components_.of_launcher()->ask(
        one->request,
        [this, one, alive = std::weak_ptr<char>(alive_)](launcher_answer answer) {
            if (!alive.expired()) over(one, std::move(answer));
        },
        [one](const json& step) {
            one->begun = one->begun || step.get_string("state") != "waiting";
            if (one->request.verb == launcher_verb::inspect || ++one->lines > max_lines) return;
            json told = json::object{};
            for (const auto* key : {"component", "state", "text"})
                told.set(key, protocol::printable(step.get_string(key)).substr(0, max_step));
            one->to.line(json(json::object{{"progress", std::move(told)}}));
        },
        {},
        [this, weak = std::weak_ptr<order>(one), alive = std::weak_ptr<char>(alive_)] {
            const auto kept = weak.lock();
            return kept && !alive.expired() ? judged_now(*kept) : std::string("it was not waited for");
        },
        one->who.who.user);
    look();
}

void lifecycle_api::over(const std::shared_ptr<order>& one, launcher_answer answer) {
    orders_.remove(one);
    if (one->session) one->session->outcome(one->recorded, answer.failed ? answer.failed->text : "ok");
    const session_mark mark(one->request.session, one->name);
    if (answer.failed)
        component_log(one->name).warn("{} by {}: {}", one->operation, protocol::printable(one->who.who.user), answer.failed->text);
    if (auto* target = components_.named(one->name); target && target->of_launcher()) {
        if (one->request.verb != launcher_verb::inspect) target->of_launcher()->was_stopped(!answer.failed);
        target->of_launcher()->ask_now();
    }
    if (one->request.verb == launcher_verb::inspect) {
        if (answer.failed) return one->to.answer(fault(status_of(answer.failed->code), answer.failed->code, answer.failed->text));
        return one->to.answer({200, protocol::to_text(answer.result)});
    }
    if (answer.failed && one->lines == 0)
        return one->to.answer(fault(status_of(answer.failed->code), answer.failed->code, answer.failed->text));
    json last = json::object{};
    if (answer.failed) {
        last.set("error", answer.failed->text);
        last.set("code", answer.failed->code);
    } else {
        last.set("result", std::move(answer.result));
    }
    one->to.line(last);
    one->to.end();
}

}  // namespace gateway
