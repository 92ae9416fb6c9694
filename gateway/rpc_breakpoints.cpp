// Breakpoints of a JSON-RPC client: passed to dlv as work of the hub, and noted as theirs.
#include "gateway/rpc_view.h"

namespace gateway {

using protocol::json;

void rpc_view::breakpoint(const request& r, judged j) {
    starting_ = false;
    busy_ = true;
    hub_.change(
        this,
        [self = self(), id = r.id, method = r.method, j]() -> asio::awaitable<void> {
            auto out = co_await self->change_breakpoint(method, j);
            self->answer(id, out);
        },
        guarded([this, id = r.id](const std::string& why) {
            refuse(id, why);
            done();
        }));
}

asio::awaitable<rpc_outcome> rpc_view::change_breakpoint(std::string method, judged j) {
    const json& arguments = j.arguments;
    if (method == "RPCServer.CreateBreakpoint") {
        const viewer_paths::creation create = [this](json a) { return hub_.create_breakpoint(this, std::move(a)); };
        auto out = co_await paths_.create_breakpoint(create, arguments);
        note_breakpoint(method, j, out);
        co_return out;
    }
    std::string before;
    if (method == "RPCServer.AmendBreakpoint") {
        // An amendment that Delve refuses has overwritten the condition all the same: put it back.
        json which = json::object{};
        if (auto* b = arguments.find("Breakpoint")) which.set("Id", b->get_int("id"));
        if (auto was = co_await hub_.door("RPCServer.GetBreakpoint", protocol::to_text(which)); was.ok())
            before = was.result;
    }
    auto out = co_await hub_.door(method, protocol::to_text(arguments));
    if (!out.ok() && !out.lost && !before.empty()) co_await hub_.door("RPCServer.AmendBreakpoint", before);
    note_breakpoint(method, j, out);
    co_return out;
}

// Keeps the table of owners true.
void rpc_view::note_breakpoint(std::string_view method, const judged& j, const rpc_outcome& out) {
    if (!out.ok()) return;
    if (method == "RPCServer.AmendBreakpoint") {
        // Whoever gave it its condition answers for it.
        auto* changed = j.arguments.find("Breakpoint");
        if (auto* record = changed ? hub_.breakpoints().find(changed->get_int("id")) : nullptr) {
            record->needs = j.classes;
            record->condition = changed->get_string("Cond");
            if (record->owner == this) record->operation = j.operation;
        }
        return;
    }
    auto parsed = protocol::parse_json(out.result, {.max_depth = 512, .fold_keys = false});
    if (!parsed) return;
    auto* b = parsed->find("Breakpoint");
    if (!b) b = &*parsed;  // CreateWatchpoint's reply is the breakpoint itself
    auto id = b->get_int("id");
    if (method == "RPCServer.ClearBreakpoint") {
        if (id != 0) hub_.breakpoints().erase(id);
        return;
    }
    if (method != "RPCServer.CreateBreakpoint" && method != "RPCServer.CreateWatchpoint") return;
    breakpoint_record record;
    record.id = id;
    record.user = who_.who.user;
    record.owner = left_ ? nullptr : this;
    record.group = "rpc";
    record.condition = b->get_string("Cond");
    record.file = b->get_string("file");
    record.line = b->get_int("line");
    record.who = who_.who;
    record.operation = j.operation;
    record.needs = j.classes;
    if (id > 0) hub_.breakpoints().put(std::move(record));
}

}  // namespace gateway
