#include "launcher/daemon_set_patch.h"

#include "daemon_set_fixtures.h"
#include "launcher/json_patch.h"

namespace launcher {
namespace {

using protocol::json;

node_out on(const std::string& node) {
    node_out out;
    out.node = node;
    out.session = "5e55" + node;
    out.by = "root";
    out.since = "2026-11-26T05:00:00Z";
    return out;
}

const json& spec_of(const json& object) { return *at_pointer(object, "/spec"); }
const json& strategy_of(const json& object) { return *at_pointer(object, "/spec/updateStrategy"); }
const json& template_of(const json& object) { return *at_pointer(object, "/spec/template"); }

// As the API server does it: the generation moves with the spec.
json after(json object, const json& patch) {
    const auto before = spec_of(object);
    const auto done = apply_patch(object, patch);
    EXPECT_TRUE(done.has_value()) << (done ? "" : done.error()) << "\n" << protocol::to_text(patch);
    if (!same_json(before, spec_of(object)))
        object.find("metadata")->set("generation", object.find("metadata")->get_int("generation") + 1);
    return object;
}

json taken(const json& object, const std::string& node) {
    const auto patch = patch_out(object, on(node));
    EXPECT_TRUE(patch.has_value()) << (patch ? "" : patch.error());
    return patch ? after(object, *patch) : object;
}
json returned(const json& object, const std::string& node) { return after(object, patch_back(object, node).patch); }

const std::string start = R"({"requiredDuringSchedulingIgnoredDuringExecution":)";
std::string zone(const std::string& name) {
    return R"({"matchExpressions":[{"key":"zone","operator":"In","values":[")" + name + R"("]}]})";
}
const std::string affinities[] = {
    "",
    "{}",
    R"({"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[]}})",
    R"({"nodeAffinity":{}})",
    R"({"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"preference":)" + zone("a") + "}]}}",
    R"({"nodeAffinity":)" + start + R"({"nodeSelectorTerms":[)" + zone("a") + "]}}}",
    R"({"nodeAffinity":)" + start + R"({"nodeSelectorTerms":[)" + zone("a") + ",{}," + zone("b") + "]}}}",
    R"({"nodeAffinity":)" + start +
        R"({"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.name","operator":"NotIn","values":["n9"]}]},)" + zone("b") + "]}}}",
};

TEST(daemon_set_patch, OutAndBackIsWhatItWas) {
    for (const auto& version : {old_proxy, current_proxy})
        for (const auto& affinity : affinities)
            for (const auto* annotations : {"", R"("a.example/b":"c")"}) {
                SCOPED_TRACE(std::string(version.name) + " " + affinity + " " + annotations);
                const auto before = proxy_daemon_set(version, affinity, annotations);
                const auto away = taken(before, "n2");
                EXPECT_TRUE(state_of_node(away, "n2").whole());
                EXPECT_FALSE(state_of_node(away, "n3").any());
                EXPECT_TRUE(same_json(strategy_of(away), json_of(R"({"type":"OnDelete"})")));
                const auto plan = patch_back(away, "n2");
                EXPECT_TRUE(plan.last);
                EXPECT_TRUE(plan.remarks.empty()) << plan.remarks.front();
                const auto back = after(away, plan.patch);
                // The same bytes of the template are the same ControllerRevision.
                EXPECT_EQ(protocol::to_text(template_of(back)), protocol::to_text(template_of(before)));
                EXPECT_TRUE(same_json(spec_of(back), spec_of(before)));
                EXPECT_FALSE(state_of_node(back, "n2").any());
            }
}

TEST(daemon_set_patch, TheFactsPatch) {
    const auto away = taken(proxy_daemon_set(current_proxy), "n2");
    EXPECT_TRUE(same_json(
        *at_pointer(away, "/spec/template/spec/affinity"),
        json_of(R"({"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[)"
                R"({"matchFields":[{"key":"metadata.name","operator":"NotIn","values":["n2"]}]}]}}})")));
    const auto state = state_of_node(away, "n2");
    ASSERT_TRUE(state.record);
    EXPECT_EQ(state.record->session, "5e55n2");
    EXPECT_EQ(state.record->strategy.get_string("type"), "RollingUpdate");
}

TEST(daemon_set_patch, EveryAlternativeRefusesTheNode) {
    const auto away = taken(proxy_daemon_set(current_proxy, affinities[6]), "n2");
    const auto& terms = *at_pointer(
        away, "/spec/template/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms")->if_array();
    ASSERT_EQ(terms.size(), 3u);
    EXPECT_NE(terms[0].find("matchFields"), nullptr);
    EXPECT_NE(terms[2].find("matchFields"), nullptr);
    // An empty term matches no node: with a requirement in it it would match every other one.
    EXPECT_EQ(terms[1].find("matchFields"), nullptr);
}

