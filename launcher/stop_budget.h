// How long a component may be kept from its duty before the cluster notices, and before it is harmed.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/leader_election.h"
#include "launcher/plan.h"

namespace launcher {

struct budget_facts {
    int minor = 0;  // of Kubernetes 1.minor; 0: unknown, and the older and shorter default counts
    leader_election election;
    // The node controller's grace comes from kube-controller-manager's arguments; empty: unknown, its default counts.
    std::vector<std::string> controller_manager;
    std::chrono::seconds node_lease{40};  // the kubelet's nodeLeaseDurationSeconds
};

// And its duty's rhythm, by which past stops are forgotten and breakpoints come on again after a forced resume.
// `component` is the program's base name, `argv` its arguments. Never less than a second; a component that is not
// known gets a short budget.
stop_budgets derive_budget(std::string_view component, const std::vector<std::string>& argv,
                           const budget_facts& facts);

}  // namespace launcher
