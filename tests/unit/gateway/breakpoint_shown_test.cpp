#include "gateway/breakpoint_shown.h"

#include <gtest/gtest.h>

namespace gateway {

class viewer {};

namespace {

using protocol::json;
using ids = std::vector<std::int64_t>;

json read(const std::string& text) { return *protocol::parse_json(text); }

json of_dlv(std::int64_t id, const std::string& more = "") {
    return read("{\"id\":" + std::to_string(id) + ",\"name\":\"\",\"addr\":112,\"addrs\":[112],\"file\":\"/src/main.go\",\"line\":12," +
                "\"Cond\":\"\",\"HitCond\":\"\",\"HitCondPerG\":false,\"continue\":true,\"disabled\":false," +
                "\"hitCount\":{\"1\":4},\"totalHitCount\":4" + more + "}");
}

class shown_breakpoints : public testing::Test {
protected:
    shown_breakpoints() {
        breakpoint_wish a, b;
        a.user = "ann";
        a.owner = &ann;
        a.group = "rpc";
        a.name = "here";
        a.condition = "n > 3";
        a.hit_condition = "== 2";
        a.extras = json::object{{"variables", json::array{"n"}}};
        b.user = "bob";
        b.owner = &bob;
        b.group = "source /src/main.go";
        b.traces = true;
        breakpoint_site s;
        s.id = 7;
        s.addresses = {112};
        mine = board.put(a, s);
        other = board.join(b, {7});
    }
    json thread(std::int64_t id) {
        json t = json::object{{"id", id}, {"breakPointInfo", json::object{}}};
        t.set("breakPoint", of_dlv(7));
        return t;
    }
    const json& only(const json& list) { return list.if_array()->front(); }

