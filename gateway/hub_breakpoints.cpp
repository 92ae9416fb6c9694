// Breakpoints at dlv, through the door, as work of the hub.
#include <algorithm>
#include <set>
#include <utility>

#include "gateway/breakpoint_list.h"
#include "gateway/hub.h"
#include "gateway/hub_looks.h"

namespace gateway {

using protocol::json;

namespace {

std::set<std::int64_t> ids_in(const rpc_outcome& list) {
    std::set<std::int64_t> ids;
    if (!list.ok()) return ids;
    auto parsed = protocol::parse_json(list.result, {.max_depth = 512, .fold_keys = false});
    if (!parsed) return ids;
    if (auto* all = parsed->find("Breakpoints"))
        if (auto* items = all->if_array())
            for (auto& b : *items)
                if (auto id = b.get_int("id"); id > 0) ids.insert(id);
    return ids;
}

}  // namespace

// Keeps what a client may ask for while the program runs, when dlv would not answer. Breakpoints that were there before us
// belong to nobody here and are left alone: those of the first list, which may be long after we came to a running program.
// But to a dlv of the launcher's there is no way but by gateways: whoever set one by an earlier gateway wants to set it again.
asio::awaitable<void> hub::note_breakpoints(rpc_channel& on) {
    const auto generation = generation_;
    auto out = co_await request(on, "RPCServer.ListBreakpoints", "{\"All\":false}");
    if (!out.ok() || generation != generation_) co_return;
    const bool first = std::exchange(breakpoint_list_, std::move(out.result)) == no_breakpoints_known;
    if (!first) co_return;
    auto parsed = protocol::parse_json(breakpoint_list_, {.max_depth = 512, .fold_keys = false});
    auto* all = parsed ? parsed->find("Breakpoints") : nullptr;
    if (auto* items = all ? all->if_array() : nullptr)
        for (auto& b : *items)
            if (auto id = b.get_int("id"); id > 0 && !breakpoints_.find(id)) {
                breakpoint_record foreign;
                foreign.id = id;
                foreign.group = route_.dial ? left_behind : "rpc";
                foreign.file = b.get_string("file");
                foreign.line = b.get_int("line");
                breakpoints_.put(std::move(foreign));
            }
}

asio::awaitable<rpc_outcome> hub::create_breakpoint(const viewer* owner, json breakpoint_in) {
    auto* wanted = breakpoint_in.find("Breakpoint");
    bool conditional = wanted && (!wanted->get_string("Cond").empty() || !wanted->get_string("HitCond").empty());
    constexpr std::string_view list = "{\"All\":false}";
    std::set<std::int64_t> before;
    // A condition that does not parse leaves a breakpoint without a place behind (Delve
    // service/debugger/debugger.go, CreateBreakpoint): found by comparing, and taken away.
    if (conditional) before = ids_in(co_await door("RPCServer.ListBreakpoints", std::string(list)));
    auto text = protocol::to_text(breakpoint_in);
    auto out = co_await door("RPCServer.CreateBreakpoint", text);
    if (!out.lost && !out.ok() && conditional)
        for (auto id : ids_in(co_await door("RPCServer.ListBreakpoints", std::string(list))))
            if (!before.contains(id) && !breakpoints_.find(id))
                co_await door("RPCServer.ClearBreakpoint", "{\"Id\":" + std::to_string(id) + "}");
    if (out.lost || out.ok() || !out.error.starts_with("Breakpoint exists at ")) co_return out;

    // Where somebody who has left set one, or the same person's earlier view did, or an earlier gateway, it makes way.
    if (breakpoint_list_ == no_breakpoints_known) {
        const auto generation = generation_;
        co_await note_breakpoints(*door_);
        if (generation != generation_) co_return out;
    }
    auto place = std::string_view(out.error).substr(21);
    for (auto id : breakpoints_.replaceable(owner)) {
        auto* r = breakpoints_.find(id);
        if (!place.starts_with(r->file + ":" + std::to_string(r->line) + " ")) continue;
        co_await clear_breakpoint(id);
        co_return co_await door("RPCServer.CreateBreakpoint", text);
    }
    co_return out;
}

}  // namespace gateway