TEST(daemon_set_patch, WhatWantsNoNodeIsNotTouched) {
    for (const auto* terms : {"[]", "[{}]", R"([{"matchExpressions":[]}])"}) {
        const auto affinity = R"({"nodeAffinity":)" + start + R"({"nodeSelectorTerms":)" + terms + "}}}";
        EXPECT_FALSE(patch_out(proxy_daemon_set(current_proxy, affinity), on("n2")).has_value()) << terms;
    }
}

TEST(daemon_set_patch, TwoNodesAndTheStrategyOfTheFirst) {
    for (const auto& affinity : affinities)
        for (const bool first_returns_first : {true, false}) {
            SCOPED_TRACE(affinity + (first_returns_first ? " first" : " second"));
            const auto before = proxy_daemon_set(current_proxy, affinity);
            const auto both = taken(taken(before, "n2"), "n3");
            EXPECT_TRUE(state_of_node(both, "n2").whole() && state_of_node(both, "n3").whole());
            const std::string early = first_returns_first ? "n2" : "n3", late = first_returns_first ? "n3" : "n2";
            const auto plan = patch_back(both, early);
            EXPECT_FALSE(plan.last);
            ASSERT_EQ(plan.remarks.size(), 1u);
            const auto one = after(both, plan.patch);
            // RollingUpdate now would replace every node's pod.
            EXPECT_EQ(strategy_of(one).get_string("type"), "OnDelete");
            EXPECT_FALSE(state_of_node(one, early).any());
            EXPECT_TRUE(state_of_node(one, late).whole());
            const auto none = returned(one, late);
            EXPECT_EQ(protocol::to_text(template_of(none)), protocol::to_text(template_of(before)));
            EXPECT_TRUE(same_json(spec_of(none), spec_of(before)));
        }
}

TEST(daemon_set_patch, OnlyOnceANode) {
    const auto away = taken(proxy_daemon_set(current_proxy), "n2");
    const auto again = patch_out(away, on("n2"));
    ASSERT_FALSE(again.has_value());
    EXPECT_NE(again.error().find("5e55n2"), std::string::npos);
    // Somebody keeps it out for reasons of their own.
    EXPECT_FALSE(patch_out(proxy_daemon_set(current_proxy, affinities[7]), on("n9")).has_value());
}

TEST(daemon_set_patch, OthersEditsAreKept) {
    auto away = taken(proxy_daemon_set(current_proxy, affinities[5]), "n2");
    auto edited = away;
    ASSERT_TRUE(apply_patch(edited, json::array{
        patch_replace("/spec/template/spec/containers/0/image", "registry.k8s.io/kube-proxy:v1.34.4"),
        patch_add("/spec/template/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/"
                  "matchExpressions/-", json_of(R"({"key":"disk","operator":"Exists"})")),
        patch_add("/metadata/annotations/x", "y")}));
    const auto back = returned(edited, "n2");
    EXPECT_EQ(at_pointer(back, "/spec/template/spec/containers/0")->get_string("image"), "registry.k8s.io/kube-proxy:v1.34.4");
    EXPECT_EQ(at_pointer(back, "/metadata/annotations")->get_string("x"), "y");
    const auto& term = *at_pointer(back, "/spec/template/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/"
                                         "nodeSelectorTerms/0");
    EXPECT_EQ(term.find("matchExpressions")->if_array()->size(), 2u);
    EXPECT_EQ(term.find("matchFields"), nullptr);
    EXPECT_EQ(strategy_of(back).get_string("type"), "RollingUpdate");
}

TEST(daemon_set_patch, AStrategyThatSomebodyHasSetStays) {
    auto away = taken(proxy_daemon_set(current_proxy), "n2");
    const auto theirs = json_of(R"({"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"10%"}})");
    ASSERT_TRUE(apply_patch(away, json::array{patch_replace("/spec/updateStrategy", theirs)}));
    EXPECT_FALSE(state_of_node(away, "n2").whole());
    const auto plan = patch_back(away, "n2");
    EXPECT_EQ(plan.remarks.size(), 1u);
    EXPECT_TRUE(same_json(strategy_of(after(away, plan.patch)), theirs));
}

TEST(daemon_set_patch, ATemplateThatWasAppliedAnew) {
    // kubeadm or GitOps: the affinity is gone, the annotation stays.
    auto away = taken(proxy_daemon_set(current_proxy), "n2");
    ASSERT_TRUE(apply_patch(away, json::array{patch_remove("/spec/template/spec/affinity")}));
    EXPECT_FALSE(state_of_node(away, "n2").whole());
    EXPECT_TRUE(state_of_node(away, "n2").any());
    const auto back = returned(away, "n2");
    EXPECT_FALSE(state_of_node(back, "n2").any());
    EXPECT_EQ(strategy_of(back).get_string("type"), "RollingUpdate");
    // Another term without our requirement brings the pod back: that is not out any more.
    auto wider = taken(proxy_daemon_set(current_proxy, affinities[5]), "n2");
    ASSERT_TRUE(apply_patch(wider, json::array{patch_add(
        "/spec/template/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/-",
        json_of(zone("c")))}));
    EXPECT_FALSE(state_of_node(wider, "n2").everywhere);
    EXPECT_TRUE(state_of_node(wider, "n2").kept_out);
}

