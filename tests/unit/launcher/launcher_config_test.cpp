#include "launcher/launcher_config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "launcher/launcher_config_table.h"
#include "tests/support/trusted_directory.h"

namespace launcher {
namespace {

std::string error_of(const std::string& text) {
    const auto read = parse_launcher_config(text, "launcher.yaml");
    return read ? "none" : read.error();
}
std::string component_error(const std::string& line) {
    return error_of("components:\n  - name: kubelet\n    kind: systemd\n    binaryDir: /opt/debug\n    " + line + "\n");
}

TEST(launcher_config, nothing_is_given) {
    const auto read = parse_launcher_config("", "launcher.yaml");
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->socket, "/run/delvegate/launcher.sock");
    EXPECT_TRUE(read->components.empty());
    EXPECT_EQ(read->remote_starts, 6u);
}

TEST(launcher_config, everything_is_given) {
    const auto read = parse_launcher_config(R"(
socket: /run/x/s
stateDirectory: /var/lib/x
runtimeDirectory: /run/x
logFile: /var/log/x.jsonl
gatewayUser: gate
gatewayUIDs: [1000, 1001]
systemd: none
armTimeMax: 8h
remoteStarts: 0
remoteStartsPeriod: 1m
connections: 4
components:
  - name: kube-scheduler
    pod: kube-scheduler-debug
    container: main
    manifestDirectory: /etc/kubernetes/manifests
    binary: /opt/debug/kube-scheduler
    dlv: /opt/debug/dlv
    allowOtherMinor: true
    extraArgs: ["--v=4"]
    remoteStart: always
    ceiling: [observe, read]
    memoryLimit: 2GiB
    startTimeout: 5m
    stopBudget: 25s
    park: 30m
    sessionTimeout: 1h
    ports: [10259]
    health: https://127.0.0.1:10259/healthz
    onExit: keep
  - name: kubelet
    kind: systemd
    binaryDir: /opt/debug
)", "launcher.yaml");
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->gateway_uids, (std::vector<uid_t>{1000, 1001}));
    EXPECT_EQ(read->scope, systemd_scope::none);
    EXPECT_EQ(read->arm_time_max, std::chrono::hours(8));
    ASSERT_EQ(read->components.size(), 2u);
    const auto& pod = read->components[0];
    EXPECT_EQ(pod.pod, "kube-scheduler-debug");
    EXPECT_EQ(pod.ceiling, (protocol::class_set{protocol::op_class::observe, protocol::op_class::read}));
    EXPECT_EQ(pod.stop_budget, std::chrono::seconds(25));
    EXPECT_EQ(pod.park, std::chrono::minutes(30));
    EXPECT_EQ(read->components[1].park, std::chrono::seconds(0)) << "root says so where a stop may last longer than is good";
    EXPECT_EQ(pod.memory_limit, 2ull << 30);
    EXPECT_EQ(pod.remote, remote_start::always);
    EXPECT_EQ(pod.when_exited, component_definition::on_exit::keep);
    EXPECT_EQ(read->components[1].unit, "kubelet.service");
    EXPECT_EQ(read->find("kubelet"), &read->components[1]);
    EXPECT_EQ(read->find("etcd"), nullptr);
}

TEST(launcher_config, errors_have_their_place_and_a_hint) {
    EXPECT_EQ(error_of("sokcet: /x\n"), "launcher.yaml:1:1: unknown key `sokcet`; did you mean `socket`?");
    EXPECT_EQ(error_of("socket: /a\nsocket: /b\n"), "launcher.yaml:2:1: `socket` is given twice");
    EXPECT_EQ(error_of("components:\n  - name: a\n    conatiner: b\n"),
              "launcher.yaml:3:5: unknown key `conatiner`; did you mean `container`?");
    EXPECT_EQ(error_of("- a\n"), "launcher.yaml:1:1: the file must be a map of keys");
    EXPECT_EQ(error_of("components: [{binary: /b}]"), "launcher.yaml:1:14: a component needs a `name`");
    EXPECT_EQ(error_of("components:\n  - {name: a, binary: /b}\n  - {name: a, binary: /b}\n"),
              "launcher.yaml:3:5: there are two components called `a`");
    EXPECT_EQ(error_of("components:\n  - {name: a}\n"), "launcher.yaml:2:5: `a` needs a debug binary: give `binary`, or `binaryDir`");
    EXPECT_EQ(error_of("components:\n  - {name: a, binary: /b, unit: x.service}\n"),
              "launcher.yaml:2:27: `unit` belongs to kind systemd or attach, and `a` is of kind static-pod");
    EXPECT_NE(error_of("socket: [\n").find("launcher.yaml:"), std::string::npos);
}

