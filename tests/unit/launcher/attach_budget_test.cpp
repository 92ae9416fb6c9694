// How long an attach may take, and what must not stand meanwhile.
#include <gtest/gtest.h>

#include "launcher/attach_budget.h"
#include "launcher/debug_binary.h"
#include "launcher/engine_rules.h"
#include "launcher/start_patience.h"

namespace launcher {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

component_plan plan_of(const std::string& container = {}) {
    component_plan plan;
    plan.definition.name = "proxy";
    plan.definition.kind = component_kind::attach;
    plan.definition.container = container;
    plan.process.mode = dlv_mode::attach;
    plan.budget.damage = seconds(60);
    plan.budget.disturb = seconds(30);
    return plan;
}

TEST(attach_budget, a_probe_or_watchdog_shortens_it) {
    auto plan = plan_of("kube-proxy");
    attach_target target;
    target.probe_patience = seconds(20);
    target.watchdog_usec = 9'000'000;
    limit_attach_budget(plan, target);
    EXPECT_EQ(plan.budget.damage, seconds(4));
    EXPECT_TRUE(plan.findings.empty());
}

TEST(attach_budget, no_time_at_all_is_a_refusal_and_not_unknown) {
    auto plan = plan_of("kube-proxy");
    attach_target target;
    target.probe_patience = milliseconds(0);  // failureThreshold 1
    limit_attach_budget(plan, target);
    ASSERT_TRUE(plan.refused());
    EXPECT_NE(plan.findings[0].text.find("may not be stopped at all"), std::string::npos) << plan.findings[0].text;
    EXPECT_NE(plan.findings[0].mend.find("stopBudget"), std::string::npos);

    plan = plan_of();
    target = {};
    target.watchdog_usec = 1'500'000;
    limit_attach_budget(plan, target);
    ASSERT_TRUE(plan.refused());
    EXPECT_NE(plan.findings[0].text.find("750 ms"), std::string::npos) << plan.findings[0].text;

    plan = plan_of("kube-proxy");
    plan.definition.stop_budget = seconds(5);
    target.probe_patience = milliseconds(0);
    limit_attach_budget(plan, target);
    EXPECT_FALSE(plan.refused()) << "root has decided";

    plan = plan_of("kube-proxy");
    limit_attach_budget(plan, {});
    EXPECT_FALSE(plan.refused());
    EXPECT_EQ(plan.budget.damage, seconds(20)) << "the default of a probe that is not known";
}

TEST(attach_budget, a_load_that_is_near_it_is_warned_of) {
    auto plan = plan_of();
    plan.memory_needed = dlv_memory_estimate(65u << 20);  // kube-apiserver's
    EXPECT_GE(attach_time_estimate(plan.memory_needed), seconds(3));
    tell_attach_time(plan);
    ASSERT_EQ(plan.findings.size(), 1u);
    EXPECT_EQ(plan.findings[0].how, severity::note);
    plan.findings.clear();
    plan.budget.damage = seconds(8);
    tell_attach_time(plan);
    ASSERT_EQ(plan.findings.size(), 1u);
    EXPECT_EQ(plan.findings[0].how, severity::warning);
}

TEST(start_patience, all_the_waiting_for_an_attach_is_within_its_budget) {
    auto plan = plan_of();
    plan.budget.damage = seconds(8);
    const auto begun = start_patience::clock::now();
    const start_patience patience(plan, begun);
    EXPECT_EQ(patience.most(seconds(60), begun), seconds(8));
    EXPECT_EQ(patience.most(seconds(60), begun + seconds(5)), seconds(3));
    EXPECT_EQ(patience.most(seconds(1), begun + seconds(5)), seconds(1));
    EXPECT_FALSE(patience.over(begun + seconds(7)));
    EXPECT_EQ(patience.most(seconds(60), begun + seconds(9)), seconds(0));
    EXPECT_TRUE(patience.over(begun + seconds(9)));
    plan.process.mode = dlv_mode::exec;  // stands at its entry, in nobody's place yet
    EXPECT_EQ(start_patience(plan, begun).most(seconds(60), begun + seconds(50)), seconds(60));
    EXPECT_FALSE(start_patience(plan, begun).over(begun + seconds(50)));
}

TEST(not_together, what_is_attached_to_stands_still) {
    component_definition pod, daemon, on, other;
    pod.name = "kube-scheduler";
    daemon.name = "kube-proxy";
    daemon.kind = component_kind::daemon_set;
    on.name = other.name = "x";
    on.kind = other.kind = component_kind::attach;
    other.unit = "nginx.service";
    EXPECT_FALSE(not_together({pod, {}}, {other, "nginx"}));
    EXPECT_FALSE(not_together({daemon, {}}, {other, "nginx"}));
    EXPECT_TRUE(not_together({pod, {}}, {other, "kubelet"})) << "what runs in it says so";

    on.unit = "kubelet.service";
    EXPECT_TRUE(not_together({pod, {}}, {on, {}}));
    EXPECT_TRUE(not_together({on, {}}, {pod, {}}));
    EXPECT_TRUE(not_together({on, {}}, {daemon, {}}));
    on.unit.clear();
    on.process = "kubelet";
    EXPECT_TRUE(not_together({pod, {}}, {on, {}}));
    on.process.clear();
    on.executable = "/usr/local/bin/kubelet";
    EXPECT_TRUE(not_together({pod, {}}, {on, {}}));
    on.executable.clear();
    on.container = "kube-controller-manager";
    EXPECT_TRUE(not_together({daemon, {}}, {on, {}}));
    EXPECT_FALSE(not_together({pod, {}}, {on, {}}));
    on.container = "kube-apiserver";
    EXPECT_TRUE(not_together({on, {}}, {daemon, {}}));

    detachment row;
    row.kind = component_kind::attach;
    row.node = row_program_text("kubelet");
    EXPECT_EQ(program_of_row(row), "kubelet");
    row.node = "not json";
    EXPECT_EQ(program_of_row(row), "");
}

}  // namespace
}  // namespace launcher
