#include "launcher/stop_budget.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

using words = std::vector<std::string>;
using std::chrono::milliseconds;
using std::chrono::seconds;

leader_election election(std::string_view component, words argv, const std::optional<std::string>& config = {}) {
    argv.insert(argv.begin(), std::string(component));
    const auto out = leader_election_of(component, argv, config);
    EXPECT_TRUE(out) << (out ? "" : out.error());
    return out ? *out : leader_election();
}

stop_budgets budget(std::string_view component, words argv = {}, budget_facts facts = {}) {
    facts.election = election(component, argv);
    argv.insert(argv.begin(), std::string(component));
    return derive_budget(component, argv, facts);
}

TEST(leader_election, is_on_by_default_where_there_is_one) {
    for (const char* component : {"kube-scheduler", "kube-controller-manager", "cloud-controller-manager"}) {
        const auto e = election(component, {});
        EXPECT_TRUE(e.takes_part && e.on);
        EXPECT_EQ(e.source, "the default");
        EXPECT_EQ(e.resource_name, component);
        EXPECT_EQ(e.lease, seconds(15));
        EXPECT_EQ(e.renew, seconds(10));
        EXPECT_EQ(e.retry, seconds(2));
    }
    EXPECT_FALSE(election("kube-apiserver", {"--leader-elect=true"}).takes_part);
}

TEST(leader_election, is_as_the_last_flag_says) {
    EXPECT_FALSE(election("kube-scheduler", {"--leader-elect", "--leader-elect=false"}).on);
    EXPECT_TRUE(election("kube-scheduler", {"--leader-elect=0", "--leader_elect"}).on);
    EXPECT_TRUE(election("kube-scheduler", {"--leader-elect", "false"}).on) << "a boolean does not take the next word";
    EXPECT_TRUE(election("kube-scheduler", {"--", "--leader-elect=false"}).on);
    const auto e = election("kube-scheduler", {"--leader-elect-lease-duration=1h", "--leader-elect-renew-deadline", "50m",
                                               "--leader-elect-retry-period=2.5s", "--leader-elect-resource-name=other"});
    EXPECT_EQ(e.lease, std::chrono::hours(1));
    EXPECT_EQ(e.renew, std::chrono::minutes(50));
    EXPECT_EQ(e.retry, milliseconds(2500));
    EXPECT_EQ(e.resource_name, "other");
}

TEST(leader_election, is_as_the_scheduler_s_file_says_unless_a_flag_does) {
    const std::string config =
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
        "leaderElection: {leaderElect: false, renewDeadline: 20s, resourceName: mine}\n";
    auto e = election("kube-scheduler", {"--config=/c.yaml"}, config);
    EXPECT_FALSE(e.on);
    EXPECT_EQ(e.source, "leaderElection.leaderElect in /c.yaml");
    EXPECT_EQ(e.renew, seconds(20));
    EXPECT_EQ(e.resource_name, "mine");
    e = election("kube-scheduler", {"--config=/c.yaml", "--leader-elect=true"}, config);
    EXPECT_TRUE(e.on);
    e = election("kube-scheduler", {"--config=/c.yaml"});
    EXPECT_TRUE(e.on);
    EXPECT_EQ(e.unread_config, "/c.yaml");
    EXPECT_FALSE(leader_election_of("kube-scheduler", {"x", "--config=/c.yaml"}, "a: ["));
}

TEST(stop_budget, of_an_elected_component_is_its_lease) {
    for (const char* component : {"kube-scheduler", "kube-controller-manager"}) {
        const auto b = budget(component, {"--leader-elect=true"});
        EXPECT_EQ(b.damage, seconds(8));
        EXPECT_EQ(b.disturb, seconds(4));
        EXPECT_NE(b.derivation.find("renew deadline 10 s minus retry period 2 s"), std::string::npos);
    }
    EXPECT_EQ(budget("kube-scheduler", {"--leader-elect-renew-deadline=2500ms"}).damage, seconds(1)) << "never less";
    EXPECT_EQ(budget("kube-scheduler", {"--leader-elect-renew-deadline=12900ms"}).damage, seconds(10)) << "rounded down";
}

TEST(stop_budget, of_a_controller_manager_alone_is_the_nodes_grace) {
    const auto with = [](int minor, words argv = {}) {
        argv.push_back("--leader-elect=false");
        budget_facts facts;
        facts.minor = minor;
        return budget("kube-controller-manager", argv, facts).damage;
    };
    EXPECT_EQ(with(23), seconds(25));
    EXPECT_EQ(with(31), seconds(25));
    EXPECT_EQ(with(32), seconds(35));
    EXPECT_EQ(with(0), seconds(25));
    EXPECT_EQ(with(34, {"--node-monitor-grace-period=2m"}), seconds(105));
}

TEST(stop_budget, of_the_others_is_as_in_the_table) {
    EXPECT_EQ(budget("kube-scheduler", {"--leader-elect=false"}).damage, seconds(600));
    EXPECT_EQ(budget("kube-apiserver").disturb, seconds(8));
    EXPECT_EQ(budget("kube-apiserver").damage, seconds(25));
    EXPECT_EQ(budget("kube-proxy").damage, seconds(60));
    budget_facts facts;
    EXPECT_EQ(budget("kubelet", {}, facts).damage, seconds(25));
    facts.minor = 34;
    EXPECT_EQ(budget("kubelet", {}, facts).damage, seconds(35));
    facts.controller_manager = {"kube-controller-manager", "--node-monitor-grace-period=20s"};
    facts.node_lease = seconds(20);
    EXPECT_EQ(budget("kubelet", {}, facts).damage, seconds(10));
    const auto unknown = budget("something");
    EXPECT_EQ(unknown.damage, seconds(30));
    EXPECT_NE(unknown.derivation.find("nothing is known about something"), std::string::npos);
}

TEST(stop_budget, has_a_duty_as_long_as_a_turn_of_what_must_be_done) {
    EXPECT_EQ(budget("kube-scheduler").duty, seconds(3));
    EXPECT_EQ(budget("kube-controller-manager", {"--leader-elect-retry-period=2500ms"}).duty, seconds(4)) << "rounded up";
    EXPECT_EQ(budget("kube-controller-manager", {"--leader-elect=false"}).duty, seconds(6));
    EXPECT_EQ(budget("kube-controller-manager", {"--leader-elect=false", "--node-monitor-period=10s"}).duty, seconds(11));
    EXPECT_EQ(budget("kube-scheduler", {"--leader-elect=false"}).duty, seconds(10));
    EXPECT_EQ(budget("kube-apiserver").duty, seconds(11));
    EXPECT_EQ(budget("kubelet").duty, seconds(11));
    budget_facts facts;
    facts.node_lease = seconds(20);
    EXPECT_EQ(budget("kubelet", {}, facts).duty, seconds(6));
    EXPECT_EQ(budget("kube-proxy").duty, seconds(31));
    EXPECT_EQ(budget("kube-proxy", {"--iptables-sync-period=1m"}).duty, seconds(61));
    EXPECT_EQ(budget("something").duty, seconds(10));
    for (const auto* component : {"kube-scheduler", "kubelet", "kube-proxy", "something"})
        EXPECT_FALSE(budget(component).duty_derivation.empty());
}

}  // namespace
}  // namespace launcher
