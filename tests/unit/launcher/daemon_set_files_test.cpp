#include "launcher/daemon_set_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "daemon_set_fixtures.h"
#include "launcher/daemon_set_pod.h"
#include "launcher/iptables_check.h"
#include "launcher/json_patch.h"
#include "launcher/kubectl_client.h"
#include "launcher/pod_process.h"
#include "scratch_directory.h"

namespace launcher {
namespace {

using protocol::json;

std::string refusals(const std::vector<finding>& findings) {
    std::string out;
    for (const auto& each : findings)
        if (each.how == severity::refusal) out += each.text + "\n";
    return out;
}

const made_file* file_of(const std::vector<made_volume>& volumes, const std::string& path) {
    for (const auto& volume : volumes)
        for (const auto& file : volume.files)
            if (file.path == path) return &file;
    return nullptr;
}

known_objects cluster() {
    known_objects out;
    out.config_map("kube-proxy", {{"config.conf", proxy_config}, {"kubeconfig.conf", proxy_kubeconfig}});
    out.config_map("kube-root-ca.crt", {{"ca.crt", "CERTIFICATE"}});
    return out;
}

struct read_pod {
    pod_manifest manifest;
    std::vector<made_volume> made;
    std::vector<finding> findings;
    pod_container& container() { return manifest.containers.front(); }
};

read_pod read(const json& pod, known_objects& objects) {
    read_pod out;
    const auto manifest = manifest_of_pod(pod, "daemonset/kube-proxy");
    EXPECT_TRUE(manifest.has_value()) << (manifest ? "" : manifest.error());
    if (!manifest) return out;
    out.manifest = *manifest;
    node_facts node;
    node.node_name = "n2";
    node.addresses = host_addresses(pod);
    out.made = read_made_volumes(*at_pointer(pod, "/spec/volumes"), out.manifest, out.container(), node, objects.reader(), out.findings);
    return out;
}

TEST(daemon_set_files, KubeProxysOfBothVersions) {
    for (const auto& version : {old_proxy, current_proxy}) {
        SCOPED_TRACE(version.name);
        auto objects = cluster();
        auto pod = read(proxy_pod(version), objects);
        EXPECT_EQ(refusals(pod.findings), "");
        EXPECT_EQ(pod.manifest.name, "kube-proxy-x7k2p");
        ASSERT_EQ(pod.made.size(), 2u);  // the hostPaths are none of ours
        ASSERT_NE(file_of(pod.made, "kube-proxy/config.conf"), nullptr);
        EXPECT_EQ(file_of(pod.made, "kube-proxy/config.conf")->content, proxy_config);
        EXPECT_EQ(file_of(pod.made, "kube-api-access-8sq2k/ca.crt")->content, "CERTIFICATE");
        EXPECT_EQ(file_of(pod.made, "kube-api-access-8sq2k/namespace")->content, "kube-system");
        const auto* token = file_of(pod.made, "kube-api-access-8sq2k/token");
        ASSERT_TRUE(token != nullptr && token->token && token->secret);
        EXPECT_TRUE(token->token->audience.empty());

        const auto maps = mappings_of(pod.made, pod.container(), "/S");
        EXPECT_EQ(rewrite_paths("--config=/var/lib/kube-proxy/config.conf", maps).text, "--config=/S/kube-proxy/config.conf");
        EXPECT_EQ(rewrite_paths("/run/secrets/kubernetes.io/serviceaccount/token", maps).text, "/S/kube-api-access-8sq2k/token");

        // The rest of the pod is a pod as any other.
        std::erase_if(pod.container().mounts, [&](const auto& mount) {
            return std::any_of(pod.made.begin(), pod.made.end(), [&](const auto& each) { return each.name == mount.volume; });
        });
        node_facts node;
        node.node_name = "n2";
        std::vector<finding> findings;
        const auto plan = plan_pod_process(pod.manifest, "kube-proxy", node, findings);
        ASSERT_TRUE(plan.has_value());
        EXPECT_EQ(refusals(findings), "");
        ASSERT_EQ(plan->argv.size(), 3u);
        EXPECT_EQ(plan->argv[2].value, "--hostname-override=n2");
        EXPECT_TRUE(plan->mounts.empty());
    }
}

TEST(daemon_set_files, WhatIsMissingIsSaid) {
    known_objects none;
    auto pod = read(proxy_pod(current_proxy), none);
    EXPECT_NE(refusals(pod.findings).find("there is no ConfigMap kube-system/kube-proxy"), std::string::npos);
    auto objects = cluster();
    objects.broken = "/api/v1/namespaces/kube-system/configmaps/kube-proxy";
    EXPECT_NE(refusals(read(proxy_pod(current_proxy), objects).findings).find("does not answer"), std::string::npos);
}

json pod_with_volume(const std::string& volume, const std::string& env = "[]", const std::string& env_from = "[]") {
    return json_of(R"({"metadata":{"name":"p-abc","namespace":"kube-system","uid":"u1","labels":{"a":"b","c":"d"}},"spec":{)"
                   R"("hostNetwork":true,"serviceAccountName":"sa","nodeName":"n2","containers":[{"name":"p","image":"r/p:v1.0.0","command":["/p"],)"
                   R"("env":)" + env + R"(,"envFrom":)" + env_from + R"(,"volumeMounts":[{"name":"v","mountPath":"/v"}]}],"volumes":[{"name":"v",)" + volume + "}]}}");
}

TEST(daemon_set_files, ProjectionsAndTheDownwardAPI) {
    known_objects objects;
    objects.add("/api/v1/namespaces/kube-system/secrets/s",
                json_of(R"({"data":{"k":"Zm9v","l":"YmFy"},"type":"Opaque"})"));
    objects.add("/api/v1/namespaces/kube-system/configmaps/m", json_of(R"({"data":{"t":"text"},"binaryData":{"b":"AAE="}})"));
    auto pod = read(pod_with_volume(
        R"("projected":{"sources":[{"secret":{"name":"s","items":[{"key":"k","path":"deep/k","mode":448}]}},{"configMap":{"name":"m"}},)"
        R"({"configMap":{"name":"absent","optional":true}},{"serviceAccountToken":{"path":"t2","audience":"vault","expirationSeconds":60}},)"
        R"({"downwardAPI":{"items":[{"path":"labels","fieldRef":{"fieldPath":"metadata.labels"}},)"
        R"({"path":"node","fieldRef":{"fieldPath":"spec.nodeName"}},{"path":"name","fieldRef":{"fieldPath":"metadata.name"}}]}}]})"), objects);
    EXPECT_EQ(refusals(pod.findings), "");
    const auto* secret = file_of(pod.made, "v/deep/k");
    ASSERT_NE(secret, nullptr);
    EXPECT_TRUE(secret->content == "foo" && secret->secret && secret->executable);
    EXPECT_EQ(file_of(pod.made, "v/l"), nullptr);
    EXPECT_EQ(file_of(pod.made, "v/b")->content, std::string("\0\1", 2));
    EXPECT_EQ(file_of(pod.made, "v/t2")->token->audience, "vault");
    EXPECT_EQ(file_of(pod.made, "v/t2")->token->life.count(), 600);  // less the API server does not grant
    EXPECT_EQ(file_of(pod.made, "v/labels")->content, "a=\"b\"\nc=\"d\"");
    EXPECT_EQ(file_of(pod.made, "v/node")->content, "n2");
    EXPECT_EQ(file_of(pod.made, "v/name")->content, "p-abc");
}

TEST(daemon_set_files, NoPathLeadsOut) {
    known_objects objects;
    objects.add("/api/v1/namespaces/kube-system/configmaps/m", json_of(R"({"data":{"t":"text"}})"));
    for (const auto* path : {"../t", "/etc/t", "a/../../t", "", "a//t", "./t", "..data"}) {
        auto pod = read(pod_with_volume(R"("configMap":{"name":"m","items":[{"key":"t","path":")" + std::string(path) + R"("}]})"), objects);
        EXPECT_NE(refusals(pod.findings), "") << path;
        EXPECT_TRUE(pod.made.front().files.empty()) << path;
    }
}

TEST(daemon_set_files, VariablesOfTheAPI) {
    known_objects objects;
    objects.add("/api/v1/namespaces/kube-system/secrets/s", json_of(R"({"data":{"PASS":"cCQoWCk="}})"));
    objects.add("/api/v1/namespaces/kube-system/configmaps/m", json_of(R"({"data":{"a":"1","9no":"2"}})"));
    const auto pod = pod_with_volume(
        R"("emptyDir":{})", R"([{"name":"P","valueFrom":{"secretKeyRef":{"name":"s","key":"PASS"}}},)"
        R"({"name":"Q","valueFrom":{"configMapKeyRef":{"name":"no","key":"k","optional":true}}},)"
        R"({"name":"ME","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}])",
        R"([{"prefix":"M_","configMapRef":{"name":"m"}},{"configMapRef":{"name":"m"}}])");
    auto manifest = manifest_of_pod(pod, "p");
    ASSERT_TRUE(manifest.has_value());
    std::vector<finding> findings;
    auto& container = manifest->containers.front();
    const auto secrets = resolve_variables(*manifest, container, objects.reader(), findings);
    EXPECT_EQ(refusals(findings), "");
    EXPECT_EQ(secrets, (std::set<std::string>{"P"}));
    node_facts node;
    node.node_name = "n2";
    node.session_directory = "/S";
    const auto plan = plan_pod_process(*manifest, "p", node, findings);
    ASSERT_TRUE(plan.has_value());
    std::map<std::string, std::string> env;
    for (const auto& [name, word] : plan->env) env[name] = word.value;
    EXPECT_EQ(env["P"], "p$(X)");  // a value is no reference
    EXPECT_EQ(env["ME"], "p-abc");
    EXPECT_EQ(env["M_a"], "1");
    EXPECT_EQ(env["M_9no"], "2");
    EXPECT_FALSE(env.contains("9no"));
    EXPECT_FALSE(env.contains("Q"));
}

