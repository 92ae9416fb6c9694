#include "gateway/target_state.h"

#include <gtest/gtest.h>

#include "protocol/error.h"

namespace gateway {
namespace {

using ids = std::vector<std::int64_t>;

// dlv's JSON, shortened by members that nobody reads. Threads come without a breakPoint unless given.
std::string thread(int id, int goroutine, const std::string& function, int line, const std::string& more = {}) {
    return R"({"id":)" + std::to_string(id) + R"(,"pc":4997814,"file":"/src/main.go","line":)" + std::to_string(line) +
           R"(,"function":{"name":")" + function + R"(","value":4997760,"type":0,"goType":0,"optimized":false},"goroutineID":)" +
           std::to_string(goroutine) + more + R"(,"ReturnValues":null,"CallReturn":false})";
}

std::string breakpoint(const std::string& id_and_name, const std::string& more = {}) {
    return R"(,"breakPoint":{)" + id_and_name +
           R"(,"addr":4997814,"addrs":[4997814],"file":"/src/main.go","line":36,"functionName":"main.tick","Cond":"","HitCond":"",)" +
           (more.empty() ? R"("continue":false,"WatchExpr":"",)" : more) +
           R"("WatchType":0,"hitCount":{"1":1},"totalHitCount":1,"disabled":false},"breakPointInfo":{})";
}

std::string goroutine(int id) {
    return R"("currentGoroutine":{"id":)" + std::to_string(id) +
           R"(,"currentLoc":{"pc":4997814,"file":"/src/main.go","line":36},"threadID":0,"status":2},)";
}

// `stop_reason` empty: as dlv before 1.26.1 writes it.
std::string state(const std::string& current, const std::string& others, const std::string& with_goroutine,
                  const std::string& stop_reason, const std::string& more = {}) {
    std::string text = R"({"State":{"Pid":4242,"TargetCommandLine":"/src/app","Running":false,"Recording":false,)"
                       R"("CoreDumping":false,"currentThread":)" +
                       current + "," + with_goroutine + R"("Threads":[)" + current + (others.empty() ? "" : "," + others) +
                       R"(],"NextInProgress":false,"WatchOutOfScope":null,"exitStatus":0,"When":"")" + more;
    if (!stop_reason.empty()) text += R"(,"stopReason":")" + stop_reason + '"';
    return text + "}}";
}

target_state read(const std::string& text) {
    auto s = read_state(text);
    EXPECT_TRUE(s) << s.error().message() << "\n" << text;
    return s ? std::move(*s) : target_state{};
}

const std::string user_breakpoint = breakpoint(R"("id":3,"name":"")");
const std::string idle = thread(21, 0, "runtime.futex", 100);

// With stopReason and without: what is understood must not hang on Delve's version.
class target_states : public testing::TestWithParam<bool> {
protected:
    std::string word(const std::string& reason) const { return GetParam() ? reason : std::string(); }
};
INSTANTIATE_TEST_SUITE_P(dlv, target_states, testing::Bool(), [](const auto& chosen) {
    return chosen.param ? "with_stop_reason" : "without_stop_reason";
});

TEST_P(target_states, at_the_entry) {
    const auto s = read(state(thread(20, 0, "_rt0_amd64_linux", 8), "", "", word("launched")));
    EXPECT_EQ(s.pid, 4242);
    EXPECT_FALSE(s.running);
    EXPECT_FALSE(s.exited);
    EXPECT_FALSE(s.selected_goroutine);
    EXPECT_EQ(s.goroutine(), 0);
    EXPECT_EQ(s.position(), "_rt0_amd64_linux() in /src/main.go:8");
    EXPECT_EQ(s.stop_reason, word("launched"));
    EXPECT_FALSE(stands_at_breakpoint(s));
    EXPECT_EQ(explain_stop(s, run_kind::go_on, true).reason, "pause");
}

TEST_P(target_states, breakpoint_on_the_current_thread) {
    const auto s = read(state(thread(20, 7, "main.tick", 36, user_breakpoint), idle, goroutine(7), word("breakpoint")));
    ASSERT_TRUE(s.current_thread);
    ASSERT_TRUE(s.current_thread->breakpoint);
    EXPECT_EQ(s.current_thread->breakpoint->id, 3);
    EXPECT_EQ(s.current_thread->breakpoint->file, "/src/main.go");
    EXPECT_EQ(s.current_thread->breakpoint->line, 36);
    EXPECT_EQ(s.threads.size(), 2u);
    EXPECT_EQ(s.goroutine(), 7);
    EXPECT_TRUE(stands_at_breakpoint(s));
    for (const auto run : {run_kind::go_on, run_kind::step, run_kind::call}) {
        const auto cause = explain_stop(s, run, false);
        EXPECT_EQ(cause.reason, "breakpoint");
        EXPECT_EQ(cause.goroutine, 7);
        EXPECT_EQ(cause.hit_breakpoints, (ids{3}));
    }
    const auto halted = explain_stop(s, run_kind::go_on, true);
    EXPECT_EQ(halted.reason, "pause");
    EXPECT_EQ(halted.goroutine, 7);
    EXPECT_EQ(halted.hit_breakpoints, ids{});
}

TEST_P(target_states, breakpoint_on_another_thread) {
    const auto other = thread(21, 9, "main.tick", 36, user_breakpoint);
    const auto s = read(state(thread(20, 7, "main.main", 12), other, goroutine(7), word("breakpoint")));
    EXPECT_TRUE(stands_at_breakpoint(s));
    const auto cause = explain_stop(s, run_kind::step, false);
    EXPECT_EQ(cause.reason, "breakpoint");
    EXPECT_EQ(cause.goroutine, 9) << "the goroutine that hit it, not the selected one";
    EXPECT_EQ(cause.hit_breakpoints, (ids{3}));
    EXPECT_EQ(explain_stop(s, run_kind::step, true).reason, "pause");
}

TEST(target_state, a_step_that_ends_at_a_breakpoint_whose_condition_does_not_hold_is_a_step) {
    // Measured, 1.27.1: the thread has the breakpoint, and the reason is the step's.
    const auto s = read(state(thread(20, 7, "main.tick", 36, user_breakpoint), idle, goroutine(7), "next finished"));
    const auto cause = explain_stop(s, run_kind::step, false);
    EXPECT_EQ(cause.reason, "step");
    EXPECT_EQ(cause.goroutine, 7);
    EXPECT_EQ(cause.hit_breakpoints, ids{});
    EXPECT_EQ(explain_stop(s, run_kind::step, true).reason, "pause");
}

TEST_P(target_states, of_two_breakpoints_the_current_threads_counts) {
    const auto other = thread(21, 9, "main.tick", 36, breakpoint(R"("id":4,"name":"")"));
    // dlv lists the threads in any order.
    const auto mine = thread(20, 7, "main.tick", 36, user_breakpoint);
    const auto s = read(state(mine, other, goroutine(7), word("breakpoint")));
    EXPECT_EQ(explain_stop(s, run_kind::go_on, false).hit_breakpoints, (ids{3}));
    const auto t = read(state(other, mine, goroutine(9), word("breakpoint")));
    EXPECT_EQ(explain_stop(t, run_kind::go_on, false).hit_breakpoints, (ids{4}));
}

TEST_P(target_states, a_tracepoint_does_not_stop) {
    const auto trace = breakpoint(R"("id":5,"name":"")", R"("continue":true,"WatchExpr":"",)");
    const auto s = read(state(thread(20, 7, "main.tick", 36, trace), idle, goroutine(7), word("breakpoint")));
    EXPECT_TRUE(s.current_thread->breakpoint->tracepoint);
    EXPECT_FALSE(stands_at_breakpoint(s));
    ASSERT_EQ(tracepoints_hit(s).size(), 1u);
    EXPECT_EQ(tracepoints_hit(s)[0]->goroutine, 7);
    EXPECT_EQ(tracepoints_hit(s)[0]->breakpoint->id, 5);
    const auto halted = explain_stop(s, run_kind::go_on, true);
    EXPECT_EQ(halted.reason, "pause");
    EXPECT_EQ(halted.hit_breakpoints, ids{});
}

TEST_P(target_states, a_breakpoint_beside_a_tracepoint_stops) {
    const auto trace = breakpoint(R"("id":5,"name":"")", R"("continue":true,"WatchExpr":"",)");
    const auto s = read(state(thread(20, 7, "main.tick", 36, trace), thread(21, 9, "main.tick", 36, user_breakpoint),
                              goroutine(7), word("breakpoint")));
    EXPECT_EQ(tracepoints_hit(s).size(), 1u);
    EXPECT_TRUE(stands_at_breakpoint(s));
    const auto cause = explain_stop(s, run_kind::go_on, false);
    EXPECT_EQ(cause.goroutine, 9);
    EXPECT_EQ(cause.hit_breakpoints, (ids{3}));
}

TEST_P(target_states, halted) {
    // In the runtime, on no goroutine.
    const auto s = read(state(thread(20, 0, "runtime.futex", 100), idle, "", word("manual")));
    EXPECT_FALSE(s.selected_goroutine);
    EXPECT_EQ(s.goroutine(), 0);
    EXPECT_EQ(explain_stop(s, run_kind::go_on, true).reason, "pause");
    EXPECT_EQ(explain_stop(s, run_kind::step, true).reason, "pause");
}

TEST(target_state, somebody_elses_halt_is_seen_by_delves_word) {
    const auto s = read(state(idle, "", "", "manual"));
    EXPECT_EQ(explain_stop(s, run_kind::go_on, false).reason, "pause");
    EXPECT_EQ(explain_stop(s, run_kind::step, false).reason, "pause");
}

TEST_P(target_states, watchpoint) {
    const auto watch = breakpoint(R"("id":6,"name":"main.total")", R"("continue":false,"WatchExpr":"main.total",)");
    const auto s = read(state(thread(20, 7, "main.tick", 37, watch), idle, goroutine(7), word("watchpoint")));
    EXPECT_TRUE(s.current_thread->breakpoint->watchpoint);
    const auto cause = explain_stop(s, run_kind::go_on, false);
    EXPECT_EQ(cause.reason, "data breakpoint");
    EXPECT_EQ(cause.hit_breakpoints, (ids{6}));
    EXPECT_EQ(explain_stop(s, run_kind::go_on, true).reason, "pause");
}

TEST_P(target_states, unrecovered_panic) {
    const auto panic = breakpoint(R"("id":-1,"name":"unrecovered-panic")");
    const auto s = read(state(thread(20, 7, "runtime.fatalpanic", 1300, panic), idle, goroutine(7), word("breakpoint")));
    for (const bool halted : {false, true}) {  // a panic is one, whoever asked for a halt meanwhile
        const auto cause = explain_stop(s, run_kind::go_on, halted);
        EXPECT_EQ(cause.reason, "exception");
        EXPECT_EQ(cause.description, "panic");
        EXPECT_EQ(cause.breakpoint_name, "unrecovered-panic");
        EXPECT_EQ(cause.hit_breakpoints, (ids{-1}));
        EXPECT_EQ(cause.goroutine, 7);
    }
}

TEST_P(target_states, fatal_throw) {
    const auto thrown = breakpoint(R"("id":-2,"name":"runtime-fatal-throw")");
    const auto s = read(state(thread(20, 7, "runtime.throw", 1000, thrown), idle, goroutine(7), word("breakpoint")));
    const auto cause = explain_stop(s, run_kind::step, true);
    EXPECT_EQ(cause.reason, "exception");
    EXPECT_EQ(cause.description, "fatal error");
    EXPECT_EQ(cause.hit_breakpoints, (ids{-2}));
}

TEST_P(target_states, hardcoded_breakpoint) {
    const auto s = read(state(thread(20, 7, "runtime.breakpoint", 30), idle, goroutine(7), word("hardcoded breakpoint")));
    EXPECT_TRUE(stands_at_breakpoint(s));
    const auto cause = explain_stop(s, run_kind::go_on, false);
    EXPECT_EQ(cause.reason, "breakpoint");
    EXPECT_EQ(cause.hit_breakpoints, ids{});
    EXPECT_EQ(explain_stop(s, run_kind::go_on, true).reason, "pause");
}

TEST_P(target_states, step_finished) {
    const auto s = read(state(thread(20, 7, "main.tick", 37), idle, goroutine(7), word("next finished")));
    EXPECT_FALSE(stands_at_breakpoint(s));
    const auto cause = explain_stop(s, run_kind::step, false);
    EXPECT_EQ(cause.reason, "step");
    EXPECT_EQ(cause.goroutine, 7);
    EXPECT_EQ(cause.hit_breakpoints, ids{});
    EXPECT_EQ(explain_stop(s, run_kind::step, true).reason, "pause");
}

TEST_P(target_states, call_returned) {
    auto text = state(thread(20, 7, "main.tick", 37), idle, goroutine(7), word("call returned"));
    text.replace(text.find(R"("CallReturn":false)"), 18, R"("CallReturn":true)");
    const auto s = read(text);
    EXPECT_TRUE(s.current_thread->call_return);
    EXPECT_EQ(explain_stop(s, run_kind::call, false).reason, "step");
}

TEST_P(target_states, watchpoint_out_of_scope) {
    auto text = state(thread(20, 7, "runtime.goexit", 1700), idle, goroutine(7), word("breakpoint"));
    const std::string none = R"("WatchOutOfScope":null)";
    text.replace(text.find(none), none.size(),
                 R"("WatchOutOfScope":[{"id":6,"name":"x","addr":824634,"file":"","line":0,"WatchExpr":"x","WatchType":130}])");
    const auto s = read(text);
    EXPECT_FALSE(stands_at_breakpoint(s));
    for (const auto run : {run_kind::go_on, run_kind::step}) {
        const auto cause = explain_stop(s, run, false);
        EXPECT_EQ(cause.reason, "breakpoint");
        EXPECT_EQ(cause.goroutine, 7);
        EXPECT_EQ(cause.hit_breakpoints, ids{});
    }
    EXPECT_EQ(explain_stop(s, run_kind::step, true).reason, "pause");
    // Told whole to those who speak JSON-RPC.
    EXPECT_NE(s.text.find(R"("WatchOutOfScope":[{"id":6)"), s.text.npos);
}

TEST(target_state, exited) {
    const auto s = read(R"({"State":{"Pid":4242,"TargetCommandLine":"/src/app","Running":false,"Recording":false,)"
                        R"("CoreDumping":false,"Threads":null,"NextInProgress":false,"WatchOutOfScope":null,)"
                        R"("exited":true,"exitStatus":3,"When":""}})");
    EXPECT_TRUE(s.exited);
    EXPECT_EQ(s.exit_status, 3);
    EXPECT_FALSE(s.current_thread);
    EXPECT_TRUE(s.threads.empty());
    EXPECT_EQ(s.position(), "");
    EXPECT_EQ(s.goroutine(), 0);
    EXPECT_FALSE(stands_at_breakpoint(s));
}

TEST(target_state, running) {
    const auto s = read(R"({"State":{"Pid":0,"TargetCommandLine":"","Running":true,"Recording":false,)"
                        R"("CoreDumping":false,"Threads":null,"NextInProgress":false,"WatchOutOfScope":null,)"
                        R"("exited":false,"exitStatus":0,"When":""}})");
    EXPECT_TRUE(s.running);
    EXPECT_FALSE(s.exited);
}

TEST(target_state, position_without_a_function_or_a_file) {
    EXPECT_EQ(read(R"({"State":{"currentThread":{"id":1,"file":"/a.s","line":8}}})").position(), "/a.s:8");
    EXPECT_EQ(read(R"({"State":{"currentThread":{"id":1,"pc":5,"file":"","line":0}}})").position(), "");
    EXPECT_EQ(read(R"({"State":{"currentThread":{"id":1,"file":"/a.go","line":8,"function":null}}})").position(),
              "/a.go:8");
}

TEST(target_state, what_dlv_said_survives_to_the_last_bit) {
    const std::string inside = R"({"Pid":1,"currentThread":{"id":1,"pc":18446744073709551615,"goroutineID":9007199254740993,)"
                               R"("file":"/\"ü\"\\\n.go","line":1},"Threads":[],"New":{"f":1e3,"z":-0,"n":null}})";
    const auto s = read(R"({"State":)" + inside + "}");
    EXPECT_EQ(s.text, inside);
    EXPECT_EQ(s.goroutine(), 9007199254740993);
}

TEST(target_state, deep_values_are_read) {
    std::string deep;
    for (int i = 0; i < 300; ++i) deep += "[";
    deep += "1";
    for (int i = 0; i < 300; ++i) deep += "]";
    EXPECT_EQ(read(R"({"State":{"Pid":7,"v":)" + deep + "}}").pid, 7);
}

TEST(target_state, anything_else_is_refused) {
    for (const char* text : {"{}", R"({"State":null})", R"({"State":[]})", R"({"state":{}})", "null", "[]"}) {
        const auto s = read_state(text);
        ASSERT_FALSE(s) << text;
        EXPECT_EQ(s.error(), make_error_code(protocol::errc::bad_reply)) << text;
    }
    EXPECT_FALSE(read_state(R"({"State":{"Pid":1})"));
    EXPECT_FALSE(read_state(""));
}

}  // namespace
}  // namespace gateway
