// dlv's breakpoints, through the door, as work of the hub: the sites of the board.
#include <algorithm>
#include <set>
#include <utility>

#include "gateway/breakpoint_list.h"
#include "gateway/breakpoint_replies.h"
#include "gateway/component_log.h"
#include "gateway/hub.h"
#include "gateway/hub_looks.h"
#include "protocol/printable.h"

namespace gateway {

using protocol::json;

namespace {

constexpr std::string_view list_all = "{\"All\":false}";

std::string amendment(const json& settings) {
    json args = json::object{};
    args.set("Breakpoint", settings);
    return protocol::to_text(args);
}

std::set<std::int64_t> ids_in(const rpc_outcome& list) {
    std::set<std::int64_t> ids;
    const auto reply = parsed(list);
    for (const auto& b : breakpoints_in(reply))
        if (auto id = b.get_int("id"); id > 0) ids.insert(id);
    return ids;
}

}  // namespace

// Keeps what a client may ask for while the program runs, when dlv would not answer. Breakpoints that were there before us
// belong to nobody here and are left alone: those of the first list, which may be long after we came to a running program.
// But to a dlv of the launcher's there is no way but by gateways: whoever set one by an earlier gateway wants to set it again.
asio::awaitable<void> hub::note_breakpoints(rpc_channel& on) {
    const auto generation = generation_;
    auto out = co_await request(on, "RPCServer.ListBreakpoints", std::string(list_all));
    if (!out.ok() || generation != generation_) co_return;
    const bool first = breakpoint_list_ == no_breakpoints_known;
    breakpoint_list_ = out.result;
    if (!first) co_return remember();
    const auto list = parsed(out);
    std::map<std::int64_t, json> there;
    for (const auto& b : breakpoints_in(list))
        if (auto id = b.get_int("id"); id > 0) there[id] = b;
    // What we knew before the connection to dlv broke, and is there no more.
    std::vector<std::int64_t> gone;
    for (const auto& [id, site] : breakpoints_.sites()) {
        const auto same = there.find(id);
        if (same == there.end()) {
            gone.push_back(id);
            continue;
        }
        // A condition that can hold no more takes its addresses away at dlv.
        const auto now = site_in(same->second).addresses;
        if (!now.empty() && now != site.addresses) gone.push_back(id);
        // A guard, or a gateway before its end, has switched it off.
        if (same->second.get_bool("disabled") != breakpoints_.settings(site).get_bool("disabled")) breakpoints_.site(id)->applied = json();
    }
    for (const auto id : gone) forget_site(id, {});
    put_strangers(there);
    past_.setting.reset();
    schedule_grace();
    remember();
}

// Those that nobody here has set become nobody's.
void hub::put_strangers(const std::map<std::int64_t, json>& there) {
    for (const auto& [id, b] : there) {
        if (breakpoints_.site(id)) continue;
        breakpoint_wish foreign;
        foreign.group = route_.dial ? left_behind : "rpc";
        foreign.name = b.get_string("name");
        foreign.condition = b.get_string("Cond");
        foreign.hit_condition = b.get_string("HitCond");
        foreign.by_goroutine = b.get_bool("HitCondPerG");
        foreign.traces = b.get_bool("continue");
        foreign.disabled = b.get_bool("disabled");
        foreign.extras = breakpoint_extras(b);
        foreign.file = b.get_string("file");
        foreign.line = b.get_int("line");
        claim_unfinished(foreign);
        breakpoints_.put(std::move(foreign), site_in(b));
    }
}

// The wishes of a site that dlv has no more; their owners are told why, if there is a reason.
void hub::forget_site(std::int64_t id, const std::string& why) {
    const auto* site = breakpoints_.site(id);
    if (!site) return;
    for (const auto wish : std::vector(site->wishes)) forget_wish(wish, why);
}

void hub::forget_wish(std::int64_t id, const std::string& why) {
    const auto* w = breakpoints_.find(id);
    auto* owner = w ? w->owner : nullptr;
    if (owner && !why.empty() && find(*owner)) owner->lost_breakpoint(id, why);
    breakpoints_.drop(id);
}

asio::awaitable<void> hub::settle_site(std::int64_t id) {
    const auto* site = breakpoints_.site(id);
    if (!site) co_return;
    const auto now = breakpoint_in(co_await door("RPCServer.GetBreakpoint", by_id(id)));
    if (auto* still = breakpoints_.site(id); still && now.is_object()) breakpoints_.settle(*still, breakpoint_counts(now));
}

asio::awaitable<std::string> hub::amend_site(std::int64_t id, json settings) {
    const auto* site = breakpoints_.site(id);
    if (!site || site->applied == settings) co_return std::string();
    const auto out = co_await door("RPCServer.AmendBreakpoint", amendment(settings));
    // A refused amendment has overwritten the condition all the same.
    if (auto* still = breakpoints_.site(id)) still->applied = out.ok() ? std::move(settings) : json();
    co_return out.error;
}

asio::awaitable<void> hub::apply_site(std::int64_t id) {
    const auto* site = breakpoints_.site(id);
    if (!site) co_return;
    const auto error = co_await amend_site(id, breakpoints_.settings(*site));
    if (!error.empty()) component_log(name_).warn("breakpoint {} cannot be amended: {}", id, protocol::printable(error));
}

// Where dlv would set it. Empty when that cannot be told; dlv says then why it cannot be set either.
asio::awaitable<std::vector<std::uint64_t>> hub::locate_breakpoint(const json& arguments) {
    const auto* wanted = arguments.find("Breakpoint");
    if (!wanted) co_return std::vector<std::uint64_t>{};
    std::string place(arguments.get_string("LocExpr"));
    const auto file = wanted->get_string("file"), function = wanted->get_string("functionName");
    const auto line = wanted->get_int("line");
    if (!file.empty())
        place = std::string(file) + ":" + std::to_string(line);
    else if (!function.empty())
        place = std::string(function) + (line > 0 ? ":" + std::to_string(line) : "");
    else if (auto given = addresses_in(*wanted, "addrs", "addr"); !given.empty())
        co_return given;
    if (place.empty()) co_return std::vector<std::uint64_t>{};
    json scope = json::object{};
    scope.set("GoroutineID", -1);
    json question = json::object{};
    question.set("Scope", std::move(scope));
    question.set("Loc", place);
    if (const auto* rules = arguments.find("SubstitutePathRules")) question.set("SubstitutePathRules", *rules);
    const auto reply = parsed(co_await door("RPCServer.FindLocation", protocol::to_text(question)));
    std::vector<std::uint64_t> out;
    const auto* locations = reply.find("Locations");
    if (const auto* all = locations ? locations->if_array() : nullptr; all && all->size() == 1)
        out = addresses_in(all->front(), "pcs", "pc");
    co_return out;
}

// A condition that does not parse leaves a breakpoint without a place behind (Delve service/debugger/debugger.go,
// CreateBreakpoint): found by comparing, and taken away.
asio::awaitable<rpc_outcome> hub::create_breakpoint(std::string method, json arguments) {
    const auto* wanted = arguments.find("Breakpoint");
    const bool conditional = wanted && (!wanted->get_string("Cond").empty() || !wanted->get_string("HitCond").empty());
    std::set<std::int64_t> before;
    if (conditional) before = ids_in(co_await door("RPCServer.ListBreakpoints", std::string(list_all)));
    auto out = co_await door(method, protocol::to_text(arguments));
    if (!out.lost && !out.ok() && conditional)
        for (auto id : ids_in(co_await door("RPCServer.ListBreakpoints", std::string(list_all))))
            if (!before.contains(id) && !breakpoints_.site(id)) co_await door("RPCServer.ClearBreakpoint", by_id(id));
    co_return out;
}

asio::awaitable<breakpoint_site> hub::create_at(std::set<std::uint64_t> addresses, json settings) {
    json::array all;
    for (const auto a : addresses) all.emplace_back(a);
    breakpoint_site site;
    if (all.empty()) co_return site;
    settings.set("addr", all.front());
    settings.set("addrs", std::move(all));
    auto text = settings;
    text.set("id", 0);
    json args = json::object{};
    args.set("Breakpoint", std::move(text));
    const auto out = co_await create_breakpoint("RPCServer.CreateBreakpoint", std::move(args));
    if (!out.ok()) {
        component_log(name_).warn("a breakpoint cannot be set at all of its addresses: {}", protocol::printable(out.error));
        co_return site;
    }
    site = site_in(breakpoint_in(out));
    co_return site;
}

// Of one site two, so that `part` of its addresses can be somebody else's as well. Returns the id of that one.
asio::awaitable<std::int64_t> hub::split_site(std::int64_t id, std::set<std::uint64_t> part) {
    co_await settle_site(id);
    const auto* site = breakpoints_.site(id);
    if (!site) co_return 0;
    auto rest = site->addresses;
    for (const auto a : part) rest.erase(a);
    auto settings = breakpoints_.settings(*site);
    settings.set("name", "");
    co_await door("RPCServer.ClearBreakpoint", by_id(id));
    auto inside = co_await create_at(part, settings);
    auto outside = co_await create_at(rest, settings);
    const auto made = inside.id, left = outside.id;
    std::vector<breakpoint_site> both;
    if (inside.id != 0) both.push_back(std::move(inside));
    if (outside.id != 0) both.push_back(std::move(outside));
    const auto* old = breakpoints_.site(id);
    const auto wishes = old ? old->wishes : std::vector<std::int64_t>{};
    breakpoints_.replace(id, std::move(both));
    for (const auto wish : wishes)
        if (const auto* w = breakpoints_.find(wish); w && w->sites.empty()) forget_wish(wish, "dlv could not set it again beside another one");
    // dlv makes none that is switched off.
    co_await apply_site(left);
    co_return made;
}

}  // namespace gateway
