#include "launcher/loopback.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

TEST(loopback, is_the_usual_one_where_few_sockets_are_open) {
    EXPECT_EQ(quieter_loopback(0, 0), "127.0.0.1");
    EXPECT_EQ(quieter_loopback(4000, 1), "127.0.0.1");
}

TEST(loopback, is_the_other_one_before_the_table_is_longer_than_an_old_dlv_reads) {
    EXPECT_EQ(quieter_loopback(last_line_old_dlv_reads, 100), "[::1]");
    EXPECT_EQ(quieter_loopback(100'000, 20'000), "[::1]");
}

TEST(loopback, is_the_usual_one_where_the_other_is_no_better) {
    EXPECT_EQ(quieter_loopback(20'000, 20'000), "127.0.0.1");
    EXPECT_EQ(quieter_loopback(20'000, 100'000), "127.0.0.1");
}

}  // namespace
}  // namespace launcher
