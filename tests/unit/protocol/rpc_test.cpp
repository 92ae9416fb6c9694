#include "protocol/rpc.h"

#include <gtest/gtest.h>

#include <limits>

namespace {

using namespace protocol;

rpc_request parsed(std::string_view text) {
    auto request = parse_rpc_request(text);
    EXPECT_TRUE(request) << text << ": " << request.error().message();
    return request ? *request : rpc_request();
}

TEST(rpc_request, reads_keys_in_any_case) {
    const rpc_request expected{
        .id = 3, .method = "RPCServer.Command", .params = json::object{{"Name", "continue"}}};
    EXPECT_EQ(parsed(R"({"method":"RPCServer.Command","params":[{"Name":"continue"}],"id":3})"),
              expected);
    EXPECT_EQ(parsed(R"({"ID":3,"Method":"RPCServer.Command","paramſ":[{"Name":"continue"}]})"),
              expected);
}

TEST(rpc_request, takes_what_go_would_for_missing_members) {
    EXPECT_EQ(parsed(R"({"method":"a"})"), (rpc_request{.id = {}, .method = "a", .params = {}}));
    EXPECT_EQ(parsed(R"({"method":"a","params":null,"id":null})"), parsed(R"({"method":"a"})"));
    EXPECT_EQ(parsed(R"({"method":"a","params":[null]})"), parsed(R"({"method":"a","params":[]})"));
}

TEST(rpc_request, takes_the_first_parameter_only) {
    EXPECT_EQ(parsed(R"({"method":"a","params":[1,2,3]})").params, json(1));
}

TEST(rpc_request, keeps_the_id_token) {
    for (const std::string id : {"0", "1.0e3", "12345678901234567890123", "-1", "\"a\\\"b\"",
                                 "null", "18446744073709551615"}) {
        const auto request = parsed(R"({"method":"a","params":[{}],"id":)" + id + "}");
        EXPECT_EQ(to_text(request.id), id);
        EXPECT_EQ(encode_rpc_result(request.id, nullptr),
                  "{\"id\":" + id + ",\"result\":null,\"error\":null}\n");
    }
}

TEST(rpc_request, limits_depth_as_told) {
    const std::string text = R"({"method":"a","params":[{"b":[[]]}],"id":1})";
    EXPECT_TRUE(parse_rpc_request(text, 5));
    EXPECT_EQ(parse_rpc_request(text, 4).error(), errc::too_deep);
}

TEST(rpc_request, is_written_as_a_go_client_would) {
    const rpc_request request{
        .id = 7, .method = "RPCServer.Set", .params = json::object{{"Value", "\"<\u00e9>\""}}};
    EXPECT_EQ(
        encode(request),
        "{\"method\":\"RPCServer.Set\",\"params\":[{\"Value\":\"\\\"<\u00e9>\\\"\"}],\"id\":7}\n");
    EXPECT_EQ(parsed(encode(request)), request);
    const rpc_request empty{.id = {}, .method = "", .params = {}};
    EXPECT_EQ(encode(empty), "{\"method\":\"\",\"params\":[null],\"id\":null}\n");
    EXPECT_EQ(parsed(encode(empty)), empty);
}

TEST(rpc_reply, has_dlvs_form) {
    EXPECT_EQ(encode_rpc_result(4, json::object{{"Pid", 1}}),
              "{\"id\":4,\"result\":{\"Pid\":1},\"error\":null}\n");
    EXPECT_EQ(encode_rpc_error("x", "two\nlines"),
              "{\"id\":\"x\",\"result\":null,\"error\":\"two\\nlines\"}\n");
}

TEST(rpc_reply_head, reads_what_dlv_writes_at_every_cut) {
    const std::string line = R"({"id":18446744073709551615,"result":{"State":null},"error":null})";
    const std::string prefix = R"({"id":18446744073709551615)";
    const auto needed = prefix.size() + std::string(",\"result\":").size();
    for (std::size_t size = 0; size <= line.size(); ++size) {
        const auto head = read_rpc_reply_head(line.substr(0, size));
        ASSERT_TRUE(head) << size;
        ASSERT_EQ(head->has_value(), size >= needed) << size;
        if (!*head) continue;
        EXPECT_EQ((*head)->id, std::numeric_limits<std::uint64_t>::max());
        EXPECT_EQ((*head)->prefix, prefix.size());
    }
    const auto zero = read_rpc_reply_head(R"({"id":0,"result":null,"error":"x"})");
    ASSERT_TRUE(zero && *zero);
    EXPECT_EQ((*zero)->id, 0u);
    EXPECT_EQ((*zero)->prefix, 7u);
}

TEST(rpc_reply_head, refuses_every_other_form) {
    for (const auto* line :
         {"[", "{\"result\"", "{ \"id\":1,", "{\"ID\":1,", "{\"id\":null,", "{\"id\":-1,",
          "{\"id\":- ", "{\"id\":\"1\",", "{\"id\":01,", "{\"id\": 1,", "{\"id\":1.0,",
          "{\"id\":1}", "{\"id\":1 ,", "{\"id\":18446744073709551616,", "{\"id\":1e3,",
          "\n{\"id\":1,", "{\"id\":99999999999999999999999", "{\"id\":1,\"error\"",
          "{\"id\":1,\"resulT\":"}) {
        const auto head = read_rpc_reply_head(line);
        ASSERT_FALSE(head) << line;
        EXPECT_EQ(head.error(), errc::bad_reply);
    }
}

}  // namespace