TEST(launcher_config, values_that_are_none) {
    for (const char* line : {"binary: debug/kubelet", "binary: /opt/../etc/x", "binary: /opt//x", "binary: /opt/x/", "dlv: ./dlv",
                             "unit: kubelet", "unit: a b.service", "remoteStart: yes", "ceiling: []", "ceiling: [all]", "ceiling: read",
                             "memoryLimit: 1KiB", "memoryLimit: 1", "memoryLimit: lots", "startTimeout: 0s", "startTimeout: 1500ms",
                             "startTimeout: 2h", "sessionTimeout: 1s", "ports: [0]", "ports: [70000]", "ports: 1", "health: maybe",
                             "health: http://root:pw@127.0.0.1/", "onExit: panic", "allowOtherMinor: yes", "manifestDirectory: /x",
                             "container: main", "stopBudget: \"\"", "park: 8d", "park: 1500ms", "park: -1s", "extraArgs: --v=4"})
        EXPECT_NE(component_error(line), "none") << line;
    EXPECT_EQ(component_error("onExit: restart"), "none");
    for (const char* line : {"gatewayUser: root", "gatewayUser: \"\"", "gatewayUIDs: [0]", "gatewayUIDs: [4294967295]", "gatewayUIDs: [-1]",
                             "systemd: user", "armTimeMax: 1s", "remoteStarts: -1", "connections: 0", "socket: launcher.sock"})
        EXPECT_NE(error_of(line), "none") << line;
}

TEST(launcher_config, a_daemon_set) {
    const auto read = parse_launcher_config("kubectl: /opt/bin/kubectl\ncomponents:\n- {name: proxy, kind: daemon-set, daemonSet: kube-proxy, "
                                            "nodeName: node1.example, binaryDir: /b}\n- {name: agent, kind: daemon-set, namespace: agents, "
                                            "checkIptables: false, kubeconfig: /etc/agent.conf, binaryDir: /b}", "launcher.yaml");
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->kubectl, "/opt/bin/kubectl");
    ASSERT_EQ(read->components.size(), 2u);
    EXPECT_EQ(read->components[0].daemon_set, "kube-proxy");
    EXPECT_EQ(read->components[0].name_space, "kube-system");
    EXPECT_EQ(read->components[0].node_name, "node1.example");
    EXPECT_EQ(read->components[0].kubeconfig, "/etc/kubernetes/admin.conf");
    EXPECT_TRUE(read->components[0].check_iptables);
    EXPECT_EQ(read->components[1].daemon_set, "agent");
    EXPECT_EQ(read->components[1].name_space, "agents");
    EXPECT_FALSE(read->components[1].check_iptables);
    const auto wrong = parse_launcher_config("components:\n- {name: a, binaryDir: /b, namespace: x}", "launcher.yaml");
    ASSERT_FALSE(wrong.has_value());
    EXPECT_NE(wrong.error().find("`namespace` belongs to kind daemon-set"), std::string::npos) << wrong.error();
}

TEST(launcher_config, the_default_text_reads_as_the_defaults) {
    const auto read = parse_launcher_config(default_launcher_config_text(), "launcher.yaml");
    ASSERT_TRUE(read) << read.error();
    const launcher_config defaults;
    EXPECT_EQ(read->socket, defaults.socket);
    EXPECT_EQ(read->state_directory, defaults.state_directory);
    EXPECT_EQ(read->runtime_directory, defaults.runtime_directory);
    EXPECT_EQ(read->log_file, defaults.log_file);
    EXPECT_EQ(read->gateway_user, defaults.gateway_user);
    EXPECT_EQ(read->arm_time_max, defaults.arm_time_max);
    EXPECT_EQ(read->remote_starts, defaults.remote_starts);
    EXPECT_EQ(read->remote_starts_period, defaults.remote_starts_period);
    EXPECT_EQ(read->connections, defaults.connections);
    // Its example, taken out of the comments, is read as well, and what it calls defaults are.
    std::istringstream in(default_launcher_config_text());
    std::string example = "components:\n";
    bool within = false;
    for (std::string line; std::getline(in, line);) {
        const auto kinds = kinds_of_key(line.substr(std::min<std::size_t>(6, line.size()), line.find(':') - 6));
        const bool of_pod = kinds.empty() || std::ranges::count(kinds, component_kind::static_pod) > 0;
        if (within && line.starts_with("#   ") && line.find("# ", 2) == std::string::npos && of_pod) example += line.substr(1) + "\n";
        within = within || line.starts_with("components:");
    }
    const auto one = parse_launcher_config(example, "example");
    ASSERT_TRUE(one) << one.error() << "\n" << example;
    ASSERT_EQ(one->components.size(), 1u);
    const component_definition plain;
    const auto& given = one->components[0];
    EXPECT_EQ(given.kind, plain.kind);
    EXPECT_EQ(given.dlv, plain.dlv);
    EXPECT_EQ(given.allow_other_minor, plain.allow_other_minor);
    EXPECT_EQ(given.remote, plain.remote);
    EXPECT_EQ(given.ceiling, plain.ceiling);
    EXPECT_EQ(given.memory_limit, plain.memory_limit);
    EXPECT_EQ(given.start_timeout, plain.start_timeout);
    EXPECT_EQ(given.session_timeout, plain.session_timeout);
    EXPECT_EQ(given.when_exited, plain.when_exited);
}

