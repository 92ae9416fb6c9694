#include <gtest/gtest.h>

#include "launcher/dlv_address.h"

namespace launcher {
namespace {

TEST(dlv_address, reads_what_it_prints) {
    for (const char* text :
         {"127.0.0.1:2345", "[::1]:65535", "unix:/run/delvegate/dlv.sock", "127.1.2.3:1"}) {
        const auto address = parse_address(text);
        ASSERT_TRUE(address) << text << ": " << address.error();
        EXPECT_EQ(to_string(*address), text);
    }
}

TEST(dlv_address, takes_localhost_for_the_ipv4_loopback) {
    const auto address = parse_address("localhost:2345");
    ASSERT_TRUE(address);
    EXPECT_EQ(to_string(*address), "127.0.0.1:2345");
}

TEST(dlv_address, refuses_what_others_could_reach) {
    for (const char* text : {"0.0.0.0:2345", "[::]:2345", "10.0.0.1:2345", "128.0.0.1:1",
                             "node1:2345", "[fe80::1]:2345"}) {
        const auto address = parse_address(text);
        ASSERT_FALSE(address) << text;
        EXPECT_NE(address.error().find("not a loopback address"), std::string::npos)
            << address.error();
    }
}

TEST(dlv_address, refuses_what_is_no_address) {
    for (const char* text :
         {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:12x",
          "127.0.0.1: 12", "127.0.0.1:-1", "::1:2345", "unix:", "unix:relative.sock", "unix"})
        EXPECT_FALSE(parse_address(text)) << text;
}

TEST(dlv_address, keeps_a_socket_path_within_the_kernels_limit) {
    const auto path_of = [](std::size_t length) { return "unix:/" + std::string(length - 1, 'x'); };
    EXPECT_TRUE(parse_address(path_of(max_socket_path)));
    const auto address = parse_address(path_of(max_socket_path + 1));
    ASSERT_FALSE(address);
    EXPECT_NE(address.error().find("longer than the 107 bytes"), std::string::npos);
}

TEST(dlv_address, refuses_nul_in_a_path) {
    EXPECT_FALSE(parse_address(std::string_view("unix:/a\0b", 9)));
}

}  // namespace
}  // namespace launcher
