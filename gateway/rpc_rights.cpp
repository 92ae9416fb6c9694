// What a JSON-RPC client may do: each request against the policy of now, by what the hub would do with
// it.
#include "gateway/rpc_view.h"
#include "protocol/locations.h"

namespace gateway {

using protocol::class_set;
using protocol::json;
using protocol::op_class;
using protocol::service;

namespace {

constexpr class_set observe{op_class::observe};
// A client at its prompt asks when its user types: it is told then why the session has ended.
constexpr auto goodbye_time = std::chrono::seconds(10);

}  // namespace

// `dlv connect` starts with exactly SetApiVersion, IsMulticlient, State and, if that says Running, a halt,
// which only joins.
bool rpc_view::joins_as_it_starts() const {
    return starting_ && requests_ == 4 && last_method_ == "RPCServer.State" && joined_running_ &&
           hub_.now() == phase::running;
}

// The id of the breakpoint that a request names by id or name; 0 when there is none.
std::int64_t rpc_view::breakpoint_named(const judged& j) const {
    const json* which = j.arguments.find("Breakpoint");
    if (which) return which->get_int("id");
    const auto name = j.arguments.get_string("Name");
    if (name.empty()) return j.arguments.get_int("Id");
    const auto list = protocol::parse_json(hub_.breakpoint_list(), {.max_depth = 512, .fold_keys = false});
    const json* all = list ? list->find("Breakpoints") : nullptr;
    if (const auto* items = all ? all->if_array() : nullptr)
        for (const json& b : *items)
            if (b.get_string("name") == name) return b.get_int("id");
    return 0;
}

std::optional<std::string> rpc_view::not_allowed(judged& j) {
    class_set needs = j.classes;
    switch (j.how) {
        case service::refuse:  // never done; its own reason tells more
        case service::leave:   // ends the caller's view, nothing else
            return std::nullopt;
        case service::run:
            if (!hub_.would_resume(*this)) needs = observe;
            break;
        case service::halt:
            if (!hub_.would_halt() || joins_as_it_starts()) needs = observe;
            break;
        case service::breakpoint:
            if (j.operation == "ClearBreakpoint" || j.operation == "AmendBreakpoint" ||
                j.operation == "ToggleBreakpoint") {
                const auto* record = hub_.breakpoints().find(breakpoint_named(j));
                const bool own = record && record->owner == this;
                if (own && j.operation == "ClearBreakpoint") return std::nullopt;
                // Somebody else's, or nobody's: it may be one that stops, whatever becomes of it.
                if (!own) needs.add(op_class::breakpoint);
            }
            break;
        default: break;
    }
    auto why = forbidden(j.operation, needs);
    if (!why) return std::nullopt;
    if (needs == j.classes && protocol::narrow(j, grants().classes()) && grants().allows(j.operation, j.classes))
        return std::nullopt;
    return why;
}

std::string rpc_view::without_values(std::string state) const {
    auto value = protocol::parse_json(state, {.max_depth = 512, .fold_keys = false});
    if (!value) return "null";  // dlv writes none such; if it did, nobody could tell what is in it
    protocol::strip_values(*value);
    return protocol::to_text(*value);
}

// `reply` is dlv's line from behind its id on.
void rpc_view::send_stripped(std::string_view reply) {
    std::string line = "{\"id\":0" + std::string(reply);
    protocol::remove_commands(line);
    auto value = protocol::parse_json(line, {.max_depth = 512, .fold_keys = false});
    if (!value || !value->if_object()) return refuse(look_id_, "dlv gave an unreadable answer");
    if (!may_read()) {
        protocol::strip_values(*value);
        if (look_method_ == "RPCServer.FindLocation") protocol::strip_foreign_locations(*value, location_);
    }
    value->set("id", look_id_);
    const json* error = value->find("error");
    answered(look_id_, error && !error->is_null() ? "dlv refused" : "ok");
    const auto text = protocol::to_text(*value) + "\n";
    post(paths_.any() ? "{" + paths_.result(std::string_view(text).substr(1)) : text);
}

// dlv's one selection decides what the next step steps and what others see as selected. Somebody who may
// not step gets dlv's own answer, and the selection is put back before anybody else has a turn.
void rpc_view::borrow_selection(const request& r, judged j) {
    starting_ = false;
    busy_ = true;
    const auto& state = hub_.last_stop().state;
    const auto number = hub_.last_stop().number;
    const auto goroutine = state.selected_goroutine.value_or(0);
    const auto thread = state.current_thread ? state.current_thread->id : 0;
    hub_.alone(
        *this,
        [self = self(), id = r.id, params = protocol::to_text(j.arguments), number, goroutine,
         thread]() -> asio::awaitable<void> {
            auto out = co_await self->hub_.door("RPCServer.Command", params);
            if (out.ok() && thread > 0)
                co_await self->hub_.door("RPCServer.Command",
                                         "{\"name\":\"switchThread\",\"threadID\":" + std::to_string(thread) + "}");
            if (out.ok() && goroutine > 0)
                co_await self->hub_.door("RPCServer.Command", "{\"name\":\"switchGoroutine\",\"goroutineID\":" +
                                                                  std::to_string(goroutine) + "}");
            if (out.ok()) {
                const auto parsed = protocol::parse_json(out.result, {.max_depth = 512, .fold_keys = false});
                const json* now = parsed ? parsed->find("State") : nullptr;
                const json* chosen = now ? now->find("currentGoroutine") : nullptr;
                self->selected_ = chosen ? chosen->get_int("id") : 0;
                self->selected_at_ = number;
            }
            self->answer(id, out);
        },
        guarded([this, id = r.id](const std::string& why) {
            refuse(id, why);
            done();
        }));
}

// Delve's -1 is the selected goroutine.
void rpc_view::select_own(json& arguments) const {
    if (selected_at_ != hub_.last_stop().number) return;
    if (arguments.get_int("Id") == -1) arguments.set("Id", selected_);
    for (const char* scope : {"Scope", "EvalScope"})
        if (json* s = arguments.find(scope); s && s->get_int("GoroutineID") == -1) s->set("GoroutineID", selected_);
}

void rpc_view::regranted(class_set) {
    // What was withdrawn while it held back others is answered; the others come now.
    process();
}

// JSON-RPC has no messages of the server's own: the reason is the answer to what is pending, or to the
// next request.
void rpc_view::revoked(const std::string& reason) {
    ended_because_ = reason;
    const bool pending = busy_;
    if (looking_ && !head_sent_) {
        hub_.forget_look(*this);
        looking_ = false;
        refuse(look_id_, reason);
    } else if (looking_) {
        return cut_off(reason);
    }
    const auto sent = answers_;
    hub_.withdraw(*this, reason, true);
    leave();
    busy_ = false;
    if (pending || answers_ != sent) return finish();
    goodbye_.expires_after(goodbye_time);
    goodbye_.async_wait(guarded([this](const boost::system::error_code& ec) {
        if (!ec) finish();
    }));
    process();
}

}  // namespace gateway
