#include "launcher/exposed_dlv.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

constexpr std::string_view tcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:0929 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5001 1 0 100 0 0 10 0\n"
    "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5002 1 0 100 0 0 10 0\n"
    "   2: 0100007F:0929 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 5003 1 0 100 0 0 10 0\n"
    "   3: nonsense\n";
constexpr std::string_view tcp6 =
    "   0: 00000000000000000000000001000000:0929 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 6001 1\n"
    "   1: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 6002 1\n"
    "   2: 0000000000000000FFFF00000100007F:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 6003 1\n";

TEST(exposed_dlv, tables_of_the_kernel) {
    const auto v4 = read_tcp_listeners(tcp);
    ASSERT_EQ(v4.size(), 2u);
    EXPECT_EQ(to_string(v4[0]), "127.0.0.1:2345");
    EXPECT_TRUE(v4[0].loopback);
    EXPECT_EQ(v4[0].inode, 5001u);
    EXPECT_EQ(to_string(v4[1]), "0.0.0.0:22");
    EXPECT_FALSE(v4[1].loopback);
    const auto v6 = read_tcp_listeners(tcp6);
    ASSERT_EQ(v6.size(), 3u);
    EXPECT_EQ(to_string(v6[0]), "[::1]:2345");
    EXPECT_TRUE(v6[0].loopback);
    EXPECT_EQ(to_string(v6[1]), "[::]:8080");
    EXPECT_FALSE(v6[1].loopback);
    EXPECT_TRUE(v6[2].loopback);
}

TEST(exposed_dlv, what_is_a_headless_dlv) {
    const auto judged = [](const std::string& executable, const std::vector<std::string>& argv, own_word said = own_word::unknown) {
        return is_headless_dlv(executable, argv, said);
    };
    EXPECT_TRUE(judged("/usr/bin/dlv", {"dlv", "exec", "--headless", "./p"}));
    EXPECT_TRUE(judged("/usr/bin/dlv", {"dlv", "dap", "-l", ":2345"}));
    EXPECT_FALSE(judged("/usr/bin/dlv", {"dlv", "debug"}));
    EXPECT_FALSE(judged("/usr/bin/dlv", {"dlv", "exec", "./p", "--", "--headless"}));
    EXPECT_TRUE(judged("/opt/debugger", {"debugger", "attach", "1", "--headless"}));
    EXPECT_TRUE(judged("", {"/home/me/go/bin/dlv", "exec", "--headless=true", "./p"}));
    EXPECT_FALSE(judged("/usr/bin/chromium", {"chromium", "--headless", "--remote-debugging-port=9222"}));
    EXPECT_FALSE(judged("/usr/bin/chromium", {"chromium", "--headless=1", "--remote-debugging-port=9222"}));
    EXPECT_FALSE(judged("", {}));
    // As strconv.ParseBool has it, the last one counts.
    for (const std::string yes : {"1", "t", "T", "true", "TRUE", "True"})
        EXPECT_TRUE(judged("/usr/bin/dlv", {"dlv", "exec", "--headless=" + yes, "./p"})) << yes;
    for (const std::string no : {"0", "f", "F", "false", "FALSE", "False", "yes", "tRUE", ""})
        EXPECT_FALSE(judged("/usr/bin/dlv", {"dlv", "exec", "--headless=" + no, "./p"})) << no;
    EXPECT_FALSE(judged("/usr/bin/dlv", {"dlv", "exec", "--headless", "--headless=false", "./p"}));
    // With whatever name, by its own word; and where there is none.
    EXPECT_TRUE(judged("/opt/delve", {"delve", "dap", "--listen=0.0.0.0:1"}, own_word::dlv));
    EXPECT_TRUE(judged("/opt/delve", {"delve", "dap"}, own_word::dlv));
    EXPECT_FALSE(judged("/opt/delve", {"delve", "version"}, own_word::dlv));
    EXPECT_TRUE(judged("", {"delve", "dap", "--listen=0.0.0.0:1"}));
    EXPECT_FALSE(judged("/opt/delve", {"delve", "dap", "--listen=0.0.0.0:1"}, own_word::another));
    EXPECT_FALSE(judged("", {"delve", "dap"}));
}

TEST(exposed_dlv, where_its_words_say_that_it_listens) {
    EXPECT_EQ(exposed_by_words({"dlv", "exec", "--listen=:2345", "./p"}), ":2345");
    EXPECT_EQ(exposed_by_words({"dlv", "exec", "-l", "0.0.0.0:1", "./p"}), "0.0.0.0:1");
    EXPECT_EQ(exposed_by_words({"dlv", "exec", "-l:7", "./p"}), ":7");
    EXPECT_EQ(exposed_by_words({"dlv", "exec", "-l=:7", "./p"}), ":7");
    EXPECT_EQ(exposed_by_words({"dlv", "exec", "--listen", "127.0.0.1:0", "./p"}), "");
    EXPECT_EQ(exposed_by_words({"dlv", "exec", "--listen", "[::1]:0", "./p"}), "");
    EXPECT_EQ(exposed_by_words({"dlv", "exec", "--listen=unix:/tmp/x"}), "");
    EXPECT_EQ(exposed_by_words({"dlv", "exec", "./p", "--", "--listen=:1"}), "");
    EXPECT_EQ(exposed_by_words({"dlv", "exec", "./p"}), "");
}

}  // namespace
}  // namespace launcher
