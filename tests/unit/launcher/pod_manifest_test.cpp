#include "launcher/pod_manifest.h"

#include <gtest/gtest.h>

#include "tests/unit/launcher/manifests.h"

namespace launcher {
namespace {

pod_manifest read(const std::string& text) {
    const auto manifest = parse_pod_manifest(text, "m.yaml");
    EXPECT_TRUE(manifest) << (manifest ? "" : manifest.error()) << "\n" << text;
    return manifest ? *manifest : pod_manifest();
}

std::string refused(const std::string& text) {
    const auto manifest = parse_pod_manifest(text, "m.yaml");
    EXPECT_FALSE(manifest) << text;
    if (manifest) return "";
    EXPECT_EQ(manifest.error().find('\n'), std::string::npos);
    return manifest.error();
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(pod_manifest, reads_what_kubeadm_writes) {
    for (const std::string version : {"1.23", "1.34"})
        for (const std::string name : {"kube-scheduler", "kube-controller-manager", "kube-apiserver"}) {
            const auto manifest = read(fixture(version + "/" + name + ".yaml"));
            EXPECT_EQ(manifest.name, name);
            EXPECT_EQ(manifest.name_space, "kube-system");
            EXPECT_EQ(manifest.labels.at("component"), name);
            EXPECT_TRUE(manifest.host_network);
            EXPECT_EQ(manifest.priority_class, "system-node-critical");
            EXPECT_EQ(manifest.security.others, std::vector<std::string>{"seccompProfile"});
            EXPECT_TRUE(manifest.others.empty());
            ASSERT_EQ(manifest.containers.size(), 1u);
            const auto& c = manifest.containers[0];
            EXPECT_EQ(c.command.front(), name);
            EXPECT_TRUE(c.others.empty());
            EXPECT_EQ(c.ports.size(), version == "1.34" ? 1u : 0u);
            EXPECT_EQ(c.liveness->failures, 8);
            EXPECT_EQ(c.mounts.size(), manifest.volumes.size());
        }
}

TEST(pod_manifest, reads_the_scheduler_of_1_34_field_by_field) {
    const auto manifest = read(fixture("1.34/kube-scheduler.yaml"));
    const auto& c = manifest.containers.at(0);
    EXPECT_EQ(c.command, (std::vector<std::string>{"kube-scheduler", "--authentication-kubeconfig=/etc/kubernetes/scheduler.conf",
                                                   "--authorization-kubeconfig=/etc/kubernetes/scheduler.conf",
                                                   "--bind-address=127.0.0.1",
                                                   "--kubeconfig=/etc/kubernetes/scheduler.conf", "--leader-elect=true"}));
    EXPECT_EQ(c.image, "registry.k8s.io/kube-scheduler:v1.34.1");
    EXPECT_EQ(c.ports.at(0).name, "probe-port");
    EXPECT_EQ(c.ports.at(0).port, 10259);
    ASSERT_TRUE(c.readiness);
    EXPECT_EQ(c.readiness->path, "/readyz");
    EXPECT_EQ(c.readiness->port, "probe-port");
    EXPECT_EQ(c.readiness->scheme, "HTTPS");
    EXPECT_EQ(c.readiness->period, 1);
    EXPECT_EQ(c.mounts.at(0).path, "/etc/kubernetes/scheduler.conf");
    EXPECT_TRUE(c.mounts.at(0).read_only);
    EXPECT_EQ(manifest.volumes.at(0).type, "FileOrCreate");
    EXPECT_EQ(c.requests.at("cpu"), "100m");
    EXPECT_FALSE(manifest.grace);
}

TEST(pod_manifest, is_the_same_in_json) {
    const auto yaml = read(fixture("1.34/kube-scheduler.yaml")), json = read(fixture("1.34/kube-scheduler.json"));
    EXPECT_EQ(json.containers.at(0).command, yaml.containers.at(0).command);
    EXPECT_EQ(json.containers.at(0).readiness->port, yaml.containers.at(0).readiness->port);
    EXPECT_EQ(json.containers.at(0).requests, yaml.containers.at(0).requests);
    EXPECT_EQ(json.labels, yaml.labels);
    EXPECT_EQ(json.volumes.at(0).path, yaml.volumes.at(0).path);
    EXPECT_EQ(json.host_network, yaml.host_network);
}

TEST(pod_manifest, reads_the_environment) {
    const auto c = read(pod_with("    env:\n"
                                 "    - {name: A, value: '1'}\n"
                                 "    - {name: B}\n"
                                 "    - {name: C, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}\n"
                                 "    - {name: D, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}\n"
                                 "    - {name: E, valueFrom: {secretKeyRef: {name: s, key: k, optional: true}}}\n"
                                 "    envFrom:\n"
                                 "    - {prefix: X_, configMapRef: {name: cm}}\n"))
                       .containers.at(0);
    ASSERT_EQ(c.env.size(), 5u);
    EXPECT_EQ(c.env[0].value, "1");
    EXPECT_EQ(c.env[1].from, pod_variable::source::value);
    EXPECT_EQ(c.env[2].from, pod_variable::source::field);
    EXPECT_EQ(c.env[2].reference, "status.hostIP");
    EXPECT_EQ(c.env[3].from, pod_variable::source::resource);
    EXPECT_EQ(c.env[3].divisor, "1m");
    EXPECT_EQ(c.env[4].reference, "s/k");
    EXPECT_TRUE(c.env[4].optional);
    EXPECT_EQ(c.env_from.at(0).reference, "ConfigMap cm");
    EXPECT_EQ(c.env_from.at(0).prefix, "X_");
}

TEST(pod_manifest, takes_an_empty_value_for_an_absent_one) {
    const auto manifest = read(pod_with("    command: [a, ]\n    args:\n    - \n    - ~\n    workingDir:\n",
                                        "  hostNetwork:\n  volumes:\n  securityContext: {}\n"));
    EXPECT_EQ(manifest.containers.at(0).args, (std::vector<std::string>{"", ""}));
    EXPECT_FALSE(manifest.host_network);
}

TEST(pod_manifest, takes_yaml_1_1_at_its_word) {
    EXPECT_TRUE(has(refused(pod_with("    args: [yes]\n")), "spec.containers[0].args[0] must be text, and is a boolean"));
    EXPECT_TRUE(has(refused(pod_with("    args:\n    - --v\n    - 4\n")), "m.yaml:12: spec.containers[0].args[1] must be text"));
    EXPECT_TRUE(has(refused(pod_with("    env:\n    - {name: A, value: on}\n")), "put it in quotes"));
    EXPECT_TRUE(has(refused(pod_with("    env:\n    - {name: A, value: 1}\n")), "put it in quotes"));
    EXPECT_TRUE(read(pod_with("", "  hostNetwork: on\n")).host_network);
    EXPECT_TRUE(has(refused(pod_with("", "  hostNetwork: 'true'\n")), "must be true or false"));
    EXPECT_EQ(read(pod_with("    args: ['yes', \"4\"]\n")).containers[0].args, (std::vector<std::string>{"yes", "4"}));
}

TEST(pod_manifest, expands_anchors_and_merge_keys) {
    const auto manifest = read(
        "x: &probe {httpGet: {path: /healthz, port: 10259, scheme: HTTPS}}\n" +
        pod_with("    livenessProbe:\n      <<: *probe\n      failureThreshold: 8\n    startupProbe: *probe\n"));
    EXPECT_EQ(manifest.containers[0].liveness->failures, 8);
    EXPECT_EQ(manifest.containers[0].liveness->port, "10259");
    EXPECT_EQ(manifest.containers[0].startup->path, "/healthz");
}

TEST(pod_manifest, refuses_what_is_no_pod) {
    EXPECT_EQ(refused("- a\n"), "m.yaml: not a pod's manifest, which is a map of keys");
    EXPECT_EQ(refused("a: b\n"), "m.yaml:1: has no apiVersion");
    EXPECT_TRUE(has(refused("apiVersion: apps/v1\nkind: Deployment\n"), "m.yaml:1: apiVersion is not v1"));
    EXPECT_TRUE(has(refused("apiVersion: v1\nkind: PodList\n"), "m.yaml:2: kind is not Pod"));
    EXPECT_TRUE(has(refused("apiVersion: v1\nkind: Pod\nmetadata: {}\n"), "metadata has no name"));
    EXPECT_TRUE(has(refused("apiVersion: v1\nkind: Pod\nmetadata: {name: A_b}\nspec: {}\n"), "is no name of a pod"));
    EXPECT_TRUE(has(refused("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"), "has no spec"));
    EXPECT_TRUE(has(refused("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n"), "has no containers"));
    EXPECT_TRUE(has(refused("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: [x]\n"), "must be a map of keys"));
}

TEST(pod_manifest, refuses_what_the_kubelet_would_refuse) {
    struct {
        const char* container;
        const char* spec;
        const char* why;
    } const rows[] = {
        {"    command: kube-scheduler\n", "", "must be a list"},
        {"    env:\n    - {value: x}\n", "", "has no name"},
        {"    env:\n    - {name: a=b}\n", "", "is no name of a variable"},
        {"    env:\n    - {name: A, value: x, valueFrom: {fieldRef: {fieldPath: a}}}\n", "", "both a value and valueFrom"},
        {"    env:\n    - {name: A, valueFrom: {}}\n", "", "must be exactly one source"},
        {"    env:\n    - {name: A, valueFrom: {newRef: {a: b}}}\n", "", "does not know: newRef"},
        {"    env:\n    - {name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, containerName: none}}}\n", "",
         "from a container that is not there: none"},
        {"    envFrom:\n    - {prefix: a}\n", "", "must have one of configMapRef and secretRef"},
        {"    ports:\n    - {containerPort: 70000}\n", "", "must be from 1 to 65535"},
        {"    ports:\n    - {containerPort: '80'}\n", "", "must be a whole number"},
        {"    ports:\n    - {containerPort: 0x50}\n", "", "must be a decimal number"},
        {"    ports:\n    - {containerPort: 80, name: A}\n", "", "is no name of a port"},
        {"    ports:\n    - {containerPort: 80, name: a}\n    - {containerPort: 81, name: a}\n", "", "two ports called a"},
        {"    ports:\n    - {containerPort: 80, hostPort: 81}\n", "  hostNetwork: true\n", "hostPort other than"},
        {"    livenessProbe: {periodSeconds: 1}\n", "", "exactly one action"},
        {"    livenessProbe: {httpGet: {port: none}}\n", "", "a probe of a port that it has not: none"},
        {"    livenessProbe: {httpGet: {path: /}}\n", "", "has no port"},
        {"    livenessProbe: {httpGet: {port: 1, scheme: FTP}}\n", "", "no value that it may have"},
        {"    volumeMounts:\n    - {name: v, mountPath: /a}\n", "", "mounts a volume that is not there: v"},
        {"    volumeMounts:\n    - {name: v, mountPath: /a, subPath: ../x}\n", "  volumes: [{name: v, emptyDir: {}}]\n",
         "must not contain '..'"},
        {"    volumeMounts:\n    - {name: v, mountPath: /a, subPath: /x}\n", "  volumes: [{name: v, emptyDir: {}}]\n",
         "must be relative"},
        {"    volumeMounts:\n    - {name: v, mountPath: /a}\n    - {name: v, mountPath: /a}\n",
         "  volumes: [{name: v, emptyDir: {}}]\n", "mounts two volumes at /a"},
        {"", "  volumes: [{name: v, hostPath: {path: /a/../b}}]\n", "must not contain '..'"},
        {"", "  volumes: [{name: v, hostPath: {path: /a, type: Dir}}]\n", "no value that it may have"},
        {"", "  volumes: [{name: v, hostPath: {path: /a}, emptyDir: {}}]\n", "more than one source"},
        {"", "  volumes: [{name: v}, {name: v}]\n", "has the name of another one: v"},
        {"", "  dnsPolicy: Cluster\n", "is no policy that there is"},
        {"", "  terminationGracePeriodSeconds: -1\n", "must be from 0"},
        {"", "  securityContext: {runAsUser: -5}\n", "must be from 0"},
        {"  - name: c\n    image: i\n", "", "has the name of another container: c"},
        {"  - name: d\n", "", "has no image"},
        {"  - name: D\n    image: i\n", "", "is no name of a container"},
    };
    for (const auto& row : rows) {
        const auto error = refused(pod_with(row.container, row.spec));
        EXPECT_TRUE(has(error, row.why)) << error;
        EXPECT_TRUE(error.starts_with("m.yaml:")) << error;
    }
}

TEST(pod_manifest, defaults_a_volume_without_a_source_to_an_empty_one) {
    const auto manifest = read(pod_with("", "  volumes: [{name: v}, {name: w, emptyDir: {medium: Memory}}, {name: x, secret: {secretName: s}}]\n"));
    EXPECT_EQ(manifest.volumes.at(0).from, pod_volume::source::empty_dir);
    EXPECT_TRUE(manifest.volumes.at(1).in_memory);
    EXPECT_EQ(manifest.volumes.at(2).from, pod_volume::source::other);
    EXPECT_EQ(manifest.volumes.at(2).other, "secret");
}

TEST(pod_manifest, keeps_what_it_does_not_read_in_mind) {
    const auto manifest = read(pod_with("    stdin: true\n    tty: false\n    volumeDevices: []\n    imagePullPolicy: Always\n",
                                        "  runtimeClassName: gvisor\n  restartPolicy: Always\n  hostUsers: false\n"));
    EXPECT_EQ(manifest.containers[0].others, std::vector<std::string>{"stdin"});
    EXPECT_EQ(manifest.others, std::vector<std::string>{"runtimeClassName"});
}

}  // namespace
}  // namespace launcher
