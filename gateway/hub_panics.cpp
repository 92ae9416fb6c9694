// What the program says when it stops by itself.
#include "gateway/hub.h"

namespace gateway {

using protocol::json;

// The panic's or the throw's words, which Delve's DAP server puts into the stopped event
// (service/dap/server.go, panicReason and throwReason).
asio::awaitable<std::string> hub::exception_text(const stop_cause& cause) {
    bool panic = cause.description == "panic";
    json args = json::object{};
    json scope = json::object{};
    scope.set("GoroutineID", cause.goroutine);
    scope.set("Frame", 0);
    args.set("Scope", std::move(scope));
    args.set("Expr", panic ? "(*msgs).arg.(data)" : "s");
    json load = json::object{};
    load.set("FollowPointers", true);
    load.set("MaxVariableRecurse", 1);
    load.set("MaxStringLen", 4096);
    load.set("MaxArrayValues", 16);
    load.set("MaxStructFields", 16);
    args.set("Cfg", std::move(load));
    auto out = co_await door("RPCServer.Eval", protocol::to_text(args));
    if (!out.ok()) co_return std::string{};
    auto parsed = protocol::parse_json(out.result, {.max_depth = 512, .fold_keys = false});
    if (!parsed) co_return std::string{};
    auto* variable = parsed->find("Variable");
    if (!variable) co_return std::string{};
    auto value = std::string(variable->get_string("value"));
    // An interface holds its value as a child.
    for (auto* v = variable; value.empty();) {
        auto* children = v->find("children");
        auto* list = children ? children->if_array() : nullptr;
        if (!list || list->empty()) break;
        v = &list->front();
        value = v->get_string("value");
    }
    co_return value;
}

}  // namespace gateway
