#include "launcher/attach_budget.h"

#include <algorithm>
#include <string>

#include "launcher/debug_binary.h"
#include "launcher/start_patience.h"

namespace launcher {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto unknown_probe = seconds(20);  // Kubernetes' own defaults: (3 - 1) * 10 s

void at_most(component_plan& plan, milliseconds time, const std::string& why) {
    auto& budget = plan.budget;
    if (budget.damage > seconds(0) && budget.damage <= time) return;
    const auto whole = std::chrono::floor<seconds>(time);
    if (whole < seconds(1)) {
        plan.findings.push_back({severity::refusal, time <= milliseconds(0)
                                     ? "it may not be stopped at all: " + why + " leaves no time"
                                     : "it may be stopped for " + std::to_string(time.count()) + " ms only: " + why,
                                 "if it may stand for longer, set stopBudget of " + plan.definition.name + " in launcher.yaml"});
        return;
    }
    budget.damage = whole;
    budget.disturb = budget.disturb > seconds(0) ? std::min(budget.disturb, whole) : std::max(whole / 2, seconds(1));
    budget.derivation = why;
}

}  // namespace

void limit_attach_budget(component_plan& plan, const attach_target& target) {
    if (plan.definition.stop_budget) return;
    if (target.watchdog_usec != 0)
        at_most(plan, std::chrono::floor<milliseconds>(std::chrono::microseconds(target.watchdog_usec) / 2),
                "half of the unit's WatchdogSec, by which systemd would kill it");
    if (plan.definition.container.empty()) return;
    if (target.probe_patience)
        at_most(plan, *target.probe_patience,
                "(failureThreshold - 1) * periodSeconds of its liveness probe, by which the kubelet would kill it");
    else
        at_most(plan, unknown_probe, "its liveness probe is not known: Kubernetes' default, after which the kubelet would kill it");
}

milliseconds attach_time_estimate(std::uint64_t memory_needed) {
    // Measured: dlv 1.27.1 took 1.2 s of one processor for 11 MiB of debug sections, of which dlv_memory_estimate() makes the
    // memory.
    const auto nothing = dlv_memory_estimate(0), each = dlv_memory_estimate(1u << 20) - nothing;
    if (memory_needed <= nothing) return milliseconds(0);
    return milliseconds((memory_needed - nothing) * 110 / each);
}

void tell_attach_time(component_plan& plan) {
    if (plan.memory_needed == 0) return;  // refused: it was not read
    const auto time = attach_time_estimate(plan.memory_needed);
    const auto about = "about " + std::to_string(std::chrono::ceil<seconds>(time).count()) + " s";
    // A processor that is busy makes it several times as long.
    if (plan.budget.damage > seconds(0) && time * 3 >= plan.budget.damage)
        plan.findings.push_back({severity::warning, "it stands still while dlv reads its debug information, " + about +
                                     " on an idle processor, and may for " + std::to_string(plan.budget.damage.count()) +
                                     " s: if that is not enough, the start is given up and dlv ended",
                                 "attach while the node is idle; or set stopBudget of " + plan.definition.name});
    else
        plan.findings.push_back({severity::note, "it stands still from the moment dlv attaches until dlv has read its debug "
                                 "information, " + about, {}});
}

}  // namespace launcher