    breakpoint_board board;
    viewer ann, bob, cat;
    std::int64_t mine = 0, other = 0;
    breakpoint_reader as_ann{&ann, "ann"}, as_bob{&bob, "bob"}, as_cat{&cat, "cat"};
};

TEST_F(shown_breakpoints, are_as_they_are_for_one_person_alone) {
    EXPECT_FALSE(shown_as_they_are(board, as_ann));
    board.drop(other);
    EXPECT_TRUE(shown_as_they_are(board, as_ann));
    EXPECT_FALSE(shown_as_they_are(board, as_cat));  // must know whose it is
    EXPECT_EQ(shown_breakpoint(board, *board.find(mine), of_dlv(7), as_ann), of_dlv(7));
    board.find(mine)->pinned = true;
    EXPECT_FALSE(shown_as_they_are(board, as_ann));
    board.find(mine)->pinned = false;
    board.find(mine)->off_because = "why";
    EXPECT_FALSE(shown_as_they_are(board, as_ann));
    EXPECT_TRUE(shown_as_they_are({}, as_cat));
}

TEST_F(shown_breakpoints, of_one_place_are_listed_one_by_one) {
    json dlvs = json::array{of_dlv(-1), of_dlv(7)};
    const auto list = shown_list(board, dlvs, as_ann);
    ASSERT_EQ(list.if_array()->size(), 3u);
    EXPECT_EQ((*list.if_array())[0], of_dlv(-1));
    const auto& a = (*list.if_array())[1];
    const auto& b = (*list.if_array())[2];
    EXPECT_EQ(a.get_int("id"), mine);
    EXPECT_EQ(a.get_string("name"), "here");
    EXPECT_EQ(a.get_string("Cond"), "n > 3");
    EXPECT_EQ(a.get_string("HitCond"), "== 2");
    EXPECT_FALSE(a.get_bool("continue"));
    EXPECT_EQ(a.get_int("totalHitCount"), 0);  // as the hub has counted
    EXPECT_EQ(*a.find("variables"), (json::array{"n"}));
    EXPECT_FALSE(a.find("VerboseDescr"));
    EXPECT_EQ(b.get_int("id"), other);
    EXPECT_TRUE(b.get_bool("continue"));
    EXPECT_EQ(b.get_string("Cond"), "");
    EXPECT_EQ(*b.find("VerboseDescr"), (json::array{"set by bob"}));
    EXPECT_EQ(*(*shown_list(board, dlvs, as_cat).if_array())[1].find("VerboseDescr"), (json::array{"set by ann"}));
}

TEST_F(shown_breakpoints, that_are_off_say_why) {
    board.find(mine)->off_because = "its condition could not be evaluated";
    const auto a = shown_breakpoint(board, *board.find(mine), of_dlv(7), as_ann);
    EXPECT_TRUE(a.get_bool("disabled"));
    EXPECT_EQ(*a.find("VerboseDescr"), (json::array{"switched off: its condition could not be evaluated"}));
    EXPECT_FALSE(shown_breakpoint(board, *board.find(other), of_dlv(7), as_ann).get_bool("disabled"));
}

TEST_F(shown_breakpoints, of_several_sites_are_one) {
    breakpoint_site s;
    s.id = 9;
    s.addresses = {200};
    board.extend(mine, s);
    json both = json::array{of_dlv(7), of_dlv(9)};
    const auto list = shown_list(board, both, as_ann);
    ASSERT_EQ(list.if_array()->size(), 2u);
    EXPECT_EQ(*only(list).find("addrs"), (json::array{112, 200}));
}

TEST_F(shown_breakpoints, at_a_stop_ones_own_comes_first) {
    const thread_hits hits{{1, {.site = 7, .stop = {mine}, .trace = {other}, .erring = {}}}};
    json state = json::object{};
    state.set("currentThread", thread(1));
    state.set("Threads", json::array{thread(1)});
    json reply = json::object{};
    reply.set("State", state);
    auto to_ann = reply, to_bob = reply;
    show_threads(board, hits, to_ann, as_ann);
    show_threads(board, hits, to_bob, as_bob);
    const auto* current = to_ann.find("State")->find("currentThread");
    EXPECT_EQ(current->find("breakPoint")->get_int("id"), mine);
    EXPECT_FALSE(current->find("breakPoint")->get_bool("continue"));
    EXPECT_EQ(only(*to_ann.find("State")->find("Threads")).find("breakPoint")->get_int("id"), mine);
    // bob's only passes, but it is ann's that stopped.
    EXPECT_EQ(to_bob.find("State")->find("currentThread")->find("breakPoint")->get_int("id"), mine);
}

TEST_F(shown_breakpoints, that_only_pass_are_seen_to) {
    const thread_hits hits{{1, {.site = 7, .stop = {}, .trace = {other}, .erring = {}}}};
    auto list = json(json::object{{"Threads", json::array{thread(1)}}});
    show_threads(board, hits, list, as_bob);
    const auto* b = only(*list.find("Threads")).find("breakPoint");
    EXPECT_EQ(b->get_int("id"), other);
    EXPECT_TRUE(b->get_bool("continue"));
}

TEST_F(shown_breakpoints, that_stopped_it_and_are_gone_make_way_for_what_is_there) {
    const thread_hits hits{{1, {.site = 7, .stop = {99}, .trace = {}, .erring = {}}}};
    auto reply = json(json::object{{"Thread", thread(1)}});
    show_threads(board, hits, reply, as_bob);
    const auto* b = reply.find("Thread")->find("breakPoint");
    ASSERT_TRUE(b);
    EXPECT_EQ(b->get_int("id"), other);
    EXPECT_TRUE(b->get_bool("continue"));
}

TEST_F(shown_breakpoints, that_were_nobodys_hit_are_not_shown) {
    const thread_hits hits{{1, {.site = 7, .stop = {}, .trace = {}, .erring = {}}}};
    auto reply = json(json::object{{"Thread", thread(1)}});
    show_threads(board, hits, reply, as_ann);
    EXPECT_FALSE(reply.find("Thread")->find("breakPoint"));
    EXPECT_FALSE(reply.find("Thread")->find("breakPointInfo"));
    // Of targets, too; what is not the board's stays.
    auto foreign = thread(1);
    foreign.set("breakPoint", of_dlv(-1));
    auto targets = json(json::object{{"Targets", json::array{json::object{{"currentThread", foreign}}}}});
    const auto before = targets;
    show_threads(board, hits, targets, as_ann);
    EXPECT_EQ(targets, before);
}

TEST(breakpoint_replies, are_read) {
    EXPECT_TRUE(breakpoints_in(read("{}")).empty());
    EXPECT_TRUE(breakpoints_in(read("{\"Breakpoints\":null}")).empty());
    EXPECT_EQ(breakpoints_in(read("{\"Breakpoints\":[{\"id\":1},{\"id\":2}]}")).size(), 2u);
    const auto counts = breakpoint_counts(read("{\"totalHitCount\":5,\"hitCount\":{\"1\":3,\"18\":2,\"x\":9}}"));
    EXPECT_EQ(counts.total, 5u);
    EXPECT_EQ(counts.by_goroutine, (std::map<std::int64_t, std::uint64_t>{{1, 3}, {18, 2}}));
    const auto extras = breakpoint_extras(read("{\"id\":1,\"Cond\":\"n\",\"stacktrace\":2,\"LoadArgs\":null,\"variables\":[\"n\"]}"));
    EXPECT_EQ(extras, read("{\"stacktrace\":2,\"variables\":[\"n\"]}"));
}

}  // namespace
}  // namespace gateway
