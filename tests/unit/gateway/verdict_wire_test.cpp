#include "gateway/verdict_wire.h"

#include <gtest/gtest.h>

namespace {

using gateway::read_verdict;
using gateway::to_json;
using gateway::verdict;

TEST(verdict_wire, a_yes_says_whether_the_view_can_be_rebuilt_and_whose_it_is) {
    verdict said;
    said.accepted = true;
    said.component = "app";
    said.session = "s1";
    said.user = "alice";
    EXPECT_EQ(protocol::to_text(to_json(said)), R"({"ok":true,"component":"app","session":"s1"})");
    said.rebuilds = true;
    EXPECT_EQ(protocol::to_text(to_json(said)), R"({"ok":true,"component":"app","session":"s1","rebuilds":true,"user":"alice"})");
    const auto read = read_verdict(to_json(said));
    EXPECT_TRUE(read.accepted && read.rebuilds);
    EXPECT_EQ(read.user, "alice");
}

TEST(verdict_wire, a_no_has_a_reason_that_can_be_shown) {
    verdict said;
    said.code = "busy";
    said.reason = "bob\x1b[31m is there";
    said.components = {"app", "web"};
    const auto read = read_verdict(to_json(said));
    EXPECT_FALSE(read.accepted);
    EXPECT_EQ(read.reason.find('\x1b'), std::string::npos);
    EXPECT_EQ(read.components, said.components);
    EXPECT_NE(read_verdict(protocol::json()).reason, "");
}

}  // namespace
