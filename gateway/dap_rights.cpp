// What a DAP client may do: each request against the policy of now, by what the hub would do with it,
// and refused in the form that leaves the IDE's session alive.
#include <algorithm>

#include "gateway/dap_view.h"

namespace gateway {

using protocol::class_set;
using protocol::json;
using protocol::op_class;
using protocol::service;

namespace {

constexpr class_set observe{op_class::observe};

// What of dlv's capabilities stands for which operation: an IDE does not offer what it was not offered.
struct capability {
    std::string_view name;
    std::string_view operation;
    class_set needs;
};
constexpr capability offered_for[] = {
    {"supportsFunctionBreakpoints", "setFunctionBreakpoints", {op_class::breakpoint}},
    {"supportsInstructionBreakpoints", "setInstructionBreakpoints", {op_class::breakpoint}},
    {"supportsConditionalBreakpoints", "setBreakpoints", {op_class::breakpoint, op_class::read}},
    {"supportsHitConditionalBreakpoints", "setBreakpoints", {op_class::breakpoint}},
    {"supportsLogPoints", "setBreakpoints", {op_class::trace}},
    {"supportsDataBreakpoints", "setDataBreakpoints", {op_class::breakpoint, op_class::read}},
    {"supportsExceptionFilterOptions", "setExceptionBreakpoints", {op_class::breakpoint}},
    {"supportsExceptionOptions", "setExceptionBreakpoints", {op_class::breakpoint}},
    {"exceptionBreakpointFilters", "setExceptionBreakpoints", {op_class::breakpoint}},
    {"supportsExceptionInfoRequest", "exceptionInfo", {op_class::read}},
    {"supportsEvaluateForHovers", "evaluate", {op_class::read}},
    {"supportsClipboardContext", "evaluate", {op_class::read}},
    {"supportsReadMemoryRequest", "readMemory", {op_class::read}},
    {"supportsDisassembleRequest", "disassemble", {op_class::read}},
    {"supportsSteppingGranularity", "next", {op_class::control}},
    {"supportsSetVariable", "setVariable", {op_class::mutate}},
    {"supportsSetExpression", "setExpression", {op_class::mutate}},
    {"supportsWriteMemoryRequest", "writeMemory", {op_class::mutate}},
};

}  // namespace

bool dap_view::refused_for_rights(const request& r, const judged& j) {
    class_set needs = j.classes;
    switch (j.how) {
        case service::refuse:      // never done; its own reason tells more
        case service::leave:       // ends the caller's view, nothing else
        case service::breakpoint:  // one by one
            return false;
        case service::run:
            if (!hub_.would_resume(*this)) needs = observe;
            break;
        case service::halt:
            if (!hub_.would_halt()) needs = observe;
            break;
        default: break;
    }
    if (r.command == "configurationDone") return false;
    auto why = forbidden(j.operation, needs);
    if (!why) return false;
    if (open_[r.seq].audited.intent == 0) audit_.refusal(j, rule_for(j), *why);
    // What a person clicked on is told to them; what an IDE asks by itself shows it where the values
    // would be. An IDE that may not even begin shows the error of initialize and attach.
    const bool show = j.how == service::run || j.how == service::halt || j.how == service::local;
    fail(r, not_allowed_id, "Not allowed", *why, show);
    return true;
}

// dlv's capabilities with those taken out that this person could not use; every one that could come
// back is there, so that a later event changes it.
json dap_view::capabilities_now() const {
    json body = offered_;
    if (body.is_null()) body = json::object{};
    for (const auto& [name, operation, needs] : offered_for) {
        json* value = body.find(name);
        if (!value || grants().allows(operation, needs)) continue;
        if (value->is_array())
            *value = json::array{};
        else
            *value = false;
    }
    return body;
}

std::vector<std::string> dap_view::breakpoint_refusals(const judged& j) const {
    std::vector<std::string> out;
    for (const class_set& needs : j.each) out.push_back(forbidden(j.operation, needs).value_or(std::string()));
    return out;
}

// Whether any of the breakpoints that a request asks for may be set: for that the program may be halted.
bool dap_view::sets_any(const judged& j) const {
    const auto refusals = breakpoint_refusals(j);
    return j.how == service::breakpoint && std::any_of(refusals.begin(), refusals.end(), [](const auto& why) { return why.empty(); });
}

// Where nothing is to be set and nothing of this view's is there to be cleared, the program need not be
// halted for it: somebody who may only watch does not disturb it.
bool dap_view::answer_breakpoints_at_once(const request& r, const judged& j) {
    if (sets_any(j)) return false;
    const auto refusals = breakpoint_refusals(j);
    if (j.operation == "setExceptionBreakpoints") {
        // With no filter at all it says, too, what this view wants.
        if (refusals.empty() && !forbidden(j.operation, j.classes)) return false;
    } else if (!hub_.breakpoints().of_group(this, group_of(r.command, j.arguments)).empty()) {
        return false;
    }
    const auto* list = j.arguments.find("breakpoints");
    const auto* asked = list ? list->if_array() : nullptr;
    json::array results;
    for (std::size_t i = 0; i < refusals.size(); ++i) {
        json one = json::object{};
        one.set("verified", false);
        one.set("message", refusals[i]);
        if (asked && i < asked->size())
            if (const auto line = (*asked)[i].get_int("line"); line > 0) one.set("line", line);
        results.push_back(std::move(one));
    }
    json body = json::object{};
    body.set("breakpoints", std::move(results));
    respond(r, body);
    return true;
}

void dap_view::lost_breakpoint(std::int64_t id, const std::string& why) {
    if (!configured_ || terminated_ || over_) return;
    json breakpoint = json::object{};
    breakpoint.set("id", id);
    breakpoint.set("verified", false);
    breakpoint.set("message", why);
    json body = json::object{};
    body.set("reason", "changed");
    body.set("breakpoint", std::move(breakpoint));
    event("breakpoint", body);
    if (const auto* wish = hub_.breakpoints().find(id))
        console("Your breakpoint at " + paths_.to_client(wish->file) + ":" + std::to_string(wish->line) + " is " + why);
}

void dap_view::regranted(class_set before) {
    if (labels_shown_ && !may_read())
        return revoked(who_.who.user + " may no longer read values on " + hub_.name() +
                       ", and this session shows goroutine labels; attach again");
    other_rights_ = other_rights_ || (!taken_as_.empty() && before != grants().classes());
    if (initialized_ && !terminated_) {
        json body = json::object{};
        body.set("capabilities", capabilities_now());
        event("capabilities", body);
        if (configured_ && before != grants().classes())
            console("Your permissions on " + hub_.name() + " are now: " + to_string(grants().classes()) + ".");
    }
    process();
}

void dap_view::revoked(const std::string& reason) {
    hub_.withdraw(*this, reason, true);
    if (over_) return;
    if (looking_) {
        // A response that was begun cannot be completed with anything else.
        if (broken_reply(reason)) return;
    }
    if (!terminated_) {
        json body = json::object{};
        body.set("category", "important");
        body.set("output", "delvegate: " + reason + "\n");
        event("output", body);
        event("terminated", {});
        terminated_ = true;
    }
    finish();
}

}  // namespace gateway
