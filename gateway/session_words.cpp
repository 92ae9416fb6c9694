#include "gateway/session_words.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "gateway/hub.h"
#include "gateway/hub_roster.h"
#include "gateway/pins.h"

namespace gateway {

using protocol::json;

namespace {

baton::told refused(std::string why) { return {boost::system::in_place_error, std::move(why)}; }

// `[COMPONENT] [--for TIME] [--note] NOTE`: what the command line takes is understood here, too. Empty: well read.
std::string read_park(std::string_view text, std::string_view component, hub_park::order& into) {
    const auto take = [&text](std::string_view word) {
        if (!text.starts_with(word) || (text.size() > word.size() && text[word.size()] != ' ')) return false;
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        while (text.starts_with(' ')) text.remove_prefix(1);
        return true;
    };
    if (const auto whole = text; take(component) && !text.empty() && !text.starts_with("--")) text = whole;
    if (take("--for")) {
        const auto end = std::min(text.find(' '), text.size());
        const auto time = read_park_time(text.substr(0, end));
        if (end == 0 || !time) return "--for is followed by a time from 1s to 7d, such as 10m";
        into.time = *time;
        take(text.substr(0, end));
    }
    take("--note");
    if (text.size() > 1 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front())
        text = text.substr(1, text.size() - 2);
    auto note = read_note(text);
    if (!note) return "say why it is parked, in at most " + std::to_string(hub_park::max_note) + " bytes: delvegate park NOTE";
    into.note = std::move(*note);
    return {};
}

baton::told last_output(const hub& of, std::string_view count) {
    constexpr std::size_t most = 10'000;
    std::size_t lines = hub_roster::lines_at_once;
    if (!count.empty()) {
        const auto read = std::from_chars(count.data(), count.data() + count.size(), lines);
        if (read.ec != std::errc{} || read.ptr != count.data() + count.size() || lines == 0 || lines > most)
            return refused("how many lines? delvegate output N, with N from 1 to " + std::to_string(most));
    }
    auto text = of.roster().earlier_output(lines);
    return {boost::system::in_place_value, text.empty() ? "nothing that " + of.name() + " has printed is kept here" : std::move(text)};
}

}  // namespace

void carry_out(hub& of, const viewer& from, const auth::grants& rights, const protocol::session_words& words,
               const std::function<void(const baton::told&)>& done) {
    const auto& who = from.who().who;
    const auto rules = [&](std::string_view operation) { return rights.allows(operation, {protocol::op_class::lifecycle}); };
    if (words.subject == "park" && words.text.empty()) {
        const auto parked = of.park().words();
        return done({boost::system::in_place_value, parked.empty() ? "no stop of " + of.name() + " is parked" : parked});
    }
    if (words.subject == "park") {
        hub_park::order order;
        order.by = person_of(who);
        if (auto wrong = read_park(words.text, of.name(), order); !wrong.empty()) return done(refused(std::move(wrong)));
        return of.park().park(order, rules("park"), done);
    }
    if (words.subject == "unpark" && (words.verb.empty() || words.verb == of.name()) && words.names.empty())
        return of.park().unpark(person_of(who), rules("unpark"), done);
    if (words.subject == "who" && words.verb.empty()) return done({boost::system::in_place_value, of.roster().words()});
    if (words.subject == "output" && words.names.empty()) return done(last_output(of, words.verb));
    if (words.subject == "follow" && words.names.empty()) return done(of.roster().follow(from, words.verb));
    if (words.subject == "unfollow" && words.names.empty()) return done(of.roster().unfollow(from, words.verb));
    auto names = words.names;
    if (words.subject == "pin" || words.subject == "unpin") {
        if (!words.verb.empty()) names.insert(names.begin(), words.verb);
        // In a terminal the component is named; here it may be.
        if (!names.empty() && names.front() == of.name()) names.erase(names.begin());
        if (names.empty() && words.subject == "pin") return done({boost::system::in_place_value, pinned_words(of)});
        pin_order order{person_of(who), rules(words.subject), words.subject == "pin", {}, {}};
        for (const auto& one : names)
            if (const auto id = breakpoint_id(one))
                order.ids.push_back(*id);
            else
                order.places.push_back(one);
        return done(pin(of, order));
    }
    if (!names.empty() && names.front() == of.name() && (words.verb != "give" || names.size() > 1)) names.erase(names.begin());
    if (words.subject != "baton" || names.size() > (words.verb == "give" ? 1u : 0u))
        return done(refused(std::string(protocol::known_session_words)));
    done(of.baton().carry_out(person_of(who), rules("baton"), words.verb, names.empty() ? std::string() : names.front()));
}

json text_variable(std::string_view name, std::string_view text) {
    constexpr std::int64_t kind_string = 24;  // reflect.String
    json v = json::object{};
    v.set("name", name);
    v.set("addr", 0);
    v.set("onlyAddr", false);
    v.set("type", "string");
    v.set("realType", "string");
    v.set("flags", 0);
    v.set("kind", kind_string);
    v.set("value", text);
    v.set("len", static_cast<std::int64_t>(text.size()));
    v.set("cap", 0);
    v.set("children", json::array{});
    v.set("base", 0);
    v.set("unreadable", "");
    v.set("LocationExpr", "");
    v.set("DeclLine", 0);
    return v;
}

}  // namespace gateway
