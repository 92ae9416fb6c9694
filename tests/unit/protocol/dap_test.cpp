#include "protocol/dap.h"

#include <gtest/gtest.h>

#include <limits>

namespace {

using namespace protocol;

dap_request parsed(std::string_view body) {
    auto request = parse_dap_request(body);
    EXPECT_TRUE(request) << body << ": " << request.error().message();
    return request ? *request : dap_request();
}

// The body of exactly one frame.
std::string unframed(std::string_view wire) {
    frame_decoder decoder(1 << 20);
    decoder.feed(wire);
    error_code ec;
    const auto body = decoder.next(ec);
    EXPECT_TRUE(body) << wire;
    EXPECT_EQ(decoder.buffered(), 0u);
    return std::string(body.value_or(""));
}

const dap_request threads{.seq = 12, .command = "threads", .arguments = {}};

TEST(dap_request, reads_keys_in_any_case_and_order) {
    const dap_request expected{
        .seq = 2, .command = "next", .arguments = json::object{{"threadId", 1}}};
    EXPECT_EQ(parsed(R"({"seq":2,"type":"request","command":"next","arguments":{"threadId":1}})"),
              expected);
    EXPECT_EQ(
        parsed(
            R"({"Arguments":{"threadId":1},"COMMAND":"next","\u0073eq":2,"tYPe":"request","x":[]})"),
        expected);
}

TEST(dap_request, takes_absent_arguments_for_null) {
    EXPECT_EQ(parsed(R"({"seq":12,"type":"request","command":"threads"})"), threads);
    EXPECT_EQ(parsed(R"({"seq":12,"type":"request","command":"threads","arguments":null})"),
              threads);
}

TEST(dap_request, keeps_the_whole_range_of_seq) {
    for (const auto seq : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1},
                           std::int64_t{0}, std::numeric_limits<std::int64_t>::max()}) {
        const dap_request request{.seq = seq, .command = "x", .arguments = {}};
        EXPECT_EQ(parsed(unframed(encode(request))), request);
    }
}

TEST(dap_request, limits_depth_as_told) {
    const std::string body = R"({"seq":1,"type":"request","command":"x","arguments":{"a":[[]]}})";
    EXPECT_TRUE(parse_dap_request(body, 4));
    EXPECT_EQ(parse_dap_request(body, 3).error(), errc::too_deep);
}

TEST(dap_request, is_written_as_a_frame) {
    EXPECT_EQ(encode(threads),
              "Content-Length: 47\r\n\r\n"
              R"({"seq":12,"type":"request","command":"threads"})");
    const dap_request request{
        .seq = 1, .command = "a\"b", .arguments = json::object{{"x", nullptr}}};
    EXPECT_EQ(unframed(encode(request)),
              R"({"seq":1,"type":"request","command":"a\"b","arguments":{"x":null}})");
}

TEST(dap_response, has_go_daps_order) {
    EXPECT_EQ(unframed(encode_dap_response(5, threads, nullptr)),
              R"({"seq":5,"type":"response","request_seq":12,"success":true,"command":"threads"})");
    EXPECT_EQ(unframed(encode_dap_response(5, threads, json::object{{"threads", json::array{}}})),
              R"({"seq":5,"type":"response","request_seq":12,"success":true,"command":"threads",)"
              R"("body":{"threads":[]}})");
}

TEST(dap_response, tells_an_error_as_delve_does) {
    EXPECT_EQ(
        unframed(
            encode_dap_error(6, threads, 4000, "Unable to process `threads`", "running", true)),
        R"({"seq":6,"type":"response","request_seq":12,"success":false,"command":"threads",)"
        R"("message":"Unable to process `threads`",)"
        R"("body":{"error":{"id":4000,"format":"Unable to process `threads`: running","showUser":true}}})");
    EXPECT_EQ(
        unframed(encode_dap_error(6, threads, 1, "Refused", "", false)),
        R"({"seq":6,"type":"response","request_seq":12,"success":false,"command":"threads",)"
        R"("message":"Refused","body":{"error":{"id":1,"format":"Refused","showUser":false}}})");
}

TEST(dap_event, has_go_daps_order) {
    EXPECT_EQ(unframed(encode_dap_event(7, "initialized", nullptr)),
              R"({"seq":7,"type":"event","event":"initialized"})");
    EXPECT_EQ(unframed(encode_dap_event(7, "output", json::object{{"output", "x\n"}})),
              R"({"seq":7,"type":"event","event":"output","body":{"output":"x\n"}})");
}

TEST(dap_message_head, reads_a_response) {
    const std::string prefix = R"({"seq":0,"type":"response","request_seq":9223372036854775807)";
    const auto head = read_dap_message_head(prefix + R"(,"success":true,"command":"threads"})");
    ASSERT_TRUE(head);
    EXPECT_TRUE(head->is_response);
    EXPECT_EQ(head->request_seq, std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(head->prefix, prefix.size());
}

TEST(dap_message_head, reads_an_event) {
    const auto head =
        read_dap_message_head(R"({"seq":123,"type":"event","event":"stopped","body":{)");
    ASSERT_TRUE(head);
    EXPECT_FALSE(head->is_response);
    EXPECT_EQ(head->prefix, std::string(R"({"seq":123)").size());
}

TEST(dap_message_head, reads_our_own_messages) {
    for (const auto& wire : {encode_dap_response(1, threads, nullptr),
                             encode_dap_error(1, threads, 1, "a", "b", false)}) {
        const auto head = read_dap_message_head(unframed(wire));
        ASSERT_TRUE(head);
        EXPECT_EQ(head->request_seq, 12);
    }
    EXPECT_TRUE(read_dap_message_head(unframed(encode_dap_event(1, "x", nullptr))));
}

TEST(dap_message_head, refuses_every_other_form) {
    for (const auto* body :
         {"", "{", R"({"seq":1})", R"({"seq":1,"type":"request","command":"runInTerminal"})",
          R"({"type":"event","seq":1,"event":"x"})", R"({"seq":01,"type":"event","event":"x"})",
          R"({"seq":1.5,"type":"event","event":"x"})", R"({ "seq":1,"type":"event","event":"x"})",
          R"({"seq":1,"type":"response","success":true})",
          R"({"seq":1,"type":"response","request_seq":null,"success":true})",
          R"({"seq":1,"type":"response","request_seq":9223372036854775808,"success":true})",
          R"({"seq":1,"type":"response","request_seq":5)"}) {
        const auto head = read_dap_message_head(body);
        ASSERT_FALSE(head) << body;
        EXPECT_EQ(head.error(), errc::bad_reply);
    }
}

}  // namespace
