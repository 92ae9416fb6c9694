#include "gateway/breakpoint_board.h"

#include <gtest/gtest.h>

#include "gateway/breakpoint_list.h"

namespace gateway {

// The board only compares whose a wish is.
class viewer {};

namespace {

using ids = std::vector<std::int64_t>;
using strings = std::vector<std::string>;
using std::chrono::seconds;
using time = breakpoint_board::time;

breakpoint_wish wish(const std::string& user, viewer* owner, const std::string& group = "rpc") {
    breakpoint_wish w;
    w.user = user;
    w.owner = owner;
    w.group = group;
    return w;
}

breakpoint_site place(std::int64_t id, std::set<std::uint64_t> addresses) {
    breakpoint_site s;
    s.id = id;
    s.addresses = std::move(addresses);
    return s;
}

hit_counts counted(std::uint64_t total, std::map<std::int64_t, std::uint64_t> by = {}) {
    hit_counts c;
    c.total = total;
    c.by_goroutine = std::move(by);
    return c;
}

// --- whose ----------------------------------------------------------------------------------------------------

class owned_wishes : public testing::Test {
protected:
    owned_wishes() {
        put(1, wish("", nullptr));  // dlv's before anybody came
        put(2, wish("ann", &ann, "source /a.go"));
        put(3, wish("ann", &ann, "source /b.go"));
        put(4, wish("ann", &ann, "function"));
        put(5, wish("bob", &bob, "source /a.go"));
        put(6, wish("cat", &cat));
    }
    void put(std::int64_t id, breakpoint_wish w) { board.put(std::move(w), place(id, {static_cast<std::uint64_t>(id * 16)})); }
    ids all_overdue() const { return board.overdue(time::max()); }

