// What people want at which place, made so at dlv: as work of the hub.
#include <algorithm>
#include <charconv>
#include <utility>

#include "gateway/breakpoint_list.h"
#include "gateway/breakpoint_replies.h"
#include "gateway/hub.h"
#include "gateway/hub_looks.h"

namespace gateway {

using protocol::json;

namespace {

// Of one person: each is work at dlv while the program stands.
constexpr std::size_t most_wishes = 1000;

constexpr std::string_view exists_at = "Breakpoint exists at ";

// "Breakpoint exists at /src/main.go:12 at 4a0437"
std::uint64_t address_in(std::string_view error) {
    const auto digits = error.substr(error.find_last_of(' ') + 1);
    std::uint64_t address = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), address, 16);
    return address;
}

}  // namespace

// What this person, or an earlier gateway, left at those sites makes way, where nobody else wants it. What was pinned of it stays so.
asio::awaitable<bool> hub::make_way(breakpoint_wish& wish, std::vector<std::int64_t> sites) {
    bool made = false;
    for (const auto id : breakpoints_.replaceable(wish.owner, wish.user)) {
        const auto* w = breakpoints_.find(id);
        const bool there = w && std::any_of(w->sites.begin(), w->sites.end(), [&](auto at) {
            return std::find(sites.begin(), sites.end(), at) != sites.end();
        });
        if (!there) continue;
        wish.pinned = wish.pinned || (w->pinned && w->user == wish.user);
        co_await clear_breakpoint(id);
        made = true;
    }
    co_return made;
}

// A person may have left while dlv was asked.
void hub::note_leaver(breakpoint_wish& wish) {
    if (wish.user.empty() || (wish.owner && find(*wish.owner))) return;
    wish.owner = nullptr;
    wish.left_at = std::chrono::steady_clock::now();
}

// To Delve's own client, which knows no other answer to asking for the same twice.
std::string hub::exists_already(const breakpoint_wish& wish, const std::vector<std::int64_t>& sites) const {
    if (wish.group != "rpc" || !wish.owner) return {};
    for (const auto& [id, w] : breakpoints_.all())
        for (const auto at : w.sites)
            if (w.owner == wish.owner && w.group == "rpc" && std::find(sites.begin(), sites.end(), at) != sites.end())
                return std::string(exists_at) + w.file + ":" + std::to_string(w.line) + "; it is your breakpoint " + std::to_string(id);
    return {};
}

asio::awaitable<rpc_outcome> hub::place_breakpoint(const breakpoint_wish& wished, std::string method, json arguments) {
    auto wish = wished;
    const auto generation = generation_;
    rpc_outcome gone;
    gone.lost = true;
    gone.error = "dlv went away meanwhile";
    if (breakpoint_list_ == no_breakpoints_known && door_) {
        co_await note_breakpoints(*door_);
        if (generation != generation_) co_return gone;
    }
    if (breakpoints_.of_user(wish.user) >= most_wishes) {
        rpc_outcome out;
        out.error = wish.user + " has " + std::to_string(most_wishes) + " breakpoints here already; clear some first";
        co_return out;
    }
    if (memory_) memory_->is_setting(wish);
    const bool watches = method == "RPCServer.CreateWatchpoint";
    overlap there;
    const auto sites_there = [&] {
        auto all = there.whole;
        for (const auto& [id, part] : there.part) all.push_back(id);
        return all;
    };
    if (!watches && !breakpoints_.sites().empty()) {
        // Asked first: of several addresses dlv would set those that are free, and say nothing of the others
        // (pkg/proc/target_group.go, enableBreakpointOnTarget).
        const auto wanted = co_await locate_breakpoint(arguments);
        there = breakpoints_.across(wanted);
        if (there.any() && co_await make_way(wish, sites_there())) there = breakpoints_.across(wanted);
        if (generation != generation_) co_return gone;
    }
    rpc_outcome out;
    if (!there.any()) {
        out = co_await create_breakpoint(method, arguments);
        if (watches && out.error.starts_with(exists_at)) {
            const auto at = address_in(out.error);
            const auto wanted = arguments.get_int("Type");
            const auto here = [&] {
                for (const auto& [id, site] : breakpoints_.sites())
                    if (site.watches && site.addresses.contains(at) && (site.access & wanted) == wanted) return id;
                return std::int64_t{0};
            };
            std::vector<std::int64_t> ids{here()};
            if (ids.front() != 0 && co_await make_way(wish, ids) && here() == 0)
                out = co_await create_breakpoint(method, arguments);
            else if (here() != 0)
                there.whole = {here()};
        }
        if (generation != generation_) co_return gone;
        if (!there.any()) {
            if (!out.ok()) co_return out;
            const auto made = breakpoint_in(out);
            wish.file = made.get_string("file");
            wish.line = made.get_int("line");
            auto site = site_in(made);
            site.applied = breakpoints_.settings(site, wish);
            note_leaver(wish);
            if (site.id > 0) breakpoints_.put(std::move(wish), std::move(site));
            schedule_grace();
            co_return out;
        }
    }
    if (auto error = exists_already(wish, sites_there()); !error.empty()) {
        out.result.clear();
        out.error = std::move(error);
        co_return out;
    }
    co_return co_await join_breakpoints(wish, there, watches);
}

