#include "gateway/roster_news.h"

#include <algorithm>
#include <utility>

#include "protocol/printable.h"

namespace gateway {
namespace {

std::string listed(const std::vector<std::string>& all, std::size_t most) {
    std::string out;
    for (std::size_t i = 0; i < all.size() && i < most; ++i) out += (i == 0 ? "" : ", ") + all[i];
    if (all.size() > most) out += " and " + std::to_string(all.size() - most) + " more";
    return out;
}

}  // namespace

void roster_news::people_changed(const person& who) { touched_[key_of(who)] = ++clock_; }
void roster_news::breakpoints_changed() { breakpoints_touched_ = ++clock_; }

void roster_news::known(const std::vector<breakpoint_mark>& marks) {
    for (const auto& one : marks) told_marks_.insert({key_of(one.who), one.kind, one.place});
}

std::vector<roster_news::news> roster_news::take(const std::vector<presence>& here, const std::vector<breakpoint_mark>& marks) {
    std::vector<news> out;
    for (const auto& [who, at] : std::exchange(touched_, {})) {
        std::set<std::string> now;
        std::string role;
        for (const auto& one : here)
            if (key_of(one.who) == who) {
                now.insert(one.ide);
                role = one.role;
            }
        const auto before = told_.contains(who) ? told_[who] : std::set<std::string>{};
        const person about{who.first, who.second};
        const auto name = protocol::printable(who.first);
        std::vector<std::string> fresh;
        for (const auto& ide : now)
            if (!before.contains(ide)) fresh.push_back(protocol::printable(ide));
        if (now.empty()) {
            if (!before.empty()) out.push_back({about, at, name + " left"});
            told_.erase(who);
            continue;
        }
        const auto with = listed(fresh, most_places);
        if (before.empty())
            out.push_back({about, at, name + " joined with " + with + (role.empty() ? "" : " (" + role + ")")});
        else if (!fresh.empty())
            out.push_back({about, at, name + " is here with " + with + ", too"});
        told_[who] = std::move(now);
    }
    if (breakpoints_touched_ == 0) return out;
    std::set<mark_key> now;
    for (const auto& one : marks) now.insert({key_of(one.who), one.kind, one.place});
    tell_marks(now, here, out);
    told_marks_ = std::move(now);
    breakpoints_touched_ = 0;
    return out;
}

void roster_news::tell_marks(const std::set<mark_key>& now, const std::vector<presence>& here, std::vector<news>& out) {
    using changes = std::map<std::pair<key, std::string>, std::vector<std::string>>;  // places, by whose and what kind
    const auto difference = [](const std::set<mark_key>& of, const std::set<mark_key>& without) {
        changes found;
        for (const auto& one : of)
            if (!without.contains(one)) found[{one.who, one.kind}].push_back(protocol::printable(one.place));
        return found;
    };
    const auto tell = [&](const std::pair<key, std::string>& whose, const std::vector<std::string>& places, bool set) {
        const auto& [who, kind] = whose;
        const auto name = protocol::printable(who.first);
        const bool present = std::any_of(here.begin(), here.end(), [&](const auto& one) { return key_of(one.who) == who; });
        const auto what = places.size() == 1 ? "a " + kind : std::to_string(places.size()) + " " + kind + "s";
        const auto where = " at " + listed(places, most_places);
        std::string text = name + (set ? " set " : " cleared ") + what + where;
        // Nobody has cleared what goes because its owner has gone.
        if (!set && !present) text = name + "'s " + kind + (places.size() == 1 ? "" : "s") + where + (places.size() == 1 ? " is gone" : " are gone");
        out.push_back({{who.first, who.second}, breakpoints_touched_, std::move(text)});
    };
    for (const auto& [whose, places] : difference(now, told_marks_)) tell(whose, places, true);
    for (const auto& [whose, places] : difference(told_marks_, now)) tell(whose, places, false);
}

std::string roster_news::together(const std::vector<std::string>& of) {
    std::string out;
    for (std::size_t i = 0; i < of.size(); ++i) {
        if (i == most_lines && of.size() > most_lines + 1) {
            out += "\n… and " + std::to_string(of.size() - most_lines) + " more; type: delvegate who";
            break;
        }
        out += (i == 0 ? "" : "\n") + of[i];
    }
    return out;
}

}  // namespace gateway
