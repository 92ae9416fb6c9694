// Who else is active, by what an API says that only pretends.
#include "launcher/leadership.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <map>

#include "launcher/failed.h"
#include "launcher/moment.h"
#include "launcher/plan_store.h"
#include "launcher/waiting.h"
#include "tests/support/trusted_directory.h"

namespace launcher {
namespace {

using protocol::json;

const std::string lease_path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager";
const std::string pods_path = "/api/v1/namespaces/kube-system/pods?labelSelector=component%3Dkube-controller-manager";
const std::string planes_path = "/api/v1/nodes?labelSelector=node-role.kubernetes.io%2Fcontrol-plane";
const std::string masters_path = "/api/v1/nodes?labelSelector=node-role.kubernetes.io%2Fmaster";

class api {
public:
    api() {
        pods({{"kube-controller-manager-n1", "n1", "Running"}});
        nodes({"n1"});
    }
    struct pod {
        std::string name, node, phase, host = "192.0.2.1";
    };
    void pods(const std::vector<pod>& all) {
        json::array items;
        for (const auto& each : all)
            items.push_back(json::object{{"metadata", json::object{{"name", each.name}}},
                                         {"spec", json::object{{"nodeName", each.node}}},
                                         {"status", json::object{{"phase", each.phase}, {"hostIP", each.host}}}});
        objects[pods_path] = json::object{{"items", std::move(items)}};
    }
    void nodes(const std::vector<std::string>& all, const std::vector<std::string>& masters = {}) {
        const auto list = [](const auto& names) {
            json::array items;
            for (const auto& each : names) items.push_back(json::object{{"metadata", json::object{{"name", each}}}});
            return json(json::object{{"items", std::move(items)}});
        };
        objects[planes_path] = list(all);
        objects[masters_path] = list(masters);
    }
    void holder(const std::string& name, std::int64_t renewed) {
        auto at = utc_text(renewed);
        at.insert(at.size() - 1, ".123456");
        objects[lease_path] = json::object{
            {"spec", json::object{{"holderIdentity", name}, {"leaseDurationSeconds", 15}, {"renewTime", at}}}};
    }
    api_look look() {
        return [this](const std::string& path) -> outcome<std::optional<json>> {
            asked.push_back(path);
            if (!trouble.empty()) return failed<std::optional<json>>(trouble);
            const auto found = objects.find(path);
            using answer = std::optional<json>;
            return outcome<answer>(boost::system::in_place_value, found == objects.end() ? answer() : answer(found->second));
        };
    }
    std::map<std::string, json> objects;
    std::vector<std::string> asked;
    std::string trouble;
};

sole_instance here() {
    sole_instance which;
    which.program = "kube-controller-manager";
    which.lease = "kube-system/kube-controller-manager";
    which.pods = component_pods("kube-system", {}, which.program);
    which.node = "n1";
    return which;
}

class other_instances_case : public testing::Test {
protected:
    std::string others() {
        const auto seen = other_instances(it.look(), which, time);
        std::string text = seen.unknown.empty() ? "" : "unknown: " + seen.unknown;
        for (const auto& each : seen.others) text += (text.empty() ? "" : "; ") + each;
        return text;
    }
    static constexpr std::int64_t time = 1'800'000'000;
    api it;
    sole_instance which = here();
};

TEST_F(other_instances_case, OneNodeIsAlone) {
    it.holder("n1_5f0c", time);
    EXPECT_EQ(others(), "");
    EXPECT_TRUE(which.pods_known);
    EXPECT_EQ(it.asked, (std::vector<std::string>{lease_path, pods_path})) << "its own pod was found: nodes need not be asked for";
    char name[256] = {};
    ASSERT_EQ(::gethostname(name, sizeof name - 1), 0);
    it.holder(std::string(name) + "_5f0c", time);
    EXPECT_EQ(others(), "") << "a node may be called otherwise than its host";
}

TEST_F(other_instances_case, APodOnAnotherNodeIsAnother) {
    it.pods({{"kube-controller-manager-n1", "n1", "Running"}, {"kube-controller-manager-n2", "n2", "Running"},
             {"kube-controller-manager-n3", "n3", "Pending"}, {"old", "n4", "Succeeded"}, {"dead", "n5", "Failed"}});
    EXPECT_EQ(others(), "pod kube-controller-manager-n2 on node n2; pod kube-controller-manager-n3 on node n3");
}

TEST_F(other_instances_case, AHolderElsewhereIsAnotherUntilItsLeaseHasEnded) {
    it.holder("n10_5f0c", time - 70);
    EXPECT_EQ(others(), "the holder of Lease kube-system/kube-controller-manager, n10_5f0c") << "n1 is not n10; clocks differ";
    it.holder("n2_5f0c", time - 76);
    EXPECT_EQ(others(), "");
    it.objects[lease_path] = json::object{{"spec", json::object{{"holderIdentity", "n2_5f0c"}}}};
    EXPECT_NE(others(), "") << "when it ends is not told";
}

TEST_F(other_instances_case, ANodeThatIsCalledOtherwiseIsKnownByItsAddress) {
    it.pods({{"kube-controller-manager-x", "ip-127-0-0-1.internal", "Running", "127.0.0.1"}});
    EXPECT_EQ(others(), "");
    EXPECT_TRUE(which.pods_known);
}

TEST_F(other_instances_case, WhereItsOwnPodIsNotFoundOnlyOneControlPlaneNodeIsAlone) {
    it.pods({});
    EXPECT_EQ(others(), "");
    it.nodes({"n1"}, {"n1", "n2"});
    EXPECT_NE(others().find("unknown: its pod on this node is not found by its label"), std::string::npos) << others();
    EXPECT_NE(others().find("2 nodes"), std::string::npos);
    it.nodes({});
    EXPECT_NE(others().find("no nodes with the role"), std::string::npos);
    which.pods_known = true;  // by the look before it was taken out: its pod is gone now
    EXPECT_EQ(others(), "");
}

TEST_F(other_instances_case, AnApiThatDoesNotAnswerIsAskedOnceAndSaysNothing) {
    it.trouble = "the connection was refused";
    EXPECT_EQ(others(), "unknown: the connection was refused");
    EXPECT_EQ(it.asked.size(), 1u);
    it.trouble.clear();
    it.objects[pods_path] = json::object{{"kind", "Status"}};
    EXPECT_NE(others().find("unknown: "), std::string::npos);
    it = api();
    which.node.clear();
    EXPECT_NE(others().find("how this node is called"), std::string::npos);
    which = here();
    which.lease.clear();
    EXPECT_NE(others().find("does not use a Lease"), std::string::npos);
}

class plan_leadership_case : public testing::Test {
protected:
    std::string say(const std::string& program, std::vector<std::string> ours, std::vector<std::string> before = {}) {
        plan = component_plan();
        plan.definition.extra_arguments = ours;
        plan.process.argv.push_back({program, ""});
        for (const auto& each : before) plan.process.argv.push_back({each, ""});
        for (const auto& each : ours) plan.process.argv.push_back({each, ""});
        // Whatever is asked for, the answers are the same.
        const auto look = it.look();
        const api_look any = [&](const std::string& path) {
            auto of_manager = path;
            if (const auto at = of_manager.find(program); at != of_manager.npos)
                of_manager.replace(at, program.size(), "kube-controller-manager");
            return look(of_manager);
        };
        plan_leadership(plan, program, request, {any, "n1", {}});
        if (plan.findings.empty()) return "nothing";
        EXPECT_EQ(plan.findings.size(), 1u);
        const char* const names[] = {"note", "warning", "refusal"};
        return names[static_cast<int>(plan.findings[0].how)];
    }
    void two() { it.pods({{"a", "n1", "Running"}, {"b", "n2", "Running"}}); }
    api it;
    lifecycle_request request;
    component_plan plan;
};

TEST_F(plan_leadership_case, OnlyWhatWeSwitchOffIsLookedAt) {
    two();
    EXPECT_EQ(say("kube-controller-manager", {}), "nothing");
    EXPECT_EQ(say("kube-controller-manager", {"--v=4"}), "nothing");
    EXPECT_EQ(say("kube-controller-manager", {"--leader-elect=true"}), "nothing");
    EXPECT_EQ(say("kube-controller-manager", {}, {"--leader-elect=false"}), "nothing") << "it was off before";
    EXPECT_EQ(say("kube-controller-manager", {"--leader-elect=false"}, {"--leader-elect=false"}), "nothing");
    EXPECT_EQ(say("kube-apiserver", {"--leader-elect=false"}), "nothing");
    EXPECT_TRUE(it.asked.empty());
    EXPECT_FALSE(plan.alone);
    EXPECT_EQ(say("kube-controller-manager", {"--leader-elect=false"}, {"--leader-elect=true"}), "refusal");
    EXPECT_EQ(say("kube-controller-manager", {"--leader-elect-resource-name=mine"}), "refusal") << "the same by another name";
    EXPECT_EQ(it.asked.front(), lease_path) << "the lease that the others use";
}

TEST_F(plan_leadership_case, AloneIsANote) {
    EXPECT_EQ(say("kube-controller-manager", {"--leader-elect=false"}), "note");
    ASSERT_TRUE(plan.alone);
    EXPECT_FALSE(plan.alone->tolerated);
    EXPECT_TRUE(plan.alone->pods_known);
    EXPECT_EQ(say("kube-scheduler", {"--leader-elect=false"}), "note");
}

TEST_F(plan_leadership_case, AnotherOneIsRefusedButForTheSchedulerAndByRoot) {
    two();
    EXPECT_EQ(say("kube-controller-manager", {"--leader-elect=false"}), "refusal");
    EXPECT_NE(plan.findings[0].text.find("there is another instance: pod b on node n2"), std::string::npos);
    EXPECT_NE(plan.findings[0].mend.find("--force-two-leaders"), std::string::npos);
    EXPECT_EQ(say("cloud-controller-manager", {"--leader-elect=false"}), "refusal");
    EXPECT_EQ(say("kube-scheduler", {"--leader-elect=false"}), "warning");
    EXPECT_TRUE(plan.alone->tolerated);
    request.forces = {force::not_together};
    EXPECT_EQ(say("kube-controller-manager", {"--leader-elect=false"}), "refusal");
    request.forces = {force::two_leaders};
    EXPECT_EQ(say("kube-controller-manager", {"--leader-elect=false"}), "warning");
    EXPECT_TRUE(plan.alone->tolerated);
}

TEST_F(plan_leadership_case, WhatIsNotKnownIsNotTakenForAlone) {
    it.trouble = "no answer";
    EXPECT_EQ(say("kube-controller-manager", {"--leader-elect=false"}), "refusal");
    EXPECT_NE(plan.findings[0].text.find("is not known: no answer"), std::string::npos);
    EXPECT_EQ(say("kube-scheduler", {"--leader-elect=false"}), "warning");
    it.trouble.clear();
    EXPECT_EQ(say("kube-controller-manager", {"--leader-elect=false"}, {"--leader-elect-resource-lock=endpoints"}), "refusal");
    EXPECT_EQ(say("kube-controller-manager", {"--leader-elect=false"}, {"--leader-elect-resource-lock=endpointsleases"}), "note");
}

TEST(component_pods, AreFoundByTheLabelThatTellsComponentsApart) {
    EXPECT_EQ(component_pods("kube-system", {{"tier", "control-plane"}, {"component", "kcm"}, {"k8s-app", "x"}}, "p"),
              "kube-system?labelSelector=component%3Dkcm");
    EXPECT_EQ(component_pods("kube-system", {{"k8s-app", "kcm"}}, "p"), "kube-system?labelSelector=k8s-app%3Dkcm");
    EXPECT_EQ(component_pods("other", {}, "kube-scheduler"), "other?labelSelector=component%3Dkube-scheduler");
}

TEST(leader_watch, TellsOfAnotherAndTwiceInARowIsTwo) {
    std::vector<instances_seen> answers{{{}, "no answer"}, {{"pod b"}, {}}, {{}, {}}, {{"pod b"}, {}}, {{}, "no answer"}, {{"pod b"}, {}}};
    std::size_t at = 0;
    leader_watch watch([&] { return answers[at++]; }, std::chrono::seconds(30));
    auto time = leader_watch::clock::now();
    const auto next = [&](std::chrono::seconds later) {
        time += later;
        watch.tend(time);
        if (!watch.looking()) return std::string("not asked");
        EXPECT_TRUE(wait_until(std::chrono::seconds(30), [&] {
            watch.tend(time);
            return !watch.looking();
        }));
        return watch.warning();
    };
    EXPECT_NE(next(std::chrono::seconds(0)).find("is not known now: no answer"), std::string::npos);
    EXPECT_FALSE(watch.two());
    EXPECT_EQ(next(std::chrono::seconds(29)), "not asked");
    EXPECT_NE(next(std::chrono::seconds(2)).find("another instance: pod b"), std::string::npos);
    EXPECT_FALSE(watch.two()) << "once may be one that is just going";
    EXPECT_EQ(next(std::chrono::seconds(11)), "") << "the second look comes sooner";
    EXPECT_NE(next(std::chrono::seconds(31)).find("pod b"), std::string::npos);
    EXPECT_NE(next(std::chrono::seconds(11)).find("not known"), std::string::npos);
    EXPECT_FALSE(watch.two());
    EXPECT_NE(next(std::chrono::seconds(31)).find("pod b"), std::string::npos);
    EXPECT_TRUE(watch.two()) << "an API that did not answer in between takes nothing back";
}

TEST(plan_store, KeepsWhatIsLookedAtWhileItRuns) {
    const support::trusted_directory place;
    component_plan plan;
    plan.budget.damage = std::chrono::seconds(8);
    plan.budget.duty = std::chrono::seconds(3);
    ASSERT_TRUE(store_plan(place.path(), "s1", plan));
    auto kept = stored_plan(place.path(), "s1");
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->budget.duty, std::chrono::seconds(3));
    EXPECT_FALSE(kept->alone);
    plan.alone = here();
    plan.alone->pods_known = plan.alone->tolerated = true;
    ASSERT_TRUE(store_plan(place.path(), "s2", plan));
    kept = stored_plan(place.path(), "s2");
    ASSERT_TRUE(kept && kept->alone);
    EXPECT_EQ(kept->alone->program, "kube-controller-manager");
    EXPECT_EQ(kept->alone->lease, plan.alone->lease);
    EXPECT_EQ(kept->alone->pods, plan.alone->pods);
    EXPECT_EQ(kept->alone->node, "n1");
    EXPECT_TRUE(kept->alone->pods_known && kept->alone->tolerated);
}

}  // namespace
}  // namespace launcher
