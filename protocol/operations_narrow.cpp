// What remains of a request and of a reply for somebody who may not read values.
#include <algorithm>

#include "protocol/operations.h"
#include "protocol/operations_judge.h"

namespace protocol {
namespace {

// Delve service/api/types.go: Thread.BreakpointInfo, Thread.ReturnValues, Goroutine.Labels. All three may
// be absent.
bool holds_values(std::string_view key) {
    return fold_equal(key, "breakPointInfo") || fold_equal(key, "ReturnValues") ||
           fold_equal(key, "labels");
}

}  // namespace

bool narrow(judged& j, class_set granted) {
    if (j.how == service::refuse || j.operation != "Stacktrace" || j.classes.within(granted))
        return false;
    const class_set rest = j.classes.without({op_class::read});
    if (rest == j.classes || !rest.within(granted)) return false;
    // Without a configuration Delve loads no variables, and Full only says which configuration.
    table::erase(j.arguments, "Cfg");
    table::erase(j.arguments, "Full");
    j.classes = rest;
    return true;
}

void strip_values(json& reply) {
    if (auto* items = reply.if_array())
        for (json& item : *items) strip_values(item);
    auto* members = reply.if_object();
    if (!members) return;
    std::erase_if(*members, [](const json::member& m) { return holds_values(m.first); });
    for (auto& [key, value] : *members) strip_values(value);
}

}  // namespace protocol
