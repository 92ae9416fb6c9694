#include "launcher/together.h"

#include <gtest/gtest.h>

#include "tests/unit/launcher/scratch_directory.h"

namespace launcher {
namespace {

class together_case : public testing::Test {
protected:
    void process(int pid, const std::string& argv0, const std::string& executable, const std::string& uids, const std::string& ns_pid) {
        const auto directory = std::to_string(pid) + "/";
        proc.write(directory + "stat", std::to_string(pid) + " (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n");
        proc.write(directory + "cmdline", argv0 + std::string(1, '\0'));
        proc.write(directory + "status", "Name:\tx\nUid:\t" + uids + "\nGid:\t0\t0\t0\t0\nGroups:\t\nNSpid:\t" + ns_pid + "\n");
        std::filesystem::create_symlink(executable, proc / (directory + "exe"));
    }
    std::string said(const std::vector<std::string>& names, dlv_mode mode = dlv_mode::exec) {
        component_plan plan;
        plan.process.mode = mode;
        forbid_together(plan, names, request, proc.path());
        std::string text;
        for (const auto& each : plan.findings) {
            EXPECT_EQ(each.how, request.forces.empty() ? severity::refusal : severity::warning);
            EXPECT_EQ(each.mend.empty(), !request.forces.empty());
            text += each.text.substr(0, each.text.find_first_of("(:,")) + ";";
        }
        return text;
    }
    scratch_directory proc;
    lifecycle_request request;
};

TEST_F(together_case, EtcdAndTheWayToTheApiServerAreForcedOnly) {
    for (const bool forced : {false, true}) {
        if (forced) request.forces = {force::not_together};
        EXPECT_EQ(said({"kube-scheduler", "kube-scheduler"}), "");
        EXPECT_EQ(said({"etcd", "some.service"}), "etcd is never taken out;");
        EXPECT_EQ(said({"etcd-wrapper", "etcd.service"}), "etcd is never taken out;");
        EXPECT_EQ(said({"etcd"}, dlv_mode::attach), "etcd is not attached to;");
        EXPECT_EQ(said({"run", "kube-vip"}), "kube-vip may be what the API server is reached through;");
        for (const auto* each : {"haproxy", "keepalived", "nginx", "envoy"}) EXPECT_NE(said({each}), "");
    }
}

TEST_F(together_case, RootsKubeadmAndNobodyElsesStopsAllKinds) {
    process(100, "kubeadm", "/home/eve/kubeadm", "1000\t1000\t1000\t1000", "100");
    process(101, "kubeadm", "/usr/bin/sudo", "1000\t0\t0\t0", "101");
    process(102, "kubeadm", "/usr/bin/sleep", "0\t0\t0\t0", "102");
    process(103, "kubeadm", "/usr/bin/kubeadm", "0\t0\t0\t0", "103\t1");
    EXPECT_EQ(said({"kubelet"}), "") << "anybody may call a program so";
    process(104, "kubeadm", "/usr/bin/kubeadm", "0\t0\t0\t0", "104");
    for (const auto mode : {dlv_mode::exec, dlv_mode::attach}) EXPECT_EQ(said({"kubelet"}, mode), "kubeadm runs ;");
    request.forces = {force::not_together};
    EXPECT_EQ(said({"kubelet"}), "kubeadm runs ;");
}

}  // namespace
}  // namespace launcher
