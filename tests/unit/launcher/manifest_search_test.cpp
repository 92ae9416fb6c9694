#include "launcher/manifest_search.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/launcher/manifests.h"
#include "tests/unit/launcher/scratch_directory.h"

namespace launcher {
namespace {

std::string pod(const std::string& name, const std::string& name_space = "") {
    return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + (name_space.empty() ? "" : ", namespace: " + name_space) +
           "}\nspec: {containers: [{name: c, image: i}]}\n";
}

TEST(manifest_search, lists_what_the_kubelet_lists) {
    const scratch_directory at;
    for (const char* name : {"m/b.yaml", "m/a.yaml", "m/a.yaml.bak", "m/z~", "m/.hidden.yaml", "m/sub/c.yaml", "elsewhere"})
        at.write(name, "");
    std::filesystem::create_symlink("../elsewhere", at / "m/link.yaml");
    std::filesystem::create_symlink("nowhere", at / "m/broken.yaml");
    std::filesystem::create_symlink("sub", at / "m/directory");
    ASSERT_EQ(::mkfifo((at / "m/fifo").c_str(), 0600), 0);
    const auto files = list_manifests(at / "m");
    ASSERT_TRUE(files);
    EXPECT_EQ(*files, (std::vector<std::string>{at / "m/a.yaml", at / "m/a.yaml.bak", at / "m/b.yaml", at / "m/link.yaml",
                                                at / "m/z~"}));
    EXPECT_EQ(*list_manifests(at / "m/.hidden.yaml"), std::vector<std::string>{at / "m/.hidden.yaml"});
    EXPECT_NE(list_manifests(at / "none").error().find("no such directory"), std::string::npos);
    EXPECT_NE(list_manifests(at / "m/fifo").error().find("neither a directory nor a file"), std::string::npos);
}

TEST(manifest_search, finds_the_pod_in_whatever_file_it_is) {
    const scratch_directory at;
    at.write("scheduler.json", fixture("1.34/kube-scheduler.json"));
    at.write("other.yaml", pod("kube-scheduler-extra"));
    at.write("kubelet-keep", "");
    std::vector<finding> findings;
    const auto found = find_manifest(at.path(), "kube-scheduler", findings);
    ASSERT_TRUE(found) << found.error();
    EXPECT_EQ(found->path, at / "scheduler.json");
    EXPECT_EQ(found->bytes, fixture("1.34/kube-scheduler.json"));
    EXPECT_EQ(found->manifest.name, "kube-scheduler");
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].how, severity::warning);
    EXPECT_NE(findings[0].text.find("kubelet-keep: empty"), std::string::npos);
    EXPECT_TRUE(find_manifest(at.path(), "kube-system/kube-scheduler", findings));
    EXPECT_FALSE(find_manifest(at.path(), "default/kube-scheduler", findings));
}

TEST(manifest_search, refuses_two_of_the_same_pod) {
    const scratch_directory at;
    at.write("a.yaml", pod("p"));
    at.write("a.yaml.bak", pod("p"));
    std::vector<finding> findings;
    const auto found = find_manifest(at.path(), "p", findings);
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().find("two manifests are of the pod p: " + (at / "a.yaml") + " and " + (at / "a.yaml.bak")),
              std::string::npos);
    at.write("a.yaml.bak", pod("p", "other"));
    EXPECT_FALSE(find_manifest(at.path(), "p", findings)) << "which of them is meant?";
    EXPECT_EQ(find_manifest(at.path(), "other/p", findings)->path, at / "a.yaml.bak");
}

TEST(manifest_search, says_why_nothing_was_found) {
    const scratch_directory at;
    std::vector<finding> findings;
    EXPECT_EQ(find_manifest(at.path(), "p", findings).error(), "no manifest in " + at.path() + " is of the pod p");
    at.write("q.yaml", "a: [\n");
    EXPECT_NE(find_manifest(at.path(), "p", findings).error().find("; one could not be read: " + (at / "q.yaml")), std::string::npos);
    at.write("p.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: yes}]}\n");
    EXPECT_EQ(find_manifest(at.path(), "p", findings).error(),
              (at / "p.yaml") + ":4: spec.containers[0].image must be text, and is a boolean: put it in quotes");
    EXPECT_TRUE(findings.empty());
}

}  // namespace
}  // namespace launcher
