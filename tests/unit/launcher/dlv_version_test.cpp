#include "launcher/dlv_version.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

TEST(dlv_version, is_read_from_dlvs_words) {
    const auto version = parse_version(
        "Delve Debugger\nVersion: 1.20.2\nBuild: $Id: e0c278ad8e0126a312b553b8e171e81bcbd37f60 "
        "$\n");
    ASSERT_TRUE(version);
    EXPECT_EQ(*version, (dlv_version{1, 20, 2}));
    EXPECT_EQ(to_string(*version), "1.20.2");
}

TEST(dlv_version, may_lack_a_patch_level_and_have_a_suffix) {
    EXPECT_EQ(*parse_version("Version: 1.22\n"), (dlv_version{1, 22, 0}));
    EXPECT_EQ(*parse_version("Version: 1.27.1-dev\n"), (dlv_version{1, 27, 1}));
}

TEST(dlv_version, is_not_guessed) {
    for (const char* text : {"", "GNU bash, version 5.2.15", "Version: next", "Version: 1",
                             "version: 1.2.3", "Version: 99999999999999.1.1"})
        EXPECT_FALSE(parse_version(text)) << text;
}

TEST(dlv_version, orders_by_number) {
    EXPECT_LT((dlv_version{1, 9, 9}), (dlv_version{1, 20, 0}));
    EXPECT_LT((dlv_version{1, 22, 0}), first_with_unix_sockets);
    EXPECT_GE((dlv_version{1, 27, 1}), first_with_unix_sockets);
}

TEST(find_dlv, says_where_it_looked_and_what_to_install) {
    const auto path = find_dlv("no-such-debugger");
    ASSERT_FALSE(path);
    EXPECT_NE(path.error().find("not found in PATH"), std::string::npos) << path.error();
    EXPECT_NE(path.error().find("go install"), std::string::npos);
    const auto absolute = find_dlv("/nonexistent/dlv");
    ASSERT_FALSE(absolute);
    EXPECT_NE(absolute.error().find("no dlv at /nonexistent/dlv"), std::string::npos);
    EXPECT_FALSE(find_dlv(""));
    EXPECT_FALSE(find_dlv("/etc/passwd"));
}

TEST(find_dlv, looks_a_name_up_in_path) {
    const auto path = find_dlv("sh");
    ASSERT_TRUE(path);
    EXPECT_EQ(path->front(), '/');
}

TEST(version_of, tells_that_a_program_is_not_dlv) {
    const auto version = version_of("/bin/true");
    ASSERT_FALSE(version);
    EXPECT_NE(version.error().find("does not seem to be dlv"), std::string::npos)
        << version.error();
}

}  // namespace
}  // namespace launcher
