#include "gateway/session_memory.h"

#include <set>
#include <utility>

#include "gateway/breakpoint_record.h"
#include "gateway/hub_baton.h"

namespace gateway {

using protocol::json;

namespace {

constexpr std::string_view wish_prefix = "wish/", site_prefix = "site/";
constexpr std::string_view setting_key = "setting", pid_key = "pid", baton_key = "baton", stop_key = "stop";

std::string key_of(std::string_view prefix, std::int64_t id) { return std::string(prefix) + std::to_string(id); }

template <class Read>
void each_below(const session_journal& journal, std::string_view prefix, Read read) {
    const auto& all = journal.all();
    for (auto at = all.lower_bound(prefix); at != all.end() && at->first.starts_with(prefix); ++at)
        if (const auto value = journal.value(at->first); value.is_object()) read(value);
}

}  // namespace

std::string person_key(const auth::identity& who) {
    const auto one = person_of(who);
    return one.user + "\n" + one.authority;
}

session_memory::past session_memory::recall() {
    past out;
    each_below(journal_, site_prefix, [&](const json& record) {
        if (auto site = read_site(record)) out.sites.push_back(std::move(*site));
    });
    each_below(journal_, wish_prefix, [&](const json& record) {
        auto wish = read_wish(record);
        if (!wish) return;
        if (record.get_bool("here")) out.was_here.push_back(wish->id);
        out.wishes.push_back(std::move(*wish));
    });
    if (const auto record = journal_.value(setting_key); record.is_object()) {
        out.setting.emplace();
        out.setting->user = record.get_string("user");
        if (const auto* who = record.find("who")) out.setting->who = read_identity(*who);
    }
    out.pid = journal_.value(pid_key).as_int().value_or(0);
    if (const auto record = journal_.value(baton_key); record.is_object())
        out.baton = holder{{std::string(record.get_string("user")), std::string(record.get_string("authority"))},
                           std::chrono::system_clock::from_time_t(record.get_int("since"))};
    return out;
}

void session_memory::keep(const breakpoint_board& board, std::int64_t pid, const std::optional<breakpoint_wish>& setting, bool ending) {
    const session_journal::batch together(journal_);
    std::set<std::string, std::less<>> wanted;
    for (const auto& [id, site] : board.sites()) journal_.put(*wanted.insert(key_of(site_prefix, id)).first, to_json(site));
    for (const auto& [id, wish] : board.all()) {
        const auto& key = *wanted.insert(key_of(wish_prefix, id)).first;
        auto record = to_json(wish);
        if (ending && journal_.value(key).get_bool("here")) record.set("here", true);
        journal_.put(key, record);
    }
    for (const auto prefix : {wish_prefix, site_prefix}) {
        std::vector<std::string> gone;
        const auto& all = journal_.all();
        for (auto at = all.lower_bound(prefix); at != all.end() && at->first.starts_with(prefix); ++at)
            if (!wanted.contains(at->first)) gone.push_back(at->first);
        for (const auto& key : gone) journal_.drop(key);
    }
    if (setting)
        is_setting(*setting);
    else
        journal_.drop(setting_key);
    keep_program(pid);
}

void session_memory::keep_program(std::int64_t pid) {
    if (pid != 0) journal_.put(pid_key, json(pid));
}

void session_memory::keep_stop(const known_stop& stop) {
    if (stop.mark.empty()) return journal_.drop(stop_key);
    json::array told;
    for (const auto& who : stop.told) told.emplace_back(who);
    journal_.put(stop_key, json(json::object{{"mark", stop.mark}, {"told", std::move(told)}}));
}

session_memory::known_stop session_memory::stop() const {
    const auto record = journal_.value(stop_key);
    known_stop out;
    if (!record.is_object()) return out;
    out.mark = record.get_string("mark");
    const auto* told = record.find("told");
    if (const auto* all = told ? told->if_array() : nullptr)
        for (const auto& who : *all)
            if (const auto* name = who.if_string()) out.told.emplace(*name);
    return out;
}

void session_memory::keep_baton(const std::optional<holder>& baton) {
    if (!baton) return journal_.drop(baton_key);
    const auto& [who, since] = *baton;
    journal_.put(baton_key, json(json::object{{"user", who.user},
                                              {"authority", who.authority},
                                              {"since", std::int64_t{std::chrono::system_clock::to_time_t(since)}}}));
}

void session_memory::is_setting(const breakpoint_wish& wish) {
    journal_.put(setting_key, json(json::object{{"user", wish.user}, {"who", to_json(wish.who)}}));
}

}  // namespace gateway