// Somebody's is there already: from now on it is the wish's site, too.
asio::awaitable<rpc_outcome> hub::join_breakpoints(const breakpoint_wish& wished, const overlap& there, bool watches) {
    auto wish = wished;
    const auto generation = generation_;
    rpc_outcome out;
    auto sites = there.whole;
    for (const auto& [id, part] : there.part) {
        const auto inside = co_await split_site(id, part);
        if (inside != 0) sites.push_back(inside);
    }
    for (const auto id : sites) co_await settle_site(id);
    if (generation != generation_ || sites.empty()) {
        out.error = "the breakpoint has gone meanwhile; set it again";
        co_return out;
    }
    // Whether dlv takes its conditions is for dlv to say.
    const auto* first = breakpoints_.site(sites.front());
    if (first) out.error = co_await amend_site(sites.front(), breakpoints_.settings(*first, wish));
    if (generation != generation_) co_return out;
    std::int64_t id = 0;
    if (out.error.empty()) {
        const auto shown = breakpoint_in(co_await door("RPCServer.GetBreakpoint", by_id(sites.front())));
        if (generation != generation_) co_return out;
        wish.file = shown.get_string("file");
        wish.line = shown.get_int("line");
        note_leaver(wish);
        id = breakpoints_.join(std::move(wish), sites);
        if (!there.free.empty()) {
            const std::set<std::uint64_t> free(there.free.begin(), there.free.end());
            auto settings = breakpoints_.settings({}, *breakpoints_.find(id));
            settings.set("name", "");  // one of dlv's has it already
            const auto rest = co_await create_at(free, settings);
            if (rest.id != 0)
                breakpoints_.extend(id, rest);
            else
                out.error = "it cannot be set at all of its addresses; dlv says why in its log";
        }
        if (!out.error.empty()) {
            co_await clear_breakpoint(id);
        } else {
            const auto* w = breakpoints_.find(id);
            json reply = shown_breakpoint(breakpoints_, *w, shown, {.view = w->owner, .user = w->user});
            json whole = json::object{};
            whole.set("Breakpoint", reply);
            out.result = protocol::to_text(watches ? reply : whole);
        }
    }
    for (const auto at : sites) co_await apply_site(at);
    co_return out;
}

asio::awaitable<std::string> hub::amend_breakpoint(std::int64_t id, const breakpoint_wish& wished) {
    auto changed = wished;
    const auto* w = breakpoints_.find(id);
    if (!w) co_return "no breakpoint with ID " + std::to_string(id);
    const auto sites = w->sites;
    for (const auto at : sites)
        if (const auto* site = breakpoints_.site(at); site && (site->wishes.size() > 1 || !breakpoints_.dlv_judges(*site)))
            co_await settle_site(at);
    std::string error;
    if (const auto* site = sites.empty() ? nullptr : breakpoints_.site(sites.front()))
        error = co_await amend_site(site->id, breakpoints_.settings(*site, changed));
    if (auto* now = breakpoints_.find(id); now && error.empty()) {
        // Whose it is, and where, may be otherwise by now.
        now->name = changed.name;
        now->condition = changed.condition;
        now->hit_condition = changed.hit_condition;
        now->by_goroutine = changed.by_goroutine;
        now->traces = changed.traces;
        now->disabled = changed.disabled;
        now->off_because = changed.off_because;
        now->log_message = changed.log_message;
        now->extras = std::move(changed.extras);
        now->operation = changed.operation;
        now->needs = changed.needs;
    } else if (!now) {
        error = "the breakpoint has gone meanwhile";
    }
    for (const auto at : sites) co_await apply_site(at);
    co_return error;
}

asio::awaitable<void> hub::clear_breakpoint(std::int64_t id) {
    const auto* w = breakpoints_.find(id);
    if (!w) co_return;
    const auto sites = w->sites;
    for (const auto at : sites)
        if (const auto* site = breakpoints_.site(at); site && site->wishes.size() > 1) co_await settle_site(at);
    for (const auto at : breakpoints_.drop(id)) co_await door("RPCServer.ClearBreakpoint", by_id(at));
    for (const auto at : sites) co_await apply_site(at);
}

asio::awaitable<void> hub::clear_site(std::int64_t id) {
    const auto* site = breakpoints_.site(id);
    if (!site) co_await door("RPCServer.ClearBreakpoint", by_id(id));
    const auto wishes = site ? site->wishes : std::vector<std::int64_t>{};
    for (const auto wish : wishes) co_await clear_breakpoint(wish);
}

}  // namespace gateway
