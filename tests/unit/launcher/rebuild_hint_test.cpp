#include "launcher/rebuild_hint.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

std::string hint(const std::string& component, const std::string& version,
                 const std::string& path = {}) {
    go_buildinfo build;
    build.path = path;
    return rebuild_hint(component, parse_kubernetes_version(version), build);
}

TEST(kubernetes_version, is_a_release_and_its_tag) {
    const auto expect = [](const std::string& text, int minor, const std::string& tag) {
        const auto version = parse_kubernetes_version(text);
        ASSERT_TRUE(version) << text;
        EXPECT_EQ(version->major, 1);
        EXPECT_EQ(version->minor, minor) << text;
        EXPECT_EQ(version->tag, tag) << text;
    };
    expect("v1.34.1", 34, "v1.34.1");
    expect("1.23.17", 23, "v1.23.17");
    expect("v1.34.1+k3s1", 34, "v1.34.1");
    expect("v1.34.1_coreos.0", 34, "v1.34.1");
    expect("v1.31.5-eks-8cce635", 31, "v1.31.5");
    expect("v1.34.1-dirty", 34, "v1.34.1");
    expect("v1.35.0-rc.1", 35, "v1.35.0-rc.1");
    expect("v1.35.0-alpha.3.12+abc", 35, "v1.35.0-alpha.3");
    for (const auto* text : {"", "v1", "v1.34", "latest", "v0.0.0-master+$Format:%H$", "v1.34.x",
                             "v1.34.1.5", "v-1.2.3", "v1.34.1;reboot", "v99999999999.1.1"})
        EXPECT_FALSE(parse_kubernetes_version(text)) << text;
}

TEST(rebuild_hint, is_the_command_of_each_era) {
    EXPECT_EQ(hint("kube-scheduler", "v1.20.2"),
              "git checkout v1.20.2 && make WHAT=cmd/kube-scheduler GOLDFLAGS=\"\" "
              "GOGCFLAGS=\"all=-N -l\"");
    EXPECT_EQ(hint("kubelet", "v1.23.17"),
              "git checkout v1.23.17 && make WHAT=cmd/kubelet GOLDFLAGS=\"\" "
              "GOGCFLAGS=\"all=-N -l\"");
    for (const auto* version : {"v1.24.0", "v1.25.3", "v1.29.9", "v1.30.0", "v1.34.1"})
        EXPECT_EQ(hint("kube-proxy", version),
                  std::string("git checkout ") + version + " && make DBG=1 WHAT=cmd/kube-proxy");
    EXPECT_EQ(hint("kube-apiserver", ""), "make DBG=1 WHAT=cmd/kube-apiserver");
    EXPECT_EQ(hint("kube-apiserver", "v1.34.1-eks-1", "k8s.io/kubernetes/cmd/kube-apiserver"),
              "git checkout v1.34.1 && make DBG=1 WHAT=cmd/kube-apiserver");
}

TEST(rebuild_hint, is_gos_own_command_for_what_is_not_built_by_make) {
    EXPECT_EQ(hint("coredns", "v1.11.1", "github.com/coredns/coredns"),
              "go build -gcflags \"all=-N -l\" github.com/coredns/coredns");
    EXPECT_EQ(hint("coredns", ""), "go build -gcflags \"all=-N -l\" PACKAGE");
    EXPECT_EQ(hint("kube-scheduler", "v1.34.1", "example.test/kbuild/kube-scheduler"),
              "go build -gcflags \"all=-N -l\" -ldflags \"-X "
              "k8s.io/component-base/version.gitVersion=v1.34.1 -X "
              "k8s.io/component-base/version.gitMajor=1 -X "
              "k8s.io/component-base/version.gitMinor=34 -X "
              "k8s.io/client-go/pkg/version.gitVersion=v1.34.1\" "
              "example.test/kbuild/kube-scheduler");
}

TEST(rebuild_hint, for_a_program_without_cgo_says_so) {
    go_buildinfo build;
    EXPECT_EQ(rebuild_hint("kubelet", parse_kubernetes_version("v1.34.1"), build, true),
              "git checkout v1.34.1 && make DBG=1 WHAT=cmd/kubelet KUBE_STATIC_OVERRIDES=kubelet");
    build.path = "example.test/kubelet";
    EXPECT_EQ(rebuild_hint("coredns", {}, build, true),
              "CGO_ENABLED=0 go build -gcflags \"all=-N -l\" example.test/kubelet");
}

TEST(rebuild_hint, holds_no_word_that_a_shell_would_act_on) {
    for (const auto* path : {"x; reboot", "$(reboot)", "-toolexec=x", "a b", "x`y`", "x\ny"})
        EXPECT_EQ(hint("coredns", "", path), "go build -gcflags \"all=-N -l\" PACKAGE") << path;
}

}  // namespace
}  // namespace launcher
