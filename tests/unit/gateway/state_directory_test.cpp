#include "gateway/state_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/unit/gateway/loop.h"

namespace gateway {
namespace {

mode_t mode_of(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

TEST(private_directory, is_made_for_its_owner_alone) {
    temporary_directory top;
    const std::string path = top.path() + "/a/b/c";
    const mode_t before = ::umask(0);
    EXPECT_TRUE(private_directory(path));
    ::umask(before);
    EXPECT_EQ(mode_of(path), 0700u);
    EXPECT_EQ(mode_of(top.path() + "/a/b"), 0755u);
    EXPECT_TRUE(private_directory(path));
}

TEST(private_directory, that_was_there_keeps_its_mode) {
    temporary_directory top;
    const std::string path = top.path() + "/there";
    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
    for (const mode_t open : {0755u, 0711u, 0750u, 0704u}) {
        ::chmod(path.c_str(), open);
        const auto made = private_directory(path);
        ASSERT_FALSE(made) << open;
        EXPECT_NE(made.error().find("run: chmod go= " + path), std::string::npos) << made.error();
        EXPECT_EQ(mode_of(path), open);
    }
    ::chmod(path.c_str(), 0500);
    EXPECT_TRUE(private_directory(path));
    EXPECT_EQ(mode_of(path), 0500u);
    // What everybody has is not closed by anybody's advice.
    ::chmod(path.c_str(), 01777);
    const auto made = private_directory(path);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().find("chmod"), std::string::npos) << made.error();
}

TEST(own_directory, that_was_there_keeps_its_mode) {
    temporary_directory top;
    const std::string path = top.path() + "/there";
    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
    for (const mode_t fit : {0700u, 0711u, 0755u}) {
        ::chmod(path.c_str(), fit);
        EXPECT_TRUE(own_directory(path)) << fit;
        EXPECT_EQ(own_directory(path, 0711).has_value(), fit != 0700) << fit;
        EXPECT_EQ(mode_of(path), fit);
    }
    for (const mode_t shared : {0775u, 0757u, 01777u}) {
        ::chmod(path.c_str(), shared);
        const auto made = own_directory(path);
        ASSERT_FALSE(made) << shared;
        EXPECT_EQ(made.error().find("run: chmod go-w " + path) != std::string::npos, shared != 01777) << made.error();
        EXPECT_EQ(mode_of(path), shared);
    }
    EXPECT_TRUE(own_directory(top.path() + "/fresh/one", 0711));
    EXPECT_EQ(mode_of(top.path() + "/fresh/one"), 0711u);
}

TEST(private_directory, must_be_a_directory) {
    temporary_directory top;
    std::ofstream(top.path() + "/file") << "x";
    const auto made = private_directory(top.path() + "/file");
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().find("not a directory"), std::string::npos) << made.error();
}

TEST(state_lock, refuses_a_second_gateway_and_names_the_first) {
    temporary_directory top;
    {
        const auto first = state_lock::take(top.path());
        ASSERT_TRUE(first) << first.error();
        const auto second = state_lock::take(top.path());
        ASSERT_FALSE(second);
        EXPECT_NE(second.error().find(std::to_string(::getpid())), std::string::npos) << second.error();
    }
    EXPECT_TRUE(state_lock::take(top.path()));
}

}  // namespace
}  // namespace gateway
