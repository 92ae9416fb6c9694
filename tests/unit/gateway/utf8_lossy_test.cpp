#include "gateway/utf8_lossy.h"

#include <gtest/gtest.h>

#include <vector>

#include "protocol/json.h"

namespace gateway {
namespace {

const std::string wrong = "\xEF\xBF\xBD";  // U+FFFD

std::string at_once(std::string_view bytes, std::string& tail) {
    tail.clear();
    return utf8_lossy(bytes, tail);
}

TEST(utf8_lossy, passes_text_of_every_length_of_character) {
    std::string tail;
    // One, two, three and four bytes, and the first and last of each length.
    const std::string text =
        "Az\x7F"
        "\xC2\x80\xC3\xBC\xDF\xBF"
        "\xE0\xA0\x80\xE2\x82\xAC\xEF\xBF\xBF"
        "\xF0\x90\x80\x80\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF";
    EXPECT_EQ(at_once(text, tail), text);
    EXPECT_EQ(tail, "");
    const std::string nul("a\0b", 3);
    EXPECT_EQ(at_once(nul, tail), nul);
}

TEST(utf8_lossy, replaces_each_byte_that_belongs_to_no_character) {
    std::string tail;
    EXPECT_EQ(at_once("a\x80z", tail), "a" + wrong + "z");                        // a continuation alone
    EXPECT_EQ(at_once("a\xFF\xFEz", tail), "a" + wrong + wrong + "z");            // never in UTF-8
    EXPECT_EQ(at_once("a\xC0\xAFz", tail), "a" + wrong + wrong + "z");            // too long a form of '/'
    EXPECT_EQ(at_once("a\xE0\x80\xAFz", tail), "a" + wrong + wrong + wrong + "z");
    EXPECT_EQ(at_once("a\xED\xA0\x80z", tail), "a" + wrong + wrong + wrong + "z");  // half a surrogate pair
    EXPECT_EQ(at_once("a\xF4\x90\x80\x80z", tail), "a" + wrong + wrong + wrong + wrong + "z");  // past U+10FFFF
    EXPECT_EQ(at_once("a\xF5z", tail), "a" + wrong + "z");
    EXPECT_EQ(tail, "");
}

TEST(utf8_lossy, a_broken_character_does_not_swallow_what_follows) {
    std::string tail;
    EXPECT_EQ(at_once("\xE2\x82(", tail), wrong + wrong + "(");
    EXPECT_EQ(at_once("\xE2\xC3\xBC", tail), wrong + "\xC3\xBC");
    EXPECT_EQ(at_once("\xF0\x9F\n", tail), wrong + wrong + "\n");
    EXPECT_EQ(tail, "");
}

TEST(utf8_lossy, keeps_a_cut_character_for_the_next_call) {
    const std::string face = "\xF0\x9F\x98\x80";
    for (std::size_t cut = 1; cut < face.size(); ++cut) {
        std::string tail;
        EXPECT_EQ(utf8_lossy("x" + face.substr(0, cut), tail), "x");
        EXPECT_EQ(tail, face.substr(0, cut));
        EXPECT_EQ(utf8_lossy(face.substr(cut) + "y", tail), face + "y");
        EXPECT_EQ(tail, "");
    }
}

TEST(utf8_lossy, an_empty_piece_changes_nothing) {
    std::string tail = "\xE2\x82";
    EXPECT_EQ(utf8_lossy("", tail), "");
    EXPECT_EQ(tail, "\xE2\x82");
}

TEST(utf8_lossy, is_the_same_however_the_bytes_are_cut) {
    const std::string bytes =
        "ok \xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80 \x80 \xC3( \xE2\x82( \xF0\x9F\x98( \xED\xA0\x80 "
        "\xE0\x80\xAF \xF4\x90\x80\x80 \xFF\xFE \xC0\xAF end";
    std::string tail;
    const std::string whole = at_once(bytes, tail);
    ASSERT_EQ(tail, "");
    EXPECT_TRUE(protocol::valid_utf8(whole));
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        auto text = at_once(bytes.substr(0, cut), tail);
        EXPECT_TRUE(protocol::valid_utf8(text)) << "cut at " << cut;
        text += utf8_lossy(bytes.substr(cut), tail);
        EXPECT_EQ(text, whole) << "cut at " << cut;
        EXPECT_EQ(tail, "") << "cut at " << cut;
    }
    std::string one_by_one;
    for (const char c : bytes) {
        one_by_one += utf8_lossy({&c, 1}, tail);
        EXPECT_LT(tail.size(), 4u);
    }
    EXPECT_EQ(one_by_one, whole);
}

}  // namespace
}  // namespace gateway