TEST(daemon_set_files, AreTheProcessesOwn) {
    const scratch_directory scratch;
    std::vector<made_volume> volumes{{"v", "ConfigMap m", {{"v/deep/x", "one", true, false, {}}, {"v/y", "two", false, true, {}},
                                                           {"v/token", "", false, true, token_wish{}}}}};
    const auto directory = scratch / "files/p";
    ASSERT_TRUE(write_made_files(directory, volumes, ::getuid(), ::getgid()).has_value());
    scratch.write("files/p/v/stale", "x");
    ASSERT_TRUE(write_made_files(directory, volumes, ::getuid(), ::getgid()).has_value());
    struct stat info {};
    ASSERT_EQ(::stat(directory.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
    ASSERT_EQ(::stat((directory + "/v/deep/x").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
    ASSERT_EQ(::stat((directory + "/v/y").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    EXPECT_NE(::stat((directory + "/v/stale").c_str(), &info), 0);
    EXPECT_NE(::stat((directory + "/v/token").c_str(), &info), 0);  // asked for later
}

TEST(daemon_set_pod, IsTheOneOfTheNode) {
    const auto object = proxy_daemon_set(current_proxy);
    EXPECT_EQ(*selector_text(object), "k8s-app=kube-proxy");
    auto pod = proxy_pod(current_proxy);
    const auto list_with = [](json one) { return json(json::object{{"items", json::array{std::move(one)}}}); };
    auto list = list_with(pod);
    ASSERT_NE(pod_of_node(list, object, "n2"), nullptr);
    EXPECT_TRUE(is_ready(*pod_of_node(list, object, "n2")));
    EXPECT_EQ(revision_of(pod), "6f7b8d9c5");
    EXPECT_EQ(pod_of_node(list, object, "n3"), nullptr);
    auto ended = pod;
    ended.find("metadata")->set("deletionTimestamp", "2026-11-26T05:00:00Z");
    list = list_with(ended);
    const json* ending = nullptr;
    EXPECT_EQ(pod_of_node(list, object, "n2", &ending), nullptr);
    EXPECT_NE(ending, nullptr);
    auto strange = pod;  // of the same labels, and somebody else's
    (*strange.find("metadata")->find("ownerReferences")->if_array())[0].set("uid", "other");
    list = list_with(strange);
    EXPECT_EQ(pod_of_node(list, object, "n2"), nullptr);
}

TEST(daemon_set_pod, KubeProxysPorts) {
    const auto by_file = read_proxy_settings({"kube-proxy", "--config=/x", "--metrics-bind-address=1.2.3.4:1"}, proxy_config);
    EXPECT_EQ(by_file.metrics, 20249);
    EXPECT_EQ(by_file.health.port, 10256);
    EXPECT_EQ(by_file.health.host, "127.0.0.1");
    EXPECT_EQ(by_file.mode, "");
    const auto by_flags = read_proxy_settings({"kube-proxy", "--healthz-bind-address=[::1]:1256", "--proxy-mode=nftables"}, {});
    EXPECT_EQ(by_flags.health.port, 1256);
    EXPECT_EQ(by_flags.health.host, "::1");
    EXPECT_EQ(by_flags.mode, "nftables");
    EXPECT_EQ(read_proxy_settings({}, "healthzBindAddress: 0.0.0.0:99\nmode: ipvs\n").health.host, "127.0.0.1");
}

TEST(iptables_check, TheBackendOfTheRules) {
    using chains = kube_chains;
    const auto of = [](bool there) { return there ? chains::services : chains::none; };
    const auto judged_chains = [](const char* version, chains legacy, chains nft, const char* mode) {
        std::vector<finding> findings;
        judge_iptables({version, legacy, nft, true, true}, mode, findings);
        return findings.empty() ? std::string("fine") : refusals(findings).empty() ? std::string("warned") : std::string("refused");
    };
    const auto judged = [&](const char* version, bool legacy, bool nft, const char* mode = "") {
        return judged_chains(version, of(legacy), of(nft), mode);
    };
    const char *nft = "iptables v1.8.9 (nf_tables)", *legacy = "iptables v1.8.9 (legacy)", *old = "iptables v1.6.1";
    EXPECT_EQ(judged(nft, false, true), "fine");
    EXPECT_EQ(judged(legacy, true, false), "fine");
    EXPECT_EQ(judged(old, true, false), "fine");
    EXPECT_EQ(judged(nft, true, false), "refused");
    EXPECT_EQ(judged(legacy, false, true), "refused");
    EXPECT_EQ(judged(old, false, true), "refused");
    EXPECT_EQ(judged("", true, false), "refused");
    EXPECT_EQ(judged("", true, false, "nftables"), "fine");
    EXPECT_EQ(judged(nft, true, true), "warned");
    EXPECT_EQ(judged(nft, false, false), "warned");
    // The kubelet's own marks are no reason to overlook where the Services are, and the only ones there may be.
    EXPECT_EQ(judged_chains(nft, chains::services, chains::hints, ""), "refused");
    EXPECT_EQ(judged_chains(nft, chains::hints, chains::services, ""), "fine");
    EXPECT_EQ(judged_chains(nft, chains::none, chains::hints, ""), "fine");
    EXPECT_EQ(kube_chains_in("*mangle\n:PREROUTING ACCEPT [0:0]\n:KUBE-IPTABLES-HINT - [0:0]\n"), chains::hints);
    EXPECT_EQ(kube_chains_in("*nat\n:KUBE-SERVICES - [0:0]\n"), chains::services);
    EXPECT_EQ(kube_chains_in("*nat\n:KUBE-SERVICES-OF-MINE - [0:0]\n"), chains::none);
}

TEST(kubectl_client, WhatItSaysOnOneLine) {
    EXPECT_EQ(kubectl_trouble("I1126 retry\nError from server (Forbidden): daemonsets.apps \"x\" is forbidden\n"),
              "Error from server (Forbidden): daemonsets.apps \"x\" is forbidden");
    EXPECT_EQ(kubectl_trouble("E1126 memcache.go\nThe connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?\n"),
              "The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?");
    EXPECT_EQ(kubectl_trouble(""), "it failed without a word");
    EXPECT_TRUE(is_not_found("Error from server (NotFound): daemonsets.apps \"x\" not found\n"));
    // Any proxy's 404.
    EXPECT_FALSE(is_not_found("Error from server (NotFound): the server could not find the requested resource\n"));
    EXPECT_EQ(query_text("k8s-app=kube-proxy,a in (b)"), "k8s-app%3Dkube-proxy%2Ca%20in%20%28b%29");
}

}  // namespace
}  // namespace launcher
