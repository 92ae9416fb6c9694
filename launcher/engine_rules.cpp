#include "launcher/engine_rules.h"

#include <algorithm>

#include "launcher/arguments.h"
#include "launcher/engine_run.h"
#include "launcher/systemd_component.h"
#include "protocol/json.h"

namespace launcher {

namespace {

bool is_called(const named_component& each, std::string_view name) {
    const auto& of = each.definition;
    switch (of.kind) {
        case component_kind::systemd: return unit_of(of) == std::string(name) + ".service";
        case component_kind::static_pod: return of.name == name || of.pod == name || of.container == name;
        case component_kind::attach:
            return each.program == name || of.name == name || of.unit == std::string(name) + ".service" || of.container == name ||
                   of.pod == name || of.process == name || base_name(of.executable) == name;
        case component_kind::daemon_set:
        case component_kind::core: break;
    }
    return false;
}

bool is_kubelet(const named_component& each) {
    return each.definition.kind != component_kind::static_pod && is_called(each, "kubelet");
}

bool serves_daemon_sets(const named_component& each) {
    return is_kubelet(each) || is_called(each, "kube-apiserver") || is_called(each, "kube-controller-manager");
}

// `one` cannot go or come back while `other` is out.
bool needs(const named_component& one, const named_component& other) {
    if (one.definition.kind == component_kind::static_pod) return is_kubelet(other);
    return one.definition.kind == component_kind::daemon_set && serves_daemon_sets(other);
}

}  // namespace

bool not_together(const named_component& one, const named_component& other) { return needs(one, other) || needs(other, one); }

std::string row_program_text(const std::string& program) {
    return protocol::to_text(protocol::json(protocol::json::object{{"program", program}}));
}

std::string program_of_row(const detachment& row) {
    if (row.kind != component_kind::attach) return {};
    const auto read = protocol::parse_json(row.node, {.max_depth = 2, .fold_keys = false});
    return read ? std::string(read->get_string("program")) : std::string();
}

// 10 s, doubled each time, forgotten after 10 minutes; by the pod's uid, which is the same after a static pod's return and
// another one after a DaemonSet's.
void engine::tell_back_off(component_plan& plan) {
    if (plan.definition.kind != component_kind::static_pod) return;
    constexpr auto remembered = std::chrono::minutes(10);
    constexpr std::int64_t first = 10, most = 300;
    const auto seen = [&] {
        const std::lock_guard lock(journal_lock_);
        return journal_ ? journal_->returns(plan.definition.name, remembered) : outcome<journal::returns_seen>(error_text(journal_trouble_));
    }();
    if (!seen || seen->times == 0) return;
    const auto delay = std::min(most, first << std::min<std::int64_t>(seen->times, 5));
    plan.findings.push_back({severity::warning, "it came back " + (seen->times == 1 ? std::string("once") : std::to_string(seen->times) + " times") +
                             " in the last 10 minutes, last at " + utc_text(seen->last) + ": when it comes back next, the kubelet may hold "
                             "its container back for up to " + std::to_string(delay) + " s (its crash back-off)", "wait until 10 minutes are over"});
}

outcome<void> engine::run::forbid_together(const lifecycle_request& request) {
    if (request.forced(force::not_together)) return {};
    outcome<std::vector<detachment>> rows = [&] {
        const std::lock_guard lock(of.journal_lock_);
        return of.journal_ ? of.journal_->active() : outcome<std::vector<detachment>>(of.journal_trouble_);
    }();
    if (!rows) return error_text(rows.error());
    named_component mine{definition, {}};
    for (const auto& row : *rows)
        if (row.component == definition.name) mine.program = program_of_row(row);
    for (const auto& row : *rows) {
        if (row.component == definition.name) continue;
        component_definition other;
        if (const auto* defined = of.configuration_.find(row.component)) {
            other = *defined;
        } else {  // no longer in launcher.yaml, and out all the same
            other.name = row.component;
            other.kind = row.kind;
            if (row.kind == component_kind::systemd) other.unit = row.target_file;
        }
        if (not_together(mine, {other, program_of_row(row)}))
            return definition.name + " cannot be taken out while " + row.component + " is: one needs the other to come "
                   "back; run delvegate stop " + row.component + " first";
    }
    return {};
}

}  // namespace launcher
