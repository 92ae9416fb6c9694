// DAP breakpoints, placed by us over JSON-RPC: Delve's own DAP sessions replace each other's by name
// and would need to be the one that runs the program for log messages to work.
#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "gateway/dap_view.h"

namespace gateway {

using protocol::json;

struct dap_view::wanted_breakpoint {
    std::string group, key;
    std::string condition, hit_condition, log_message;
    std::string file;  // source: on the node
    std::int64_t line = 0;
    std::string function;            // function: the name, resolved by locate()
    std::vector<json> addresses;     // function, instruction
    std::string data_id, access;     // data
    std::string operation;
    protocol::class_set needs;
    std::string refused;             // why this person may not have it
};

namespace {

constexpr int unable_to_set = 2002;

std::string base_name(std::string_view path) {
    auto slash = path.find_last_of("/\\");
    return std::string(slash == path.npos ? path : path.substr(slash + 1));
}

// Why Delve's DAP server would not take this name for a function (onSetFunctionBreakpointsRequest).
std::string wrong_function_name(std::string_view name) {
    if (name.starts_with('.')) return "breakpoint names that are relative paths are not supported";
    // A file of a checkout and a line is a place, `/…/` a search for many; Delve would take neither.
    const auto digits = name.find_last_not_of("0123456789");
    const bool place = digits != name.npos && digits + 1 < name.size() && name[digits] == ':';
    bool spec = name.empty() || std::string_view("*+-").find(name[0]) != std::string_view::npos ||
                (name[0] == '/' && !place) || digits == std::string_view::npos;
    if (!spec) return {};
    return "breakpoint name \"" + std::string(name) +
           "\" could not be parsed as a function. name must be in the format 'funcName', 'funcName:line' or "
           "'fileName:line'";
}

// Whether dlv has been told what is wanted, at all of its places.
bool applied(const breakpoint_board& board, const breakpoint_wish& wish) {
    return std::all_of(wish.sites.begin(), wish.sites.end(), [&](auto id) {
        const auto* site = board.site(id);
        return site && !site->applied.is_null();
    });
}

}  // namespace

void dap_view::set_breakpoints(const request& r, judged j) {
    if (!attached_) return fail(r, refused_by_gateway_id, "Refused", "attach comes first");
    if (r.command == "setBreakpoints") {
        auto* source = j.arguments.find("source");
        if (!source || source->get_string("path").empty())
            return fail(r, unable_to_set, "Unable to set or clear breakpoints", "empty file path");
    }
    if (answer_breakpoints_at_once(r, j)) return;
    busy_ = true;
    hub_.change(
        this,
        [self = self(), r, j = std::move(j)]() -> asio::awaitable<void> {
            auto body = co_await self->change_breakpoints(r.command, j);
            self->hub_.remember();
            self->respond(r, body);
            self->done();
        },
        guarded([this, r](const std::string& why) {
            fail(r, unable_to_set, "Unable to set or clear breakpoints", why);
            done();
        }));
}

std::string dap_view::group_of(std::string_view command, const json& arguments) const {
    if (command == "setFunctionBreakpoints") return "function";
    if (command == "setInstructionBreakpoints") return "instruction";
    if (command != "setBreakpoints") return "data";
    auto* source = arguments.find("source");
    // However it is spelled: Windows does not tell the ways apart.
    return "source " + paths_.to_client(paths_.to_server(source ? source->get_string("path") : std::string_view()));
}

asio::awaitable<json> dap_view::change_breakpoints(std::string command, judged j) {
    const json& arguments = j.arguments;
    if (command == "setExceptionBreakpoints") co_return co_await exception_breakpoints(arguments);
    std::vector<wanted_breakpoint> wants;
    const std::string group = group_of(command, arguments);
    std::string file;
    if (command == "setBreakpoints") file = paths_.to_server(arguments.find("source")->get_string("path"));
    // Asked now, when it is done: the policy may have changed since it was asked for.
    const auto refusals = breakpoint_refusals(j);
    auto* list = arguments.find("breakpoints");
    if (auto* items = list ? list->if_array() : nullptr)
        for (auto& b : *items) {
            wanted_breakpoint w;
            w.group = group;
            w.operation = j.operation;
            if (wants.size() < refusals.size()) {
                w.needs = j.each[wants.size()];
                w.refused = refusals[wants.size()];
            }
            w.condition = b.get_string("condition");
            w.hit_condition = b.get_string("hitCondition");
            w.log_message = b.get_string("logMessage");
            if (command == "setBreakpoints") {
                w.file = file;
                w.line = b.get_int("line");
                w.key = std::to_string(w.line) + ":" + std::to_string(b.get_int("column"));
            } else if (group == "function") {
                w.key = w.function = b.get_string("name");
            } else if (group == "instruction") {
                w.key = b.get_string("instructionReference");
                unsigned long long address = 0;
                std::string_view digits = w.key;
                int base = digits.starts_with("0x") || digits.starts_with("0X") ? 16 : 10;
                if (base == 16) digits.remove_prefix(2);
                std::from_chars(digits.data(), digits.data() + digits.size(), address, base);
                w.addresses.push_back(static_cast<std::uint64_t>(address));
            } else {
                w.data_id = b.get_string("dataId");
                w.access = b.get_string("accessType");
                w.key = w.access + " " + w.data_id;
            }
            wants.push_back(std::move(w));
        }

    std::map<std::string, std::int64_t> existing;
    auto& table = hub_.breakpoints();
    for (auto id : table.of_group(this, group)) existing[table.find(id)->key] = id;

    json::array results(wants.size());
    std::map<std::string, bool> seen;
    for (std::size_t i = 0; i < wants.size(); ++i) {
        if (!wants[i].refused.empty()) continue;  // and what is there of it goes
        auto found = existing.find(wants[i].key);
        if (found == existing.end()) continue;
        auto* record = table.find(found->second);
        if (!record) continue;
        if (seen.contains(wants[i].key)) {
            results[i] = shown({}, "breakpoint already exists");
            continue;
        }
        seen[wants[i].key] = true;
        results[i] = co_await amend(found->second, wants[i]);
    }
    for (auto& [key, id] : existing) {
        // What an earlier view of this person has pinned is not on this IDE's list.
        const auto* left = seen.contains(key) ? nullptr : table.find(id);
        if (left && (left->claimed || !left->pinned)) co_await hub_.clear_breakpoint(id);
    }
    for (std::size_t i = 0; i < wants.size(); ++i) {
        if (!wants[i].refused.empty()) {
            results[i] = shown({}, wants[i].refused);
            if (wants[i].line > 0) results[i].set("line", wants[i].line);
            continue;
        }
        if (existing.contains(wants[i].key)) continue;
        // Whoever has left wants no more of them, and nobody is told.
        if (left_) break;
        if (seen.contains(wants[i].key)) {
            results[i] = shown({}, "breakpoint already exists");
            continue;
        }
        seen[wants[i].key] = true;
        results[i] = co_await place(wants[i]);
    }
    json body = json::object{};
    body.set("breakpoints", std::move(results));
    co_return body;
}

asio::awaitable<std::string> dap_view::locate(wanted_breakpoint& want) {
    if (auto wrong = wrong_function_name(want.function); !wrong.empty()) co_return wrong;
    json scope = json::object{};
    scope.set("GoroutineID", -1);
    json args = json::object{};
    args.set("Scope", std::move(scope));
    args.set("Loc", want.function);
    args.set("IncludeNonExecutableLines", true);
    const viewer_paths::question ask = [this](json a) { return hub_.door("RPCServer.FindLocation", protocol::to_text(a)); };
    const auto out = co_await paths_.by_either_name("RPCServer.FindLocation", ask, std::move(args));
    if (!out.ok()) co_return out.error;
    auto parsed = protocol::parse_json(out.result, {.max_depth = 512, .fold_keys = false});
    auto* locations = parsed ? parsed->find("Locations") : nullptr;
    auto* list = locations ? locations->if_array() : nullptr;
    if (!list || list->empty()) co_return "location \"" + want.function + "\" not found";
    auto& first = list->front();
    if (auto* pcs = first.find("pcs"); pcs && pcs->if_array())
        want.addresses = *pcs->if_array();
    else if (auto* pc = first.find("pc"))
        want.addresses = {*pc};
    if (want.addresses.empty()) co_return "location \"" + want.function + "\" has no code";
    co_return std::string{};
}

breakpoint_wish dap_view::wish_for(const wanted_breakpoint& want) const {
    breakpoint_wish wish;
    wish.user = who_.who.user;
    wish.owner = left_ ? nullptr : const_cast<dap_view*>(this);
    wish.group = want.group;
    wish.key = want.key;
    wish.condition = want.condition;
    wish.hit_condition = want.hit_condition;
    wish.log_message = want.log_message;
    wish.traces = !want.log_message.empty();
    wish.who = who_.who;
    wish.operation = want.operation;
    wish.needs = want.needs;
    return wish;
}

asio::awaitable<json> dap_view::place(wanted_breakpoint want) {
    if (!want.log_message.empty())
        if (auto message = parse_log_message(want.log_message); !message) co_return shown({}, message.error());
    auto wish = wish_for(want);
    json args = json::object{};
    const bool data = want.group == "data";
    if (data) {
        // Delve's data ids are `goroutine,frame,expression` (onSetDataBreakpointRequest).
        auto first = want.data_id.find(',');
        auto second = first == std::string::npos ? first : want.data_id.find(',', first + 1);
        int type = want.access == "read" ? 1 : want.access == "write" ? 2 : want.access == "readWrite" ? 3 : 0;
        if (second == std::string::npos) co_return shown({}, "malformed data ID: \"" + want.data_id + "\"");
        if (type == 0) co_return shown({}, "unknown access type: \"" + want.access + "\"");
        std::int64_t goroutine = 0, frame = 0;
        std::from_chars(want.data_id.data(), want.data_id.data() + first, goroutine);
        std::from_chars(want.data_id.data() + first + 1, want.data_id.data() + second, frame);
        json scope = json::object{};
        scope.set("GoroutineID", goroutine);
        scope.set("Frame", frame);
        args.set("Scope", std::move(scope));
        args.set("Expr", want.data_id.substr(second + 1));
        args.set("Type", type);
        // Delve takes conditions of those only afterwards.
        wish.condition.clear();
        wish.hit_condition.clear();
    } else {
        json b = json::object{};
        std::string problem;
        if (want.group == "function") problem = co_await locate(want);
        if (!problem.empty()) co_return shown({}, problem);
        if (!want.addresses.empty()) {
            b.set("addr", want.addresses.front());
            b.set("addrs", want.addresses);
        } else {
            b.set("file", want.file);
            b.set("line", want.line);
        }
        if (!want.condition.empty()) b.set("Cond", want.condition);
        if (!want.hit_condition.empty()) b.set("HitCond", want.hit_condition);
        b.set("continue", wish.traces);
        args.set("Breakpoint", std::move(b));
    }
    const std::string method = data ? "RPCServer.CreateWatchpoint" : "RPCServer.CreateBreakpoint";
    const viewer_paths::question create = [this, &wish, &method](json a) { return hub_.place_breakpoint(wish, method, std::move(a)); };
    // Not `?:`, of whose branches g++ 12 destroys the temporaries of both.
    rpc_outcome out;
    if (data) out = co_await create(std::move(args));
    else out = co_await paths_.by_either_name(method, create, std::move(args));
    if (!out.ok()) co_return shown({}, out.error);
    auto parsed = protocol::parse_json(out.result, {.max_depth = 512, .fold_keys = false});
    if (!parsed) co_return shown({}, "dlv gave an unreadable answer");
    auto* made = parsed->find("Breakpoint");
    if (!made) made = &*parsed;
    const auto id = made->get_int("id");
    if (data && (!want.condition.empty() || !want.hit_condition.empty())) co_return co_await amend(id, want);
    const auto* placed = hub_.breakpoints().find(id);
    co_return placed ? shown(*placed, {}) : shown({}, "the breakpoint has gone meanwhile");
}

asio::awaitable<json> dap_view::amend(std::int64_t id, const wanted_breakpoint& want) {
    auto* wish = hub_.breakpoints().find(id);
    if (!wish) co_return shown({}, "the breakpoint has gone meanwhile");
    wish->claimed = true;
    if (wish->condition == want.condition && wish->hit_condition == want.hit_condition &&
        wish->log_message == want.log_message && applied(hub_.breakpoints(), *wish))
        co_return shown(*wish, wish->off_because);
    if (!want.log_message.empty())
        if (auto message = parse_log_message(want.log_message); !message) co_return shown(*wish, message.error());
    auto changed = *wish;
    changed.condition = want.condition;
    changed.hit_condition = want.hit_condition;
    changed.log_message = want.log_message;
    changed.traces = !want.log_message.empty();
    changed.needs = want.needs;
    // Another condition is another try.
    changed.off_because.clear();
    const auto error = co_await hub_.amend_breakpoint(id, changed);
    const auto* now = hub_.breakpoints().find(id);
    co_return now ? shown(*now, error) : shown({}, error);
}

// Each view's own filters; dlv stops where any of them wants it.
asio::awaitable<json> dap_view::exception_breakpoints(const json& arguments) {
    json body = json::object{};
    if (!exception_filters_) co_return body;
    std::set<std::string> enabled;
    if (auto* filters = arguments.find("filters"))
        if (auto* list = filters->if_array())
            for (auto& f : *list)
                if (auto* name = f.if_string()) enabled.insert(*name);
    if (!left_) hub_.want_exceptions(*this, enabled);
    co_await hub_.keep_exceptions();
    const auto all = co_await hub_.door("RPCServer.ListBreakpoints", "{\"All\":false}");
    const auto list = all.ok() ? protocol::parse_json(all.result, {.max_depth = 512, .fold_keys = false})
                               : protocol::result<json>(protocol::errc::bad_reply);
    json::array shown_ones;
    for (const auto& b : list ? breakpoints_in(*list) : json::array{}) {
        if (b.get_int("id") >= 0 || !enabled.contains(std::string(b.get_string("name")))) continue;
        json one = json::object{};
        one.set("id", b.get_int("id"));
        one.set("verified", true);
        shown_ones.push_back(std::move(one));
    }
    body.set("breakpoints", std::move(shown_ones));
    co_return body;
}

asio::awaitable<void> dap_view::drop_unclaimed() {
    for (auto id : hub_.breakpoints().unclaimed(this)) co_await hub_.clear_breakpoint(id);
}

json dap_view::shown(const breakpoint_wish& record, std::string_view problem) const {
    json out = json::object{};
    if (record.id != 0) out.set("id", record.id);
    out.set("verified", problem.empty());
    if (!problem.empty()) {
        // Delve's error ends with a newline now and then.
        while (problem.ends_with('\n')) problem.remove_suffix(1);
        out.set("message", paths_.text(problem));
    }
    if (!record.file.empty()) {
        auto path = paths_.to_client(record.file);
        json source = json::object{};
        source.set("name", base_name(path));
        source.set("path", path);
        out.set("source", std::move(source));
        out.set("line", record.line);
    }
    return out;
}

}  // namespace gateway
