#include "gateway/breakpoint_table.h"

#include "gateway/breakpoint_list.h"

#include <gtest/gtest.h>

namespace gateway {

// The table only compares whose a record is.
class viewer {};

namespace {

using ids = std::vector<std::int64_t>;

breakpoint_record made(std::int64_t id, const std::string& user, viewer* owner, const std::string& group) {
    breakpoint_record r;
    r.id = id;
    r.user = user;
    r.owner = owner;
    r.group = group;
    return r;
}

class breakpoint_tables : public testing::Test {
protected:
    breakpoint_tables() {
        table.put(made(1, "", nullptr, ""));  // dlv's before anybody came
        table.put(made(2, "ann", &ann, "source /a.go"));
        table.put(made(3, "ann", &ann, "source /b.go"));
        table.put(made(4, "ann", &ann, "function"));
        table.put(made(5, "bob", &bob, "source /a.go"));
        table.put(made(6, "cat", &cat, "rpc"));
    }
    breakpoint_table table;
    viewer ann, bob, cat, later;
};

TEST_F(breakpoint_tables, finds_replaces_and_erases_by_id) {
    ASSERT_TRUE(table.find(2));
    EXPECT_EQ(table.find(2)->user, "ann");
    EXPECT_FALSE(table.find(99));
    auto changed = *table.find(2);
    changed.condition = "n > 3";
    table.put(changed);
    EXPECT_EQ(table.size(), 6u);
    EXPECT_EQ(table.find(2)->condition, "n > 3");
    table.erase(2);
    table.erase(99);
    EXPECT_FALSE(table.find(2));
    EXPECT_EQ(table.all().size(), 5u);
    table.clear();
    EXPECT_EQ(table.size(), 0u);
}

TEST_F(breakpoint_tables, knows_what_one_person_left) {
    table.abandon(&ann);
    table.abandon(&bob);
    EXPECT_EQ(table.orphans_of("ann"), (ids{2, 3, 4}));
    EXPECT_EQ(table.orphans_of("bob"), (ids{5}));
    EXPECT_EQ(table.orphans_of("cat"), ids{});  // is still here
    EXPECT_EQ(table.orphans_of(""), ids{});     // dlv's own is nobody's
}

TEST_F(breakpoint_tables, negative_ids_are_ids) {
    table.put(made(-1, "", nullptr, ""));
    ASSERT_TRUE(table.find(-1));
    EXPECT_EQ(table.all().begin()->first, -1);
}

TEST_F(breakpoint_tables, a_group_is_of_one_viewer) {
    EXPECT_EQ(table.of_group(&ann, "source /a.go"), (ids{2}));
    EXPECT_EQ(table.of_group(&bob, "source /a.go"), (ids{5}));
    EXPECT_EQ(table.of_group(&ann, "function"), (ids{4}));
    EXPECT_EQ(table.of_group(&bob, "function"), ids{});
    EXPECT_EQ(table.of_group(&ann, "source"), ids{});
}

TEST_F(breakpoint_tables, nobody_left_no_orphans) {
    EXPECT_EQ(table.orphans(), ids{});
    EXPECT_EQ(table.replaceable(&ann), ids{});
    EXPECT_EQ(table.unclaimed(&ann), ids{});
}

TEST_F(breakpoint_tables, what_a_leaver_set_is_orphaned_and_anybody_may_replace_it) {
    table.abandon(&ann);
    EXPECT_EQ(table.orphans(), (ids{2, 3, 4}));
    EXPECT_EQ(table.replaceable(&bob), (ids{2, 3, 4}));
    EXPECT_EQ(table.of_group(&ann, "function"), ids{});
    // Not dlv's own, nor those of who is still here.
    EXPECT_EQ(table.find(5)->owner, &bob);
    EXPECT_EQ(table.find(2)->user, "ann");
}

TEST_F(breakpoint_tables, a_returning_person_is_given_its_own_unclaimed) {
    table.abandon(&ann);
    table.abandon(&cat);
    table.adopt(&later, "ann", true);
    EXPECT_EQ(table.unclaimed(&later), (ids{2, 3, 4}));
    EXPECT_EQ(table.of_group(&later, "source /a.go"), (ids{2}));
    EXPECT_EQ(table.orphans(), (ids{6}));
    EXPECT_EQ(table.unclaimed(&bob), ids{});
}

TEST_F(breakpoint_tables, what_was_taken_over_makes_way_for_its_taker_alone) {
    table.abandon(&ann);
    table.adopt(&later, "ann", true);
    EXPECT_EQ(table.replaceable(&later), (ids{2, 3, 4}));
    EXPECT_EQ(table.replaceable(&bob), ids{});
    table.find(3)->claimed = true;
    EXPECT_EQ(table.replaceable(&later), (ids{2, 4}));
    EXPECT_EQ(table.unclaimed(&later), (ids{2, 4}));
}

TEST_F(breakpoint_tables, adoption_keeps_to_the_protocol) {
    table.abandon(&cat);
    table.adopt(&later, "cat", true);
    EXPECT_EQ(table.orphans(), (ids{6}));
    table.adopt(&later, "cat", false);
    EXPECT_EQ(table.orphans(), ids{});
    EXPECT_EQ(table.find(6)->owner, &later);
    // A JSON-RPC client clears by itself: nothing waits to be swept, but the same place may be set again.
    EXPECT_EQ(table.unclaimed(&later), ids{});
    EXPECT_EQ(table.replaceable(&later), (ids{6}));
}

TEST_F(breakpoint_tables, adoption_takes_nothing_from_who_is_here) {
    table.adopt(&later, "ann", true);
    EXPECT_EQ(table.of_group(&ann, "function"), (ids{4}));
    EXPECT_TRUE(table.find(4)->claimed);
}

TEST_F(breakpoint_tables, what_was_there_before_is_nobodys_to_take) {
    table.abandon(&ann);
    table.adopt(&later, "ann", true);
    EXPECT_EQ(table.replaceable(&bob), ids{});
    EXPECT_EQ(table.orphans(), ids{});
    EXPECT_FALSE(table.find(1)->owner);
}

TEST_F(breakpoint_tables, what_an_earlier_gateway_left_behind_makes_way_and_is_not_swept) {
    table.find(1)->group = left_behind;
    EXPECT_EQ(table.replaceable(&ann), (ids{1}));
    EXPECT_EQ(table.replaceable(&bob), (ids{1}));
    EXPECT_EQ(table.orphans(), ids{});
}

// Each one's grace is their own: another who comes and goes does not renew it.
TEST_F(breakpoint_tables, knows_since_when_each_is_left) {
    using namespace std::chrono_literals;
    const std::chrono::steady_clock::time_point start{1h};
    EXPECT_FALSE(table.first_orphan());
    table.abandon(&ann, start);
    table.abandon(&bob, start + 20s);
    table.abandon(&cat, start + 40s);
    EXPECT_EQ(table.first_orphan(), start);
    EXPECT_EQ(table.orphans(start - 1s), ids{});
    EXPECT_EQ(table.orphans(start + 19s), (ids{2, 3, 4}));
    EXPECT_EQ(table.orphans(start + 20s), (ids{2, 3, 4, 5}));
    for (auto id : table.orphans(start)) table.erase(id);
    EXPECT_EQ(table.first_orphan(), start + 20s);
}

TEST_F(breakpoint_tables, a_second_leaving_orphans_what_was_taken_over) {
    table.abandon(&ann);
    table.adopt(&later, "ann", true);
    table.abandon(&later);
    EXPECT_EQ(table.orphans(), (ids{2, 3, 4}));
    table.adopt(&ann, "ann", true);
    EXPECT_EQ(table.unclaimed(&ann), (ids{2, 3, 4}));
}

}  // namespace
}  // namespace gateway
