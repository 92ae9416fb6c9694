#include "gateway/session_journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "gateway/breakpoint_record.h"
#include "gateway/session_memory.h"

namespace gateway {

class viewer {};

namespace {

using protocol::json;
using values = std::map<std::string, std::string, std::less<>>;

class Journal : public testing::Test {
protected:
    void SetUp() override {
        char path[] = "/tmp/delvegate-journal-XXXXXX";
        ASSERT_NE(::mkdtemp(path), nullptr);
        directory = path;
        file = directory + "/app.journal";
    }
    void TearDown() override {
        ::unlink(file.c_str());
        ::rmdir(directory.c_str());
    }
    std::string content() const {
        std::ifstream in(file, std::ios::binary);
        std::ostringstream out;
        out << in.rdbuf();
        return out.str();
    }
    void write(std::string_view text) const {
        ::unlink(file.c_str());
        std::ofstream(file, std::ios::binary) << text;
    }
    values read() const {
        session_journal again(file, "app");
        again.open();
        return again.all();
    }

    std::string directory, file;
};

TEST_F(Journal, KnowsTheNewestValues) {
    {
        session_journal one(file, "app");
        one.open();
        EXPECT_TRUE(one.kept());
        one.put("wish/1", std::string("{\"a\":\"\\n\"}"));
        one.put("wish/2", std::string("2"));
        one.put("wish/1", std::string("[1]"));
        one.put("pid", std::string("7"));
        one.drop("wish/2");
        one.drop("wish/3");
    }
    EXPECT_EQ(read(), (values{{"pid", "7"}, {"wish/1", "[1]"}}));
    struct stat info {};
    ASSERT_EQ(::stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(Journal, TheSameAgainCostsNothing) {
    session_journal one(file, "app");
    one.open();
    one.put("a", std::string("1"));
    const auto before = content();
    one.put("a", std::string("1"));
    one.drop("b");
    EXPECT_EQ(content(), before);
}

TEST_F(Journal, ABatchIsWrittenAtItsEnd) {
    session_journal one(file, "app");
    one.open();
    {
        const session_journal::batch together(one);
        one.put("a/1", std::string("1"));
        one.put("a/2", std::string("2"));
        one.put("b", std::string("3"));
        EXPECT_EQ(content(), "");
        one.drop_below("a/");
    }
    EXPECT_EQ(read(), (values{{"b", "3"}}));
}

// Cut at each byte it is what it was after some whole number of changes, and never less than what whole lines say.
TEST_F(Journal, CutAnywhereItIsAnEarlierState) {
    std::vector<values> states{{}};
    std::vector<std::size_t> ends{0};
    {
        session_journal one(file, "app");
        one.open();
        const auto did = [&] {
            states.push_back(one.all());
            ends.push_back(content().size());
        };
        one.put("a", std::string("{\"text\":\"x\\\"}\\n\"}")), did();
        one.put("b", std::string("[1,2,{\"k\":\"b\"}]")), did();
        one.put("a", std::string("null")), did();
        one.drop("b"), did();
        one.put("c", std::string("\"\xc3\xa4\"")), did();
    }
    const auto whole = content();
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        write(whole.substr(0, cut));
        std::size_t done = 0;
        while (done + 1 < ends.size() && ends[done + 1] <= cut) ++done;
        EXPECT_EQ(read(), states[done]) << cut;
    }
}

TEST_F(Journal, WhatIsNotOursCountsForNothing) {
    write("{\"k\":\"a\",\"v\":1}\n"
          "\n"
          "not json\n"
          "[]\n"
          "{\"v\":1}\n"
          "{\"k\":7,\"v\":1}\n"
          "{\"k\":\"b\",\"v\":}\n" +
          std::string("\0\xff\n", 3) + "{\"k\":\"c\",\"v\":3}\n{\"k\":\"a\",\"v\":2");
    EXPECT_EQ(read(), (values{{"a", "1"}, {"c", "3"}}));
}

TEST_F(Journal, ALinkIsNotFollowed) {
    const auto elsewhere = directory + "/elsewhere";
    std::ofstream(elsewhere) << "{\"k\":\"a\",\"v\":1}\n";
    ASSERT_EQ(::symlink(elsewhere.c_str(), file.c_str()), 0);
    EXPECT_TRUE(read().empty());
    std::ifstream in(elsewhere);
    std::string line;
    EXPECT_TRUE(std::getline(in, line));
    EXPECT_EQ(line, "{\"k\":\"a\",\"v\":1}");
    ::unlink(elsewhere.c_str());
}

TEST_F(Journal, StaysSmall) {
    session_journal one(file, "app");
    one.open();
    const std::string much = "\"" + std::string(1000, 'x') + "\"";
    for (int i = 0; i < 5000; ++i) one.put("run/" + std::to_string(i % 10), i % 2 ? much : std::string("1"));
    EXPECT_LE(content().size(), session_journal::compact_above + 2000);
    EXPECT_EQ(read(), one.all());
}

TEST_F(Journal, AFullDiskLeavesNothingOldBehind) {
    session_journal one(file, "app");
    one.open();
    one.put("a", std::string("1"));
    // Files may not become larger: what a full disk says in other words.
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit small = before;
    small.rlim_cur = 64;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    one.put("b", "\"" + std::string(200, 'x') + "\"");
    const bool kept = one.kept();
    one.put("c", std::string("3"));
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, handler);
    EXPECT_FALSE(kept);
    EXPECT_NE(::access(file.c_str(), F_OK), 0);
    // And when there is room again, all of it is there.
    for (int i = 0; i < 100 && !one.kept(); ++i) one.put("d", "\"" + std::string(1000, static_cast<char>('a' + i % 26)) + "\"");
    ASSERT_TRUE(one.kept());
    EXPECT_EQ(read(), one.all());
    EXPECT_EQ(one.all().size(), 4u);
}

TEST_F(Journal, TooMuchIsNotKept) {
    session_journal one(file, "app");
    one.open();
    const std::string much = "\"" + std::string(1u << 20, 'x') + "\"";
    for (int i = 0; i < 17; ++i) one.put("a/" + std::to_string(i), much);
    EXPECT_FALSE(one.kept());
    EXPECT_TRUE(read().empty());
}

breakpoint_wish wish_of(viewer* owner) {
    breakpoint_wish w;
    w.user = "alice";
    w.owner = owner;
    w.claimed = false;
    w.pinned = true;
    w.group = "source /a b";
    w.key = "12:0";
    w.name = "n";
    w.condition = "i == 3";
    w.hit_condition = "> 2";
    w.by_goroutine = true;
    w.traces = true;
    w.disabled = true;
    w.off_because = "it errs";
    w.log_message = "{i}";
    w.extras = json(json::object{{"stacktrace", 3}});
    w.file = "/src/main.go";
    w.line = 12;
    w.who.user = "alice";
    w.who.groups = {"dev", "ops"};
    w.who.authority = "own";
    w.operation = "setBreakpoints";
    w.needs = {protocol::op_class::breakpoint, protocol::op_class::lifecycle};
    w.hits.total = 5;
    w.hits.by_goroutine[3] = 5;
    return w;
}

TEST_F(Journal, BreakpointsAreWhatTheyWere) {
    viewer alice;
    breakpoint_board board;
    breakpoint_site site;
    site.id = 4;
    site.addresses = {0x4a0437, 0xffffffffffffffff};
    site.watches = true;
    site.access = 3;
    site.counted.total = 5;
    site.applied = json(json::object{{"Cond", "i == 3"}});
    board.put(wish_of(&alice), site);
    const auto joined = board.join(wish_of(nullptr), {4});
    {
        session_memory memory(file, "app");
        memory.journal().open();
        memory.keep(board, 77, std::nullopt, false);
        memory.keep_baton(session_memory::holder{{"bob", "own"}, std::chrono::system_clock::from_time_t(1000)});
    }
    session_memory memory(file, "app");
    memory.journal().open();
    auto past = memory.recall();
    EXPECT_EQ(past.pid, 77);
    EXPECT_EQ(past.was_here, (std::vector<std::int64_t>{4}));
    ASSERT_TRUE(past.baton);
    EXPECT_EQ(past.baton->first, (person{"bob", "own"}));
    EXPECT_EQ(std::chrono::system_clock::to_time_t(past.baton->second), 1000);
    EXPECT_FALSE(past.setting);
    breakpoint_board again;
    again.recall(past.wishes, past.sites);
    ASSERT_EQ(again.size(), 2u);
    ASSERT_EQ(again.sites().size(), 1u);
    // Nobody of them is here, which is all that has changed.
    board.abandon_all({});
    for (const auto id : {std::int64_t{4}, joined})
        EXPECT_EQ(protocol::to_text(to_json(*again.find(id))), protocol::to_text(to_json(*board.find(id))));
    EXPECT_EQ(protocol::to_text(to_json(*again.site(4))), protocol::to_text(to_json(*board.site(4))));
    // An id that was given is not given again.
    EXPECT_GT(again.join(wish_of(nullptr), {4}), joined);
    EXPECT_EQ(read(), memory.journal().all());
}

TEST_F(Journal, WhatIsGoneIsForgotten) {
    breakpoint_board board;
    breakpoint_site site;
    site.id = 1;
    board.put(wish_of(nullptr), site);
    site.id = 2;
    board.put(wish_of(nullptr), site);
    session_memory memory(file, "app");
    memory.journal().open();
    memory.is_setting(wish_of(nullptr));
    ASSERT_TRUE(memory.recall().setting);
    EXPECT_EQ(memory.recall().setting->user, "alice");
    memory.keep(board, 0, std::nullopt, false);
    EXPECT_FALSE(memory.recall().setting);
    EXPECT_EQ(memory.recall().wishes.size(), 2u);
    board.drop(1);
    memory.keep(board, 0, std::nullopt, false);
    EXPECT_EQ(memory.recall().wishes.size(), 1u);
    EXPECT_EQ(memory.recall().sites.size(), 1u);
}

TEST_F(Journal, WhoLeavesWhileTheGatewayEndsWasHere) {
    viewer alice;
    breakpoint_board board;
    breakpoint_site site;
    site.id = 1;
    board.put(wish_of(&alice), site);
    site.id = 2;
    board.put(wish_of(nullptr), site);
    session_memory memory(file, "app");
    memory.journal().open();
    memory.keep(board, 0, std::nullopt, false);
    board.abandon_all({});
    board.drop(2);
    memory.keep(board, 0, std::nullopt, true);
    EXPECT_EQ(memory.recall().was_here, (std::vector<std::int64_t>{1}));
    EXPECT_EQ(memory.recall().wishes.size(), 1u) << "what else changes is known";
    memory.keep(board, 0, std::nullopt, false);
    EXPECT_TRUE(memory.recall().was_here.empty());
}

TEST_F(Journal, WhoWasToldOfAStop) {
    {
        session_memory memory(file, "app");
        memory.journal().open();
        EXPECT_EQ(memory.stop().mark, "");
        memory.keep_stop({"m1", {"alice\nown", "bob\n"}});
    }
    session_memory memory(file, "app");
    memory.journal().open();
    EXPECT_EQ(memory.stop().mark, "m1");
    EXPECT_EQ(memory.stop().told, (std::set<std::string>{"alice\nown", "bob\n"}));
    memory.keep_stop({});
    EXPECT_EQ(memory.stop().mark, "");
}

TEST_F(Journal, WhatDoesNotFitTogetherIsLeftOut) {
    breakpoint_wish lost = wish_of(nullptr), half = wish_of(nullptr);
    lost.id = 1;
    lost.sites = {9};
    half.id = 2;
    half.sites = {2, 9};
    breakpoint_site one, nobodys;
    one.id = 2;
    one.wishes = {2, 7};
    nobodys.id = 3;
    breakpoint_board board;
    board.recall({lost, half}, {one, nobodys});
    EXPECT_EQ(board.size(), 1u);
    EXPECT_EQ(board.find(2)->sites, (std::vector<std::int64_t>{2}));
    EXPECT_EQ(board.sites().size(), 1u);
    EXPECT_EQ(board.site(2)->wishes, (std::vector<std::int64_t>{2}));
}

}  // namespace
}  // namespace gateway