TEST(launcher_config, one_thing_is_taken_out_by_one_component) {
    const auto fault = [](const std::string& a, const std::string& b) {
        const auto got = parse_launcher_config("components:\n  - {name: a, binary: /x, " + a + "}\n  - {name: b, binary: /x, " + b + "}\n", "launcher.yaml");
        return got ? std::string() : got.error();
    };
    EXPECT_EQ(fault("pod: p", "pod: p, container: other"),
              "launcher.yaml:3:5: `b` is of the pod p, and so is `a`: one thing is taken out by one component");
    EXPECT_EQ(fault("pod: p", "pod: p, manifestDirectory: /m").substr(0, 33), "launcher.yaml:3:5: `b` is of the ");
    EXPECT_EQ(fault("pod: p, manifestDirectory: /n", "pod: p, manifestDirectory: /m"), "");
    EXPECT_EQ(fault("pod: p", "pod: q"), "");
    EXPECT_NE(fault("kind: systemd, unit: u.service", "kind: systemd, unit: u.service"), "");
    EXPECT_EQ(fault("kind: systemd", "kind: systemd"), "");
    EXPECT_NE(fault("kind: daemon-set, daemonSet: d", "kind: daemon-set, daemonSet: d"), "");
    EXPECT_EQ(fault("kind: daemon-set, daemonSet: d", "kind: daemon-set, daemonSet: d, namespace: n"), "");
}

// For a restore: what has no mistake in it is used, the rest is as if it were not there.
TEST(launcher_config, what_can_be_used_of_a_file_with_mistakes) {
    const support::trusted_directory scratch;
    const auto file = scratch / "launcher.yaml";
    std::ofstream(file) << "stateDirectory: /var/lib/elsewhere\nsocket: nowhere\nmistake: 1\ncomponents:\n"
                           "  - {name: good, binary: /x}\n  - {name: bad}\n  - {name: good, binary: /y}\n  - {name: after, kind: systemd, binary: /x}\n";
    ASSERT_FALSE(read_launcher_config(file));
    const auto got = salvage_launcher_config(file);
    EXPECT_EQ(got.state_directory, "/var/lib/elsewhere");
    EXPECT_EQ(got.socket, launcher_config().socket);
    ASSERT_EQ(got.components.size(), 2u);
    EXPECT_EQ(got.components[0].binary, "/x");
    EXPECT_EQ(got.components[1].unit, "after.service");
    std::ofstream(file) << "components: [\n";
    EXPECT_TRUE(salvage_launcher_config(file).components.empty());
    EXPECT_TRUE(salvage_launcher_config(scratch / "none").components.empty());
}

TEST(launcher_config, only_roots_own_file_is_believed) {
    support::trusted_directory place;
    const std::string file = place / "launcher.yaml";
    std::ofstream(file) << "connections: 7\n";
    ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
    ASSERT_TRUE(read_launcher_config(file)) << read_launcher_config(file).error();
    EXPECT_EQ(read_launcher_config(file)->connections, 7u);
    ASSERT_EQ(::chmod(file.c_str(), 0664), 0);
    EXPECT_FALSE(read_launcher_config(file));
    ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
    ASSERT_EQ(::symlink(file.c_str(), (place / "link.yaml").c_str()), 0);
    EXPECT_FALSE(read_launcher_config(place / "link.yaml"));
    ASSERT_EQ(::chmod(place.path().c_str(), 0777), 0);
    EXPECT_FALSE(read_launcher_config(file));
    ASSERT_EQ(::chmod(place.path().c_str(), 0700), 0);
}

}  // namespace
}  // namespace launcher
