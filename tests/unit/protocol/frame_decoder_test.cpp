#include <gtest/gtest.h>

#include <cctype>

#include "protocol/dap.h"
#include "tests/support/pieces.h"

namespace {

using protocol::errc;
using protocol::error_code;
using protocol::frame;
using protocol::frame_decoder;
using protocol::read_frame_head;

TEST(frame_decoder, survives_every_cut) {
    const std::string wire = frame("{}") + "Content-Type: x\r\ncontent-length:  3 \r\n\r\n[1]" +
                             frame("Content-Length: 5\r\n\r\n") + frame(std::string(1, '\0'));
    const support::decoded expected{
        {"{}", "[1]", "Content-Length: 5\r\n\r\n", std::string(1, '\0')}, {}};
    EXPECT_EQ(support::decode(frame_decoder(100), support::whole(wire)), expected);
    for (std::size_t size = 1; size < wire.size(); ++size)
        EXPECT_EQ(support::decode(frame_decoder(100), support::chunks(wire, size)), expected)
            << size;
    for (std::size_t at = 0; at <= wire.size(); ++at)
        EXPECT_EQ(support::decode(frame_decoder(100), support::cut(wire, at)), expected) << at;
}

TEST(frame_decoder, enforces_its_limit_to_the_byte) {
    const auto wire = frame(std::string(10, 'x'));
    EXPECT_EQ(support::decode(frame_decoder(10), support::whole(wire)).messages.size(), 1u);
    EXPECT_EQ(support::decode(frame_decoder(9), support::whole(wire)).error,
              errc::message_too_large);
}

TEST(frame_decoder, judges_each_line_as_it_comes) {
    frame_decoder decoder(100);
    error_code ec;
    decoder.feed("Content-Length: 5\n");
    EXPECT_FALSE(decoder.next(ec));
    EXPECT_EQ(ec, errc::malformed_header);
}

TEST(frame_decoder, stays_failed) {
    frame_decoder decoder(100);
    error_code ec;
    decoder.feed("Content-Length: 05\r\n");
    EXPECT_FALSE(decoder.next(ec));
    EXPECT_EQ(ec, errc::bad_content_length);
    decoder.feed("\r\n" + frame("{}"));
    ec.clear();
    EXPECT_FALSE(decoder.next(ec));
    EXPECT_EQ(ec, errc::bad_content_length);
}

TEST(frame_decoder, refuses_every_wrong_byte_in_a_header_line) {
    for (int c = 0; c < 256; ++c) {
        const char byte = static_cast<char>(c);
        const auto wire = std::string("Con") + byte + "tent: x\r\n" + frame("{}");
        const bool fine = std::isalnum(c) ||
                          std::string_view("!#$%&'*+-.^_`|~:").find(byte) != std::string_view::npos;
        const auto got = support::decode(frame_decoder(10), support::whole(wire));
        EXPECT_EQ(got.messages.size(), fine ? 1u : 0u) << c;
        EXPECT_EQ(got.error, fine ? error_code() : errc::malformed_header) << c;
    }
}

TEST(frame_decoder, takes_32_mib_in_small_pieces) {
    const std::string body(32 << 20, 'x');
    const auto got = support::decode(frame_decoder(64 << 20), support::chunks(frame(body), 1000));
    ASSERT_EQ(got.messages.size(), 1u);
    EXPECT_TRUE(got.messages[0] == body);
}

TEST(frame_decoder, takes_many_small_frames_in_one_piece) {
    std::string wire;
    for (int i = 0; i < 300'000; ++i) wire += frame("{}");
    EXPECT_EQ(support::decode(frame_decoder(16), support::whole(wire)).messages.size(), 300'000u);
    EXPECT_EQ(support::decode(frame_decoder(16), support::chunks(wire, 4095)).messages.size(),
              300'000u);
}

TEST(frame_head, reads_what_dlv_writes_at_every_cut) {
    const std::string wire = "Content-Length: 17000000000\r\n\r\n{\"seq\":0,";
    for (std::size_t size = 0; size <= wire.size(); ++size) {
        const auto head = read_frame_head(std::string_view(wire).substr(0, size));
        ASSERT_TRUE(head) << size;
        ASSERT_EQ(head->has_value(), size >= 31) << size;
        if (!*head) continue;
        EXPECT_EQ((*head)->header, 31u);
        EXPECT_EQ((*head)->body, 17'000'000'000u);
    }
}

TEST(frame_head, refuses_what_is_no_header) {
    EXPECT_EQ(read_frame_head("{\"seq\":0}\r\n\r\n").error(), errc::malformed_header);
    EXPECT_EQ(read_frame_head("Content-Length: 0\r\n\r\n").error(), errc::bad_content_length);
    EXPECT_EQ(read_frame_head("Content-Length: 18446744073709551616\r\n\r\n").error(),
              errc::message_too_large);
    EXPECT_EQ(read_frame_head(std::string(4096, 'a')).error(), errc::header_too_large);
    EXPECT_FALSE(*read_frame_head(std::string(4095, 'a')));
}

}  // namespace
