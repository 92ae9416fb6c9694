#include "gateway/pins.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "gateway/breakpoint_list.h"
#include "gateway/component_log.h"
#include "gateway/hub.h"
#include "protocol/printable.h"

namespace gateway {

using protocol::json;

namespace {

baton::told refused(std::string why) { return {boost::system::in_place_error, std::move(why)}; }

std::string place_of(const breakpoint_wish& w) {
    if (w.file.empty()) return w.key.empty() ? "breakpoint " + std::to_string(w.id) : w.key;
    return w.file.substr(w.file.find_last_of('/') + 1) + ":" + std::to_string(w.line);
}

bool is_of(const breakpoint_wish& w, const person& who) { return w.user == who.user && w.who.authority == who.authority; }

bool somebodys(const breakpoint_wish& w) { return !w.user.empty() && w.group != left_behind; }

std::string listed(const std::vector<std::string>& all) {
    constexpr std::size_t most = 10;
    std::string out;
    for (std::size_t i = 0; i < all.size() && i < most; ++i) out += (i == 0 ? "" : ", ") + all[i];
    return out + (all.size() > most ? " and " + std::to_string(all.size() - most) + " more" : "");
}

std::string places_of(const hub& of, const person& who, bool pinned_ones) {
    std::vector<std::string> all;
    for (const auto& [id, w] : of.breakpoints().all())
        if (somebodys(w) && is_of(w, who) && (w.pinned || !pinned_ones)) all.push_back(protocol::printable(place_of(w)));
    return listed(all);
}

}  // namespace

std::optional<std::int64_t> breakpoint_id(std::string_view text) {
    std::int64_t id = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), id);
    if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || id <= 0) return std::nullopt;
    return id;
}

bool means_place(std::string_view words, std::string_view file, std::int64_t line) {
    const auto colon = words.rfind(':');
    if (colon == words.npos || colon == 0) return false;
    if (const auto wanted = breakpoint_id(words.substr(colon + 1)); !wanted || *wanted != line) return false;
    std::string path(words.substr(0, colon));
    std::replace(path.begin(), path.end(), '\\', '/');
    while (path.starts_with("./")) path.erase(0, 2);
    if (path.empty() || !file.ends_with(path)) return false;
    return path.size() == file.size() || (path.front() != '/' && file[file.size() - path.size() - 1] == '/');
}

baton::told pin(hub& of, const pin_order& order) {
    const std::string verb = order.stays ? "pin" : "unpin";
    const auto& all = of.breakpoints().all();
    if (order.places.empty() && order.ids.empty()) return refused("which? delvegate " + verb + " FILE:LINE, or the breakpoint's ID");
    const auto may = [&](const breakpoint_wish& w) { return is_of(w, order.by) || (!order.stays && order.rules); };
    std::set<std::int64_t> chosen;
    for (const auto id : order.ids) {
        const auto found = all.find(id);
        if (found == all.end() || !somebodys(found->second)) return refused(of.name() + " has no breakpoint " + std::to_string(id));
        if (!may(found->second))
            return refused("breakpoint " + std::to_string(id) + " is " + protocol::printable(found->second.user) + "'s, and theirs to " + verb);
        chosen.insert(id);
    }
    for (const auto& words : order.places) {
        std::set<std::string> files, others;
        for (const auto& [id, w] : all) {
            if (!somebodys(w) || !means_place(words, w.file, w.line) || (!order.stays && !w.pinned)) continue;
            if (!may(w)) {
                others.insert(protocol::printable(w.user));
                continue;
            }
            files.insert(w.file);
            chosen.insert(id);
        }
        const auto place = protocol::printable(words);
        if (files.size() > 1)
            return refused(place + " is in several files: " + listed({files.begin(), files.end()}) + "; say more of the path");
        if (!files.empty()) continue;
        if (!others.empty())
            return refused("the breakpoint at " + place + " is " + listed({others.begin(), others.end()}) + "'s, and theirs to " + verb);
        const auto theirs = places_of(of, order.by, !order.stays);
        return refused(protocol::printable(order.by.user) + " has no " + (order.stays ? "" : "pinned ") + "breakpoint at " + place + " (FILE:LINE)" +
                       (theirs.empty() ? std::string() : "; there are " + theirs));
    }
    if (order.stays) {
        const auto had = static_cast<std::size_t>(
            std::count_if(all.begin(), all.end(), [&](const auto& one) { return one.second.pinned && is_of(one.second, order.by); }));
        const auto more = static_cast<std::size_t>(
            std::count_if(chosen.begin(), chosen.end(), [&](auto id) { return !all.at(id).pinned; }));
        if (had + more > most_pins)
            return refused("at most " + std::to_string(most_pins) + " breakpoints of one person are pinned at " + of.name() + ", and " +
                           std::to_string(had) + " are: " + places_of(of, order.by, true));
    }
    std::vector<std::string> places;
    for (const auto id : chosen) {
        const auto& w = all.at(id);
        const auto whose = is_of(w, order.by) ? std::string() : w.user + "'s ";
        places.push_back(protocol::printable(whose + place_of(w)));
        component_log(of.name()).info("{} {}s breakpoint {} of {} at {}", protocol::printable(order.by.user), verb, id, protocol::printable(w.user),
                   protocol::printable(place_of(w)));
    }
    for (const auto id : chosen) of.pin_breakpoint(id, order.stays);
    const bool one = places.size() == 1;
    return {boost::system::in_place_value,
            listed(places) + (order.stays ? one ? " stays when you leave" : " stay when you leave"
                                          : one ? " goes when its owner leaves" : " go when their owners leave")};
}

std::string pinned_words(const hub& of) {
    std::vector<std::string> all;
    for (const auto& [id, w] : of.breakpoints().all())
        if (w.pinned && somebodys(w)) all.push_back(protocol::printable(w.user + "'s " + place_of(w)) + " (" + std::to_string(id) + ")");
    if (all.empty()) return "no breakpoint of " + of.name() + " is pinned";
    return "pinned at " + of.name() + ": " + listed(all);
}

json describe_pins(const hub& of) {
    json::array all;
    for (const auto& [id, w] : of.breakpoints().all()) {
        if (!w.pinned || !somebodys(w)) continue;
        all.push_back(json::object{{"id", id}, {"user", w.user}, {"file", w.file}, {"line", w.line}, {"at", place_of(w)}, {"here", w.owner != nullptr}});
    }
    return all;
}

}  // namespace gateway