    breakpoint_board board;
    viewer ann, bob, cat, later;
};

TEST_F(owned_wishes, the_first_of_a_site_is_known_by_dlvs_id) {
    ASSERT_TRUE(board.find(2));
    EXPECT_EQ(board.find(2)->user, "ann");
    EXPECT_EQ(board.find(2)->sites, (ids{2}));
    EXPECT_EQ(board.site(2)->wishes, (ids{2}));
    EXPECT_FALSE(board.find(99));
    EXPECT_EQ(board.drop(2), (ids{2}));
    EXPECT_EQ(board.drop(2), ids{});
    EXPECT_EQ(board.drop(99), ids{});
    EXPECT_FALSE(board.site(2));
    EXPECT_EQ(board.size(), 5u);
    board.clear();
    EXPECT_EQ(board.size(), 0u);
    EXPECT_TRUE(board.sites().empty());
}

TEST_F(owned_wishes, a_group_is_of_one_viewer) {
    EXPECT_EQ(board.of_group(&ann, "source /a.go"), (ids{2}));
    EXPECT_EQ(board.of_group(&bob, "source /a.go"), (ids{5}));
    EXPECT_EQ(board.of_group(&bob, "function"), ids{});
    EXPECT_EQ(board.of_group(&ann, "source"), ids{});
}

TEST_F(owned_wishes, what_a_leaver_set_is_due_after_its_own_grace) {
    const time start{};
    board.abandon(&ann, start + seconds(10));
    board.abandon(&bob, start + seconds(20));
    EXPECT_EQ(board.next_leaver(), start + seconds(10));
    EXPECT_EQ(board.overdue(start + seconds(9)), ids{});
    EXPECT_EQ(board.overdue(start + seconds(10)), (ids{2, 3, 4}));
    // Whoever comes and goes does not keep the others' there.
    board.adopt(&later, "bob", true);
    board.abandon(&later, start + seconds(30));
    EXPECT_EQ(board.overdue(start + seconds(20)), (ids{2, 3, 4}));
    EXPECT_EQ(board.overdue(start + seconds(30)), (ids{2, 3, 4, 5}));
    // Nobody's are left alone, those of who is here as well.
    EXPECT_EQ(all_overdue(), (ids{2, 3, 4, 5}));
}

TEST_F(owned_wishes, pinned_ones_stay_but_not_with_somebody_who_is_shown_out) {
    board.find(3)->pinned = true;
    board.abandon(&ann, {});
    EXPECT_EQ(all_overdue(), (ids{2, 4}));
    EXPECT_EQ(board.orphans_of("ann"), (ids{2, 3, 4}));
    board.adopt(&later, "ann", true);
    EXPECT_EQ(board.unclaimed(&later), (ids{2, 4}));
    for (const auto id : {2, 4}) board.drop(id);
    board.abandon(&later, {});
    EXPECT_FALSE(board.next_leaver());
}

TEST_F(owned_wishes, knows_what_one_person_left) {
    board.abandon(&ann, {});
    EXPECT_EQ(board.orphans_of("ann"), (ids{2, 3, 4}));
    EXPECT_EQ(board.orphans_of("cat"), ids{});  // is still here
    EXPECT_EQ(board.orphans_of(""), ids{});     // dlv's own is nobody's
    board.abandon_all({});
    EXPECT_EQ(board.orphans_of("cat"), (ids{6}));
    EXPECT_EQ(board.find(1)->owner, nullptr);
}

TEST_F(owned_wishes, a_returning_person_is_given_its_own_unclaimed) {
    board.abandon(&ann, {});
    board.abandon(&cat, {});
    board.adopt(&later, "ann", true);
    EXPECT_EQ(board.unclaimed(&later), (ids{2, 3, 4}));
    EXPECT_EQ(board.of_group(&later, "source /a.go"), (ids{2}));
    EXPECT_EQ(all_overdue(), (ids{6}));
    EXPECT_EQ(board.unclaimed(&bob), ids{});
    board.abandon(&later, {});
    EXPECT_EQ(all_overdue(), (ids{2, 3, 4, 6}));
}

TEST_F(owned_wishes, adoption_keeps_to_the_protocol_and_takes_nothing_from_who_is_here) {
    board.abandon(&cat, {});
    board.adopt(&later, "cat", true);
    EXPECT_EQ(all_overdue(), (ids{6}));
    board.adopt(&later, "cat", false);
    EXPECT_EQ(board.find(6)->owner, &later);
    // A JSON-RPC client clears by itself: nothing waits to be swept, but the same place may be set again.
    EXPECT_EQ(board.unclaimed(&later), ids{});
    EXPECT_EQ(board.replaceable(&later, "cat"), (ids{6}));
    board.adopt(&later, "ann", true);
    EXPECT_EQ(board.of_group(&ann, "function"), (ids{4}));
}

TEST_F(owned_wishes, what_makes_way_is_ones_own_or_an_earlier_gateways) {
    board.abandon(&ann, {});
    EXPECT_EQ(board.replaceable(&bob, "bob"), ids{});  // ann may come back for hers
    EXPECT_EQ(board.replaceable(&later, "ann"), (ids{2, 3, 4}));
    board.adopt(&later, "ann", true);
    board.find(3)->claimed = true;
    EXPECT_EQ(board.replaceable(&later, "ann"), (ids{2, 4}));
    EXPECT_EQ(board.replaceable(&cat, "cat"), ids{});
    board.find(1)->group = left_behind;
    EXPECT_EQ(board.replaceable(&cat, "cat"), (ids{1}));
}

// --- several at one place ------------------------------------------------------------------------------------------

class shared_places : public testing::Test {
protected:
    std::int64_t first(const std::string& condition = "", const std::string& hit = "", bool traces = false) {
        return board.put(with(wish("ann", &ann), condition, hit, traces), place(7, {0x70}));
    }
    std::int64_t second(const std::string& condition = "", const std::string& hit = "", bool traces = false) {
        return board.join(with(wish("bob", &bob), condition, hit, traces), {7});
    }
    static breakpoint_wish with(breakpoint_wish w, const std::string& condition, const std::string& hit, bool traces) {
        w.condition = condition;
        w.hit_condition = hit;
        w.traces = traces;
        return w;
    }
    breakpoint_site& site() { return *board.site(7); }
    protocol::json told() { return board.settings(site()); }

