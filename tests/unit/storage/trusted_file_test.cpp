#include "storage/trusted_file.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "storage/sha256.h"
#include "storage/shell_word.h"

namespace storage {
namespace {

TEST(sha256, KnownAnswers) {
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(shell_word, IsOneWordForTheShell) {
    EXPECT_EQ(shell_word("/etc/kubernetes/a-b_c.yaml"), "/etc/kubernetes/a-b_c.yaml");
    EXPECT_EQ(shell_word(""), "''");
    EXPECT_EQ(shell_word("a b"), "'a b'");
    EXPECT_EQ(shell_word("it's $(x)"), "'it'\\''s $(x)'");
    EXPECT_EQ(shell_word("~root"), "'~root'");
}

// On a filesystem of its own at /run or the like: every directory up to the root must be trusted, and /tmp is not.
class root_file : public testing::Test {
protected:
    void SetUp() override {
        for (const char* base : {"/run", "/var/lib", "/root"}) {
            std::string name = std::string(base) + "/delvegate-test-XXXXXX";
            if (!::mkdtemp(name.data())) continue;
            root = name;
            break;
        }
        if (root.empty()) {
            if (std::getenv("CI")) FAIL() << "CI must run as root, who has directories of its own";
            GTEST_SKIP() << "only root has a place that nobody else can write";
        }
        file = root + "/launcher.yaml";
        std::ofstream(file) << "components: {}\n";
    }
    void TearDown() override {
        std::error_code ec;
        if (!root.empty()) std::filesystem::remove_all(root, ec);
    }
    void refused(const std::string& path, const std::string& why) {
        const auto out = read_root_file(path, 100);
        ASSERT_FALSE(out) << path;
        EXPECT_NE(out.error().find(why), std::string::npos) << out.error();
        EXPECT_EQ(out.error().find('\n'), std::string::npos);
    }
    std::string root, file;
};

TEST_F(root_file, IsReadWhole) {
    const auto out = read_root_file(file, 100);
    ASSERT_TRUE(out) << out.error();
    EXPECT_EQ(*out, "components: {}\n");
    EXPECT_TRUE(read_root_file(root + "//launcher.yaml", 15));
    EXPECT_TRUE(open_root_directory(root));
    EXPECT_TRUE(open_root_directory(root + "/"));
}

TEST_F(root_file, OfOthersOrWritableByOthersIsRefused) {
    ASSERT_EQ(::chmod(file.c_str(), 0620), 0);
    refused(file, "chmod go-w " + file);
    ASSERT_EQ(::chmod(file.c_str(), 0602), 0);
    refused(file, "chmod go-w " + file);
    ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
    ASSERT_EQ(::chown(file.c_str(), 1234, 0), 0);
    refused(file, "chown 0 " + file);
    ASSERT_EQ(::chown(file.c_str(), 0, 1234), 0);
    EXPECT_TRUE(read_root_file(file, 100));
}

TEST_F(root_file, DirectoriesOnTheWayAreChecked) {
    ASSERT_EQ(::mkdir((root + "/a").c_str(), 0755), 0);
    ASSERT_EQ(::rename(file.c_str(), (root + "/a/f").c_str()), 0);
    ASSERT_TRUE(read_root_file(root + "/a/f", 100));
    for (const mode_t mode : {0775, 0757}) {
        ASSERT_EQ(::chmod(root.c_str(), mode), 0);
        refused(root + "/a/f", "chmod go-w " + root);
        EXPECT_FALSE(open_root_directory(root + "/a"));
    }
    // As /tmp has it, which must not be taken from everybody.
    for (const mode_t mode : {01777, 01775, 03775}) {
        ASSERT_EQ(::chmod(root.c_str(), mode), 0);
        refused(root + "/a/f", "move it to a directory of root's, such as /etc/delvegate");
        EXPECT_EQ(read_root_file(root + "/a/f", 100).error().find("chmod"), std::string::npos);
        EXPECT_FALSE(open_root_directory(root + "/a"));
    }
    ASSERT_EQ(::chmod(root.c_str(), 0755), 0);
    ASSERT_EQ(::chown((root + "/a").c_str(), 1234, 0), 0);
    refused(root + "/a/f", "chown 0 " + root + "/a");
}

TEST_F(root_file, NoLinkIsFollowedAnywhere) {
    ASSERT_EQ(::symlink(file.c_str(), (root + "/link").c_str()), 0);
    refused(root + "/link", "symbolic link");
    ASSERT_EQ(::mkdir((root + "/a").c_str(), 0755), 0);
    std::ofstream(root + "/a/f") << "x";
    ASSERT_EQ(::symlink("a", (root + "/b").c_str()), 0);
    refused(root + "/b/f", root + "/b is a symbolic link");
    refused(root + "/a/../launcher.yaml", "\"..\"");
    refused(root + "/./launcher.yaml", "\".\"");
    EXPECT_FALSE(open_root_directory(root + "/b"));
}

TEST_F(root_file, WhatIsNoFileIsRefused) {
    refused(root, "not a regular file");
    refused(root + "/none", "is not there");
    refused(file + "/x", "is not a directory");
    refused("launcher.yaml", "not an absolute path");
    refused("", "not an absolute path");
    refused("/", "is a directory");
    ASSERT_EQ(::mkfifo((root + "/pipe").c_str(), 0600), 0);
    refused(root + "/pipe", "not a regular file");
    std::ofstream(file) << std::string(101, 'x');
    refused(file, "larger than 100");
}

}  // namespace
}  // namespace storage
