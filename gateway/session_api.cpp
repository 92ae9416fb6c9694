#include "gateway/session_api.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/component.h"
#include "gateway/component_log.h"
#include "gateway/hub.h"
#include "gateway/pins.h"
#include "gateway/session_log.h"
#include "launcher/launcher_wire.h"
#include "protocol/printable.h"

namespace gateway {

using protocol::json;
using protocol::class_set;
using protocol::op_class;

namespace {

http_answer fault(unsigned status, std::string_view code, std::string_view text) {
    return {status, protocol::to_text(json(json::object{{"error", text}, {"code", code}}))};
}

std::string name_in(std::string_view path) {
    path.remove_prefix(std::string_view("/v1/components/").size());
    return std::string(path.substr(0, path.find('/')));
}

constexpr std::string_view not_yet = "the launcher is being asked";

enum class about { baton, park, unpark, pin, unpin, kill };

struct deed {
    about what = about::baton;
    std::string verb, to;  // of the baton
    std::string note;      // of park; the reason of a kill
    std::string session{};  // of a kill
    std::string stop{};     // the one that is meant by park and unpark; empty: the one of now
    std::chrono::seconds time{0};
    std::vector<std::string> places{};  // of pin and unpin
    std::vector<std::int64_t> ids{};
    bool asks = true;      // only to be told

    std::string named() const {
        auto out = session + to + note;
        for (const auto& one : places) out += (out.empty() ? "" : " ") + one;
        for (const auto id : ids) out += (out.empty() ? "" : " ") + std::to_string(id);
        return out;
    }
    bool is_pin() const { return what == about::pin || what == about::unpin; }

