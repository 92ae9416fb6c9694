#include "launcher/journal.h"

#include <sys/wait.h>

#include <thread>

#include "tests/unit/launcher/held_support.h"

namespace launcher::test {
namespace {

class journal_test : public held_test {
protected:
    std::string directory() const { return root + "/launcher"; }
    journal open() {
        auto out = journal::open(directory(), std::chrono::seconds(5));
        if (!out) throw std::runtime_error(out.error());
        return std::move(*out);
    }
};

detachment_start scheduler() {
    detachment_start out;
    out.component = "kube-scheduler";
    out.started_by = "alice";
    out.plan_hash = "abc";
    out.known.target_file = "/etc/kubernetes/manifests/kube-scheduler.yaml";
    return out;
}

TEST_F(journal_test, HowOftenItCameBackIsCountedOfWhatHadGone) {
    auto it = open();
    const auto session = [&](const std::string& component, bool gone) {
        auto start = scheduler();
        start.component = component;
        const auto row = it.begin(start);
        ASSERT_TRUE(row) << row.error();
        if (gone) {
            ASSERT_TRUE(it.advance(row->id, journal_step::detached));
            ASSERT_TRUE(it.advance(row->id, journal_step::detached));
        }
        ASSERT_TRUE(it.advance(row->id, journal_step::returned));
        ASSERT_TRUE(it.advance(row->id, journal_step::closed));
    };
    EXPECT_EQ(it.returns("kube-scheduler", std::chrono::minutes(10))->times, 0);
    session("kube-scheduler", true);
    session("kube-scheduler", true);
    session("kube-scheduler", false);  // a start that came to nothing
    session("another", true);
    const auto seen = it.returns("kube-scheduler", std::chrono::minutes(10));
    ASSERT_TRUE(seen) << seen.error();
    EXPECT_EQ(seen->times, 2);
    EXPECT_LE(now().wall - seen->last, 60);
    EXPECT_EQ(it.returns("kube-scheduler", std::chrono::seconds(-60))->times, 0) << "longer ago";
}

TEST_F(journal_test, WhatIsWrittenIsReadByAnother) {
    auto first = open();
    const auto row = first.begin(scheduler());
    ASSERT_TRUE(row) << row.error();
    EXPECT_EQ(row->id.size(), 32u);
    EXPECT_EQ(row->step, journal_step::planned);
    detachment_changes changes;
    changes.held_file = "/h";
    changes.target_hash = "t";
    changes.node = "{}";
    changes.unit = "u.service";
    changes.socket = "/s";
    changes.drop_in = "/d";
    changes.drop_in_hash = "dh";
    changes.note = "n";
    changes.dlv = process_mark{1, 2};
    changes.debuggee = process_mark{3, 4};
    changes.guard = process_mark{5, ~0ull >> 1};
    changes.deadline = moment{6, 7, "boot"};
    ASSERT_TRUE(first.advance(row->id, journal_step::launched, changes));
    ASSERT_TRUE(first.advance(row->id, journal_step::running));
    ASSERT_TRUE(first.beat(row->id));

    auto second = open();
    const auto found = second.find("kube-scheduler");
    ASSERT_TRUE(found && *found);
    const auto& is = **found;
    EXPECT_EQ(is.id, row->id);
    EXPECT_EQ(is.step, journal_step::running);
    EXPECT_EQ(is.since, row->since);
    EXPECT_EQ(is.since.boot_id, now().boot_id);
    EXPECT_EQ(is.target_file, *scheduler().known.target_file);
    EXPECT_EQ(is.held_file, "/h");
    EXPECT_EQ(is.target_hash, "t");
    EXPECT_EQ(is.node, "{}");
    EXPECT_EQ(is.unit, "u.service");
    EXPECT_EQ(is.socket, "/s");
    EXPECT_EQ(is.drop_in, "/d");
    EXPECT_EQ(is.drop_in_hash, "dh");
    EXPECT_EQ(is.note, "n");
    EXPECT_EQ(is.dlv, (process_mark{1, 2}));
    EXPECT_EQ(is.debuggee, (process_mark{3, 4}));
    EXPECT_EQ(is.guard, *changes.guard);
    EXPECT_EQ(is.deadline, changes.deadline);
    EXPECT_GE(is.heartbeat.boot, is.since.boot);
    const auto steps = second.steps(row->id);
    ASSERT_EQ(steps->size(), 3u);
    EXPECT_EQ((*steps)[1].step, journal_step::launched);
    EXPECT_EQ((*steps)[1].note, "n");
    struct stat info {};
    ASSERT_EQ(::stat(directory().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0700u);
    ASSERT_EQ(::stat((directory() + "/journal.db").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(journal_test, OneSessionAComponentUntilItIsClosed) {
    auto one = open(), other = open();
    const auto row = one.begin(scheduler());
    ASSERT_TRUE(row);
    for (const auto step : {journal_step::running, journal_step::failed}) {
        ASSERT_TRUE(one.advance(row->id, step));
        const auto second = other.begin(scheduler());
        ASSERT_FALSE(second);
        EXPECT_NE(second.error().find(row->id), std::string::npos) << second.error();
    }
    auto manager = scheduler();
    manager.component = "kube-controller-manager";
    EXPECT_TRUE(other.begin(manager));
    EXPECT_EQ(one.active()->size(), 2u);
    ASSERT_TRUE(one.advance(row->id, journal_step::closed));
    EXPECT_FALSE(one.advance(row->id, journal_step::running));
    EXPECT_FALSE(one.beat(row->id));
    EXPECT_FALSE(one.advance("nobody", journal_step::running));
    const auto again = other.begin(scheduler());
    ASSERT_TRUE(again) << again.error();
    EXPECT_NE(again->id, row->id);
}

TEST_F(journal_test, StepsSurviveTheirWritersKill) {
    for (const auto step : {journal_step::planned, journal_step::launched, journal_step::detaching, journal_step::running}) {
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            auto j = open();
            auto row = j.find("kube-scheduler");
            if (!*row) row = *j.begin(scheduler());
            if (step != journal_step::planned && !j.advance((*row)->id, step)) ::_exit(1);
            ::kill(::getpid(), SIGKILL);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        auto after = open();
        ASSERT_TRUE(*after.find("kube-scheduler"));
        EXPECT_EQ((*after.find("kube-scheduler"))->step, step);
    }
}

TEST_F(journal_test, VerbsAreLoggedAndPruned) {
    auto j = open();
    ASSERT_TRUE(j.log_verb({"alice", 1000, "start", "kube-scheduler", "ok"}));
    ASSERT_TRUE(j.log_verb({"gateway", std::nullopt, "arm", "kube-scheduler", "only root may arm"}));
    const auto row = j.begin(scheduler());
    const auto verbs = j.verbs(10);
    ASSERT_EQ(verbs->size(), 2u);
    EXPECT_EQ((*verbs)[0].verb.verb, "arm");
    EXPECT_FALSE((*verbs)[0].verb.uid);
    EXPECT_EQ((*verbs)[1].verb.uid, 1000);
    EXPECT_EQ(j.verbs(1)->size(), 1u);
    ASSERT_TRUE(j.prune(std::chrono::hours(1)));
    EXPECT_EQ(j.verbs(10)->size(), 2u);
    ASSERT_TRUE(j.prune(std::chrono::seconds(0)));
    EXPECT_TRUE(j.verbs(10)->empty());
    EXPECT_EQ(j.active()->size(), 1u);  // whatever its age
    EXPECT_EQ(j.steps(row->id)->size(), 1u);
    ASSERT_TRUE(j.advance(row->id, journal_step::closed));
    ASSERT_TRUE(j.prune(std::chrono::seconds(0)));
    EXPECT_TRUE(j.steps(row->id)->empty());
}

TEST_F(journal_test, DamagedOrOpenToOthersIsRefused) {
    (void)open();
    ASSERT_EQ(::chmod(directory().c_str(), 0750), 0);
    EXPECT_NE(journal::open(directory()).error().find("chmod 700"), std::string::npos);
    ASSERT_EQ(::chmod(directory().c_str(), 0700), 0);
    write_whole_file(directory() + "/journal.db", std::string(8192, 'x'));
    const auto damaged = journal::open(directory());
    ASSERT_FALSE(damaged);
    EXPECT_NE(damaged.error().find("delvegate restore"), std::string::npos) << damaged.error();
    EXPECT_EQ(damaged.error().find('\n'), std::string::npos);
}

TEST_F(journal_test, FullDiskIsAnErrorAndTheOldStateStays) {
    if (!may_mount()) GTEST_SKIP() << "may not mount";
    ASSERT_EQ(::mkdir(directory().c_str(), 0700), 0);
    mount_small(directory(), "size=256k,mode=0700");
    auto j = open();
    const auto row = j.begin(scheduler());
    ASSERT_TRUE(row) << row.error();
    std::ofstream filler(directory() + "/filler", std::ios::binary);
    while (filler.write(std::string(4096, 'f').data(), 4096).flush()) {
    }
    // The log of what is there may take a step or two more; then it says so.
    journal_step last = journal_step::planned;
    std::string why;
    detachment_changes large;
    large.note = std::string(16 * 1024, 'n');
    for (int i = 0; why.empty() && i < 100; ++i) {
        const auto step = static_cast<journal_step>(i % 7);
        const auto out = j.advance(row->id, step, large);
        if (out) last = step;
        else why = out.error();
    }
    EXPECT_NE(why.find("no room"), std::string::npos) << why;
    EXPECT_FALSE(j.begin([] { auto s = scheduler(); s.component = "other"; s.known.note = std::string(65536, 'n'); return s; }()));
    filler.close();  // while it is open its room is not free
    ASSERT_EQ(::unlink((directory() + "/filler").c_str()), 0);
    auto after = open();
    EXPECT_EQ((*after.find("kube-scheduler"))->step, last);
    const auto on = after.advance(row->id, journal_step::returning);
    EXPECT_TRUE(on) << on.error();
}

TEST(process_mark, IsOfOneProcessOnly) {
    const auto mine = mark_process(::getpid());
    EXPECT_TRUE(still_running(mine));
    EXPECT_FALSE(still_running({mine.pid, mine.started + 1}));
    EXPECT_FALSE(still_running({}));
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
    EXPECT_EQ(mark_process(child), process_mark{});  // a zombie does nothing any more
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST(process_mark, WhoEndsWhileItIsReadIsGone) {
    for (int i = 0; i < 2000; ++i) {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(0);
        std::jthread bury([child] { ::waitpid(child, nullptr, 0); });
        while (mark_process(child).pid != 0) {
        }
    }
}

TEST(moment, DeadlinesGoByTheBootClockOnOneBoot) {
    const moment deadline{1000, 50, "a"};
    EXPECT_TRUE(passed(deadline, {0, 50, "a"}));
    EXPECT_FALSE(passed(deadline, {5000, 49, "a"}));
    EXPECT_TRUE(passed(deadline, {1000, 0, "b"}));
    EXPECT_FALSE(passed(deadline, {999, 99, "b"}));
    EXPECT_FALSE(passed({1000, 0, ""}, {999, 99, ""}));
    EXPECT_EQ(utc_text(1'764'126'600), "2025-11-26T03:10:00Z");
}

}  // namespace
}  // namespace launcher::test
