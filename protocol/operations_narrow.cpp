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

constexpr std::string_view commands = "customCommands";

bool strip_commands(json& value) {
    bool found = false;
    if (auto* items = value.if_array())
        for (json& item : *items) found |= strip_commands(item);
    auto* members = value.if_object();
    if (!members) return found;
    found |= std::erase_if(*members, [](const json::member& m) { return fold_equal(m.first, commands); }) > 0;
    for (auto& [key, inner] : *members) found |= strip_commands(inner);
    return found;
}

}  // namespace

// Escapes and letters beyond ASCII that fold into it can hide the name; without either, ASCII case is all.
bool may_hold_commands(std::string_view reply) {
    thread_local std::string lower;
    lower.resize(reply.size());
    unsigned char all = 0;
    bool escaped = false;
    for (std::size_t i = 0; i < reply.size(); ++i) {
        const auto byte = static_cast<unsigned char>(reply[i]);
        all |= byte;
        escaped |= byte == '\\';
        lower[i] = static_cast<char>(byte | 0x20);
    }
    const bool may = escaped || all >= 0x80 || lower.find("customcommands") != std::string::npos;
    if (lower.capacity() > 64 * 1024) lower = {};
    return may;
}

void remove_commands(std::string& reply) {
    if (!may_hold_commands(reply)) return;
    auto value = parse_json(reply, {.max_depth = 512, .fold_keys = false});
    if (!value)
        reply = "null";
    else if (strip_commands(*value))
        reply = to_text(*value);
}

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
