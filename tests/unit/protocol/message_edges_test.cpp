#include "protocol/message_edges.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/dap.h"

namespace {

using protocol::dialect;
using protocol::message_edges;

struct cut {
    std::vector<std::string> messages;
    std::string rest;
    protocol::error_code error;
};

// Cut as it comes in pieces of that size.
cut cut_up(dialect of, std::string_view bytes, std::size_t step) {
    message_edges edges(of);
    cut out;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        auto piece = bytes.substr(at, step);
        while (!piece.empty()) {
            const auto taken = edges.take(piece, out.error);
            if (out.error) return out;
            EXPECT_GT(taken, 0u);
            out.rest += piece.substr(0, taken);
            piece.remove_prefix(taken);
            if (edges.ended()) out.messages.push_back(std::exchange(out.rest, {}));
        }
    }
    return out;
}

TEST(message_edges, cuts_json_values_however_they_come) {
    const std::string values[] = {R"({"id":1,"result":{"a":[1,{}],"s":"}\"]{\\"},"error":null})", R"({"id":2})", R"({"x":"\\\""})"};
    const std::string stream = values[0] + "\n" + values[1] + values[2] + "\r\n ";
    for (std::size_t step = 1; step <= stream.size(); ++step) {
        auto found = cut_up(dialect::rpc, stream, step);
        ASSERT_FALSE(found.error);
        EXPECT_EQ(found.rest, "");
        // White space may be a message of its own; nothing is lost.
        std::string all;
        std::vector<std::string> objects;
        for (const auto& one : found.messages) {
            all += one;
            const auto end = one.find_last_of('}');
            if (end != one.npos) objects.push_back(one.substr(0, end + 1));
        }
        EXPECT_EQ(all, stream) << step;
        EXPECT_EQ(objects, std::vector<std::string>(std::begin(values), std::end(values))) << step;
    }
}

TEST(message_edges, leaves_what_is_not_whole) {
    const auto found = cut_up(dialect::rpc, "{\"id\":1}\n{\"id\":", 4);
    EXPECT_EQ(found.rest, "{\"id\":");
    const auto frames = cut_up(dialect::dap, protocol::frame("{}") + "Content-Length: 5\r\n\r\n{\"a", 7);
    EXPECT_EQ(frames.messages, std::vector<std::string>{protocol::frame("{}")});
    EXPECT_EQ(frames.rest, "Content-Length: 5\r\n\r\n{\"a");
}

TEST(message_edges, cuts_frames_however_they_come) {
    const std::string frames[] = {protocol::frame("{\"seq\":1}"), "Content-Type: x\r\nContent-Length: 2\r\n\r\n{}",
                                  protocol::frame(std::string(9000, 'x'))};
    const std::string stream = frames[0] + frames[1] + frames[2] + frames[0];
    for (std::size_t step = 1; step <= 400; ++step) {
        const auto found = cut_up(dialect::dap, stream, step);
        ASSERT_FALSE(found.error);
        EXPECT_EQ(found.messages, (std::vector<std::string>{frames[0], frames[1], frames[2], frames[0]})) << step;
    }
}

TEST(message_edges, tells_where_the_body_begins) {
    message_edges edges(dialect::dap);
    protocol::error_code ec;
    const std::string frame = protocol::frame("{\"seq\":1}");
    EXPECT_EQ(edges.take(std::string_view(frame).substr(0, 10), ec), 10u);
    EXPECT_EQ(edges.header(), 0u);
    edges.take(std::string_view(frame).substr(10), ec);
    EXPECT_TRUE(edges.ended());
    EXPECT_EQ(frame.substr(edges.header()), "{\"seq\":1}");
}

TEST(message_edges, says_what_is_no_message) {
    EXPECT_TRUE(cut_up(dialect::rpc, "{}[1]", 5).error);
    EXPECT_TRUE(cut_up(dialect::rpc, "{}\n1", 1).error);
    EXPECT_TRUE(cut_up(dialect::dap, "Content-Length: -1\r\n\r\n", 3).error);
    EXPECT_TRUE(cut_up(dialect::dap, "GET / HTTP/1.1\r\n\r\n", 300).error);
    message_edges edges(dialect::rpc);
    protocol::error_code ec;
    edges.take("x", ec);
    EXPECT_TRUE(ec);
    EXPECT_EQ(edges.take("{}", ec), 0u);
    EXPECT_TRUE(ec);
}

}  // namespace
