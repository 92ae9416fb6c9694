#include "gateway/page_view.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "gateway/breakpoint_list.h"
#include "gateway/component.h"
#include "gateway/hub.h"
#include "gateway/utc.h"

namespace gateway {

using protocol::class_set;
using protocol::json;
using protocol::op_class;

namespace {

// The page's actions, and that it shows the audit: as it calls them, as the policy does, and what they need.
struct action {
    const char* name;
    const char* operation;
    class_set needs;
};
constexpr action actions[] = {
    {"ask", "baton ask", {op_class::control}},        {"give", "baton give", {op_class::control}},     {"drop", "baton drop", {op_class::control}},
    {"take", "baton take", {op_class::lifecycle}},    {"park", "park", {op_class::control}},           {"unpark", "unpark", {op_class::control}},
    {"start", "start", {op_class::lifecycle}},        {"stop", "stop", {op_class::lifecycle}},         {"restore", "restore", {op_class::lifecycle}},
    {"kill", "kill session", {op_class::lifecycle}},  {"audit", "audit", {op_class::lifecycle}},
};

json allowed_actions(const auth::grants& rights, bool of_launcher) {
    json::array out;
    for (const auto& one : actions) {
        const std::string_view name = one.name;
        const bool life = name == "start" || name == "stop" || name == "restore";
        if ((!life || of_launcher) && rights.allows(one.operation, one.needs)) out.emplace_back(name);
    }
    return out;
}

json breakpoints_of(const hub& session) {
    json::array out;
    for (const auto& [id, wish] : session.breakpoints().all()) {
        if (wish.user.empty()) continue;
        json one = json::object{{"id", id}, {"user", wish.user}, {"here", wish.owner != nullptr}, {"pinned", wish.pinned}};
        one.set("at", wish.file.empty() ? wish.key : wish.file.substr(wish.file.find_last_of('/') + 1) + ":" + std::to_string(wish.line));
        if (!wish.off_because.empty()) one.set("off", wish.off_because);
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace

bool may_see_audit(const auth::identity& who, std::string_view component, const endpoints& components, const permissions& rights) {
    // As page_view() tells it: what is not shown has no `may`.
    const auto rules = [&](const auto* one) {
        const auto granted = rights.of(who, one->name());
        return granted.allows("sessions", {op_class::observe}) && granted.allows("audit", {op_class::lifecycle});
    };
    const auto all = components.all();
    const auto of = std::find_if(all.begin(), all.end(), [&](const auto* one) { return one->name() == component; });
    return of != all.end() ? rules(*of) : std::all_of(all.begin(), all.end(), rules);
}

json page_view(const auth::identity& who, const endpoints& components, const permissions& rights, const std::optional<lifetime>& own_certificate,
               counted what_counts) {
    const auto now = static_cast<long long>(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()));
    json::array shown, sessions;
    for (auto* one : components.visible(who)) {
        const auto granted = rights.of(who, one->name());
        if (!granted.allows("sessions", {op_class::observe})) continue;
        auto state = one->session_state(component::shows_source(granted));
        const auto known = one->status();
        for (const auto* key : {"kind", "stopBudget", "launcher"})
            if (const auto* value = known.find(key)) state.set(key, *value);
        if (auto* budget = state.find("stopBudget"); budget && what_counts == counted::left_out)
            for (const auto* key : {"used", "breakpointsOffFor"}) budget->set(key, "");
        state.set("may", allowed_actions(granted, known.find("launcher") != nullptr));
        state.set("breakpoints", breakpoints_of(one->session()));
        shown.push_back(std::move(state));
        json::array here;
        one->list_sessions(here, true);
        for (auto& session : here) {
            json told = json::object{};
            for (const auto* key : {"session", "component", "user", "role", "ide", "protocol", "since", "awaySince"})
                if (const auto* value = session.find(key)) told.set(key, *value);
            if (granted.allows("audit", {op_class::lifecycle}))
                for (const auto* key : {"certificateEnds", "certificateWarning"})
                    if (const auto* value = session.find(key)) told.set(key, *value);
            sessions.push_back(std::move(told));
        }
    }
    if (shown.empty()) return {};
    const auto put_certificate = [&](json& into, const lifetime& good) {
        into.set("certificateEnds", utc_time(std::chrono::system_clock::from_time_t(good.not_after)));
        into.set("certificateWarning", nearly_over(good.not_before, good.not_after, now));
    };
    json you = json::object{{"user", who.user}}, gateway = json::object{};
    put_certificate(you, {who.not_before, who.not_after});
    you.set("audit", may_see_audit(who, {}, components, rights));
    if (own_certificate) put_certificate(gateway, *own_certificate);
    return json::object{{"you", std::move(you)}, {"gateway", std::move(gateway)}, {"components", std::move(shown)}, {"sessions", std::move(sessions)}};
}

}  // namespace gateway
