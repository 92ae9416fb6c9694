#include "gateway/reference_owners.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

using protocol::json;

class owners : public ::testing::Test {
protected:
    void answer(std::string_view command, json arguments, std::string_view body) {
        marks_.see(body, command == "stackTrace");
        owners_.learn(command, arguments, marks_);
        marks_.end_of_message();
    }
    static json with(std::string_view key, std::int64_t value) {
        json arguments = json::object{};
        arguments.set(key, value);
        return arguments;
    }
    // Of the goroutine 7, from its second frame on.
    void stack() {
        auto arguments = with("threadId", 7);
        arguments.set("startFrame", 1);
        answer("stackTrace", std::move(arguments), R"({"body":{"stackFrames":[{"id":1000,"line":1},{"id":1001},{"id":1002}]}})");
    }

    reference_marks marks_;
    reference_owners owners_;
};

TEST_F(owners, frames_of_a_stack_are_known_by_their_order) {
    stack();
    answer("stackTrace", with("threadId", 9), R"({"body":{"stackFrames":[{"id":1003},{"id":1004}]}})");
    ASSERT_TRUE(owners_.of_frame(1001));
    EXPECT_EQ(owners_.of_frame(1001)->goroutine, 7);
    EXPECT_EQ(owners_.of_frame(1001)->frame, 2);
    ASSERT_TRUE(owners_.of_frame(1004));
    EXPECT_EQ(owners_.of_frame(1004)->goroutine, 9);
    EXPECT_EQ(owners_.of_frame(1004)->frame, 1);
    EXPECT_FALSE(owners_.of_frame(1005));
    EXPECT_FALSE(owners_.of_frame(999));
}

TEST_F(owners, variables_are_of_what_was_asked_about) {
    stack();
    answer("scopes", with("frameId", 1002), R"({"body":{"scopes":[{"variablesReference":1000},{"variablesReference":1001}]}})");
    answer("scopes", with("frameId", 1000), R"({"body":{"scopes":[{"variablesReference":1002}]}})");
    answer("variables", with("variablesReference", 1001), R"({"body":{"variables":[{"variablesReference":0},{"variablesReference":1004}]}})");
    answer("evaluate", json::object{}, R"({"body":{"variablesReference":1005}})");
    const auto frame_of = [&](std::int64_t reference) { return owners_.of_variable(reference).value_or(reference_owner{-1, -1}).frame; };
    EXPECT_EQ(frame_of(1000), 3);
    EXPECT_EQ(frame_of(1001), 3);
    EXPECT_EQ(frame_of(1002), 1);
    EXPECT_EQ(frame_of(1004), 3);
    EXPECT_EQ(owners_.of_variable(1004)->goroutine, 7);
    EXPECT_EQ(owners_.of_variable(1005)->goroutine, 0);
    EXPECT_EQ(frame_of(1005), 0);
    EXPECT_FALSE(owners_.of_variable(1006));
    EXPECT_FALSE(owners_.of_variable(0));
}

TEST_F(owners, nothing_is_known_of_what_is_not_known) {
    answer("scopes", with("frameId", 1000), R"({"body":{"scopes":[{"variablesReference":1000}]}})");
    EXPECT_FALSE(owners_.of_variable(1000));
    stack();
    owners_.forget();
    EXPECT_FALSE(owners_.of_frame(1000));
}

TEST_F(owners, a_number_cut_between_pieces_is_no_frame) {
    marks_.see(R"({"body":{"stackFrames":[{"id":10)", true);
    marks_.see(R"(00,"line":1},{"id":1001}]}})", true);
    owners_.learn("stackTrace", with("threadId", 7), marks_);
    marks_.end_of_message();
    ASSERT_TRUE(owners_.of_frame(1001));
    EXPECT_EQ(owners_.of_frame(1001)->frame, 1);
}

}  // namespace
}  // namespace gateway
