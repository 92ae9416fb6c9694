#include "launcher/kubernetes_stamp.h"

#include <gtest/gtest.h>

#include "elf_builder.h"

namespace launcher {
namespace {

std::string verdict(const version_demand& demand, const std::string& stamp,
                    const std::string& path = "k8s.io/kubernetes/cmd/kube-apiserver") {
    go_buildinfo build;
    build.path = path;
    const auto found = compare_kubernetes_versions(demand, build, stamp);
    if (found.empty()) return "fits";
    EXPECT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].text.find('\n'), std::string::npos);
    const char* const names[] = {"note", "warning", "refusal"};
    return std::string(names[static_cast<int>(found[0].how)]) + ": " + found[0].text;
}

void expect(const std::string& said, const std::string& how, const std::string& part) {
    EXPECT_TRUE(said.starts_with(how + ": ")) << said;
    EXPECT_NE(said.find(part), std::string::npos) << said;
}

TEST(kubernetes_stamp, of_the_same_release_fits) {
    EXPECT_EQ(verdict({"kube-apiserver", "v1.34.1"}, "v1.34.1"), "fits");
    EXPECT_EQ(verdict({"kube-apiserver", "v1.34.1-eks-1"}, "v1.34.1-dirty"), "fits");
    expect(verdict({"kube-apiserver", "v1.34.1"}, "v1.34.7"), "note", "source lines may differ");
}

TEST(kubernetes_stamp, of_another_minor_version_is_refused_unless_allowed) {
    expect(verdict({"kube-apiserver", "v1.34.1"}, "v1.33.1"), "refusal", "1.33 (v1.33.1)");
    expect(verdict({"kube-apiserver", "v1.34.1"}, "v2.34.1"), "refusal", "runs as 1.34");
    expect(verdict({"kube-apiserver", "v1.34.1", true}, "v1.35.1"), "warning", "cannot read");
}

TEST(kubernetes_stamp, that_is_missing_is_not_taken_for_the_right_one) {
    expect(verdict({"kube-apiserver", "v1.34.1"}, ""), "refusal", "not stamped");
    expect(verdict({"kube-apiserver", "v1.34.1"}, "v0.0.0-master+$Format:%H$"), "refusal",
           "v0.0.0-master");
    expect(verdict({"kube-apiserver", "v1.34.1", true}, ""), "warning", "not stamped");
    expect(verdict({"kube-apiserver", ""}, "v1.34.1"), "refusal", "not known");
    expect(verdict({"kube-apiserver", "latest"}, "v1.34.1"), "refusal", "(latest) is no release");
    expect(verdict({"kube-apiserver", "", true}, "v1.34.1"), "warning", "not known");
    expect(verdict({"mine", ""}, "v1.34.1"), "warning", "not known");
}

TEST(kubernetes_stamp, of_another_component_is_refused) {
    expect(verdict({"kube-scheduler", "v1.34.1", true}, "v1.34.1"), "refusal",
           "it is kube-apiserver, not kube-scheduler");
}

TEST(kubernetes_stamp, says_nothing_of_programs_that_only_use_kubernetes_libraries) {
    EXPECT_EQ(verdict({"coredns", "v1.11.1"}, "v0.0.0-master", "github.com/coredns/coredns"),
              "fits");
}

TEST(kubernetes_stamp, mends_by_the_version_that_runs) {
    const auto found = compare_kubernetes_versions({"kubelet", "v1.23.4"}, {}, "v1.24.0");
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(
        found[0].mend,
        "git checkout v1.23.4 && make WHAT=cmd/kubelet GOLDFLAGS=\"\" GOGCFLAGS=\"all=-N -l\"");
}

TEST(kubernetes_stamp, is_read_from_recorded_flags_where_no_symbol_tells) {
    const launcher_test::scratch directory;
    const launcher_test::opened_elf elf(
        directory.file("program", launcher_test::elf_builder().add(".text", "x", 0x1000).build()));
    const auto stamp = [&](const std::string& flags) {
        go_buildinfo build;
        build.settings.emplace_back("-ldflags", flags);
        return kubernetes_stamp(*elf.file, build);
    };
    EXPECT_EQ(stamp("-s -X k8s.io/component-base/version.gitVersion=v1.34.1 -X a.b=c"), "v1.34.1");
    EXPECT_EQ(stamp("-X 'k8s.io/component-base/version.gitVersion=v1.34.1'"), "v1.34.1");
    EXPECT_EQ(stamp("-X k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitVersion=v1.20.2"),
              "v1.20.2");
    EXPECT_EQ(stamp("-X k8s.io/component-base/version.gitVersion=v1 -X "
                    "k8s.io/component-base/version.gitVersion=v2\x1b[31m"),
              "v2 [31m");
    EXPECT_EQ(stamp("-s -w"), "");
    EXPECT_EQ(stamp(""), "");
}

TEST(kubernetes_stamp, of_a_stripped_release_is_found_in_its_variables) {
    const launcher_test::scratch directory;
    using launcher_test::bytes_of;
    // Each word is a variable; the texts lie one after the other, as Go's do.
    const auto found = [&](const std::vector<std::string>& words) {
        std::string texts = "go1.24", variables(24, 'x');
        for (const auto& each : words) {
            variables += bytes_of(std::uint64_t(0x2000 + texts.size())) + bytes_of(std::uint64_t(each.size()));
            texts += each;
        }
        const launcher_test::opened_elf elf(directory.file(
            "program", launcher_test::elf_builder().add(".rodata", texts, 0x2000).add(".data", variables, 0x4000).build()));
        EXPECT_TRUE(elf.file) << elf.file.error();
        return kubernetes_release_in_data(*elf.file);
    };
    EXPECT_EQ(found({"1", "34", "v1.34.1", "clean", "v1.34.1"}), "v1.34.1");
    EXPECT_EQ(found({"v1.34.1-eks-1a2b", "verbose", "v1", "v1.2"}), "v1.34.1-eks-1a2b");
    EXPECT_EQ(found({"v1.34.1", "v1.33.0"}), "") << "which is Kubernetes' cannot be told";
    EXPECT_EQ(found({"v0.0.0-master+$Format:%H$", "v1.33.0"}), "") << "it was not stamped";
    EXPECT_EQ(found({"clean"}), "");
}

}  // namespace
}  // namespace launcher
