#include <gtest/gtest.h>

#include "protocol/rpc.h"
#include "tests/support/pieces.h"

namespace {

using protocol::errc;
using protocol::error_code;
using protocol::value_splitter;

using texts = std::vector<std::string>;

TEST(value_splitter, survives_every_cut) {
    const std::string wire = R"( {"a":"}{\"\\"}{}{"b":[{"c":"\\\\"},"]"]})"
                             "\n\t"
                             R"({"d":"\\\"","e":{}})";
    const support::decoded expected{
        {R"({"a":"}{\"\\"})", "{}", R"({"b":[{"c":"\\\\"},"]"]})", R"({"d":"\\\"","e":{}})"}, {}};
    EXPECT_EQ(support::decode(value_splitter(100), support::whole(wire)), expected);
    for (std::size_t size = 1; size < wire.size(); ++size)
        EXPECT_EQ(support::decode(value_splitter(100), support::chunks(wire, size)), expected)
            << size;
    for (std::size_t at = 0; at <= wire.size(); ++at)
        EXPECT_EQ(support::decode(value_splitter(100), support::cut(wire, at)), expected) << at;
}

TEST(value_splitter, finds_quotes_and_escapes_at_every_alignment) {
    for (std::size_t before = 0; before < 24; ++before)
        for (std::size_t slashes = 0; slashes < 6; ++slashes) {
            const auto value = "{\"" + std::string(before, 'x') + std::string(2 * slashes, '\\') +
                               "\\\"}" + std::string(before, 'y') + "\"}";
            const auto got = support::decode(value_splitter(1000), support::whole(value + value));
            EXPECT_EQ(got.messages, (texts{value, value}));
        }
}

TEST(value_splitter, hands_out_what_came_before_an_error) {
    const auto got = support::decode(value_splitter(100), support::whole("{}{\"a\":1}]"));
    EXPECT_EQ(got.messages, (texts{"{}", "{\"a\":1}"}));
    EXPECT_EQ(got.error, errc::not_an_object);
}

TEST(value_splitter, stays_failed) {
    value_splitter splitter(100);
    error_code ec;
    splitter.feed("x");
    EXPECT_FALSE(splitter.next(ec));
    EXPECT_EQ(ec, errc::not_an_object);
    splitter.feed("{}");
    ec.clear();
    EXPECT_FALSE(splitter.next(ec));
    EXPECT_EQ(ec, errc::not_an_object);
}

TEST(value_splitter, enforces_its_limit_to_the_byte_at_every_cut) {
    const std::string fits = "{\"a\":\"0123456789\"}";
    const std::string wire = fits + fits;
    for (std::size_t at = 0; at <= wire.size(); ++at) {
        const auto good = support::decode(value_splitter(fits.size()), support::cut(wire, at));
        EXPECT_EQ(good, (support::decoded{{fits, fits}, {}})) << at;
        const auto bad = support::decode(value_splitter(fits.size() - 1), support::cut(wire, at));
        EXPECT_EQ(bad, (support::decoded{{}, errc::message_too_large})) << at;
    }
}

TEST(value_splitter, does_not_wait_for_the_end_of_a_value_that_is_too_large) {
    value_splitter splitter(8);
    error_code ec;
    splitter.feed("{\"aaaaa");
    EXPECT_FALSE(splitter.next(ec));
    EXPECT_FALSE(ec);
    splitter.feed("a");
    EXPECT_FALSE(splitter.next(ec));
    EXPECT_EQ(ec, errc::message_too_large);
}

TEST(value_splitter, keeps_no_white_space) {
    value_splitter splitter(8);
    error_code ec;
    for (int i = 0; i < 1000; ++i) {
        splitter.feed(std::string(1000, ' '));
        EXPECT_FALSE(splitter.next(ec));
        EXPECT_EQ(splitter.buffered(), 0u);
    }
    EXPECT_FALSE(ec);
}

TEST(value_splitter, takes_32_mib_in_small_pieces) {
    std::string wire = "{\"a\":\"" + std::string(16 << 20, 'x');
    for (int i = 0; i < 8 << 20; ++i) wire += "\\n";
    wire += "\"}";
    for (const std::size_t size : {std::size_t{1000}, wire.size()}) {
        const auto got = support::decode(value_splitter(64 << 20), support::chunks(wire, size));
        ASSERT_EQ(got.messages.size(), 1u);
        EXPECT_TRUE(got.messages[0] == wire);
    }
}

TEST(value_splitter, takes_a_million_small_values_in_one_piece) {
    std::string wire;
    for (int i = 0; i < 1'000'000; ++i) wire += "{}";
    EXPECT_EQ(support::decode(value_splitter(16), support::whole(wire)).messages.size(),
              1'000'000u);
    EXPECT_EQ(support::decode(value_splitter(16), support::chunks(wire, 4095)).messages.size(),
              1'000'000u);
}

}  // namespace