TEST(daemon_set_patch, WithoutARecordNothingRolls) {
    auto both = taken(taken(proxy_daemon_set(current_proxy), "n2"), "n3");
    // Somebody has removed n3's annotation, and its requirement is there still.
    ASSERT_TRUE(apply_patch(both, json::array{patch_remove("/metadata/annotations/" + json_pointer(annotation_of("n3")))}));
    const auto plan = patch_back(both, "n2");
    EXPECT_FALSE(plan.last);
    EXPECT_EQ(strategy_of(after(both, plan.patch)).get_string("type"), "OnDelete");
}

TEST(daemon_set_patch, AnEditInBetweenMakesItFail) {
    const auto before = proxy_daemon_set(current_proxy);
    const auto patch = patch_out(before, on("n2"));
    ASSERT_TRUE(patch.has_value());
    auto edited = before;
    edited.find("metadata")->set("generation", 2);
    EXPECT_FALSE(apply_patch(edited, *patch).has_value());
    auto status = before;  // churn that is no edit
    status.find("metadata")->set("resourceVersion", "999");
    EXPECT_TRUE(apply_patch(status, *patch).has_value());
}

TEST(daemon_set_patch, KeysOfLongNames) {
    const std::string longest(253, 'n');
    for (const auto& node : {std::string("n2"), std::string("ip-10-0-0-2.eu-central-1.compute.internal"), longest}) {
        const auto key = annotation_of(node);
        EXPECT_LE(key.size() - key.find('/') - 1, 63u) << key;
        EXPECT_TRUE(state_of_node(taken(proxy_daemon_set(current_proxy), node), node).whole());
    }
    EXPECT_NE(annotation_of(longest), annotation_of(longest + "x"));
}

TEST(json_patch, RefusesWhatDoesNotFit) {
    const auto start_value = json_of(R"({"a":{"b":[1,2]},"c~/d":1})");
    const auto try_it = [&](const char* patch) {
        auto value = start_value;
        return apply_patch(value, json_of(patch)).has_value();
    };
    EXPECT_TRUE(try_it(R"([{"op":"test","path":"/c~0~1d","value":1}])"));
    EXPECT_TRUE(try_it(R"([{"op":"add","path":"/a/b/2","value":3}])"));
    EXPECT_FALSE(try_it(R"([{"op":"add","path":"/a/b/3","value":3}])"));
    EXPECT_FALSE(try_it(R"([{"op":"test","path":"/a/b/0","value":2}])"));
    EXPECT_FALSE(try_it(R"([{"op":"remove","path":"/x"}])"));
    EXPECT_FALSE(try_it(R"([{"op":"replace","path":"/x","value":1}])"));
    EXPECT_FALSE(try_it(R"([{"op":"add","path":"/x/y","value":1}])"));
    EXPECT_FALSE(try_it(R"([{"op":"move","path":"/a","from":"/b"}])"));
    EXPECT_FALSE(try_it(R"([{"op":"remove","path":""}])"));
    EXPECT_FALSE(try_it("{}"));
}

// GitOps prunes annotations it does not know; the strategy is what it was all the same.
TEST(daemon_set_patch, WhatIsRememberedServesWithoutTheAnnotation) {
    const auto before = proxy_daemon_set(current_proxy);
    const auto record = record_out(before, on("node1"));
    ASSERT_TRUE(record.has_value());
    auto out = taken(before, "node1");
    out.find("metadata")->set("annotations", json::object{});
    const auto again = read_record(record_text(*record));
    ASSERT_TRUE(again.has_value());
    const auto back = after(out, patch_back(out, "node1", again).patch);
    EXPECT_TRUE(same_json(strategy_of(before), strategy_of(back)));
    EXPECT_TRUE(same_json(template_of(before), template_of(back)));
    EXPECT_FALSE(same_json(strategy_of(before), strategy_of(after(out, patch_back(out, "node1").patch))));
}

TEST(daemon_set_patch, ForgettingLeavesEverythingElse) {
    const auto out = taken(proxy_daemon_set(current_proxy), "node1");
    const auto left = after(out, patch_forget(out, "node1"));
    EXPECT_TRUE(same_json(spec_of(out), spec_of(left)));
    EXPECT_FALSE(state_of_node(left, "node1").annotated);
    EXPECT_TRUE(patch_forget(left, "node1").if_array()->empty());
}

}  // namespace
}  // namespace launcher
