#include "gateway/breakpoint_record.h"

#include <algorithm>

namespace gateway {

using protocol::json;
using protocol::op_class;

namespace {

constexpr op_class classes[] = {op_class::observe, op_class::read,   op_class::trace, op_class::breakpoint,
                                op_class::control, op_class::mutate, op_class::files, op_class::lifecycle};

std::uint64_t unsigned_of(const json* value) {
    const auto number = value ? value->as_uint() : std::nullopt;
    return number.value_or(0);
}

json to_json(const hit_counts& counts) {
    json::array by;
    for (const auto& [goroutine, count] : counts.by_goroutine) by.push_back(json::array{goroutine, count});
    return json::object{{"total", counts.total}, {"by", std::move(by)}};
}

hit_counts read_counts(const json* record) {
    hit_counts out;
    if (!record) return out;
    out.total = unsigned_of(record->find("total"));
    const auto* by = record->find("by");
    if (const auto* all = by ? by->if_array() : nullptr)
        for (const auto& one : *all)
            if (const auto* pair = one.if_array(); pair && pair->size() == 2)
                if (const auto goroutine = (*pair)[0].as_int()) out.by_goroutine[*goroutine] = unsigned_of(&(*pair)[1]);
    return out;
}

template <class T>
json list_of(const T& values) {
    json::array out;
    for (const auto& one : values) out.emplace_back(one);
    return out;
}

std::vector<std::int64_t> ids_in(const json* list) {
    std::vector<std::int64_t> out;
    if (const auto* all = list ? list->if_array() : nullptr)
        for (const auto& one : *all)
            if (const auto id = one.as_int()) out.push_back(*id);
    return out;
}

}  // namespace

json to_json(const auth::identity& who) {
    // The last three are what revocation lists go by.
    return json::object{{"user", who.user},     {"groups", list_of(who.groups)}, {"authority", who.authority},
                        {"issuer", who.issuer}, {"serial", who.serial},          {"anchor", who.anchor}};
}

auth::identity read_identity(const json& record) {
    auth::identity who;
    who.user = record.get_string("user");
    who.authority = record.get_string("authority");
    who.issuer = record.get_string("issuer");
    who.serial = record.get_string("serial");
    who.anchor = record.get_string("anchor");
    const auto* groups = record.find("groups");
    if (const auto* all = groups ? groups->if_array() : nullptr)
        for (const auto& one : *all)
            if (const auto* name = one.if_string()) who.groups.push_back(*name);
    return who;
}

json to_json(const breakpoint_wish& wish) {
    json::array needs;
    for (const auto one : classes)
        if (wish.needs.has(one)) needs.emplace_back(static_cast<int>(one));
    json out = json::object{{"id", wish.id},
                            {"user", wish.user},
                            {"here", wish.owner != nullptr},
                            {"claimed", wish.claimed},
                            {"pinned", wish.pinned},
                            {"group", wish.group},
                            {"key", wish.key},
                            {"name", wish.name},
                            {"condition", wish.condition},
                            {"hitCondition", wish.hit_condition},
                            {"byGoroutine", wish.by_goroutine},
                            {"traces", wish.traces},
                            {"disabled", wish.disabled},
                            {"offBecause", wish.off_because},
                            {"logMessage", wish.log_message},
                            {"extras", wish.extras},
                            {"file", wish.file},
                            {"line", wish.line},
                            {"who", to_json(wish.who)},
                            {"operation", wish.operation},
                            {"needs", std::move(needs)},
                            {"sites", list_of(wish.sites)},
                            {"hits", to_json(wish.hits)}};
    return out;
}

std::optional<breakpoint_wish> read_wish(const json& record) {
    breakpoint_wish wish;
    wish.id = record.get_int("id");
    wish.sites = ids_in(record.find("sites"));
    if (wish.id <= 0 || wish.sites.empty()) return std::nullopt;
    wish.user = record.get_string("user");
    wish.claimed = record.get_bool("claimed");
    wish.pinned = record.get_bool("pinned");
    wish.group = record.get_string("group");
    wish.key = record.get_string("key");
    wish.name = record.get_string("name");
    wish.condition = record.get_string("condition");
    wish.hit_condition = record.get_string("hitCondition");
    wish.by_goroutine = record.get_bool("byGoroutine");
    wish.traces = record.get_bool("traces");
    wish.disabled = record.get_bool("disabled");
    wish.off_because = record.get_string("offBecause");
    wish.log_message = record.get_string("logMessage");
    if (const auto* extras = record.find("extras")) wish.extras = *extras;
    wish.file = record.get_string("file");
    wish.line = record.get_int("line");
    if (const auto* who = record.find("who")) wish.who = read_identity(*who);
    wish.operation = record.get_string("operation");
    const auto needs = ids_in(record.find("needs"));
    for (const auto one : classes)
        if (std::find(needs.begin(), needs.end(), static_cast<std::int64_t>(one)) != needs.end()) wish.needs.add(one);
    wish.hits = read_counts(record.find("hits"));
    return wish;
}

json to_json(const breakpoint_site& site) {
    return json::object{{"id", site.id},         {"addresses", list_of(site.addresses)}, {"watches", site.watches},
                        {"access", site.access}, {"wishes", list_of(site.wishes)},       {"counted", to_json(site.counted)},
                        {"applied", site.applied}};
}

std::optional<breakpoint_site> read_site(const json& record) {
    breakpoint_site site;
    site.id = record.get_int("id");
    if (site.id <= 0) return std::nullopt;
    const auto* addresses = record.find("addresses");
    if (const auto* all = addresses ? addresses->if_array() : nullptr)
        for (const auto& one : *all)
            if (const auto address = one.as_uint()) site.addresses.insert(*address);
    site.watches = record.get_bool("watches");
    site.access = record.get_int("access");
    site.wishes = ids_in(record.find("wishes"));
    site.counted = read_counts(record.find("counted"));
    if (const auto* applied = record.find("applied")) site.applied = *applied;
    return site;
}

void breakpoint_board::recall(std::vector<breakpoint_wish> wishes, std::vector<breakpoint_site> sites) {
    for (auto& s : sites) sites_[s.id] = std::move(s);
    for (auto& w : wishes) {
        std::erase_if(w.sites, [&](auto id) {
            const auto* s = site(id);
            return !s || std::find(s->wishes.begin(), s->wishes.end(), w.id) == s->wishes.end();
        });
        if (w.sites.empty()) continue;
        w.owner = nullptr;
        next_ = std::max(next_, w.id);
        const auto id = w.id;
        wishes_[id] = std::move(w);
    }
    for (auto at = sites_.begin(); at != sites_.end();) {
        std::erase_if(at->second.wishes, [&](auto id) {
            const auto* w = find(id);
            return !w || std::find(w->sites.begin(), w->sites.end(), at->first) == w->sites.end();
        });
        at = at->second.wishes.empty() ? sites_.erase(at) : std::next(at);
    }
}

}  // namespace gateway
