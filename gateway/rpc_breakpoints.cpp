// Breakpoints of a JSON-RPC client: wishes of the hub's board, under ids of their own.
#include "gateway/rpc_view.h"

namespace gateway {

using protocol::json;

namespace {

// Into the wish what a client's Breakpoint says of it.
void take_settings(breakpoint_wish& wish, const json& from) {
    wish.name = from.get_string("name");
    wish.condition = from.get_string("Cond");
    wish.hit_condition = from.get_string("HitCond");
    wish.by_goroutine = from.get_bool("HitCondPerG");
    wish.traces = from.get_bool("continue");
    wish.extras = breakpoint_extras(from);
}

rpc_outcome refused(std::string why) {
    rpc_outcome out;
    out.error = std::move(why);
    return out;
}

json named(std::string_view key, json value) {
    json out = json::object{};
    out.set(key, std::move(value));
    return out;
}

const json* find_breakpoint(const json& list, std::int64_t id, std::string_view name) {
    for (const auto& b : breakpoints_in(list))
        if (name.empty() ? b.get_int("id") == id : b.get_string("name") == name) return &b;
    return nullptr;
}

}  // namespace

void rpc_view::breakpoint(const request& r, judged j) {
    starting_ = false;
    busy_ = true;
    select_own(j.arguments);
    hub_.change(
        this,
        [self = self(), id = r.id, method = r.method, j]() -> asio::awaitable<void> {
            auto out = co_await self->change_breakpoint(method, j);
            // Whoever has the answer has the breakpoint, whatever becomes of the gateway.
            self->hub_.remember();
            self->answer(id, out);
        },
        guarded([this, id = r.id](const std::string& why) {
            refuse(id, why);
            done();
        }));
}

asio::awaitable<rpc_outcome> rpc_view::change_breakpoint(std::string method, judged j) {
    if (method != "RPCServer.CreateBreakpoint" && method != "RPCServer.CreateWatchpoint") {
        const auto id = breakpoint_named(j);
        if (id < 0 && hub_.offers_exceptions()) co_return co_await switch_exception(method, j);
        if (id < 0) co_return co_await hub_.door(method, protocol::to_text(j.arguments));
        if (method == "RPCServer.ClearBreakpoint") co_return co_await clear_breakpoint(id);
        co_return co_await amend_breakpoint(method, j);
    }
    breakpoint_wish wish;
    wish.user = who_.who.user;
    wish.owner = left_ ? nullptr : this;
    wish.group = "rpc";
    wish.who = who_.who;
    wish.operation = j.operation;
    wish.needs = j.classes;
    if (const auto* wanted = j.arguments.find("Breakpoint")) take_settings(wish, *wanted);
    const viewer_paths::question create = [this, &wish, &method](json a) { return hub_.place_breakpoint(wish, method, std::move(a)); };
    if (method == "RPCServer.CreateWatchpoint") co_return co_await create(j.arguments);
    co_return co_await paths_.by_either_name(method, create, j.arguments);
}

asio::awaitable<rpc_outcome> rpc_view::amend_breakpoint(std::string method, judged j) {
    const auto id = breakpoint_named(j);
    const auto* wish = hub_.breakpoints().find(id);
    if (!wish) co_return co_await hub_.door(method, protocol::to_text(j.arguments));  // dlv has the words for it
    auto changed = *wish;
    const bool toggles = method == "RPCServer.ToggleBreakpoint";
    if (toggles) {
        changed.disabled = wish->active();
    } else if (const auto* wanted = j.arguments.find("Breakpoint")) {
        take_settings(changed, *wanted);
        changed.disabled = wanted->get_bool("disabled");
        // Whoever gave it its condition answers for it.
        changed.needs = j.classes;
        changed.operation = j.operation;
    }
    const bool takes_over = !toggles && wish->owner != this && !left_;
    if (!changed.disabled) changed.off_because.clear();
    rpc_outcome out;
    out.error = co_await hub_.amend_breakpoint(id, changed);
    if (!out.ok()) co_return out;
    out.result = "{}";
    // Whoever changed what somebody left behind has it from now on.
    if (auto* theirs = hub_.breakpoints().find(id); theirs && takes_over && !left_ && !theirs->owner) {
        theirs->user = who_.who.user;
        theirs->who = who_.who;
        theirs->owner = this;
        theirs->group = "rpc";
        theirs->claimed = true;
    }
    if (!toggles) co_return out;
    const auto* now = hub_.breakpoints().find(id);
    const auto at = now && !now->sites.empty() ? now->sites.front() : id;
    out = co_await hub_.door("RPCServer.GetBreakpoint", "{\"Id\":" + std::to_string(at) + "}");
    now = hub_.breakpoints().find(id);
    const auto reply = protocol::parse_json(out.result, {.max_depth = 512, .fold_keys = false});
    const auto* b = reply ? reply->find("Breakpoint") : nullptr;
    if (b && now) out.result = protocol::to_text(named("Breakpoint", shown_breakpoint(hub_.breakpoints(), *now, *b, reader())));
    co_return out;
}

asio::awaitable<rpc_outcome> rpc_view::clear_breakpoint(std::int64_t id) {
    const auto* wish = hub_.breakpoints().find(id);
    const auto at = wish && !wish->sites.empty() ? wish->sites.front() : id;
    auto out = co_await hub_.door("RPCServer.GetBreakpoint", "{\"Id\":" + std::to_string(at) + "}");
    wish = hub_.breakpoints().find(id);
    if (!out.ok() || !wish) co_return out.ok() ? refused("no breakpoint with id " + std::to_string(id)) : out;
    const auto reply = protocol::parse_json(out.result, {.max_depth = 512, .fold_keys = false});
    if (const auto* b = reply ? reply->find("Breakpoint") : nullptr)
        out.result = protocol::to_text(named("Breakpoint", shown_breakpoint(hub_.breakpoints(), *wish, *b, reader())));
    co_await hub_.clear_breakpoint(id);
    co_return out;
}

// dlv's own, at panics: switched off for this client, at dlv when nobody else wants it.
asio::awaitable<rpc_outcome> rpc_view::switch_exception(std::string method, judged j) {
    const auto id = breakpoint_named(j);
    auto list = protocol::parse_json(hub_.breakpoint_list(), {.max_depth = 512, .fold_keys = false});
    const auto* own = list ? find_breakpoint(*list, id, {}) : nullptr;
    if (!own || left_) co_return refused("no breakpoint with id " + std::to_string(id));
    const std::string name(own->get_string("name"));
    auto names = hub_.exceptions_of(*this);
    bool on = false;
    if (method == "RPCServer.ToggleBreakpoint") on = !names.contains(name);
    if (const auto* wanted = j.arguments.find("Breakpoint")) on = !wanted->get_bool("disabled");
    if (on)
        names.insert(name);
    else
        names.erase(name);
    hub_.want_exceptions(*this, names);
    co_await hub_.keep_exceptions();
    json shown = *own;
    shown.set("disabled", !on);
    rpc_outcome out;
    out.result = method == "RPCServer.AmendBreakpoint" ? "{}" : protocol::to_text(named("Breakpoint", shown));
    co_return out;
}

// --- what a client is shown --------------------------------------------------------------------------------------

// dlv's own words while it can be asked, what it said last while the program runs or has exited.
void rpc_view::breakpoints(const request& r, const judged& j) {
    const bool one = r.method == "RPCServer.GetBreakpoint";
    auto which = std::pair(j.arguments.get_int("Id"), std::string(j.arguments.get_string("Name")));
    asked_.reset();
    if (one) asked_ = which;
    if (hub_.now() == phase::stopped) {
        if (!one || shown_as_they_are(hub_.breakpoints(), reader())) return look(r, j);
        // dlv knows neither the ids nor the names of this person's.
        auto all = r;
        all.method = "RPCServer.ListBreakpoints";
        auto every = j;
        every.arguments = named("All", false);
        picked_ = std::move(which);
        return look(all, std::move(every));
    }
    known_breakpoints(r.id);
}

void rpc_view::known_breakpoints(const json& id) {
    const auto which = std::exchange(asked_, std::nullopt);
    auto list = protocol::parse_json(hub_.breakpoint_list(), {.max_depth = 512, .fold_keys = false});
    if (!list) return refuse(id, "dlv gave an unreadable answer");
    show(*list);
    if (!which) return reply(id, protocol::to_text(*list));
    if (const auto* b = find_breakpoint(*list, which->first, which->second))
        return reply(id, protocol::to_text(named("Breakpoint", *b)));
    refuse(id, which->second.empty() ? "no breakpoint with id " + std::to_string(which->first)
                                     : "no breakpoint with name " + which->second);
}

void rpc_view::show(json& result) const {
    const auto& board = hub_.breakpoints();
    if (shown_as_they_are(board, reader())) return;
    if (auto* all = result.find("Breakpoints")) *all = shown_list(board, *all, reader());
    show_threads(board, hub_.hits(), result, reader());
}

std::string rpc_view::shown(std::string result) const {
    if (shown_as_they_are(hub_.breakpoints(), reader())) return result;
    auto value = protocol::parse_json(result, {.max_depth = 512, .fold_keys = false});
    if (!value) return result;
    show(*value);
    return protocol::to_text(*value);
}

// Of a whole reply that lists them all, the one that was asked for. False when there is none.
bool rpc_view::show_picked(json& reply) {
    auto* result = reply.find("result");
    if (!result || !result->is_object()) return true;
    show(*result);
    const auto which = std::exchange(picked_, std::nullopt);
    if (!which) return true;
    const auto* b = find_breakpoint(*result, which->first, which->second);
    if (!b) return false;
    auto found = named("Breakpoint", *b);
    *result = std::move(found);
    return true;
}

}  // namespace gateway
