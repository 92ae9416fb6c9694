#include "gateway/roster_news.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

const person alice{"alice", "own"}, bob{"bob", "own"}, other_bob{"bob", "cluster"};
const presence alice_in_code{alice, "Visual Studio Code", "admin"}, bob_in_dlv{bob, "dlv", "debugger"};

std::vector<std::string> texts(const std::vector<roster_news::news>& all) {
    std::vector<std::string> out;
    for (const auto& one : all) out.push_back(one.text);
    return out;
}
using lines = std::vector<std::string>;

struct RosterNews : testing::Test {
    roster_news news;
    std::vector<presence> here;
    std::vector<breakpoint_mark> marks;

    lines told() { return texts(news.take(here, marks)); }
    lines after(const person& who) {
        news.people_changed(who);
        return told();
    }
    lines with(std::vector<breakpoint_mark> now) {
        marks = std::move(now);
        news.breakpoints_changed();
        return told();
    }
};

TEST_F(RosterNews, joins_and_leaves) {
    EXPECT_FALSE(news.any());
    here = {bob_in_dlv};
    EXPECT_EQ(after(bob), lines{"bob joined with dlv (debugger)"});
    EXPECT_FALSE(news.any());
    EXPECT_EQ(after(bob), lines{});
    here = {};
    EXPECT_EQ(after(bob), lines{"bob left"});
    EXPECT_EQ(after(bob), lines{});
}

TEST_F(RosterNews, three_windows_are_one_person) {
    here = {alice_in_code, alice_in_code, {alice, "dlv", "admin"}};
    for (int i = 0; i < 2; ++i) news.people_changed(alice);
    EXPECT_EQ(after(alice), lines{"alice joined with Visual Studio Code, dlv (admin)"});
    here = {alice_in_code};
    EXPECT_EQ(after(alice), lines{});
    here = {alice_in_code, {alice, "Neovim", "admin"}};
    EXPECT_EQ(after(alice), lines{"alice is here with Neovim, too"});
    here = {};
    EXPECT_EQ(after(alice), lines{"alice left"});
}

TEST_F(RosterNews, who_left_and_came_back_at_once_has_not_been_away) {
    here = {alice_in_code};
    after(alice);
    news.people_changed(alice);
    EXPECT_EQ(after(alice), lines{});
}

TEST_F(RosterNews, two_of_one_name_are_two) {
    here = {bob_in_dlv};
    after(bob);
    here.push_back({other_bob, "dlv", ""});
    EXPECT_EQ(after(other_bob), lines{"bob joined with dlv"});
    here = {{other_bob, "dlv", ""}};
    EXPECT_EQ(after(bob), lines{"bob left"});
}

TEST_F(RosterNews, of_a_moment) {
    here = {alice_in_code};
    news.people_changed(alice);
    const auto then = news.moment();
    here.push_back(bob_in_dlv);
    news.people_changed(bob);
    const auto all = news.take(here, {});
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].about, alice);
    EXPECT_LE(all[0].at, then);
    EXPECT_GT(all[1].at, then);
}

TEST_F(RosterNews, breakpoints_are_told_as_the_difference) {
    here = {alice_in_code, bob_in_dlv};
    EXPECT_EQ(with({{bob, "breakpoint", "main.go:42"}}), lines{"bob set a breakpoint at main.go:42"});
    // Whose condition is another one now, or who has set it twice, has set none.
    EXPECT_EQ(with({{bob, "breakpoint", "main.go:42"}, {bob, "breakpoint", "main.go:42"}}), lines{});
    EXPECT_EQ(with({{bob, "breakpoint", "main.go:42"}, {bob, "breakpoint", "main.go:50"}, {bob, "breakpoint", "a.go:1"}, {alice, "logpoint", "a.go:1"}}),
              (lines{"alice set a logpoint at a.go:1", "bob set 2 breakpoints at a.go:1, main.go:50"}));
    EXPECT_EQ(with({{bob, "breakpoint", "main.go:50"}, {alice, "logpoint", "a.go:1"}}), lines{"bob cleared 2 breakpoints at a.go:1, main.go:42"});
    here = {alice_in_code};
    EXPECT_EQ(with({{alice, "logpoint", "a.go:1"}}), lines{"bob's breakpoint at main.go:50 is gone"});
}

TEST_F(RosterNews, many_breakpoints_are_counted) {
    std::vector<breakpoint_mark> all;
    for (int i = 10; i < 20; ++i) all.push_back({bob, "breakpoint", "main.go:" + std::to_string(i)});
    EXPECT_EQ(with(all), lines{"bob set 10 breakpoints at main.go:10, main.go:11, main.go:12, main.go:13, main.go:14, main.go:15 and 4 more"});
}

TEST_F(RosterNews, what_was_there_before_is_no_news) {
    news.known({{bob, "breakpoint", "main.go:42"}});
    EXPECT_EQ(with({{bob, "breakpoint", "main.go:42"}, {bob, "breakpoint", "main.go:43"}}), lines{"bob set a breakpoint at main.go:43"});
}

TEST_F(RosterNews, strangers_words_are_made_printable) {
    here = {{{"ev\033il", ""}, "co\nde\u202e", ""}};
    EXPECT_EQ(after({"ev\033il", ""}), lines{"ev il joined with co de "});
}

TEST(roster_news, as_many_lines_as_one_reads) {
    EXPECT_EQ(roster_news::together({"a", "b"}), "a\nb");
    EXPECT_EQ(roster_news::together({"1", "2", "3", "4", "5", "6", "7"}), "1\n2\n3\n4\n5\n6\n7");
    EXPECT_EQ(roster_news::together({"1", "2", "3", "4", "5", "6", "7", "8"}), "1\n2\n3\n4\n5\n6\n… and 2 more; type: delvegate who");
}

}  // namespace
}  // namespace gateway
