#include "gateway/hub_baton.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "gateway/hub.h"
#include "gateway/utc.h"

namespace gateway {

using protocol::json;

person person_of(const auth::identity& who) { return {who.user, who.authority}; }

hub_baton::hub_baton(hub& of, baton_settings settings, boost::asio::io_context& context)
    : hub_(of), baton_(settings), timer_(context) {}

std::string hub_baton::refusal(const person& who) const { return baton_.refusal(who, moment::now(), hub_.name()); }

void hub_baton::recall(const person& who, std::chrono::system_clock::time_point since) {
    baton_.recall(who, moment::now(), since);
}

std::optional<std::pair<person, std::chrono::system_clock::time_point>> hub_baton::holder_since() const {
    if (const auto& who = baton_.holder()) return std::pair(*who, baton_.since());
    return std::nullopt;
}

void hub_baton::runs(const person& who, bool step) {
    baton_.runs(who, step, moment::now());
    watch();
}

void hub_baton::pauses(const person& who) {
    baton_.pauses(who, moment::now());
    watch();
}

void hub_baton::seen(const person& who) { baton_.seen(who, moment::now()); }

// Whose breakpoints stopped it and who could run it: somebody who may not, or has left, keeps nobody waiting.
void hub_baton::stops(const stop& at) {
    std::vector<person> owners;
    for (const auto id : at.cause.hit_breakpoints) {
        const auto* record = hub_.breakpoints().find(id);
        if (!record || !record->owner || !hub_.is_here(*record->owner) || !record->owner->may_run()) continue;
        auto who = person_of(record->owner->who().who);
        if (std::find(owners.begin(), owners.end(), who) == owners.end()) owners.push_back(std::move(who));
    }
    baton_.stops(std::move(owners), moment::now());
    watch();
}

void hub_baton::tell_who_is_first() {
    const auto first = baton_.first(moment::now());
    if (first.empty()) return;
    std::string names;
    for (const auto& one : first) names += (names.empty() ? "" : ", ") + one.user;
    hub_.notice("It stands at a breakpoint of " + names + ", who may run it first for a moment.", [&](const viewer& v) {
        return std::find(first.begin(), first.end(), person_of(v.who().who)) == first.end();
    });
}

void hub_baton::left(const person& who) {
    if (!here(who)) passed(baton_.left(who, moment::now()));
    watch();
}

// Of somebody who is not here nothing is known.
void hub_baton::recheck() {
    const auto may = [this](const person& who) {
        const auto all = hub_.viewers();
        return !here(who) || std::any_of(all.begin(), all.end(), [&](const viewer* v) { return person_of(v->who().who) == who && v->may_run(); });
    };
    passed(baton_.keep_only(may, moment::now()));
    watch();
}

bool hub_baton::here(const person& who) const {
    const auto all = hub_.viewers();
    return std::any_of(all.begin(), all.end(), [&](const viewer* v) { return person_of(v->who().who) == who; });
}

void hub_baton::tell(const person& who, const std::string& text) {
    hub_.notice(text, [&](const viewer& v) { return person_of(v.who().who) == who; });
}

void hub_baton::tell_others(const person& but, const std::string& text) {
    hub_.notice(text, [&](const viewer& v) { return person_of(v.who().who) != but; });
}

void hub_baton::passed(const std::optional<baton::passing>& what) {
    if (!what) return;
    if (!what->to) return tell_others(what->from, what->why + ", and nobody has the baton now: whoever runs the program next has it.");
    tell(*what->to, what->why + ": the baton is yours.");
    tell_others(*what->to, what->why + ", and " + what->to->user + ", who asked for it, has the baton now.");
}

// After whatever may have passed it on. Only somebody who waits for it needs to know when it is free.
void hub_baton::watch() {
    hub_.remember_baton();
    const auto next = baton_.next();
    if (!next) {
        timer_.cancel();
        return;
    }
    timer_.expires_at(*next);
    timer_.async_wait([this](const boost::system::error_code& ec) {
        if (ec) return;
        passed(baton_.look(moment::now()));
        watch();
    });
}

baton::told hub_baton::carry_out(const person& by, bool rules, std::string_view verb, std::string_view to) {
    const auto now = moment::now();
    const auto& component = hub_.name();
    passed(baton_.look(now));
    if (verb.empty()) return baton::told(boost::system::in_place_value, baton_.words(now, component));
    const auto before = baton_.holder();
    baton::told said = baton::told(boost::system::in_place_error, "delvegate baton knows ask, give, take and drop");
    if (verb == "ask") {
        said = baton_.ask(by, now, component);
        auto whom = baton_.first(now);
        if (const auto& holder = baton_.holder()) whom.push_back(*holder);
        const auto asking = baton_.asking();
        if (std::find(asking.begin(), asking.end(), by) != asking.end())
            for (const auto& one : whom)
                tell(one, by.user + " asks for the baton; hand it over by typing here: delvegate baton give " + by.user);
    } else if (verb == "give") {
        std::optional<person> whom;
        if (!to.empty()) {
            auto known = baton_.asking();
            for (const auto* v : hub_.viewers())
                if (v->may_run()) known.push_back(person_of(v->who().who));
            for (const auto& one : known) {
                if (one.user != to) continue;
                if (whom && *whom != one)
                    return baton::told(boost::system::in_place_error, "there are two here whose name is " + std::string(to) +
                                                                          "; let the one you mean ask for it");
                whom = one;
            }
            if (!whom)
                return baton::told(boost::system::in_place_error, "nobody of the name " + std::string(to) +
                                                                      " who may run " + component + " is here or asks for the baton");
        }
        said = baton_.give(by, rules, whom, now, component);
    } else if (verb == "take") {
        said = baton_.take(by, now, component);
    } else if (verb == "drop") {
        said = baton_.drop(by, rules, now, component);
    }
    const auto& after = baton_.holder();
    if (said && before != after) {
        if (!after) {
            tell_others(by, by.user + " has dropped the baton: whoever runs the program next has it.");
        } else if (*after == by) {
            tell_others(by, by.user + " has the baton now" + (before ? "; " + before->user + " had it." : "."));
        } else {
            tell(*after, by.user + " gave you the baton: you may run the program.");
            hub_.notice(by.user + " gave the baton to " + after->user + ".", [&](const viewer& v) {
                const auto who = person_of(v.who().who);
                return who != by && who != *after;
            });
        }
    }
    watch();
    return said;
}

std::string hub_baton::words() const { return baton_.open() ? std::string() : baton_.words(moment::now(), hub_.name()); }

json hub_baton::describe() const {
    if (baton_.open()) return json::object{{"mode", "open"}};
    const auto names = [](const std::vector<person>& all) {
        json::array list;
        for (const auto& one : all) list.emplace_back(one.user);
        return list;
    };
    const auto now = moment::now();
    json out = json::object{};
    out.set("mode", "baton");
    if (const auto& holder = baton_.holder()) {
        out.set("holder", holder->user);
        out.set("since", utc_time(baton_.since()));
    }
    if (auto first = baton_.first(now); !first.empty()) out.set("first", names(first));
    if (auto asking = baton_.asking(); !asking.empty()) out.set("asking", names(asking));
    return out;
}

}  // namespace gateway
