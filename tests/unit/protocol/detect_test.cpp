#include "protocol/detect.h"

#include <gtest/gtest.h>

namespace {

using protocol::detect;
using protocol::dialect;

TEST(detect, knows_every_first_byte) {
    for (int c = 0; c < 256; ++c) {
        const char byte = static_cast<char>(c);
        std::size_t skip = 99;
        const auto found = detect({&byte, 1}, skip);
        if (byte == 'C' || byte == '{') {
            ASSERT_TRUE(found && *found) << c;
            EXPECT_EQ(**found, byte == 'C' ? dialect::dap : dialect::rpc);
            EXPECT_EQ(skip, 0u);
        } else if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n') {
            ASSERT_TRUE(found) << c;
            EXPECT_FALSE(*found);
            EXPECT_EQ(skip, 1u);
        } else {
            ASSERT_FALSE(found) << c;
            EXPECT_EQ(found.error(), protocol::errc::unknown_protocol);
        }
    }
}

TEST(detect, skips_white_space_before_a_request) {
    std::size_t skip = 0;
    const auto found = detect(" \r\n\t{\"method\"", skip);
    ASSERT_TRUE(found && *found);
    EXPECT_EQ(**found, dialect::rpc);
    EXPECT_EQ(skip, 4u);
}

TEST(detect, asks_again_when_there_is_nothing_yet) {
    std::size_t skip = 99;
    const auto found = detect("", skip);
    ASSERT_TRUE(found);
    EXPECT_FALSE(*found);
    EXPECT_EQ(skip, 0u);
}

TEST(detect, takes_no_dap_after_white_space) {
    std::size_t skip = 0;
    EXPECT_EQ(detect(" Content-Length: 5", skip).error(), protocol::errc::unknown_protocol);
}

}  // namespace
