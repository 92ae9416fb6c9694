#include "gateway/breakpoint_shown.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string>

namespace gateway {

using protocol::json;

namespace {

bool own(const breakpoint_wish& w, const breakpoint_reader& reader) {
    return w.owner == reader.view || w.user.empty() || w.user == reader.user;
}

// What dlv's own words say of a wish: there is no other at any of its sites.
bool as_dlv_has_it(const breakpoint_board& board, const breakpoint_wish& w) {
    if (w.sites.size() != 1 || w.sites.front() != w.id || !w.off_because.empty() || w.pinned) return false;
    const auto* site = board.site(w.id);
    return site && site->wishes.size() == 1 && board.dlv_judges(*site);
}

json strings(std::initializer_list<std::string> texts) {
    json::array out;
    for (const auto& text : texts)
        if (!text.empty()) out.emplace_back(text);
    return out;
}

// Whose hit a client is told of: its own stopping one, another's stopping one, its own that passes, another's.
const breakpoint_wish* best(const breakpoint_board& board, const std::vector<std::int64_t>& of, const breakpoint_reader& reader) {
    const breakpoint_wish* found = nullptr;
    const auto rank = [&](const breakpoint_wish& w) { return w.owner == reader.view ? 2 : own(w, reader) ? 1 : 0; };
    for (const auto id : of)
        if (const auto* w = board.find(id); w && (!found || rank(*w) > rank(*found))) found = w;
    return found;
}

void show_thread(const breakpoint_board& board, const thread_hits& hits, json& thread, const breakpoint_reader& reader) {
    auto* breakpoint = thread.find("breakPoint");
    const auto* site = breakpoint ? board.site(breakpoint->get_int("id")) : nullptr;
    if (!site) return;
    const auto hit = hits.find(thread.get_int("id"));
    const bool judged = hit != hits.end() && hit->second.site == site->id;
    const auto* wish = judged ? best(board, hit->second.stop, reader) : best(board, site->wishes, reader);
    const bool stops = judged && wish;
    if (judged && !wish) wish = best(board, hit->second.trace, reader);
    // What it stopped for has been cleared since: as at dlv, what is there now is what it stands at.
    if (judged && !wish && !hit->second.stop.empty()) wish = best(board, site->wishes, reader);
    if (judged && !wish) {
        // It came by, and was nobody's.
        std::erase_if(*thread.if_object(), [](const auto& m) { return m.first == "breakPoint" || m.first == "breakPointInfo"; });
        return;
    }
    if (!wish) return;
    *breakpoint = shown_breakpoint(board, *wish, *breakpoint, reader);
    // Delve's client sends `continue` again when all that was hit only passes.
    if (stops) breakpoint->set("continue", false);
}

}  // namespace

const json::array& breakpoints_in(const json& list_reply) {
    static const json::array none;
    const auto* list = list_reply.find("Breakpoints");
    const auto* all = list ? list->if_array() : nullptr;
    return all ? *all : none;
}

hit_counts breakpoint_counts(const json& breakpoint) {
    hit_counts out;
    out.total = static_cast<std::uint64_t>(breakpoint.get_int("totalHitCount"));
    const auto* by = breakpoint.find("hitCount");
    if (const auto* members = by ? by->if_object() : nullptr)
        for (const auto& [key, value] : *members) {
            std::int64_t goroutine = 0;
            if (std::from_chars(key.data(), key.data() + key.size(), goroutine).ec != std::errc{}) continue;
            if (const auto count = value.as_uint()) out.by_goroutine[goroutine] = *count;
        }
    return out;
}

json breakpoint_extras(const json& breakpoint) {
    json out = json::object{};
    for (const char* key : {"goroutine", "stacktrace", "variables", "LoadArgs", "LoadLocals", "traceReturn",
                            "RootFuncName", "TraceFollowCalls"})
        if (const auto* value = breakpoint.find(key); value && !value->is_null()) out.set(key, *value);
    return out;
}

bool shown_as_they_are(const breakpoint_board& board, const breakpoint_reader& reader) {
    return std::all_of(board.all().begin(), board.all().end(),
                       [&](const auto& one) { return own(one.second, reader) && as_dlv_has_it(board, one.second); });
}

json shown_breakpoint(const breakpoint_board& board, const breakpoint_wish& wish, const json& breakpoint,
                      const breakpoint_reader& reader) {
    json out = breakpoint;
    const auto site_id = breakpoint.get_int("id");
    const auto* site = board.site(site_id);
    if (!as_dlv_has_it(board, wish)) {
        out.set("id", wish.id);
        // Of a watchpoint dlv makes up the name; none is as good as any.
        out.set("name", wish.name);
        out.set("Cond", wish.condition);
        out.set("HitCond", wish.hit_condition);
        out.set("HitCondPerG", wish.by_goroutine);
        out.set("continue", wish.traces);
        out.set("disabled", !wish.active() || breakpoint.get_bool("disabled"));
        for (const char* key : {"goroutine", "stacktrace", "variables", "LoadArgs", "LoadLocals"}) {
            const auto* wanted = wish.extras.find(key);
            if (out.find(key) || wanted) out.set(key, wanted ? *wanted : json());
        }
        if (!wish.extras.find("goroutine")) out.set("goroutine", false);
        if (!wish.extras.find("stacktrace")) out.set("stacktrace", 0);
        if (site) {
            const auto counts = board.hits_of(wish, *site, breakpoint_counts(breakpoint));
            json by = json::object{};
            for (const auto& [goroutine, count] : counts.by_goroutine) by.set(std::to_string(goroutine), count);
            out.set("hitCount", std::move(by));
            out.set("totalHitCount", counts.total);
        }
        std::set<std::uint64_t> addresses;
        for (const auto id : wish.sites)
            if (const auto* s = board.site(id)) addresses.insert(s->addresses.begin(), s->addresses.end());
        if (wish.sites.size() > 1 && !addresses.empty()) {
            json::array all;
            for (const auto a : addresses) all.emplace_back(a);
            out.set("addr", all.front());
            out.set("addrs", std::move(all));
        }
    }
    auto words = strings({own(wish, reader) ? std::string() : "set by " + wish.user,
                          wish.off_because.empty() ? std::string() : "switched off: " + wish.off_because,
                          wish.pinned ? std::string("pinned") : std::string()});
    if (!words.if_array()->empty()) out.set("VerboseDescr", std::move(words));
    return out;
}

json shown_list(const breakpoint_board& board, const json& breakpoints, const breakpoint_reader& reader) {
    json::array out;
    const auto* all = breakpoints.if_array();
    if (!all) return breakpoints;
    std::set<std::int64_t> shown;
    for (const auto& one : *all) {
        const auto* site = board.site(one.get_int("id"));
        if (!site) {
            out.push_back(one);
            continue;
        }
        for (const auto id : site->wishes)
            if (const auto* wish = board.find(id); wish && shown.insert(id).second)
                out.push_back(shown_breakpoint(board, *wish, one, reader));
    }
    return out;
}

void show_threads(const breakpoint_board& board, const thread_hits& hits, json& reply, const breakpoint_reader& reader) {
    if (auto* list = reply.if_array())
        for (auto& one : *list) show_threads(board, hits, one, reader);
    auto* members = reply.if_object();
    if (!members) return;
    if (reply.find("breakPoint")) return show_thread(board, hits, reply, reader);
    for (const char* key : {"State", "currentThread", "Threads", "Thread", "Targets"})
        if (auto* inner = reply.find(key)) show_threads(board, hits, *inner, reader);
}

}  // namespace gateway
