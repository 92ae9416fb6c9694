#include "launcher/stop_budget.h"

#include <algorithm>
#include <cstdio>

#include "launcher/arguments.h"

namespace launcher {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string shown(milliseconds t) {
    if (t.count() % 1000 == 0) return std::to_string(t.count() / 1000) + " s";
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(t.count()) / 1000.0);
    return text;
}

// Whole seconds, rounded down: a budget errs on the short side.
seconds at_least_one(milliseconds t) { return std::max(std::chrono::duration_cast<seconds>(t), seconds(1)); }

stop_budgets budgets(milliseconds damage, std::string derivation) {
    stop_budgets out;
    out.damage = at_least_one(damage);
    out.disturb = at_least_one(damage / 2);
    out.derivation = std::move(derivation);
    return out;
}

struct node_grace {
    milliseconds time;
    std::string source;
};

node_grace grace_of(const std::vector<std::string>& controller_manager, int minor) {
    if (const auto given = flag_duration(controller_manager, "node-monitor-grace-period"); given && given->count() > 0)
        return {*given, "--node-monitor-grace-period=" + shown(*given) + " of kube-controller-manager"};
    if (minor >= 32) return {seconds(50), "the node monitor's grace period of 50 s (Kubernetes 1.32 and later)"};
    return {seconds(40), minor > 0 ? "the node monitor's grace period of 40 s (Kubernetes 1.31 and earlier)"
                                   : "the node monitor's shorter default grace period of 40 s"};
}

// Of what wakes up every now and then: what was due while it stood comes at once, and takes a moment; the rest within a turn.
void set_duty(stop_budgets& out, milliseconds turn, const std::string& why) {
    out.duty = std::chrono::ceil<seconds>(turn) + seconds(1);
    out.duty_derivation = why + " of " + shown(turn) + ", and 1 s";
}

void derive_duty(std::string_view component, const std::vector<std::string>& argv, const budget_facts& facts, stop_budgets& out) {
    const auto flag = [&](const char* name, milliseconds otherwise) {
        const auto given = flag_duration(argv, name);
        return given && given->count() > 0 ? *given : otherwise;
    };
    if (facts.election.takes_part && facts.election.on)
        return set_duty(out, facts.election.retry, "the retry period of its leader election");
    if (component == "kube-controller-manager")
        return set_duty(out, flag("node-monitor-period", seconds(5)), "its node monitor's period");
    if (component == "kube-apiserver") return set_duty(out, seconds(10), "the interval in which nodes renew their leases");
    if (component == "kubelet") return set_duty(out, facts.node_lease / 4, "the renewal interval of its node lease");
    if (component == "kube-proxy")
        return set_duty(out, flag("iptables-sync-period", flag("ipvs-sync-period", seconds(30))),
                        "its sync period");
    out.duty_derivation = "no rhythm is known of it: " + shown(out.duty);
}

stop_budgets derive_stops(std::string_view component, const std::vector<std::string>& argv, const budget_facts& facts) {
    const auto& election = facts.election;
    if (election.takes_part && election.on)
        return budgets(election.renew - election.retry, "leader election: renew deadline " + shown(election.renew) +
                                                            " minus retry period " + shown(election.retry) +
                                                            ", then it loses its lease and exits");
    if (component == "kube-controller-manager") {
        const auto grace = grace_of(argv, facts.minor);
        return budgets(grace.time - seconds(15), grace.source +
                                                     " minus 15 s: after a longer stop it compares old probe times and "
                                                     "may mark every node Unknown");
    }
    if (component == "kube-scheduler")
        return budgets(seconds(600), "no leader election: pods stay Pending, and nothing is lost; 10 minutes");
    if (component == "kube-apiserver") {
        auto out = budgets(seconds(25), "after 8 s controllers and schedulers that use it lose their leases and exit, "
                                        "after 25 s the nodes' leases are in danger");
        out.disturb = seconds(8);
        return out;
    }
    if (component == "kubelet") {
        const auto grace = grace_of(facts.controller_manager, facts.minor);
        const milliseconds renewal = facts.node_lease / 4;
        return budgets(grace.time - renewal - seconds(5), grace.source + " minus the lease's renewal interval of " +
                                                              shown(renewal) + " and 5 s: then the node is NotReady");
    }
    if (component == "kube-proxy")
        return budgets(seconds(60), "its healthz answers 503 when the last sync is older than 60 s");
    return budgets(seconds(30), "nothing is known about " + std::string(component) + ": 30 s; set stopBudget for it");
}

}  // namespace

stop_budgets derive_budget(std::string_view component, const std::vector<std::string>& argv, const budget_facts& facts) {
    auto out = derive_stops(component, argv, facts);
    derive_duty(component, argv, facts, out);
    return out;
}

}  // namespace launcher
