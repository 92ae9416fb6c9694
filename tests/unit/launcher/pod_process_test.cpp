// The whole way: from the bytes of a manifest to the process.
#include "launcher/pod_process.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/launcher/manifests.h"

namespace launcher {
namespace {

struct planned {
    process_plan plan;
    std::vector<finding> findings;

    std::vector<std::string> argv() const {
        std::vector<std::string> out;
        for (const auto& word : plan.argv) out.push_back(word.value);
        return out;
    }
    std::size_t count(severity how) const {
        return static_cast<std::size_t>(
            std::count_if(findings.begin(), findings.end(), [&](const auto& f) { return f.how == how; }));
    }
    bool says(severity how, std::string_view part) const {
        return std::any_of(findings.begin(), findings.end(), [&](const auto& f) {
            return f.how == how && f.text.find(part) != std::string::npos;
        });
    }
    std::string all() const {
        std::string out;
        for (const auto& f : findings) out += std::to_string(static_cast<int>(f.how)) + " " + f.text + "\n";
        return out;
    }
};

node_facts node() {
    node_facts out;
    out.node_name = "Node1";
    out.addresses = {"172.16.0.2"};
    out.session_directory = "/run/session";
    return out;
}

live_process running(std::vector<std::string> argv) {
    live_process out;
    out.pid = 77;
    out.argv = std::move(argv);
    out.working_directory = "/";
    out.environment = {{"PATH", "/image/bin"}, {"HOSTNAME", "node1"}, {"HOME", "/"}};
    return out;
}

planned plan(const std::string& text, const node_facts& facts = node(), std::string_view container = "") {
    planned out;
    const auto manifest = parse_pod_manifest(text, "/etc/kubernetes/manifests/m.yaml");
    EXPECT_TRUE(manifest) << (manifest ? "" : manifest.error());
    if (!manifest) return out;
    const auto process = plan_pod_process(*manifest, container, facts, out.findings);
    EXPECT_TRUE(process) << (process ? "" : process.error());
    if (process) out.plan = *process;
    return out;
}

TEST(pod_process, of_kubeadm_needs_no_mapping_and_nothing_else) {
    struct {
        const char* name;
        std::uint16_t port;
        const char* new_path;
        const char* old_path;
        const char* host;
        std::size_t words;
    } const rows[] = {
        {"kube-scheduler", 10259, "/readyz", "/healthz", "127.0.0.1", 6},
        {"kube-controller-manager", 10257, "/healthz", "/healthz", "127.0.0.1", 18},
        {"kube-apiserver", 6443, "/readyz", "/readyz", "172.16.0.2", 28},
    };
    for (const std::string version : {"1.23", "1.34"})
        for (const auto& row : rows) {
            const auto p = plan(fixture(version + "/" + row.name + ".yaml"));
            SCOPED_TRACE(version + " " + row.name + "\n" + p.all());
            EXPECT_EQ(p.count(severity::refusal), 0u);
            EXPECT_EQ(p.count(severity::warning), 0u);
            EXPECT_TRUE(p.plan.mounts.empty());
            EXPECT_EQ(p.plan.argv.size(), row.words);
            EXPECT_EQ(p.plan.argv.front().value, row.name);
            EXPECT_EQ(p.plan.argv.front().source, "m.yaml command[0]");
            EXPECT_EQ(p.plan.ports, std::vector<std::uint16_t>{row.port});
            EXPECT_EQ(p.plan.health.scheme, "https");
            EXPECT_EQ(p.plan.health.host, row.host);
            EXPECT_EQ(p.plan.health.port, row.port);
            EXPECT_EQ(p.plan.health.path, version == "1.34" ? row.new_path : row.old_path);
            EXPECT_EQ(p.plan.image_version, version == "1.34" ? "v1.34.1" : "v1.23.3");
            EXPECT_EQ(p.plan.grace, std::chrono::seconds(30));
            EXPECT_EQ(p.plan.working_directory, "/");
            ASSERT_EQ(p.plan.env.size(), 2u);
            EXPECT_EQ(p.plan.env[0].first, "PATH");
            EXPECT_EQ(p.plan.env[1].first, "HOME");
            EXPECT_EQ(p.plan.env[1].second.value, "/");
        }
}

TEST(pod_process, names_the_files_of_the_arguments) {
    const auto p = plan(fixture("1.34/kube-apiserver.yaml"));
    const auto& files = p.plan.files;
    EXPECT_EQ(files.front(), "/etc/kubernetes/pki/ca.crt");
    EXPECT_NE(std::find(files.begin(), files.end(), "/etc/kubernetes/pki/sa.pub"), files.end());
    EXPECT_EQ(files.size(), 13u);
    EXPECT_EQ(plan(fixture("1.23/kube-scheduler.yaml")).plan.files, std::vector<std::string>{"/etc/kubernetes/scheduler.conf"});
}

TEST(pod_process, appends_args_to_the_command_and_expands_both) {
    const auto p = plan(pod_with("    command: [/bin/c, $(A)]\n    args: ['--b=$(B)', $$(A), $(PATH), $(C)]\n"
                                 "    env:\n    - {name: A, value: one}\n    - {name: B, value: 'x$(A)$(C)'}\n"
                                 "    - {name: C, value: $(C)}\n    - {name: A, value: '$(A)2'}\n"));
    EXPECT_EQ(p.argv(), (std::vector<std::string>{"/bin/c", "one2", "--b=xone$(C)", "$(A)", "$(PATH)", "$(C)"}))
        << "an entry sees only what came before it; the arguments see the final environment, without the image's";
    EXPECT_EQ(p.plan.argv[1].source, "m.yaml command[1], $(…) expanded");
    EXPECT_EQ(p.plan.argv[2].source, "m.yaml args[0], $(…) expanded");
    ASSERT_EQ(p.plan.env.size(), 5u);
    EXPECT_EQ(p.plan.env[2].first, "A");
    EXPECT_EQ(p.plan.env[2].second.value, "one2");
    EXPECT_EQ(p.plan.env[3].second.source, "m.yaml env B, $(…) expanded");
}

TEST(pod_process, takes_path_and_home_from_the_manifest_when_it_sets_them) {
    const auto p = plan(pod_with("    command: [c]\n    env: [{name: HOME, value: /h}, {name: PATH, value: /p}]\n"));
    ASSERT_EQ(p.plan.env.size(), 2u);
    EXPECT_EQ(p.plan.env[0].second.value, "/h");
    EXPECT_EQ(p.plan.env[1].second.value, "/p");
}

TEST(pod_process, takes_the_live_arguments_where_the_manifest_has_none) {
    const auto text = pod_with("    args: [--x]\n");
    EXPECT_TRUE(plan(text).says(severity::refusal, "the manifest has no command"));
    auto facts = node();
    facts.live = running({"/image/c", "--x"});
    const auto p = plan(text, facts);
    EXPECT_EQ(p.count(severity::refusal), 0u) << p.all();
    EXPECT_EQ(p.argv(), (std::vector<std::string>{"/image/c", "--x"}));
    EXPECT_NE(p.plan.argv[0].source.find("live process 77"), std::string::npos);
}

TEST(pod_process, does_not_read_a_shell) {
    const auto text = pod_with("    command: [/bin/sh, -c, exec kube-apiserver --x]\n");
    EXPECT_TRUE(plan(text).says(severity::refusal, "starts it by sh"));
    auto facts = node();
    facts.live = running({"kube-apiserver", "--x"});
    EXPECT_EQ(plan(text, facts).argv(), (std::vector<std::string>{"kube-apiserver", "--x"}));
}

TEST(pod_process, tells_of_a_live_process_with_other_arguments_but_not_their_values) {
    auto facts = node();
    facts.live = running({"c", "--token=hunter2", "--same"});
    const auto p = plan(pod_with("    command: [/usr/bin/c, --same, --v=4]\n"), facts);
    EXPECT_TRUE(p.says(severity::warning, "other arguments than the manifest (edited since it started?): --token, --v"));
    EXPECT_FALSE(p.says(severity::warning, "hunter2"));
    facts.live = running({"c", "--same", "--v=4"});
    EXPECT_FALSE(plan(pod_with("    command: [/usr/bin/c, --same, --v=4]\n"), facts).says(severity::warning, "other arguments"));
}

TEST(pod_process, knows_references_to_fields) {
    const auto p = plan(pod_with("    command: [c]\n    env:\n"
                                 "    - {name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}\n"
                                 "    - {name: B, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}\n"
                                 "    - {name: C, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}\n"
                                 "    - {name: D, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}\n"
                                 "    - {name: E, valueFrom: {fieldRef: {fieldPath: status.podIPs}}}\n"
                                 "    - {name: F, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['x']\"}}}\n"
                                 "    - {name: G, valueFrom: {fieldRef: {fieldPath: \"metadata.annotations['no']\"}}}\n"
                                 "    - {name: H, value: $(A)}\n",
                                 "  hostNetwork: true\n", "  labels: {x: 'y z'}\n"));
    std::vector<std::string> values;
    for (std::size_t i = 2; i < p.plan.env.size(); ++i) values.push_back(p.plan.env[i].second.value);
    EXPECT_EQ(values, (std::vector<std::string>{"p-node1", "default", "Node1", "172.16.0.2", "172.16.0.2", "y z", "", "p-node1"}));
    EXPECT_EQ(p.count(severity::refusal), 0u) << p.all();
}

TEST(pod_process, knows_references_to_resources) {
    const auto with = [](const std::string& reference) {
        auto facts = node();
        facts.allocatable_memory = 1000;
        const auto p = plan(pod_with("    command: [c]\n    resources: {limits: {cpu: 1500m, memory: 1Gi}, requests: {memory: 10M}}\n"
                                     "    env:\n    - {name: A, valueFrom: {resourceFieldRef: {" + reference + "}}}\n"), facts);
        return p.plan.env.size() == 3 ? p.plan.env[2].second.value : "refused: " + p.all();
    };
    EXPECT_EQ(with("resource: limits.cpu"), "2") << "rounded up";
    EXPECT_EQ(with("resource: limits.cpu, divisor: 1m"), "1500");
    EXPECT_EQ(with("resource: requests.cpu, divisor: 1m"), "1500") << "a request is the limit by default";
    EXPECT_EQ(with("resource: limits.memory"), "1073741824");
    EXPECT_EQ(with("resource: limits.memory, divisor: 1Mi"), "1024");
    EXPECT_EQ(with("resource: requests.memory, divisor: 3M"), "4");
    EXPECT_EQ(with("resource: limits.memory, divisor: '0'"), "1073741824");
    EXPECT_EQ(with("resource: requests.ephemeral-storage"), "0");
    EXPECT_EQ(with("resource: limits.ephemeral-storage").substr(0, 7), "refused");
}

TEST(pod_process, takes_from_the_live_environment_what_it_cannot_know_and_refuses_without) {
    const auto text = pod_with("    command: [c]\n    env: [{name: U, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}]\n");
    EXPECT_TRUE(plan(text).says(severity::refusal, "env U: metadata.uid is not known here"));
    auto facts = node();
    facts.live = running({"c"});
    facts.live->environment.emplace_back("U", "0123");
    facts.live->environment.emplace_back("KUBERNETES_SERVICE_HOST", "10.96.0.1");
    facts.live->environment.emplace_back("SSL_CERT_DIR", "/certs");
    const auto p = plan(text, facts);
    EXPECT_EQ(p.count(severity::refusal), 0u) << p.all();
    ASSERT_EQ(p.plan.env.size(), 4u);
    EXPECT_EQ(p.plan.env[2].second.value, "0123");
    EXPECT_EQ(p.plan.env[3].first, "KUBERNETES_SERVICE_HOST");
    EXPECT_TRUE(p.says(severity::warning, "variables that the manifest does not set (of its image): SSL_CERT_DIR;"));
}

TEST(pod_process, refuses_what_only_the_api_can_give) {
    const auto p = plan(pod_with("    command: [c]\n    envFrom: [{secretRef: {name: s}}]\n    env:\n"
                                 "    - {name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}\n"
                                 "    - {name: B, valueFrom: {configMapKeyRef: {name: m, key: k}}}\n"));
    EXPECT_TRUE(p.says(severity::refusal, "envFrom takes variables from the Secret s"));
    EXPECT_TRUE(p.says(severity::refusal, "env A: the Secret's key s/k"));
    EXPECT_TRUE(p.says(severity::refusal, "env B: the ConfigMap's key m/k"));
}

TEST(pod_process, maps_volumes_whose_paths_differ) {
    const auto p = plan(pod_with("    command: [c]\n    env: [{name: SUB, value: sub}]\n    volumeMounts:\n"
                                 "    - {name: same, mountPath: /same/}\n"
                                 "    - {name: other, mountPath: /etc/there, readOnly: true}\n"
                                 "    - {name: other, mountPath: /etc, subPath: a/b}\n"
                                 "    - {name: other, mountPath: /expr, subPathExpr: $(SUB)}\n"
                                 "    - {name: empty, mountPath: /scratch}\n",
                                 "  hostNetwork: true\n  volumes:\n"
                                 "  - {name: same, hostPath: {path: /same}}\n"
                                 "  - {name: other, hostPath: {path: /srv//here}}\n"
                                 "  - {name: empty, emptyDir: {}}\n"));
    EXPECT_EQ(p.count(severity::refusal), 0u) << p.all();
    ASSERT_EQ(p.plan.mounts.size(), 4u);
    EXPECT_EQ(p.plan.mounts[0].target, "/etc");
    EXPECT_EQ(p.plan.mounts[0].source, "/srv/here/a/b");
    EXPECT_EQ(p.plan.mounts[1].target, "/etc/there");
    EXPECT_EQ(p.plan.mounts[1].source, "/srv/here");
    EXPECT_TRUE(p.plan.mounts[1].read_only);
    EXPECT_EQ(p.plan.mounts[2].source, "/srv/here/sub");
    EXPECT_FALSE(p.plan.mounts[2].read_only);
    EXPECT_EQ(p.plan.mounts[3].source, "/run/session/empty");
}

TEST(pod_process, refuses_volumes_that_it_cannot_make) {
    const auto of = [](const std::string& volume, const std::string& mount = "", const std::string& more = "") {
        return plan(pod_with("    command: [c]\n    volumeMounts:\n    - {name: v, mountPath: /m" + mount + "}\n" + more,
                             "  hostNetwork: true\n  volumes:\n  - {name: v, " + volume + "}\n"), node(), "c");
    };
    EXPECT_TRUE(of("configMap: {name: x}").says(severity::refusal, "the volume v is a configMap"));
    EXPECT_TRUE(plan(pod_with("    command: [c]\n    volumeMounts: [{name: v, mountPath: /}]\n",
                              "  hostNetwork: true\n  volumes: [{name: v, hostPath: {path: /srv}}]\n"))
                    .says(severity::refusal, "cannot do without"));
    EXPECT_TRUE(of("projected: {sources: []}").says(severity::refusal, "the volume v is a projected"));
    EXPECT_TRUE(of("hostPath: {path: /a}", ", subPathExpr: $(NO)").says(severity::refusal, "needs the variable NO"));
    EXPECT_TRUE(of("hostPath: {path: /a}", ", subPathExpr: $(UP)", "    env: [{name: UP, value: ../..}]\n")
                    .says(severity::refusal, "leads out of the volume"));
    EXPECT_TRUE(of("emptyDir: {}", "", "  initContainers:\n  - {name: i, image: i, volumeMounts: [{name: v, mountPath: /x}]}\n")
                    .says(severity::refusal, "an init container fills"));
    EXPECT_TRUE(of("emptyDir: {}", "", "  - {name: d, image: i, volumeMounts: [{name: v, mountPath: /x}]}\n")
                    .says(severity::warning, "shared with containers that stop"));
}

TEST(pod_process, runs_as_whom_the_manifest_says) {
    auto p = plan(pod_with("    command: [c]\n    securityContext: {runAsUser: 5}\n",
                           "  hostNetwork: true\n  securityContext: {runAsUser: 1, runAsGroup: 2, supplementalGroups: [9, 3], fsGroup: 4}\n"));
    EXPECT_EQ(p.plan.uid, 5u);
    EXPECT_EQ(p.plan.gid, 2u);
    EXPECT_EQ(p.plan.groups, (std::vector<gid_t>{3, 4, 9}));
    auto facts = node();
    facts.live = running({"c"});
    facts.live->uid = 65532;
    facts.live->gid = 65533;
    facts.live->groups = {65533};
    p = plan(pod_with("    command: [c]\n"), facts);
    EXPECT_EQ(p.plan.uid, 65532u);
    EXPECT_EQ(p.plan.gid, 65533u);
    EXPECT_EQ(p.plan.groups, std::vector<gid_t>{65533});
    p = plan(pod_with("    command: [c]\n    securityContext: {runAsNonRoot: true}\n"));
    EXPECT_TRUE(p.says(severity::refusal, "runAsNonRoot"));
}

TEST(pod_process, refuses_pods_that_may_not_go) {
    EXPECT_TRUE(plan(pod_with("    command: [c]\n", "")).says(severity::refusal, "hostNetwork is not true"));
    std::vector<finding> findings;
    const auto openshift = parse_pod_manifest(pod_with("    command: [c]\n", "  hostNetwork: true\n", "  labels: {revision: '7'}\n"),
                                              "/etc/kubernetes/manifests/kube-scheduler-pod.yaml");
    ASSERT_TRUE(openshift);
    ASSERT_TRUE(plan_pod_process(*openshift, "", node(), findings));
    EXPECT_TRUE((planned{{}, findings}).says(severity::refusal, "OpenShift"));
}

TEST(pod_process, warns_of_what_is_not_reproduced) {
    const auto p = plan(pod_with("    command: [c, --permit-port-sharing]\n    stdin: true\n"
                                 "    lifecycle: {postStart: {exec: {command: [x]}}}\n"
                                 "    securityContext: {readOnlyRootFilesystem: true}\n"
                                 "    resources: {limits: {memory: 1Gi}}\n",
                                 "  hostNetwork: true\n  dnsPolicy: ClusterFirstWithHostNet\n  hostAliases: [{ip: 1.2.3.4}]\n"
                                 "  runtimeClassName: x\n"));
    for (const char* part : {"container's stdin", "pod's runtimeClassName", "postStart", "readOnlyRootFilesystem",
                             "dnsPolicy ClusterFirstWithHostNet", "hostAliases", "--permit-port-sharing",
                             "no health endpoint is known"})
        EXPECT_TRUE(p.says(severity::warning, part)) << part << "\n" << p.all();
    EXPECT_TRUE(p.says(severity::note, "resource limits"));
    EXPECT_EQ(p.count(severity::refusal), 0u) << p.all();
}

TEST(pod_process, picks_the_container_and_names_the_others) {
    const auto text = pod_with("    command: [c]\n  - {name: d, image: i, command: [d]}\n",
                               "  hostNetwork: true\n  terminationGracePeriodSeconds: 5\n"
                               "  initContainers: [{name: once, image: i}, {name: side, image: i, restartPolicy: Always}]\n");
    const auto p = plan(text, node(), "d");
    EXPECT_EQ(p.argv(), std::vector<std::string>{"d"});
    EXPECT_EQ(p.plan.other_containers, (std::vector<std::string>{"c", "side"}));
    EXPECT_TRUE(p.says(severity::warning, "stop as well: c, side"));
    EXPECT_TRUE(p.says(severity::note, "run again when the pod returns: once"));
    EXPECT_EQ(p.plan.grace, std::chrono::seconds(5));
    const auto manifest = parse_pod_manifest(text, "m.yaml");
    std::vector<finding> findings;
    EXPECT_EQ(plan_pod_process(*manifest, "", node(), findings).error(),
              "m.yaml: the pod has several containers (c, d); set `container` in the component's definition");
    EXPECT_EQ(plan_pod_process(*manifest, "x", node(), findings).error(), "m.yaml: there is no container x; there are: c, d");
}

TEST(pod_process, finds_health_and_ports_without_probes) {
    const auto health = [](const std::string& command) {
        const auto p = plan(pod_with("    command: [" + command + "]\n"));
        const auto& h = p.plan.health;
        std::string ports;
        for (const auto port : p.plan.ports) ports += " " + std::to_string(port);
        return h.scheme + "://" + h.host + ":" + std::to_string(h.port) + h.path + ports;
    };
    EXPECT_EQ(health("kube-scheduler"), "https://127.0.0.1:10259/healthz 10259");
    EXPECT_EQ(health("kube-scheduler, --port=10251"), "https://127.0.0.1:10259/healthz 10251 10259");
    EXPECT_EQ(health("kube-controller-manager, --port=0, --secure-port, '1234'"), "https://127.0.0.1:1234/healthz 1234");
    EXPECT_EQ(health("kube-apiserver, --bind-address=10.0.0.1"), "https://10.0.0.1:6443/readyz 6443");
    EXPECT_EQ(health("kube-proxy"), "http://127.0.0.1:10256/healthz 10256");
}

TEST(pod_process, asks_where_the_kubelet_would) {
    const auto text = [](const std::string& more) {
        return pod_with("    command: [c" + more + "]\n    livenessProbe: {httpGet: {port: 8080}}\n    readinessProbe: {exec: {command: [x]}}\n");
    };
    EXPECT_EQ(plan(text("")).plan.health.host, "172.16.0.2") << "the pod's address is the node's";
    EXPECT_EQ(plan(text(", --bind-address=127.0.0.1")).plan.health.host, "127.0.0.1");
    EXPECT_EQ(plan(text("")).plan.health.scheme, "http");
    EXPECT_EQ(plan(text("")).plan.health.path, "/");
    EXPECT_EQ(plan(text("")).plan.ports, std::vector<std::uint16_t>{8080});
}

TEST(pod_process, reads_the_version_of_an_image) {
    EXPECT_EQ(version_of_image("registry.k8s.io/kube-scheduler:v1.34.1"), "v1.34.1");
    EXPECT_EQ(version_of_image("registry:5000/kube-scheduler:v1.34.1@sha256:abc"), "v1.34.1");
    EXPECT_EQ(version_of_image("rancher/hardened-kubernetes:v1.28.4-rke2r1-build2023"), "v1.28.4");
    for (const char* image : {"registry:5000/kube-scheduler", "a:latest", "a@sha256:abc", "a:v1.2", "a:1.2.3", "a:v1.2.x", ""})
        EXPECT_EQ(version_of_image(image), "") << image;
}

TEST(pod_process, knows_by_what_name_to_look_for_it) {
    const auto program = [](const std::string& container) { return program_of(parse_pod_manifest(pod_with(container), "m")->containers[0]); };
    EXPECT_EQ(program("    command: [/usr/local/bin/kube-apiserver]\n"), "kube-apiserver");
    EXPECT_EQ(program("    command: [/bin/sh, -c, x]\n"), "c");
    EXPECT_EQ(program_of(parse_pod_manifest("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"
                                            "  - {name: c, image: 'r:5000/x/kube-scheduler:v1@sha256:0'}\n", "m")->containers[0]),
              "kube-scheduler");
}

}  // namespace
}  // namespace launcher