    breakpoint_board board;
    viewer ann, bob, cat;
};

TEST_F(shared_places, stay_set_while_anyone_wants_them) {
    const auto a = first(), b = second();
    EXPECT_EQ(a, 7);
    EXPECT_GT(b, 1 << 20);
    EXPECT_EQ(site().wishes, (ids{a, b}));
    EXPECT_EQ(board.drop(a), ids{});  // bob's stays
    EXPECT_TRUE(board.site(7));
    EXPECT_EQ(board.find(b)->sites, (ids{7}));
    EXPECT_FALSE(board.find(7));  // the id is ann's, not the site's
    EXPECT_EQ(board.drop(b), (ids{7}));
}

TEST_F(shared_places, equal_wishes_are_dlvs_to_tell_apart) {
    first("n > 3");
    second("n > 3");
    EXPECT_TRUE(board.dlv_judges(site()));
    EXPECT_EQ(told().get_string("Cond"), "n > 3");
    EXPECT_FALSE(told().get_bool("continue"));
    EXPECT_EQ(board.open_conditions(site(), false), strings{});
    EXPECT_EQ(board.open_conditions(site(), true), (strings{"n > 3"}));
    const auto hit = board.judge(site(), 1, {});
    EXPECT_EQ(hit.stop.size(), 2u);
    EXPECT_TRUE(hit.trace.empty());
}

TEST_F(shared_places, different_conditions_are_evaluated_at_every_hit_which_only_passes) {
    const auto a = first("n > 3"), b = second("n == 2");
    EXPECT_FALSE(board.dlv_judges(site()));
    EXPECT_EQ(told().get_string("Cond"), "");
    EXPECT_TRUE(told().get_bool("continue"));  // or a step of somebody's would be lost to a hit that is nobody's
    EXPECT_EQ(board.open_conditions(site(), false), (strings{"n > 3", "n == 2"}));
    auto hit = board.judge(site(), 1, {{"n > 3", {false, ""}}, {"n == 2", {true, ""}}});
    EXPECT_EQ(hit.stop, (ids{b}));
    hit = board.judge(site(), 1, {{"n > 3", {true, ""}}, {"n == 2", {false, ""}}});
    EXPECT_EQ(hit.stop, (ids{a}));
    hit = board.judge(site(), 1, {{"n > 3", {false, ""}}, {"n == 2", {false, ""}}});
    EXPECT_TRUE(hit.stop.empty() && hit.trace.empty() && hit.erring.empty());
}

TEST_F(shared_places, one_that_logs_and_one_that_stops) {
    const auto a = first("n > 3", "", true), b = second("n > 3");
    EXPECT_FALSE(board.dlv_judges(site()));
    // The condition is the same: dlv evaluates it, and not every hit needs an Eval.
    EXPECT_EQ(told().get_string("Cond"), "n > 3");
    EXPECT_EQ(board.open_conditions(site(), false), strings{});
    const auto hit = board.judge(site(), 1, {});
    EXPECT_EQ(hit.trace, (ids{a}));
    EXPECT_EQ(hit.stop, (ids{b}));
}

TEST_F(shared_places, where_a_step_ended_dlv_has_judged_nothing) {
    const auto a = first("n > 3", "== 3");
    EXPECT_EQ(board.open_conditions(site(), true), (strings{"n > 3"}));
    EXPECT_EQ(board.judge(site(), 1, {{"n > 3", {false, ""}}}, 3).stop, ids{});
    for (const auto& [count, stops] : {std::pair(2, ids{}), std::pair(3, ids{a})}) EXPECT_EQ(board.judge(site(), 1, {{"n > 3", {true, ""}}}, count).stop, stops);
    EXPECT_EQ(board.judge(site(), 1, {}).stop, (ids{a}));  // anywhere else it has
}

TEST_F(shared_places, hit_conditions_count_from_when_each_was_set) {
    const auto a = first("", "== 3");
    EXPECT_TRUE(board.dlv_judges(site()));
    EXPECT_EQ(told().get_string("HitCond"), "== 3");
    board.settle(site(), counted(2, {{1, 2}}));  // dlv has counted two
    const auto b = second("", "== 2");
    EXPECT_FALSE(board.dlv_judges(site()));
    EXPECT_EQ(told().get_string("HitCond"), "");
    auto hit = board.judge(site(), 1, {});
    EXPECT_EQ(hit.stop, (ids{a}));  // its third
    hit = board.judge(site(), 1, {});
    EXPECT_EQ(hit.stop, (ids{b}));  // its second
    EXPECT_EQ(board.find(a)->hits.total, 4u);
    EXPECT_EQ(board.find(b)->hits.total, 2u);
    EXPECT_TRUE(board.judge(site(), 1, {}).stop.empty());
    // Left alone, ann's count is dlv's again; bob's would not be.
    board.settle(site(), counted(5));
    auto copy = board;
    board.drop(b);
    EXPECT_TRUE(board.dlv_judges(site()));
    copy.drop(a);
    EXPECT_FALSE(copy.dlv_judges(*copy.site(7)));
    EXPECT_TRUE(copy.settings(*copy.site(7)).get_bool("continue"));
}

TEST_F(shared_places, hits_count_only_where_the_condition_holds) {
    const auto a = first("n > 3", "== 2");
    second("n > 9");
    const std::map<std::string, evaluated> no{{"n > 3", {false, ""}}, {"n > 9", {false, ""}}};
    const std::map<std::string, evaluated> yes{{"n > 3", {true, ""}}, {"n > 9", {false, ""}}};
    EXPECT_TRUE(board.judge(site(), 1, yes).stop.empty());
    EXPECT_TRUE(board.judge(site(), 1, no).stop.empty());
    EXPECT_EQ(board.judge(site(), 1, yes).stop, (ids{a}));
}

TEST_F(shared_places, hits_of_each_goroutine_by_itself) {
    auto w = with(wish("ann", &ann), "", "== 2", false);
    w.by_goroutine = true;
    const auto a = board.put(w, place(7, {0x70}));
    second("n > 9");
    const std::map<std::string, evaluated> no{{"n > 9", {false, ""}}};
    EXPECT_TRUE(board.judge(site(), 1, no).stop.empty());
    EXPECT_TRUE(board.judge(site(), 2, no).stop.empty());
    EXPECT_EQ(board.judge(site(), 1, no).stop, (ids{a}));
    EXPECT_EQ(board.judge(site(), 2, no).stop, (ids{a}));
}

TEST_F(shared_places, counts_are_each_ones_own) {
    const auto a = first();
    board.settle(site(), counted(5, {{1, 5}}));
    const auto b = second();
    EXPECT_EQ(board.hits_of(*board.find(a), site(), counted(8, {{1, 6}, {2, 2}})), counted(8, {{1, 6}, {2, 2}}));
    EXPECT_EQ(board.hits_of(*board.find(b), site(), counted(8, {{1, 6}, {2, 2}})), counted(3, {{1, 1}, {2, 2}}));
    board.settle(site(), counted(8, {{1, 6}, {2, 2}}));
    board.find(b)->disabled = true;
    EXPECT_EQ(board.hits_of(*board.find(b), site(), counted(9, {{1, 7}, {2, 2}})).total, 3u);
    board.forget_hits();
    EXPECT_EQ(board.find(a)->hits.total, 0u);
    EXPECT_EQ(site().counted, hit_counts{});
}

TEST_F(shared_places, an_erring_condition_is_its_owners_alone) {
    const auto a = first("nosuch > 1"), b = second("n == 2");
    auto hit = board.judge(site(), 1, {{"nosuch > 1", {false, "could not find symbol"}}, {"n == 2", {true, ""}}});
    ASSERT_EQ(hit.erring.size(), 1u);
    EXPECT_EQ(hit.erring.front(), (std::pair<std::int64_t, std::string>(a, "could not find symbol")));
    EXPECT_EQ(hit.stop, (ids{b}));
    EXPECT_EQ(board.find(a)->hits.total, 0u);
    board.find(a)->off_because = "could not find symbol";
    EXPECT_TRUE(board.dlv_judges(site()));  // one is left
    EXPECT_EQ(told().get_string("Cond"), "n == 2");
    EXPECT_EQ(board.judge(site(), 1, {}).stop, (ids{b}));
}

TEST_F(shared_places, are_off_when_all_of_them_are) {
    const auto a = first("n > 3"), b = second();
    board.find(a)->disabled = true;
    EXPECT_FALSE(told().get_bool("disabled"));
    EXPECT_EQ(told().get_string("Cond"), "");
    board.find(b)->off_because = "it is hit too often";
    EXPECT_TRUE(told().get_bool("disabled"));
    board.drop(b);
    EXPECT_TRUE(told().get_bool("disabled"));
    EXPECT_EQ(told().get_string("Cond"), "n > 3");
}

TEST_F(shared_places, a_watchpoint_is_switched_off_by_a_condition) {
    auto at = place(7, {0x70});
    at.watches = true;
    const auto a = board.put(wish("ann", &ann, "data"), at);
    board.find(a)->off_because = "hit too often";
    EXPECT_FALSE(told().get_bool("disabled"));
    EXPECT_EQ(told().get_string("Cond"), "false");
}

TEST_F(shared_places, everybody_is_told_enough) {
    auto one = wish("ann", &ann), other = wish("bob", &bob);
    const auto load = [](std::int64_t most, bool follow) {
        return protocol::json(protocol::json::object{{"MaxStringLen", most}, {"FollowPointers", follow}});
    };
    one.extras = protocol::json::object{{"stacktrace", 3}, {"variables", protocol::json::array{"n", "sum"}}, {"LoadArgs", load(64, false)}};
    other.extras = protocol::json::object{{"stacktrace", 9}, {"variables", protocol::json::array{"sum", "p"}}, {"goroutine", true},
                                          {"LoadArgs", load(-1, true)}, {"LoadLocals", load(8, true)}};
    board.put(one, place(7, {0x70}));
    board.join(other, {7});
    EXPECT_EQ(told().get_int("stacktrace"), 9);
    EXPECT_TRUE(told().get_bool("goroutine"));
    EXPECT_EQ(*told().find("variables"), (protocol::json::array{"n", "sum", "p"}));
    EXPECT_EQ(told().find("LoadArgs")->get_int("MaxStringLen"), -1);
    EXPECT_TRUE(told().find("LoadArgs")->get_bool("FollowPointers"));
    EXPECT_EQ(told().find("LoadLocals")->get_int("MaxStringLen"), 8);
}

TEST_F(shared_places, the_youngest_that_costs_goes_first) {
    const auto a = first("n > 3"), b = second("n == 2");
    EXPECT_EQ(board.costliest(site()), b);
    board.find(b)->off_because = "hit too often";
    EXPECT_EQ(board.costliest(site()), 0);  // dlv evaluates it, and each stop is wanted
    board.find(a)->traces = true;
    EXPECT_EQ(board.costliest(site()), a);
    board.find(a)->disabled = true;
    EXPECT_EQ(board.costliest(site()), 0);
}

// --- addresses -----------------------------------------------------------------------------------------------------

TEST_F(shared_places, lie_whole_in_part_or_free) {
    board.put(wish("ann", &ann), place(1, {10, 20}));
    board.put(wish("ann", &ann), place(2, {30}));
    auto watched = place(3, {40});
    watched.watches = true;
    board.put(wish("ann", &ann, "data"), watched);
    EXPECT_FALSE(board.across({}).any());
    EXPECT_FALSE(board.across({40, 50}).any());  // an address that is watched can be broken at, too
    const auto o = board.across({20, 30, 50});
    EXPECT_TRUE(o.any());
    EXPECT_EQ(o.whole, (ids{2}));
    EXPECT_EQ(o.part, (std::map<std::int64_t, std::set<std::uint64_t>>{{1, {20}}}));
    EXPECT_EQ(o.free, (std::vector<std::uint64_t>{50}));
}

TEST_F(shared_places, of_which_one_is_made_two) {
    const auto a = board.put(with(wish("ann", &ann), "", "> 2", false), place(1, {10, 20}));
    EXPECT_TRUE(board.dlv_judges(*board.site(1)));
    board.replace(1, {place(5, {10}), place(6, {20})});
    EXPECT_EQ(board.find(a)->sites, (ids{5, 6}));
    EXPECT_EQ(a, 1);  // its owner knows it as before
    EXPECT_FALSE(board.site(1));
    // dlv would count for each of the two by itself.
    EXPECT_FALSE(board.dlv_judges(*board.site(5)));
    EXPECT_TRUE(board.judge(*board.site(5), 1, {}).stop.empty());
    EXPECT_TRUE(board.judge(*board.site(6), 1, {}).stop.empty());
    EXPECT_EQ(board.judge(*board.site(5), 1, {}).stop, (ids{a}));
    const auto b = board.join(wish("bob", &bob), {6});
    board.extend(b, place(9, {30}));
    EXPECT_EQ(board.find(b)->sites, (ids{6, 9}));
    EXPECT_EQ(board.drop(a), (ids{5}));
    EXPECT_EQ(board.drop(b), (ids{6, 9}));
}

}  // namespace
}  // namespace gateway