    // As the policy knows it.
    std::string operation() const {
        if (what == about::unpark) return "unpark";
        if (what == about::park) return asks ? "parked" : "park";
        if (what == about::pin) return asks ? "pinned" : "pin";
        if (what == about::unpin) return "unpin";
        if (what == about::kill) return "kill session";
        return "baton" + (asks ? "" : " " + verb);
    }
    class_set needs() const {
        if (asks) return {op_class::observe};
        if (is_pin()) return {op_class::breakpoint, op_class::control};
        if (what == about::kill) return {op_class::lifecycle};
        return {what == about::baton && verb == "take" ? op_class::lifecycle : op_class::control};
    }
};

about subject_of(std::string_view path) {
    if (session_api::is_kill(path)) return about::kill;
    if (path.ends_with("/unpark")) return about::unpark;
    if (path.ends_with("/unpin")) return about::unpin;
    if (path.ends_with("/pin")) return about::pin;
    return path.ends_with("/park") ? about::park : about::baton;
}

constexpr std::size_t most_named = 64;

// Empty: well read.
std::string read_pins(const json& body, deed& into) {
    for (const auto& [key, value] : *body.if_object()) {
        const auto* list = value.if_array();
        const bool at = key == "at", ids = key == "breakpoints";
        if (!list || (!at && !ids) || list->size() > most_named)
            return "the body's members are `at`, a list of FILE:LINE, and `breakpoints`, a list of IDs, of at most " + std::to_string(most_named);
        for (const auto& one : *list) {
            const auto* text = one.if_string();
            const auto id = one.as_int();
            if (at ? !text || text->empty() : !id || *id <= 0) return at ? "`at` is a list of texts such as main.go:42" : "`breakpoints` is a list of IDs";
            if (at)
                into.places.push_back(*text);
            else
                into.ids.push_back(*id);
        }
    }
    return into.places.empty() && into.ids.empty() ? "`at` or `breakpoints` must say which" : std::string();
}

// Empty: well read.
std::string read_body(std::string_view body, deed& into) {
    into.asks = false;
    if ((into.what == about::unpark || into.what == about::kill) && body.empty()) return {};
    const auto parsed = protocol::parse_json(body, {.max_depth = 4, .fold_keys = false});
    if (!parsed || !parsed->if_object()) return "the body must be a JSON object";
    if (into.is_pin()) return read_pins(*parsed, into);
    std::string time;
    for (const auto& [key, value] : *parsed->if_object()) {
        auto* const field = into.what == about::baton  ? key == "do" ? &into.verb : key == "to" ? &into.to : nullptr
                            : into.what == about::park ? key == "note" ? &into.note : key == "for" ? &time : key == "stop" ? &into.stop : nullptr
                            : into.what == about::unpark ? key == "stop" ? &into.stop : nullptr
                            : into.what == about::kill ? key == "reason" ? &into.note : nullptr
                                                       : nullptr;
        if (!field || !value.if_string())
            return into.what == about::baton  ? "the body's members are the texts `do` and `to`"
                   : into.what == about::park ? "the body's members are the texts `note`, `for` and `stop`"
                   : into.what == about::kill ? "the body's member is the text `reason`"
                                              : "the body's member is the text `stop`";
        *field = *value.if_string();
        if (field == &into.stop && !launcher::is_stop_name(into.stop)) return "`stop` must be a stop's name, such as 17-3f9c";
    }
    if (into.what == about::baton) {
        if (into.verb != "ask" && into.verb != "give" && into.verb != "take" && into.verb != "drop")
            return "`do` must be ask, give, take or drop";
        if (!into.to.empty() && into.verb != "give") return "`to` belongs to give";
    }
    if (into.what == about::kill && into.note.size() > hub_park::max_note)
        return "`reason` has at most " + std::to_string(hub_park::max_note) + " bytes";
    if (into.what == about::park) {
        auto note = read_note(into.note);
        if (!note) return "`note` must say why it is parked, in at most " + std::to_string(hub_park::max_note) + " bytes";
        into.note = std::move(*note);
        const auto read = read_park_time(time);
        if (!read) return "`for` must be a time from 1s to 7d, such as 10m";
        into.time = *read;
    }
    return {};
}

// As /v1/sessions has it; null: it is not there.
json session_in(const component* of, std::string_view id) {
    json::array all;
    of->list_sessions(all, false);
    for (auto& one : all)
        if (one.get_string("session") == id) return std::move(one);
    return {};
}

// Which of the IDE sessions there a line of the log is about; empty: none.
std::string session_meant(const component* there, const deed& what, const person& by) {
    if (what.what == about::kill) return what.session;
    if (what.what != about::baton) return {};
    const auto& whose = what.to.empty() ? by.user : what.to;
    json::array all;
    there->list_sessions(all, false);
    for (const auto& one : all)
        if (one.get_string("user") == whose) return std::string(one.get_string("session"));
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

void session_api::act(const order& one, const std::function<void(const http_answer&)>& done) {
    auto* target = components_.named(one.name);
    if (!target) return done(fault(404, "unknown", "no component of that name; see /v1/components"));
    // Before it is done: of who has been shown out there is none afterwards.
    const auto meant = one.what.asks ? std::string() : session_meant(target, one.what, one.by);
    const session_mark mark(meant, one.name);
    const auto answered = [target, done, meant, name = one.name, by = one.by.user, operation = one.what.operation(), what = one.what.what,
                           asks = one.what.asks](const baton::told& said) {
        const session_mark later(meant, name);
        if (!asks)
            component_log(name).info("{} by {}: {}", operation, protocol::printable(by), protocol::printable(said ? *said : said.error()));
        if (!said) return done(fault(409, "refused", said.error()));
        json body = json::object{{"text", *said}};
        if (what == about::baton)
            body.set("baton", target->baton().describe());
        else if (what == about::pin || what == about::unpin)
            body.set("pinned", describe_pins(target->session()));
        else if (auto parked = target->park().describe(); what != about::kill && !parked.is_null())
            body.set("park", std::move(parked));
        done({200, protocol::to_text(body)});
    };
    if (one.what.what == about::baton) return answered(target->baton().carry_out(one.by, one.rules, one.what.verb, one.what.to));
    if (one.what.is_pin() && one.what.asks) return answered({boost::system::in_place_value, pinned_words(target->session())});
    if (one.what.is_pin())
        return answered(pin(target->session(), {one.by, one.rules, one.what.what == about::pin, one.what.places, one.what.ids}));
    if (one.what.what == about::kill) {
        const auto whose = session_in(target, one.what.session);
        const auto why = "ended by " + one.by.user + (one.what.note.empty() ? std::string() : ": " + one.what.note);
        if (whose.is_null() || !target->expel(one.what.session, protocol::printable(why)))
            return done(fault(404, "unknown", "that session has ended already"));
        return answered({boost::system::in_place_value, protocol::printable(whose.get_string("user")) + "'s session at " + one.name + " was ended"});
    }
    // What was meant was another stop than the one of now.
    if (!one.what.stop.empty() && (target->session().now() != phase::stopped || target->park().name() != one.what.stop))
        return done(fault(409, "refused", target->park().words_of(one.what.stop)));
    if (one.what.what == about::unpark) return target->park().unpark(one.by, one.rules, answered);
    if (!one.what.asks) return target->park().park({one.by, one.what.note, one.what.time, {}}, one.rules, answered);
    const auto words = target->park().words();
    answered({boost::system::in_place_value, words.empty() ? "no stop of " + one.name + " is parked" : words});
}

void session_api::handle(const caller& who, const http_request& request, api_stream to) {
    if (sessions_feed::serves(request.path)) return feed_.handle(who, request, std::move(to));
    auto one = std::make_shared<order>();
    one->who = who;
    one->by = person_of(who.who);
    one->to = std::move(to);
    one->what.what = subject_of(request.path);
    if (one->what.what == about::kill) {
        auto id = std::string_view(request.path).substr(std::string_view("/v1/sessions/").size());
        id.remove_suffix(std::string_view("/kill").size());
        one->what.session = std::string(id);
        for (auto* there : components_.visible(who.who))
            if (!session_in(there, id).is_null()) one->name = there->name();
        if (request.method == "POST" && one->name.empty())
            return one->to.answer(fault(404, "unknown", "no such session for " + who.who.user + " here; see /v1/sessions"));
    } else {
        one->name = name_in(request.path);
    }
    if (one->what.what != about::kill && !components_.find(who.who, one->name))
        return one->to.answer(fault(404, "unknown", "no component of that name for " + who.who.user + " here; see /v1/components"));
    if ((one->what.what == about::unpark || one->what.what == about::unpin || one->what.what == about::kill) && request.method != "POST")
        return one->to.answer({405, http_error("only POST is served here"), "POST"});
    if (request.method != "GET" && request.method != "POST")
        return one->to.answer({405, http_error("only GET and POST are served here"), "GET, POST"});
    auto& counts = components_.named(one->name)->session().measures().api;
    if (request.method == "POST")
        if (const auto wrong = read_body(request.body, one->what); !wrong.empty()) {
            counts.refused.add(one->what.needs());
            return one->to.answer(fault(400, "malformed", wrong));
        }
    auto& judged = one->judged;
    judged.how = protocol::service::local;
    judged.operation = one->what.operation();
    judged.classes = one->what.needs();
    judged.arguments = json::object{};
    if (!one->what.to.empty()) judged.arguments.set("to", one->what.to);
    if (!one->what.note.empty()) judged.arguments.set(one->what.what == about::kill ? "reason" : "note", one->what.note);
    if (!one->what.session.empty()) judged.arguments.set("session", one->what.session);
    if (one->what.is_pin() && !one->what.asks) {
        judged.arguments.set("at", json::array(one->what.places.begin(), one->what.places.end()));
        judged.arguments.set("breakpoints", json::array(one->what.ids.begin(), one->what.ids.end()));
    }
    if (one->what.time.count() > 0) judged.arguments.set("seconds", std::int64_t{one->what.time.count()});
    if (audit_) {
        one->session = std::make_unique<audit_session>(*audit_, who, std::string(), one->name);
        one->session->speaks("api");
    }
    const auto rights = rights_.of(who.who, one->name);
    const auto decided = rights.decide(judged.operation, judged.classes);
    (decided.allowed ? counts.begun : counts.refused).add(judged.classes);
    if (!decided.allowed) {
        const auto why = auth::refusal_text(decided, who.who.user, judged.operation, one->name);
        if (one->session) one->session->refusal(judged, {false, decided.rule}, why);
        return one->to.answer(fault(403, "forbidden", why));
    }
    orders_.push_back(one);
    if (!one->session) return go(one, {});
    if (one->what.asks) {
        one->recorded = one->session->intent(judged, {true, decided.rule}, [](const std::string&) {});
        return go(one, {});
    }
    one->recorded = one->session->intent(judged, {true, decided.rule}, [this, weak = std::weak_ptr<order>(one)](const std::string& error) {
        if (const auto kept = weak.lock()) go(kept, error);
    });
}

void session_api::go(const std::shared_ptr<order>& one, const std::string& error) {
    if (!error.empty()) return ended(*one, fault(503, "failed", "not done, because it could not be recorded: " + error));
    // The record of it has taken its time.
    const auto rights = rights_.of(one->who.who, one->name);
    one->rules = rights.allows(one->what.what == about::baton ? "baton" : one->judged.operation, {op_class::lifecycle});
    const auto decided = rights.decide(one->judged.operation, one->judged.classes);
    if (!decided.allowed)
        return ended(*one, fault(403, "forbidden", auth::refusal_text(decided, one->who.who.user, one->judged.operation, one->name)));
    act(*one, [this, weak = std::weak_ptr<order>(one)](const http_answer& answer) {
        if (const auto kept = weak.lock()) ended(*kept, answer);
    });
}

void session_api::ended(const order& one, const http_answer& answer) {
    if (one.session && one.recorded.intent != 0) one.session->outcome(one.recorded, answer.status == 200 ? "ok" : answer.body);
    one.to.answer(answer);
    orders_.remove_if([&one](const auto& other) { return other.get() == &one; });
}

http_answer session_api::on_node(std::string_view path, std::string_view body) {
    if (path == "/v1/sessions" && body.empty()) return {200, protocol::to_text(feed_.of_node())};
    if (sessions_feed::serves(path) || is_kill(path)) return {404, http_error("on the node there are GET of /v1/sessions, and POST of /v1/sessions/kill")};
    order one;
    one.name = name_in(path);
    one.by = {"the node's administrator", "node"};
    one.rules = true;
    one.what.what = subject_of(path);
    if (body.empty()) {
        if (one.what.what == about::unpark || one.what.what == about::unpin) return {405, http_error("only POST is served here"), "POST"};
        // An answer that has come meanwhile is waited for.
        if (const auto waited = asked_on_node_.find(path); waited != asked_on_node_.end()) {
            if (!waited->second) return fault(202, "waiting", not_yet);
            auto answer = std::move(*waited->second);
            asked_on_node_.erase(waited);
            return answer;
        }
    } else if (const auto wrong = read_body(body, one.what); !wrong.empty()) {
        return fault(400, "malformed", wrong);
    }
    if (auto* target = components_.named(one.name)) target->session().measures().api.begun.add(one.what.needs());
    const auto answered = std::make_shared<std::optional<http_answer>>();
    const auto waits = std::make_shared<bool>(false);
    act(one, [this, answered, waits, where = std::string(path), what = one.what.operation() + " " + one.name + " " + one.what.named(),
              asks = one.what.asks](const http_answer& answer) {
        if (closed_) return;
        if (audit_ && !asks) audit_->administration({}, what + ": " + answer.body);
        *answered = answer;
        if (*waits) asked_on_node_[where] = answer;
    });
    if (*answered) return **answered;
    *waits = true;
    asked_on_node_[std::string(path)] = std::nullopt;
    return fault(202, "waiting", not_yet);
}

}  // namespace gateway
