#include "launcher/listeners.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

const char tcp[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode                                                     \n"
    "   0: 0100007F:0929 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "5001 1 0000000000000000 100 0 0 10 0                      \n"
    "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "5002 1 0000000000000000 100 0 0 10 0                      \n"
    "   2: 0100007F:0929 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 "
    "5003 1 0000000000000000 100 0 0 10 0                      \n";
const char tcp6[] =
    "  sl  local_address                         remote_address                        st tx_queue "
    "rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 00000000000000000000000001000000:0929 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000  1000        0 6001 1 0000000000000000 100 0 0 10 0\n"
    "   1: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000  1000        0 6002 1 0000000000000000 100 0 0 10 0\n"
    "   2: 0000000000000000FFFF00000100007F:1F91 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000  1000        0 6003 1 0000000000000000 100 0 0 10 0\n";

std::vector<std::uint64_t> inodes(const std::vector<listening_socket>& sockets) {
    std::vector<std::uint64_t> result;
    for (const auto& socket : sockets) result.push_back(socket.inode);
    return result;
}

TEST(listeners, are_found_by_address_and_port) {
    const auto found = find_tcp(tcp, tcp6, *parse_address("127.0.0.1:2345"));
    EXPECT_EQ(inodes(found.exact), std::vector<std::uint64_t>{5001})
        << "the established connection is none";
    EXPECT_TRUE(found.wildcard.empty());
    EXPECT_EQ(inodes(find_tcp(tcp, tcp6, *parse_address("[::1]:2345")).exact),
              std::vector<std::uint64_t>{6001});
    EXPECT_EQ(inodes(find_tcp(tcp, tcp6, *parse_address("127.0.0.1:8081")).exact),
              std::vector<std::uint64_t>{6003});
}

TEST(listeners, at_every_address_are_told_apart) {
    for (const char* address : {"127.0.0.1:22", "127.0.0.1:8080", "[::1]:8080"}) {
        const auto found = find_tcp(tcp, tcp6, *parse_address(address));
        EXPECT_TRUE(found.exact.empty()) << address;
        EXPECT_EQ(found.wildcard.size(), 1u) << address;
    }
}

TEST(listeners, of_another_port_or_address_are_not_taken) {
    for (const char* address : {"127.0.0.1:2346", "127.0.0.2:2345", "[::1]:22"}) {
        const auto found = find_tcp(tcp, tcp6, *parse_address(address));
        EXPECT_TRUE(found.exact.empty() && found.wildcard.empty()) << address;
    }
}

TEST(listeners, on_unix_sockets_have_a_path) {
    const auto found = find_unix(
        "Num       RefCount Protocol Flags    Type St Inode Path\n"
        "0000000000000000: 00000002 00000000 00010000 0001 01 7001 /run/a b/dlv.sock\n"
        "0000000000000000: 00000003 00000000 00000000 0001 03 7002 /run/a b/dlv.sock\n"
        "0000000000000000: 00000002 00000000 00010000 0001 01 7003 @abstract\n"
        "0000000000000000: 00000002 00000000 00010000 0001 01 7004 dlv.sock\n"
        "0000000000000000: 00000002 00000000 00000000 0002 01 7005\n");
    EXPECT_EQ(found,
              (std::vector<listening_socket>{{7001, "/run/a b/dlv.sock"}, {7004, "dlv.sock"}}));
}

TEST(listeners, survive_broken_tables) {
    for (const char* table :
         {"", "\n\n", "garbage", "  0: 0100007F:0929", "  0: 0100007F:0929 0 0A 0 0 0 0 0 x\n"}) {
        EXPECT_TRUE(find_tcp(table, table, *parse_address("127.0.0.1:2345")).exact.empty());
        EXPECT_TRUE(find_unix(table).empty());
    }
}

}  // namespace
}  // namespace launcher
