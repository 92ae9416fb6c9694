#include "launcher/readiness.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

using answer = announcement::answer;

TEST(announcement, is_accepted_on_our_socket) {
    const auto found =
        find_announcement("API server listening at: /run/x/dlv.sock\n", "/run/x/dlv.sock");
    EXPECT_EQ(found.verdict, answer::accepted);
    EXPECT_EQ(found.address, "/run/x/dlv.sock");
}

TEST(announcement, is_accepted_on_loopback) {
    const auto found = find_announcement("API server listening at: 127.0.0.1:42045\nmore", "");
    EXPECT_EQ(found.verdict, answer::accepted);
    EXPECT_EQ(found.address, "127.0.0.1:42045");
}

TEST(announcement, is_accepted_on_the_other_loopback) {
    const auto found = find_announcement("API server listening at: [::1]:42045\n", "");
    EXPECT_EQ(found.verdict, answer::accepted);
    EXPECT_EQ(found.address, "[::1]:42045");
}

TEST(announcement, is_not_believed_before_its_line_is_whole) {
    const std::string line = "API server listening at: 127.0.0.1:42045\n";
    for (std::size_t length = 0; length < line.size(); ++length)
        EXPECT_EQ(find_announcement(line.substr(0, length), "").verdict, answer::none_yet)
            << length;
}

TEST(announcement, is_found_behind_dlvs_complaints) {
    const auto found = find_announcement(
        "2026-11-23T07:31:20Z error layer=debugger could not create config directory: mkdir "
        "/root/.config: permission denied\n"
        "API server listening at: 127.0.0.1:1\n",
        "");
    EXPECT_EQ(found.verdict, answer::accepted);
}

TEST(announcement, counts_the_first_time_only) {
    const auto found = find_announcement(
        "API server listening at: 127.0.0.1:1\nAPI server listening at: 127.0.0.1:2\n", "");
    EXPECT_EQ(found.address, "127.0.0.1:1");
}

TEST(announcement, must_begin_its_line) {
    EXPECT_EQ(find_announcement("x API server listening at: 127.0.0.1:1\n", "").verdict,
              answer::none_yet);
    EXPECT_EQ(find_announcement("DAP server listening at: 127.0.0.1:1\n", "").verdict,
              answer::none_yet);
}

TEST(announcement, elsewhere_is_told_apart) {
    for (const char* address : {"[::]:2345", "0.0.0.0:2345", "10.0.0.1:2345", "127.0.0.1:0",
                                "127.0.0.1:", "127.0.0.1:80x", "127.0.0.1:99999", "[::1]:",
                                "[::1]:0", "[::2]:1", "/run/x"})
        EXPECT_EQ(find_announcement("API server listening at: " + std::string(address) + "\n", "")
                      .verdict,
                  answer::elsewhere)
            << address;
    EXPECT_EQ(find_announcement("API server listening at: /run/y\n", "/run/x").verdict,
              answer::elsewhere);
    EXPECT_EQ(find_announcement("API server listening at: 127.0.0.1:1\n", "/run/x").verdict,
              answer::elsewhere);
}

TEST(announcement, with_the_remote_warning_is_refused) {
    const auto found = find_announcement(
        "API server listening at: 127.0.0.1:2345\n"
        "2026-11-23T07:31:20Z warning layer=rpc Listening for remote connections (connections are "
        "not authenticated nor encrypted)\n",
        "");
    EXPECT_EQ(found.verdict, answer::elsewhere);
}

}  // namespace
}  // namespace launcher
