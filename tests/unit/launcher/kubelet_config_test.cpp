#include "launcher/kubelet_config.h"

#include <gtest/gtest.h>

#include "tests/unit/launcher/scratch_directory.h"

namespace launcher {
namespace {

using words = std::vector<std::string>;

class kubelet_config : public ::testing::Test {
protected:
    kubelet_setup read(words argv) {
        argv.insert(argv.begin(), "/usr/bin/kubelet");
        const auto setup = read_kubelet_setup(argv, "/work", root_.path());
        EXPECT_TRUE(setup) << (setup ? "" : setup.error());
        return setup ? *setup : kubelet_setup();
    }
    std::string refused(words argv) {
        argv.insert(argv.begin(), "/usr/bin/kubelet");
        const auto setup = read_kubelet_setup(argv, "/work", root_.path());
        EXPECT_FALSE(setup);
        return setup ? "" : setup.error();
    }
    const scratch_directory root_;
};

constexpr const char* kubeadm =
    "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nstaticPodPath: /etc/kubernetes/manifests\n"
    "fileCheckFrequency: 0s\nnodeLeaseDurationSeconds: 60\n";

TEST_F(kubelet_config, is_found_as_kubeadm_writes_it) {
    root_.write("var/lib/kubelet/config.yaml", kubeadm);
    const auto setup = read({"--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
                             "--kubeconfig=/etc/kubernetes/kubelet.conf", "--config=/var/lib/kubelet/config.yaml",
                             "--container-runtime-endpoint=unix:///var/run/containerd/containerd.sock",
                             "--hostname-override=node7"});
    EXPECT_EQ(setup.manifests, "/etc/kubernetes/manifests");
    EXPECT_EQ(setup.manifests_source, "staticPodPath in /var/lib/kubelet/config.yaml");
    EXPECT_EQ(setup.cri_endpoint, "unix:///var/run/containerd/containerd.sock");
    EXPECT_EQ(setup.node_name, "node7");
    EXPECT_EQ(setup.file_check, std::chrono::seconds(20)) << "zero is the default";
    EXPECT_EQ(setup.node_lease, std::chrono::seconds(60));
    EXPECT_EQ(setup.kubeconfig, "/etc/kubernetes/kubelet.conf");
}

TEST_F(kubelet_config, lets_the_flag_win_over_the_file) {
    root_.write("c.yaml", kubeadm);
    const auto setup = read({"--config", "/c.yaml", "--pod-manifest-path", "/agent/pod-manifests/", "--file-check-frequency=5s"});
    EXPECT_EQ(setup.manifests, "/agent/pod-manifests");
    EXPECT_EQ(setup.manifests_source, "--pod-manifest-path of the kubelet");
    EXPECT_EQ(setup.file_check, std::chrono::seconds(5));
    EXPECT_NE(refused({"--config=/c.yaml", "--pod-manifest-path="}).find("no manifest directory"), std::string::npos);
}

TEST_F(kubelet_config, resolves_relative_paths) {
    root_.write("work/conf/kubelet.yaml", "staticPodPath: pods\n");
    EXPECT_EQ(read({"--config=conf/kubelet.yaml"}).manifests, "/work/conf/pods");
    EXPECT_EQ(read({"--pod-manifest-path=../pods"}).manifests, "/pods");
}

TEST_F(kubelet_config, merges_drop_ins_in_their_order) {
    root_.write("c.yaml", kubeadm);
    root_.write("d/20-b.conf", "staticPodPath: /second\n");
    root_.write("d/10-a.conf", "staticPodPath: /first\ncontainerRuntimeEndpoint: unix:///first.sock\n");
    root_.write("d/30-c.yaml", "staticPodPath: /not-a-conf\n");
    auto setup = read({"--config=/c.yaml", "--config-dir=/d"});
    EXPECT_EQ(setup.manifests, "/second");
    EXPECT_EQ(setup.manifests_source, "staticPodPath in /d/20-b.conf");
    EXPECT_EQ(setup.cri_endpoint, "unix:///first.sock");
    EXPECT_EQ(setup.cri_source, "containerRuntimeEndpoint in /d/10-a.conf");
    EXPECT_EQ(setup.node_lease, std::chrono::seconds(60)) << "what a drop-in does not say stays";
    root_.write("d/25-sub/a.conf", "{\"staticPodPath\": \"/third\"}");
    EXPECT_EQ(read({"--config=/c.yaml", "--config-dir=/d"}).manifests, "/third");
    EXPECT_EQ(read({"--config-dir=/d"}).manifests, "/third");
    EXPECT_NE(refused({"--config-dir=/none"}).find("/none"), std::string::npos);
}

TEST_F(kubelet_config, refuses_a_second_source_of_pods) {
    root_.write("c.yaml", std::string(kubeadm) + "staticPodURL: http://example.org/pod\n");
    EXPECT_NE(refused({"--config=/c.yaml"}).find("from a URL as well (staticPodURL in /c.yaml)"), std::string::npos);
    EXPECT_NE(refused({"--pod-manifest-path=/m", "--manifest-url=http://x"}).find("--manifest-url"), std::string::npos);
    EXPECT_EQ(read({"--config=/c.yaml", "--manifest-url="}).manifests, "/etc/kubernetes/manifests");
}

TEST_F(kubelet_config, says_when_there_are_no_static_pods_or_no_readable_file) {
    EXPECT_NE(refused({}).find("no manifest directory"), std::string::npos);
    EXPECT_NE(refused({"--config=/none.yaml"}).find("/none.yaml: No such file"), std::string::npos);
    root_.write("bad.yaml", "staticPodPath: [x\n");
    EXPECT_NE(refused({"--config=/bad.yaml"}).find("the kubelet's configuration: /bad.yaml:"), std::string::npos);
    root_.write("type.yaml", "staticPodPath: {a: b}\n");
    EXPECT_NE(refused({"--config=/type.yaml"}).find("staticPodPath is no text"), std::string::npos);
}

TEST_F(kubelet_config, finds_the_runtime) {
    const std::string manifests = "--pod-manifest-path=/m";
    EXPECT_EQ(read({manifests}).cri_endpoint, "");
    root_.write("run/k3s/containerd/containerd.sock", "");
    EXPECT_EQ(read({manifests}).cri_endpoint, "unix:///run/k3s/containerd/containerd.sock");
    root_.write("run/containerd/containerd.sock", "");
    EXPECT_EQ(read({manifests}).cri_endpoint, "unix:///run/containerd/containerd.sock");
    root_.write("var/run/dockershim.sock", "");
    EXPECT_EQ(read({manifests}).cri_endpoint, "docker");
    root_.write("var/lib/kubelet/instance-config.yaml", "containerRuntimeEndpoint: unix:///i.sock\n");
    EXPECT_EQ(read({manifests}).cri_endpoint, "unix:///i.sock");
    root_.write("c.yaml", "containerRuntimeEndpoint: unix:///c.sock\n");
    EXPECT_EQ(read({manifests, "--config=/c.yaml"}).cri_endpoint, "unix:///c.sock");
    EXPECT_EQ(read({manifests, "--config=/c.yaml", "--container-runtime-endpoint=/run/f.sock"}).cri_endpoint, "unix:///run/f.sock");
    EXPECT_EQ(read({manifests, "--container-runtime=docker"}).cri_endpoint, "docker");
}

}  // namespace
}  // namespace launcher
