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
    for (const bool own : {true, false})
        for (const auto& [id, wish] : hub_.breakpoints().all())
            if (wish.name == name && (wish.owner == this) == own) return id;
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
                if (record && record->pinned && !record->owner && record->user != who_.who.user)
                    return "breakpoint " + std::to_string(record->id) + " is " + record->user +
                           "'s and pinned: it stays until they clear it, or somebody with lifecycle unpins it";
                if (record && record->owner && !own && record->user != who_.who.user)
                    return "breakpoint " + std::to_string(record->id) + " is " + record->user +
                           "'s, who alone changes it; one of your own at the same place does not disturb it";
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
    if (const auto which = picked_; !show_picked(*value))
        return refuse(look_id_, which->second.empty() ? "no breakpoint with id " + std::to_string(which->first)
                                                      : "no breakpoint with name " + which->second);
    value->set("id", look_id_);
    const json* error = value->find("error");
    answered(look_id_, error && !error->is_null() ? "dlv refused" : "ok");
    const auto text = protocol::to_text(*value) + "\n";
    auto reply_line = paths_.any() ? "{" + paths_.result(std::string_view(text).substr(1), limits_.rpc_reply) : text;
    if (reply_line.size() > limits_.rpc_reply)
        reply_line = protocol::encode_rpc_error(look_id_, too_large("dlv's answer", "rpcReply", limits_.rpc_reply));
    post(reply_line);
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
