#include "gateway/audit_touched.h"

#include <algorithm>

#include "auth/audit_text.h"

namespace gateway {
namespace {

using protocol::json;
using touches = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t long_arguments = 256;  // bytes from which their digest is recorded
constexpr std::size_t max_joined = 4096;
constexpr int max_depth = 4;

struct name {
    std::string_view key;
    std::string_view what;
};
// Keys of both protocols as the table of operations writes them (protocol/operations_*_types.cpp).
constexpr name names[] = {
    {"file", "file"}, {"path", "file"}, {"line", "line"}, {"lines", "line"},
    {"functionName", "function"}, {"FnName", "function"}, {"FunctionName", "function"},
    {"name", "name"}, {"Name", "name"}, {"id", "id"}, {"Id", "id"}, {"Symbol", "name"},
    {"addr", "address"}, {"Address", "address"}, {"memoryReference", "address"},
    {"instructionReference", "address"}, {"dataId", "address"},
    {"Expr", "expression"}, {"expr", "expression"}, {"expression", "expression"}, {"WatchExpr", "watch"},
    {"ExprString", "expression"}, {"variables", "expression"}, {"LocExpr", "location"}, {"Loc", "location"},
    {"Cond", "condition"}, {"condition", "condition"}, {"HitCond", "hits"}, {"hitCondition", "hits"},
    {"logMessage", "message"}, {"GoroutineID", "goroutine"}, {"goroutineID", "goroutine"},
    {"threadId", "goroutine"}, {"threadID", "thread"}, {"ThreadID", "thread"}, {"frameId", "frame"}, {"Frame", "frame"},
    {"variablesReference", "reference"}, {"Filter", "filter"}, {"text", "text"}, {"Position", "position"},
    {"Destination", "file"}, {"context", "context"},
};
// What is written into the debuggee.
constexpr std::string_view values[] = {"Value", "value", "data"};

std::string_view what_of(std::string_view key) {
    for (const name& one : names)
        if (one.key == key) return one.what;
    return {};
}

void add(touches& out, std::string_view what, std::string text) {
    if (text.empty()) return;
    const auto there = std::find_if(out.begin(), out.end(), [&](const auto& one) { return one.first == what; });
    if (there == out.end())
        out.emplace_back(what, std::move(text));
    else if (there->second.size() < max_joined)
        there->second += ", " + text;
}

// Text and numbers; what was left at Go's zero is not there.
std::string text_of(const json& value) {
    if (value.if_string()) return *value.if_string();
    if (value.if_number() && value.if_number()->token != "0") return value.if_number()->token;
    return {};
}

void walk(touches& out, const json& value, int depth, bool& has_value) {
    if (depth > max_depth) return;
    if (const auto* list = value.if_array())
        for (const json& item : *list) walk(out, item, depth + 1, has_value);
    const auto* members = value.if_object();
    if (!members) return;
    for (const auto& [key, member] : *members) {
        if (std::find(std::begin(values), std::end(values), key) != std::end(values)) {
            has_value = true;
            if (member.if_string()) add(out, "value", std::to_string(member.if_string()->size()) + " bytes");
            continue;
        }
        const std::string_view what = what_of(key);
        if (what.empty()) {
            walk(out, member, depth + 1, has_value);
        } else if (const auto* list = member.if_array()) {
            for (const json& item : *list) add(out, what, text_of(item));
        } else {
            add(out, what, text_of(member));
        }
    }
}

bool clears_all(const json& arguments) {
    const json* list = arguments.find("breakpoints");
    return list && list->if_array() && list->if_array()->empty();
}

}  // namespace

touches touched_by(const protocol::judged& request) {
    touches out;
    bool has_value = false;
    walk(out, request.arguments, 0, has_value);
    if (has_value) return out;
    const std::string text = protocol::to_text(request.arguments);
    if (text.size() <= long_arguments) return out;
    auth::sha256_hasher hash;
    out.emplace_back("arguments", std::to_string(text.size()) + " bytes, sha256:" + hash.hex(text));
    return out;
}

bool only_releases(const protocol::judged& request) {
    using protocol::service;
    if (request.how == service::halt || request.how == service::leave) return true;
    if (request.how == service::run) return request.operation == "Command continue" || request.operation == "continue";
    // Of the control API: the component comes back.
    if (request.how == service::local && (request.operation == "stop" || request.operation == "restore")) return true;
    if (request.how != service::breakpoint) return false;
    return request.operation == "ClearBreakpoint" || clears_all(request.arguments);
}

}  // namespace gateway
