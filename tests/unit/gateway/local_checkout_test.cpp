#include "gateway/local_checkout.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace gateway {
namespace {

namespace fs = std::filesystem;
using modules = std::vector<std::pair<std::string, std::string>>;

class checkouts : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "delvegate-checkout-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        root_ = name;
    }
    void TearDown() override { fs::remove_all(root_); }

    void write(const std::string& name, const std::string& text) {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name) << text;
    }
    std::string at(const std::string& name) const { return (root_ / name).string(); }

    fs::path root_;
};

TEST(module_file, is_read_as_go_writes_it) {
    const auto file = parse_module_file(
        "// a comment\nmodule \"k8s.io/kubernetes\" // why\n\ngo 1.24\n\nrequire (\n\tk8s.io/api v0.0.0\n)\n\n"
        "replace k8s.io/api => ./staging/src/k8s.io/api\nreplace (\n\tk8s.io/client-go v0.0.0 => ./staging/src/k8s.io/client-go\r\n"
        "\texample.com/x => example.com/y v1.2.3\n\texample.com/z => `/opt/z z`\n)\nuse ./one\nuse (\n\t.\n\t./two // second\n)\n");
    EXPECT_EQ(file.module, "k8s.io/kubernetes");
    EXPECT_EQ(file.directories, (std::vector<std::string>{"./one", ".", "./two"}));
    EXPECT_EQ(file.replacements, (modules{{"k8s.io/api", "./staging/src/k8s.io/api"},
                                          {"k8s.io/client-go", "./staging/src/k8s.io/client-go"},
                                          {"example.com/z", "/opt/z z"}}));
}

TEST(module_file, of_any_text_gives_something) {
    const std::string text = "module \"a\nuse (\nreplace x =>\nreplace\n)\n) \"";
    for (std::size_t size = 0; size <= text.size(); ++size) parse_module_file(std::string_view(text).substr(0, size));
    EXPECT_TRUE(parse_module_file("").module.empty());
}

TEST_F(checkouts, of_one_module) {
    write("go.mod", "module example.com/app\n");
    const auto found = read_checkout(root_.string() + "/");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->modules, (modules{{"example.com/app", root_.string()}}));
    EXPECT_EQ(found->revision, "");
}

TEST_F(checkouts, of_a_workspace_and_of_staged_modules) {
    write("go.mod", "module k8s.io/kubernetes\nreplace k8s.io/api => ./staging/src/k8s.io/api\n");
    write("go.work", "use (\n\t.\n\t./staging/src/k8s.io/api\n\t./staging/src/k8s.io/client-go/\n\t./missing\n)\n");
    write("staging/src/k8s.io/api/go.mod", "module k8s.io/api\n");
    write("staging/src/k8s.io/client-go/go.mod", "module k8s.io/client-go\n");
    const auto found = read_checkout(root_.string());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->modules, (modules{{"k8s.io/kubernetes", root_.string()},
                                       {"k8s.io/api", at("staging/src/k8s.io/api")},
                                       {"k8s.io/client-go", at("staging/src/k8s.io/client-go")}}));
}

TEST_F(checkouts, know_their_revision_however_git_keeps_it) {
    const std::string first(40, '1'), second(40, '2'), third(40, '3');
    write("app/go.mod", "module example.com/app\n");
    write(".git/HEAD", "ref: refs/heads/main\n");
    write(".git/packed-refs", "# pack-refs with: peeled\n" + second + " refs/heads/other\n" + first + " refs/heads/main\n");
    EXPECT_EQ(read_checkout(at("app"))->revision, first);
    write(".git/refs/heads/main", second + "\n");
    EXPECT_EQ(read_checkout(at("app"))->revision, second);
    write(".git/HEAD", third + "\n");
    EXPECT_EQ(read_checkout(at("app"))->revision, third);
    // A worktree.
    write("tree/go.mod", "module example.com/app\n");
    write("tree/.git", "gitdir: ../.git/worktrees/tree\n");
    write(".git/worktrees/tree/HEAD", "ref: refs/heads/main\n");
    write(".git/worktrees/tree/commondir", "../..\n");
    EXPECT_EQ(read_checkout(at("tree"))->revision, second);
}

TEST_F(checkouts, that_are_none_are_refused_in_a_line) {
    EXPECT_NE(read_checkout(at("nowhere")).error().find("is not a directory"), std::string::npos);
    EXPECT_NE(read_checkout(root_.string()).error().find("has no go.mod and no go.work"), std::string::npos);
}

TEST_F(checkouts, bring_goroot_and_the_module_cache) {
    write("go.mod", "module example.com/app\n");
    write("go/src/runtime/proc.go", "");
    write("cache/x", "");
    ::setenv("GOROOT", at("go").c_str(), 1);
    ::setenv("GOMODCACHE", at("cache").c_str(), 1);
    const auto found = read_checkout(root_.string());
    ::unsetenv("GOROOT");
    ::unsetenv("GOMODCACHE");
    EXPECT_EQ(found->goroot, at("go"));
    EXPECT_EQ(found->module_cache, at("cache"));
}

TEST(path_rules, are_read_as_typed) {
    EXPECT_EQ(*read_path_rule("/home/ann/app=/build/app"), (protocol::path_rule{"/home/ann/app", "/build/app"}));
    EXPECT_EQ(*read_path_rule("C:\\work\\app=/build/a=b"), (protocol::path_rule{"C:\\work\\app", "/build/a=b"}));
    EXPECT_EQ(*read_path_rule("/home/ann/app="), (protocol::path_rule{"/home/ann/app", ""}));
    EXPECT_EQ(read_path_rule(".=/build")->client, fs::current_path().string());
    EXPECT_EQ(read_path_rule("./x/=/build")->client, (fs::current_path() / "x").string());
    EXPECT_NE(read_path_rule("/home/ann/app").error().find("LOCAL=REMOTE"), std::string::npos);
    EXPECT_FALSE(read_path_rule("="));
}

}  // namespace
}  // namespace gateway
