#include "gateway/hub_roster.h"

#include <algorithm>
#include <utility>

#include "gateway/breakpoint_list.h"
#include "gateway/hub.h"
#include "gateway/utc.h"
#include "protocol/printable.h"

namespace gateway {

namespace {

constexpr std::chrono::seconds tell_every{1};
constexpr std::size_t most_shown = 80;  // bytes of an expression
constexpr std::string_view all_of_them = "all";

std::string base_name(const std::string& path) { return path.substr(path.find_last_of("/\\") + 1); }

}  // namespace

hub_roster::hub_roster(hub& of, std::size_t output_kept) : hub_(of), output_(output_kept), timer_(of.context()) {}

void hub_roster::came(const viewer& v) {
    if (!hub_.is_here(v) || std::exchange(windows_[&v].joined, true)) return;
    news_.people_changed(person_of(v.who().who));
    soon();
}

void hub_roster::went(const viewer& v) {
    const auto was = windows_.extract(&v);
    if (was.empty() || !was.mapped().joined) return;
    news_.people_changed(person_of(v.who().who));
    soon();
}

void hub_roster::breakpoints_changed() {
    news_.breakpoints_changed();
    soon();
}

void hub_roster::recalled() { news_.known(marks()); }

void hub_roster::soon() {
    if (std::exchange(waits_, true)) return;
    timer_.expires_after(tell_every);
    timer_.async_wait([this](const boost::system::error_code& ec) {
        if (ec) return;
        waits_ = false;
        tell();
    });
}

std::vector<presence> hub_roster::here() const {
    std::vector<presence> all;
    for (const auto& [v, of] : windows_)
        if (of.joined) all.push_back({person_of(v->who().who), v->ide(), v->role()});
    return all;
}

std::vector<breakpoint_mark> hub_roster::marks() const {
    std::vector<breakpoint_mark> all;
    const auto& board = hub_.breakpoints();
    for (const auto& [id, wish] : board.all()) {
        if (wish.user.empty() || wish.group == left_behind || wish.sites.empty()) continue;
        const auto* site = board.site(wish.sites.front());
        breakpoint_mark mark{{wish.user, wish.who.authority}, "breakpoint", base_name(wish.file) + ":" + std::to_string(wish.line)};
        if (wish.traces) mark.kind = wish.log_message.empty() ? "tracepoint" : "logpoint";
        if (site && site->watches) {
            mark.kind = "watchpoint";
            mark.place = (wish.name.empty() ? wish.key : wish.name).substr(0, most_shown);
            if (mark.place.empty()) mark.place = "a variable";
        }
        all.push_back(std::move(mark));
    }
    return all;
}

void hub_roster::tell() {
    const auto news = news_.take(here(), marks());
    if (news.empty()) return;
    hub_.tell_all([&](viewer& v) {
        const auto me = person_of(v.who().who);
        const auto known = windows_.find(&v);
        // Who has not joined yet is told of everything when they have.
        if (known == windows_.end() || !known->second.joined) return;
        std::vector<std::string> lines;
        for (const auto& one : news)
            if (one.about != me && one.at > known->second.knows) lines.push_back(one.text);
        if (!lines.empty()) v.on_notice(roster_news::together(lines));
    });
}

// "alice with Visual Studio Code (debugger), since 2026-11-26 14:03:11 UTC"
std::string hub_roster::described(const viewer& v) const {
    auto text = protocol::printable(v.who().who.user) + " with " + protocol::printable(v.ide());
    if (const auto role = v.role(); !role.empty()) text += " (" + protocol::printable(role) + ")";
    text += ", since " + utc_time(hub_.since(v));
    if (const auto down = v.link_down_since()) text += ", link down since " + utc_time(*down);
    return text;
}

std::vector<std::string> hub_roster::welcome(const viewer& v) {
    std::vector<std::string> lines, others;
    if (!hub_.is_here(v)) return lines;
    windows_[&v].knows = news_.moment();
    const auto me = person_of(v.who().who);
    for (const auto* one : hub_.viewers())
        if (one != &v) others.push_back(described(*one));
    if (!others.empty()) {
        lines.push_back("Here with you:");
        std::string all = roster_news::together(others);
        lines.push_back("  " + all);
        for (std::size_t at = lines.back().find('\n'); at != std::string::npos; at = lines.back().find('\n', at + 1))
            lines.back().insert(at + 1, "  ");
    }
    if (const auto& holder = hub_.baton().holder(); holder && *holder != me)
        if (const auto words = hub_.baton().words(); !words.empty()) lines.push_back(words + ".");
    std::vector<std::string> theirs;
    for (const auto& one : marks())
        if (one.who != me) theirs.push_back(protocol::printable(one.who.user + "'s " + one.kind + " at " + one.place));
    if (!theirs.empty()) {
        const auto more = theirs.size() > roster_news::most_places ? theirs.size() - roster_news::most_places : 0;
        std::string text = "Breakpoints of others: ";
        for (std::size_t i = 0; i < theirs.size() - more; ++i) text += (i == 0 ? "" : ", ") + theirs[i];
        lines.push_back(text + (more > 0 ? " and " + std::to_string(more) + " more." : "."));
    }
    return lines;
}

std::string hub_roster::words() const {
    std::string out;
    for (const auto* one : hub_.viewers()) out += (out.empty() ? "" : "\n") + described(*one);
    if (out.empty()) out = "nobody is here";
    if (const auto baton = hub_.baton().words(); !baton.empty()) out += "\n" + baton;
    return out;
}

std::string hub_roster::earlier_output(std::size_t lines, std::uint64_t until) const {
    const auto last = output_.last(lines, until);
    if (last.empty()) return {};
    std::string text = "Earlier output of the program, its last " + std::to_string(last.size()) + (last.size() == 1 ? " line:" : " lines:");
    for (const auto& line : last) text += "\n  | " + line;
    return text;
}

// --- logpoints ------------------------------------------------------------------------------------------------------

hub_roster::told hub_roster::follow(const viewer& v, std::string_view whom) {
    const auto refused = [](std::string why) { return told(boost::system::in_place_error, std::move(why)); };
    if (!v.speaks_dap())
        return refused("your client shows nothing but the answers to what it asks: follow in VS Code or another DAP client");
    if (whom.empty()) return refused("whom? delvegate follow USER, or delvegate follow all");
    if (!hub_.is_here(v)) return refused("your session is over");
    auto& follows = windows_[&v].follows;
    if (!follows.contains(whom) && follows.size() >= most_followed)
        return refused("you follow " + std::to_string(most_followed) + " people already; delvegate unfollow, or delvegate follow all");
    follows.emplace(whom);
    return {boost::system::in_place_value,
            "what logpoints of " + (whom == all_of_them ? std::string("others") : protocol::printable(whom)) + " write is shown here from now on"};
}

hub_roster::told hub_roster::unfollow(const viewer& v, std::string_view whom) {
    const auto found = windows_.find(&v);
    const bool any = found != windows_.end() && (whom.empty() ? !found->second.follows.empty() : found->second.follows.contains(whom));
    if (!any) return {boost::system::in_place_error, whom.empty() ? "you follow nobody" : "you do not follow " + protocol::printable(whom)};
    if (whom.empty())
        found->second.follows.clear();
    else
        found->second.follows.erase(found->second.follows.find(whom));
    return {boost::system::in_place_value, found->second.follows.empty() ? std::string("you follow nobody any more")
                                                                       : "you do not follow " + protocol::printable(whom) + " any more"};
}

std::vector<viewer*> hub_roster::followers(const breakpoint_wish& of) const {
    std::vector<viewer*> all;
    for (auto* v : hub_.everybody()) {
        const auto found = windows_.find(v);
        if (v == of.owner || found == windows_.end() || !v->may_read()) continue;
        if (found->second.follows.contains(of.user) || found->second.follows.contains(all_of_them)) all.push_back(v);
    }
    return all;
}

}  // namespace gateway
