#include "gateway/breakpoint_board.h"

#include <algorithm>

#include "gateway/breakpoint_list.h"

namespace gateway {

using protocol::json;

namespace {

template <class Wanted>
std::vector<std::int64_t> ids_where(const std::map<std::int64_t, breakpoint_wish>& wishes, Wanted wanted) {
    std::vector<std::int64_t> ids;
    for (const auto& [id, w] : wishes)
        if (wanted(w)) ids.push_back(id);
    return ids;
}

bool nobody_here(const breakpoint_wish& w) { return !w.owner && !w.user.empty(); }

template <class T>
auto* find_in(T& all, std::int64_t id) {
    const auto found = all.find(id);
    return found == all.end() ? nullptr : &found->second;
}

// More of two load configurations, member by member: -1 is "all".
json more_of(const json& a, const json& b) {
    if (!a.is_object()) return b;
    if (!b.is_object()) return a;
    json out = a;
    for (const auto& [key, value] : *b.if_object()) {
        const json* had = out.find(key);
        if (const bool* flag = value.if_bool()) {
            out.set(key, *flag || out.get_bool(key));
        } else if (const auto number = value.as_int(); number && had && had->as_int()) {
            const auto other = *had->as_int();
            out.set(key, *number < 0 || other < 0 ? std::int64_t{-1} : std::max(*number, other));
        } else if (!had) {
            out.set(key, value);
        }
    }
    return out;
}

// What is reported at a hit is enough for all of them.
void add_extras(json& to, const json& from) {
    if (!from.is_object()) return;
    for (const auto& [key, value] : *from.if_object()) {
        const json* had = to.find(key);
        if (!had || had->is_null())
            to.set(key, value);
        else if (key == "LoadArgs" || key == "LoadLocals")
            to.set(key, more_of(*had, value));
        else if (const bool* flag = value.if_bool())
            to.set(key, *flag || to.get_bool(key));
        else if (const auto number = value.as_int())
            to.set(key, std::max(*number, to.get_int(key)));
        else if (const auto* list = value.if_array()) {
            json both = *had;
            if (auto* all = both.if_array())
                for (const auto& one : *list)
                    if (std::find(all->begin(), all->end(), one) == all->end()) all->push_back(one);
            to.set(key, std::move(both));
        }
    }
}

void switch_off(json& settings, bool watches) {
    // dlv cannot disable a watchpoint, but give it a condition that never holds.
    if (watches)
        settings.set("Cond", "false");
    else
        settings.set("disabled", true);
}

}  // namespace

void hit_counts::hit(std::int64_t goroutine) {
    ++total;
    if (goroutine > 0) ++by_goroutine[goroutine];
}

breakpoint_wish* breakpoint_board::find(std::int64_t id) { return find_in(wishes_, id); }
const breakpoint_wish* breakpoint_board::find(std::int64_t id) const { return find_in(wishes_, id); }
breakpoint_site* breakpoint_board::site(std::int64_t id) { return find_in(sites_, id); }
const breakpoint_site* breakpoint_board::site(std::int64_t id) const { return find_in(sites_, id); }

std::int64_t breakpoint_board::put(breakpoint_wish wish, breakpoint_site site) {
    if (wish.id == 0) wish.id = site.id;
    const auto id = wish.id;
    wish.sites.clear();
    wishes_[id] = std::move(wish);
    extend(id, std::move(site));
    return id;
}

std::int64_t breakpoint_board::join(breakpoint_wish wish, const std::vector<std::int64_t>& sites) {
    if (wish.id == 0) wish.id = ++next_;
    const auto id = wish.id;
    wish.sites = sites;
    wish.hits = {};
    wishes_[id] = std::move(wish);
    for (const auto at : sites)
        if (auto* s = site(at)) s->wishes.push_back(id);
    return id;
}

void breakpoint_board::extend(std::int64_t wish, breakpoint_site by) {
    auto* w = find(wish);
    if (!w) return;
    w->sites.push_back(by.id);
    by.wishes = {wish};
    sites_[by.id] = std::move(by);
}

std::vector<std::int64_t> breakpoint_board::drop(std::int64_t wish) {
    std::vector<std::int64_t> unwanted;
    const auto* w = find(wish);
    if (!w) return unwanted;
    for (const auto at : w->sites) {
        auto* s = site(at);
        if (!s) continue;
        std::erase(s->wishes, wish);
        if (!s->wishes.empty()) continue;
        unwanted.push_back(at);
        sites_.erase(at);
    }
    wishes_.erase(wish);
    return unwanted;
}

void breakpoint_board::replace(std::int64_t old, std::vector<breakpoint_site> by) {
    const auto* was = site(old);
    if (!was) return;
    const auto wishes = was->wishes;
    sites_.erase(old);
    for (const auto id : wishes)
        if (auto* w = find(id)) {
            std::erase(w->sites, old);
            for (const auto& s : by) w->sites.push_back(s.id);
        }
    for (auto& s : by) {
        s.wishes = wishes;
        const auto id = s.id;
        sites_[id] = std::move(s);
    }
}

void breakpoint_board::clear() {
    wishes_.clear();
    sites_.clear();
}

overlap breakpoint_board::across(const std::vector<std::uint64_t>& addresses) const {
    overlap out;
    std::set<std::uint64_t> rest(addresses.begin(), addresses.end());
    for (const auto& [id, s] : sites_) {
        if (s.watches) continue;
        std::set<std::uint64_t> common;
        for (const auto a : s.addresses)
            if (rest.contains(a)) common.insert(a);
        if (common.empty()) continue;
        for (const auto a : common) rest.erase(a);
        if (common.size() == s.addresses.size())
            out.whole.push_back(id);
        else
            out.part[id] = std::move(common);
    }
    out.free.assign(rest.begin(), rest.end());
    return out;
}

// --- whose ----------------------------------------------------------------------------------------------------

std::vector<std::int64_t> breakpoint_board::of_group(const viewer* owner, std::string_view group) const {
    return ids_where(wishes_, [&](const auto& w) { return w.owner == owner && w.group == group; });
}

std::vector<std::int64_t> breakpoint_board::unclaimed(const viewer* owner) const {
    return ids_where(wishes_, [&](const auto& w) {
        return w.owner == owner && !w.claimed && !w.pinned && w.group != "rpc";
    });
}

std::size_t breakpoint_board::of_user(std::string_view user) const {
    return static_cast<std::size_t>(std::count_if(wishes_.begin(), wishes_.end(), [&](const auto& one) { return one.second.user == user; }));
}

std::vector<std::int64_t> breakpoint_board::orphans_of(std::string_view user) const {
    return ids_where(wishes_, [&](const auto& w) { return nobody_here(w) && w.user == user; });
}

std::vector<std::int64_t> breakpoint_board::replaceable(const viewer* owner, std::string_view user) const {
    return ids_where(wishes_, [&](const auto& w) {
        if (w.group == left_behind) return true;
        return w.owner ? w.owner == owner && !w.claimed : !w.user.empty() && w.user == user;
    });
}

void breakpoint_board::abandon(const viewer* owner, time now) {
    for (auto& [id, w] : wishes_) {
        if (!w.owner || w.owner != owner) continue;
        w.owner = nullptr;
        w.left_at = now;
    }
}

void breakpoint_board::abandon_all(time now) {
    for (auto& [id, w] : wishes_) {
        if (!w.owner) continue;
        w.owner = nullptr;
        w.left_at = now;
    }
}

void breakpoint_board::adopt(viewer* owner, std::string_view user, bool dap) {
    for (auto& [id, w] : wishes_) {
        if (!nobody_here(w) || w.user != user || (w.group != "rpc") != dap) continue;
        w.owner = owner;
        w.claimed = false;
    }
}

std::vector<std::int64_t> breakpoint_board::overdue(time then) const {
    return ids_where(wishes_, [&](const auto& w) { return nobody_here(w) && !w.pinned && w.left_at <= then; });
}

std::optional<breakpoint_board::time> breakpoint_board::next_leaver() const {
    std::optional<time> next;
    for (const auto& [id, w] : wishes_)
        if (nobody_here(w) && !w.pinned && (!next || w.left_at < *next)) next = w.left_at;
    return next;
}

// --- what dlv is told -------------------------------------------------------------------------------------------

std::vector<const breakpoint_wish*> breakpoint_board::active_at(const breakpoint_site& site) const {
    std::vector<const breakpoint_wish*> active;
    for (const auto id : site.wishes)
        if (const auto* w = find(id); w && w->active()) active.push_back(w);
    return active;
}

bool breakpoint_board::dlv_judges(const breakpoint_site& site) const {
    const auto active = active_at(site);
    for (const auto* w : active) {
        if (w->condition != active.front()->condition || w->traces != active.front()->traces) return false;
        if (w->hit_condition.empty()) continue;
        // dlv counts for the site: that must be what this wish has counted.
        if (active.size() > 1 || w->sites.size() > 1) return false;
        if (w->hits.total != site.counted.total) return false;
        if (w->by_goroutine && w->hits != site.counted) return false;
    }
    return true;
}

json breakpoint_board::settings(const breakpoint_site& site, const breakpoint_wish& alone) const {
    json out = alone.extras.is_object() ? alone.extras : json(json::object{});
    out.set("id", site.id);
    out.set("name", alone.name);
    out.set("Cond", alone.condition);
    out.set("HitCond", alone.hit_condition);
    out.set("HitCondPerG", alone.by_goroutine);
    out.set("continue", alone.traces);
    out.set("disabled", false);
    if (!alone.active()) switch_off(out, site.watches);
    return out;
}

json breakpoint_board::settings(const breakpoint_site& site) const {
    const auto active = active_at(site);
    if (site.wishes.size() == 1 && dlv_judges(site))
        if (const auto* w = find(site.wishes.front())) return settings(site, *w);
    json out = json::object{};
    for (const auto* w : active) add_extras(out, w->extras);
    const bool by_dlv = dlv_judges(site);
    std::string name;
    for (const auto id : site.wishes)
        if (const auto* w = find(id); w && name.empty()) name = w->name;
    const bool same = std::all_of(active.begin(), active.end(),
                                  [&](const auto* w) { return w->condition == active.front()->condition; });
    out.set("id", site.id);
    out.set("name", name);
    out.set("Cond", same && !active.empty() ? active.front()->condition : std::string());
    const bool counts = by_dlv && active.size() == 1;
    out.set("HitCond", counts ? active.front()->hit_condition : std::string());
    out.set("HitCondPerG", counts && active.front()->by_goroutine);
    // One that passes leaves a step of somebody's in progress, should it turn out to be nobody's.
    out.set("continue", by_dlv ? !active.empty() && active.front()->traces : true);
    out.set("disabled", false);
    if (active.empty()) switch_off(out, site.watches);
    return out;
}

// --- hits -----------------------------------------------------------------------------------------------------

hit_counts breakpoint_board::hits_of(const breakpoint_wish& wish, const breakpoint_site& at, const hit_counts& now) const {
    hit_counts out = wish.hits;
    if (!wish.active() || !dlv_judges(at)) return out;
    if (now.total > at.counted.total) out.total += now.total - at.counted.total;
    for (const auto& [goroutine, count] : now.by_goroutine) {
        const auto before = at.counted.by_goroutine.find(goroutine);
        const auto had = before == at.counted.by_goroutine.end() ? 0 : before->second;
        if (count > had) out.by_goroutine[goroutine] += count - had;
    }
    return out;
}

void breakpoint_board::settle(breakpoint_site& site, const hit_counts& now) {
    std::map<std::int64_t, hit_counts> settled;
    for (const auto id : site.wishes)
        if (const auto* w = find(id)) settled[id] = hits_of(*w, site, now);
    for (auto& [id, counts] : settled) find(id)->hits = std::move(counts);
    site.counted = now;
}

void breakpoint_board::forget_hits() {
    for (auto& [id, w] : wishes_) w.hits = {};
    for (auto& [id, s] : sites_) {
        s.counted = {};
        s.rate.forget();
    }
}

std::vector<std::string> breakpoint_board::open_conditions(const breakpoint_site& site, bool unsure) const {
    const auto active = active_at(site);
    std::vector<std::string> open;
    const bool same = std::all_of(active.begin(), active.end(),
                                  [&](const auto* w) { return w->condition == active.front()->condition; });
    if (same && !unsure) return open;  // dlv has evaluated it
    for (const auto* w : active)
        if (!w->condition.empty() && std::find(open.begin(), open.end(), w->condition) == open.end())
            open.push_back(w->condition);
    return open;
}

judged_hit breakpoint_board::judge(const breakpoint_site& site, std::int64_t goroutine,
                                   const std::map<std::string, evaluated>& values, std::optional<std::int64_t> counted) {
    judged_hit out;
    out.site = site.id;
    const bool by_dlv = dlv_judges(site);
    for (const auto* active : active_at(site)) {
        auto& w = *find(active->id);
        if (const auto value = values.find(w.condition); value != values.end()) {
            if (!value->second.error.empty()) {
                out.erring.emplace_back(w.id, value->second.error);
                continue;
            }
            if (!value->second.holds) continue;
        }
        if (!by_dlv) {
            // Delve counts what satisfies the condition (pkg/proc/breakpoints.go, checkCond).
            const bool apart = w.by_goroutine && goroutine > 0;
            if (apart)
                w.hits.hit(goroutine);
            else
                ++w.hits.total;
            if (!satisfies_hit_condition(w.hit_condition, apart ? w.hits.by_goroutine[goroutine] : w.hits.total)) continue;
        } else if (counted && !w.by_goroutine && !satisfies_hit_condition(w.hit_condition, static_cast<std::uint64_t>(*counted))) {
            continue;
        }
        (w.traces ? out.trace : out.stop).push_back(w.id);
    }
    return out;
}

std::int64_t breakpoint_board::costliest(const breakpoint_site& site) const {
    const auto active = active_at(site);
    if (active.empty()) return 0;
    const bool by_dlv = dlv_judges(site);
    const bool traces = std::any_of(active.begin(), active.end(), [](const auto* w) { return w->traces; });
    if (by_dlv && !traces) return 0;  // each hit is a stop that somebody asked for
    return active.back()->id;
}

}  // namespace gateway
