#include "gateway/output_ring.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

using lines = std::vector<std::string>;

TEST(output_ring, has_the_last_lines) {
    output_ring ring(1000);
    EXPECT_EQ(ring.last(5), lines{});
    ring.add("one\ntwo\r\nthr");
    ring.add("ee\nfo");
    EXPECT_EQ(ring.last(5), (lines{"one", "two", "three", "fo"}));
    EXPECT_EQ(ring.last(2), (lines{"three", "fo"}));
    EXPECT_EQ(ring.last(0), lines{});
    ring.add("ur\n");
    EXPECT_EQ(ring.last(1), lines{"four"});
    ring.add("\n");
    EXPECT_EQ(ring.last(2), (lines{"four", ""}));
}

TEST(output_ring, tells_what_was_printed_before) {
    output_ring ring(1000);
    ring.add("before\n");
    const auto then = ring.total();
    ring.add("after\n");
    EXPECT_EQ(ring.last(9, then), lines{"before"});
    EXPECT_EQ(ring.last(9, 0), lines{});
    EXPECT_EQ(ring.last(9), (lines{"before", "after"}));
}

TEST(output_ring, is_bounded_and_begins_with_a_line) {
    output_ring ring(16);
    ring.add("a first line\nsecond\n");
    EXPECT_EQ(ring.last(9), lines{"second"});
    EXPECT_EQ(ring.total(), 20u);
    ring.add("third\n");
    EXPECT_EQ(ring.last(9), (lines{"second", "third"}));
    // Exactly at a line's end nothing is cut.
    output_ring exact(4);
    exact.add("one\ntwo\n");
    EXPECT_EQ(exact.last(9), lines{"two"});
    // One line longer than all that is kept: its end.
    output_ring narrow(4);
    narrow.add("0123456789");
    EXPECT_EQ(narrow.last(9), lines{"6789"});
    const auto before = ring.total() - 16;
    EXPECT_EQ(ring.last(9, before), lines{});
}

TEST(output_ring, keeps_no_piece_of_a_character) {
    output_ring ring(4);
    ring.add("ä€");  // two and three bytes
    EXPECT_EQ(ring.last(1), lines{"€"});
}

TEST(output_ring, may_keep_nothing) {
    output_ring ring(0);
    ring.add("text\n");
    EXPECT_EQ(ring.last(1), lines{});
    EXPECT_EQ(ring.total(), 5u);
}

TEST(output_ring, forgets_for_a_new_process) {
    output_ring ring(100);
    ring.add("old\n");
    ring.clear();
    EXPECT_EQ(ring.last(9), lines{});
    ring.add("new\n");
    EXPECT_EQ(ring.last(9), lines{"new"});
}

}  // namespace
}  // namespace gateway
