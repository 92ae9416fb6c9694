// The selected goroutine or thread is each JSON-RPC client's own. dlv has one for everybody, which says what the next step
// steps and what -1 means; it stays where a stop has put it.
#include <algorithm>
#include <iterator>

#include "gateway/rpc_view.h"

namespace gateway {

using protocol::json;
using protocol::service;

namespace {

std::string switch_to(std::string_view name, std::string_view key, std::int64_t id) {
    json command = json::object{};
    command.set("name", name);
    command.set(key, id);
    return protocol::to_text(command);
}
std::string to_thread(std::int64_t id) { return switch_to("switchThread", "threadID", id); }
std::string to_goroutine(std::int64_t id) { return switch_to("switchGoroutine", "goroutineID", id); }

bool is_selected(const json* scope) { return scope && scope->get_int("GoroutineID") == -1; }

}  // namespace

bool rpc_view::has_own() const { return selected_at_ != 0 && selected_at_ == hub_.last_stop().number && hub_.now() == phase::stopped; }

// dlv gives its own answer, and its selection is put back before anybody else has a turn.
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
            if (out.ok()) co_await self->put_back(thread, goroutine);
            const auto parsed = out.ok() ? protocol::parse_json(out.result, {.max_depth = 512, .fold_keys = false})
                                         : protocol::result<json>(protocol::errc::bad_reply);
            if (const json* now = parsed ? parsed->find("State") : nullptr) {
                const json* chosen = now->find("currentGoroutine");
                const json* on = now->find("currentThread");
                self->selected_ = chosen ? chosen->get_int("id") : 0;
                self->selected_thread_ = self->selected_ == 0 && on ? on->get_int("id") : 0;
                self->own_goroutine_ = chosen ? *chosen : json{};
                self->own_thread_ = on ? *on : json{};
                self->selected_at_ = number;
                // Another gateway would not know of it.
                self->hub_.remember_told();
            }
            self->answer(id, out);
        },
        guarded([this, id = r.id](const std::string& why) {
            refuse(id, why);
            done();
        }));
}

asio::awaitable<void> rpc_view::put_back(std::int64_t thread, std::int64_t goroutine) {
    if (thread > 0) {
        const auto command = to_thread(thread);
        co_await hub_.door("RPCServer.Command", command);
    }
    if (goroutine > 0) {
        const auto command = to_goroutine(goroutine);
        co_await hub_.door("RPCServer.Command", command);
    }
}

// Delve's -1 is the selected goroutine.
void rpc_view::select_own(json& arguments) const {
    if (!has_own() || selected_ == 0) return;
    if (arguments.get_int("Id") == -1) arguments.set("Id", selected_);
    for (const char* scope : {"Scope", "EvalScope"})
        if (json* s = arguments.find(scope); is_selected(s)) s->set("GoroutineID", selected_);
}

// What it has selected is what it steps.
void rpc_view::select_own(run_order& order) const {
    if (!has_own()) return;
    if (selected_ > 0)
        order.goroutine = selected_;
    else
        order.thread = selected_thread_;
}

// The state as this client sees it.
std::string rpc_view::own_state(const run_end& end) const {
    if (!end.stop || end.stop->number != selected_at_ || !has_own()) return end.state;
    auto state = protocol::parse_json(end.state, {.max_depth = 512, .fold_keys = false});
    if (!state) return end.state;
    state->set("currentThread", own_thread_);
    state->set("currentGoroutine", own_goroutine_);
    return protocol::to_text(*state);
}

// A thread that runs no goroutine has no name that a look could be given: it is selected for the one look.
bool rpc_view::look_at_thread(const request& r, const judged& j) {
    if (!has_own() || selected_thread_ == 0 || j.how != service::look) return false;
    if (j.arguments.get_int("Id") != -1 && !is_selected(j.arguments.find("Scope")) && !is_selected(j.arguments.find("EvalScope")))
        return false;
    const auto& state = hub_.last_stop().state;
    busy_ = true;
    hub_.alone(
        *this,
        [self = self(), id = r.id, method = r.method, params = protocol::to_text(j.arguments), on = selected_thread_,
         goroutine = state.selected_goroutine.value_or(0),
         thread = state.current_thread ? state.current_thread->id : 0]() -> asio::awaitable<void> {
            const auto command = to_thread(on);
            auto out = co_await self->hub_.door("RPCServer.Command", command);
            if (out.ok()) {
                out = co_await self->hub_.door(method, params);
                co_await self->put_back(thread, goroutine);
            }
            self->answer(id, out);
        },
        guarded([this, id = r.id](const std::string& why) {
            refuse(id, why);
            done();
        }));
    return true;
}

// Frames and goroutines that a client names are of the stop it was told of.
bool rpc_view::means_an_earlier_stop(const request& r, const judged& j) const {
    if (hub_.now() != phase::stopped || !hub_.may_mean_another_stop(*this)) return false;
    if (j.how == service::select) return true;
    if (j.how != service::look && j.how != service::call && j.how != service::breakpoint) return false;
    if (r.method == "RPCServer.Command") return false;  // the hub says so itself
    constexpr std::string_view by_goroutine[] = {"RPCServer.Stacktrace", "RPCServer.Ancestors", "RPCServer.ListRegisters"};
    return j.arguments.find("Scope") || std::find(std::begin(by_goroutine), std::end(by_goroutine), r.method) != std::end(by_goroutine);
}

}  // namespace gateway
