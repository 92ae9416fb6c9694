#include "protocol/link.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/pieces.h"

namespace {

using namespace protocol;

std::string one_of_each() {
    std::string wire;
    append_control(wire, frame_type::hello, 0, json::object{{"version", 1}});
    append_control(wire, frame_type::open, 1, json::object{{"component", "api"}});
    append_control(wire, frame_type::verdict, 1, json::object{{"ok", true}});
    append_data(wire, 1, 0, "Content-Length: 5\r\n\r\n");
    append_offset(wire, frame_type::ack, 1, 21);
    append_offset(wire, frame_type::end, 0xFFFFFFFF, std::numeric_limits<std::uint64_t>::max());
    append_frame(wire, frame_type::ping, 0, std::string_view("\0\1\2\3\4\5\6\7", 8));
    append_control(wire, frame_type::goaway, 0, json::object{{"reason", "drain"}, {"seconds", 5}});
    return wire;
}

TEST(link_decoder, survives_every_cut) {
    const auto wire = one_of_each();
    const auto expected = support::decode(link_decoder(), support::whole(wire));
    EXPECT_EQ(expected.messages.size(), 8u);
    EXPECT_FALSE(expected.error);
    for (std::size_t size = 1; size < wire.size(); ++size)
        EXPECT_EQ(support::decode(link_decoder(), support::chunks(wire, size)), expected) << size;
    for (std::size_t at = 0; at <= wire.size(); ++at)
        EXPECT_EQ(support::decode(link_decoder(), support::cut(wire, at)), expected) << at;
}

TEST(link_decoder, reads_exactly_what_was_written) {
    const auto wire = one_of_each();
    std::string again;
    for (const auto& frame : support::decode(link_decoder(), support::whole(wire)).messages)
        again += frame;
    EXPECT_EQ(again, wire);
}

TEST(link_decoder, writes_the_documented_header) {
    std::string wire;
    append_data(wire, 0x01020304, 0x0102030405060708, "x");
    EXPECT_EQ(wire, std::string("\4\0\0\0\1\2\3\4\0\0\0\x09\1\2\3\4\5\6\7\x08x", 21));
}

TEST(link_decoder, tells_type_stream_and_offset) {
    std::string wire;
    append_offset(wire, frame_type::end, 0xFFFFFFFF, std::numeric_limits<std::uint64_t>::max() - 1);
    link_decoder decoder;
    decoder.feed(wire);
    error_code ec;
    const auto frame = decoder.next(ec);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->type, frame_type::end);
    EXPECT_EQ(frame->stream, 0xFFFFFFFFu);
    EXPECT_EQ(read_offset(frame->payload), std::numeric_limits<std::uint64_t>::max() - 1);
}

TEST(link_decoder, stays_failed) {
    link_decoder decoder;
    error_code ec;
    decoder.feed(std::string(12, '\xFF'));
    EXPECT_FALSE(decoder.next(ec));
    EXPECT_EQ(ec, errc::bad_frame);
    decoder.feed(one_of_each());
    ec.clear();
    EXPECT_FALSE(decoder.next(ec));
    EXPECT_EQ(ec, errc::bad_frame);
}

TEST(link_decoder, refuses_a_frame_by_its_header_alone) {
    std::string wire;
    append_data(wire, 1, 0, std::string(link_max_payload - 8, 'x'));
    auto got = support::decode(link_decoder(), support::whole(wire));
    EXPECT_EQ(got.messages.size(), 1u);
    EXPECT_FALSE(got.error);
    ++wire[11];  // one byte longer
    got = support::decode(link_decoder(), support::whole(wire.substr(0, 12)));
    EXPECT_EQ(got.error, errc::bad_frame);
}

TEST(link_decoder, takes_all_streams_of_a_link_in_one_frame) {
    std::string wire;
    append_frame(wire, frame_type::resume, 0, "{" + std::string(200 * 1024, ' ') + "}");
    EXPECT_EQ(support::decode(link_decoder(), support::whole(wire)).messages.size(), 1u);
    wire[0] = static_cast<char>(frame_type::hello);
    EXPECT_EQ(support::decode(link_decoder(), support::whole(wire)).error, errc::bad_frame);
}

TEST(link_data, is_cut_into_frames_that_are_allowed) {
    const std::size_t most = link_max_payload - 8;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, most, most + 1, 3 * most}) {
        std::string bytes(size, 'x');
        for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31);
        std::string wire;
        append_data(wire, 3, 100, bytes);
        link_decoder decoder;
        decoder.feed(wire);
        error_code ec;
        std::string got;
        std::size_t frames = 0;
        while (auto frame = decoder.next(ec)) {
            EXPECT_EQ(read_offset(frame->payload), 100 + got.size());
            got += frame->payload.substr(8);
            ++frames;
        }
        EXPECT_FALSE(ec);
        EXPECT_EQ(frames, (size + most - 1) / most);
        EXPECT_TRUE(got == bytes);
    }
}

TEST(link_control, is_read_strictly) {
    const auto read = [](frame_type type, std::string_view payload) {
        return read_control({.type = type, .stream = 0, .payload = payload});
    };
    EXPECT_EQ(read(frame_type::hello, R"({"version":1})")->get_int("version"), 1);
    EXPECT_EQ(read(frame_type::hello, "[1]").error(), errc::not_an_object);
    EXPECT_EQ(read(frame_type::hello, "{} x").error(), errc::malformed_json);
    EXPECT_EQ(read(frame_type::hello, R"({"a":1,"a":2})").error(), errc::ambiguous_key);
    EXPECT_TRUE(read(frame_type::hello, R"({"a":1,"A":2})"));
    for (const auto type :
         {frame_type::data, frame_type::ack, frame_type::end, frame_type::ping, frame_type::pong})
        EXPECT_EQ(read(type, "{}").error(), errc::bad_frame);
}

}  // namespace
