#include "launcher/kubelets_cgroup.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/unit/launcher/as_root.h"
#include "tests/unit/launcher/scratch_directory.h"

namespace launcher {
namespace {

// Where nothing can be looked at, the words decide.
constexpr const char* nowhere = "/nonexistent";

TEST(kubelets_cgroup, is_the_kubelets_in_each_of_its_forms) {
    for (const auto* text : {
             "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-ab.scope\n",
             "0::/kubepods/burstable/pod1-2/ab\n",
             "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod1.slice/cri-containerd-ab.scope\n",
             "4:memory:/kubepods/pod1/ab\n3:cpu,cpuacct:/kubepods/pod1/ab\n1:name=systemd:/kubepods/pod1/ab\n0::/\n",
             "0::/docker/0123/kubelet/kubepods/pod1/ab\n",
         })
        EXPECT_TRUE(is_of_the_kubelet(text, nowhere)) << text;
}

TEST(kubelets_cgroup, is_not_what_somebody_calls_so) {
    for (const auto* text : {
             "",
             "0::/system.slice/delvegate-debuggee-kube-scheduler.service\n",
             "0::/user.slice/user-1000.slice/user@1000.service/app.slice/kubepods-x.scope\n",
             "0::/user.slice/user-1000.slice/user@1000.service/kubepods.slice/x.scope\n",
             "0::/user.slice/user-1000.slice/kubepods/x\n",
             "0::/system.slice/kubepods-x.service\n",
             "0::/system.slice/my-kubepods-x.service\n",
             // A user's own hierarchy of version 1 beside the others.
             "4:memory:/kubepods/pod1/ab\n1:name=systemd:/user.slice/user-1000.slice/user@1000.service/kubepods.slice\n",
             "kubepods\n",
         })
        EXPECT_FALSE(is_of_the_kubelet(text, nowhere)) << text;
}

TEST(kubelets_cgroup, is_not_what_is_another_users) {
    if (!root_or_skip()) GTEST_SKIP() << "only root can give a directory away";
    const scratch_directory mounts;
    mounts.write("system.slice/podman.service/kubepods/cgroup.procs", "");
    mounts.write("systemd/kubepods/cgroup.procs", "");
    constexpr const char* mine = "0::/system.slice/podman.service/kubepods/pod1\n";
    constexpr const char* first = "1:name=systemd:/kubepods/pod1\n";
    EXPECT_TRUE(is_of_the_kubelet(mine, mounts.path()));
    EXPECT_TRUE(is_of_the_kubelet(first, mounts.path()));
    ASSERT_EQ(::chown((mounts / "system.slice/podman.service/kubepods").c_str(), 1000, 1000), 0);
    ASSERT_EQ(::chown((mounts / "systemd/kubepods").c_str(), 1000, 1000), 0);
    EXPECT_FALSE(is_of_the_kubelet(mine, mounts.path()));
    EXPECT_FALSE(is_of_the_kubelet(first, mounts.path()));
}

}  // namespace
}  // namespace launcher
