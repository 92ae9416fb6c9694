// What must not be out at the same time: one needs the other to go, or to come back.
#include <algorithm>

#include "launcher/engine_run.h"
#include "launcher/systemd_component.h"

namespace launcher {

namespace {

bool is_kubelet(const component_definition& each) {
    return each.kind == component_kind::systemd && unit_of(each) == "kubelet.service";
}

// By what they are called: what runs in them is read from the node only when they are taken out.
bool serves_daemon_sets(const component_definition& each) {
    if (is_kubelet(each)) return true;
    if (each.kind != component_kind::static_pod) return false;
    for (const auto* name : {"kube-apiserver", "kube-controller-manager"})
        if (each.name == name || each.pod == name || each.container == name) return true;
    return false;
}

// `one` cannot go or come back while `other` is out.
bool needs(const component_definition& one, const component_definition& other) {
    if (one.kind == component_kind::static_pod) return is_kubelet(other);
    return one.kind == component_kind::daemon_set && serves_daemon_sets(other);
}

}  // namespace

outcome<void> engine::run::forbid_together(const lifecycle_request& request) {
    if (request.forced(force::not_together)) return {};
    outcome<std::vector<detachment>> rows = [&] {
        const std::lock_guard lock(of.journal_lock_);
        return of.journal_ ? of.journal_->active() : outcome<std::vector<detachment>>(of.journal_trouble_);
    }();
    if (!rows) return error_text(rows.error());
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
        if (needs(definition, other) || needs(other, definition))
            return definition.name + " cannot be taken out while " + row.component + " is: one needs the other to come "
                   "back; run delvegate stop " + row.component + " first";
    }
    return {};
}

}  // namespace launcher
