// A request's way from right to result, with a manager that takes nothing out.
#include "launcher/verb_desk.h"

#include <gtest/gtest.h>

#include <future>

#include "tests/support/fake_manager.h"
#include "tests/support/trusted_directory.h"

namespace launcher {
namespace {

using namespace std::chrono_literals;
using protocol::json;

struct verb_desk_test : testing::Test {
    static launcher_config two_components() {
        launcher_config configuration;
        for (const char* name : {"kube-scheduler", "kubelet"}) {
            component_definition one;
            one.name = name;
            one.binary = "/opt/debug/x";
            configuration.components.push_back(one);
        }
        configuration.components[1].remote = remote_start::always;
        configuration.gateway_user = "nobody-of-that-name";
        configuration.gateway_uids = {4242};
        return configuration;
    }
    boot_clock clock() { return {[this] { return at; }, "boot"}; }

    support::trusted_directory place;
    std::chrono::milliseconds at{1'000'000};
    const launcher_config configuration = two_components();
    support::fake_manager manager{configuration};
    armory arms{place / "state", clock()};
    std::vector<std::string> log, beside;
    bool log_works = true;
    verb_desk desk{configuration, manager, arms,
                   [this](const asked_verb& one) -> outcome<void> {
                       if (!log_works) return "the disk is full";
                       (one.aside ? beside : log).push_back(log_line(one, 0));
                       return {};
                   },
                   clock()};
    verb_peer root{0, 1, peer_kind::root, ""};
    verb_peer gateway{4242, 2, peer_kind::gateway, ""};

    verb_answer ask(const verb_peer& who, launcher_verb verb, const std::string& component = "kube-scheduler") {
        launcher_request request;
        request.verb = verb;
        request.component = component;
        request.duration = 1h;
        request.session = std::string(32, 'b');
        if (verb != launcher_verb::arm) request.duration = 0s;
        return ask(who, request);
    }
    verb_answer ask(const verb_peer& who, const launcher_request& request) {
        return desk.answer(who, request, [](const json&) {}, [] { return false; });
    }
};

TEST_F(verb_desk_test, who_is_who) {
    EXPECT_EQ(desk.kind_of(0), peer_kind::root);
    EXPECT_EQ(desk.kind_of(4242), peer_kind::gateway);
    EXPECT_EQ(desk.kind_of(65534), peer_kind::stranger);
}

TEST_F(verb_desk_test, a_start_through_the_gateway_needs_arming) {
    const auto refused = ask(gateway, launcher_verb::start);
    EXPECT_FALSE(refused.ok);
    EXPECT_EQ(refused.fault, launcher_fault::refused);
    EXPECT_TRUE(manager.seen().empty());
    EXPECT_FALSE(ask(gateway, launcher_verb::arm).ok);
    ASSERT_TRUE(ask(root, launcher_verb::arm).ok);
    const auto started = ask(gateway, launcher_verb::start);
    ASSERT_TRUE(started.ok) << started.text;
    EXPECT_EQ(manager.seen().back(), "start kube-scheduler by the gateway uid 4242 remote");
    ASSERT_TRUE(ask(gateway, launcher_verb::stop).ok);
    at += 1h;
    EXPECT_FALSE(ask(gateway, launcher_verb::start).ok) << "the arming is over";
    EXPECT_TRUE(ask(root, launcher_verb::start).ok);
}

TEST_F(verb_desk_test, starts_through_the_gateway_are_counted) {
    for (int i = 0; i < 6; ++i) {
        ASSERT_TRUE(ask(gateway, launcher_verb::start, "kubelet").ok);
        ASSERT_TRUE(ask(gateway, launcher_verb::stop, "kubelet").ok);
    }
    const auto again = ask(gateway, launcher_verb::start, "kubelet");
    EXPECT_EQ(again.fault, launcher_fault::limited);
    EXPECT_NE(again.text.find("again in 100s"), std::string::npos) << again.text;
    EXPECT_TRUE(ask(root, launcher_verb::start, "kubelet").ok) << "root is not counted";
    at += 100s;
    EXPECT_TRUE(ask(gateway, launcher_verb::start, "kubelet").ok);
    EXPECT_FALSE(ask(gateway, launcher_verb::start, "kubelet").ok);
}

TEST_F(verb_desk_test, restores_through_the_gateway_are_counted) {
    for (const std::string name : {"kubelet", ""}) {
        for (int i = 0; i < 6; ++i) ASSERT_TRUE(ask(gateway, launcher_verb::restore, name).ok);
        EXPECT_EQ(ask(gateway, launcher_verb::restore, name).fault, launcher_fault::limited);
        EXPECT_TRUE(ask(root, launcher_verb::restore, name).ok);
    }
    // Names that it invents are counted as one.
    for (const char* name : {"a", "b", "c"}) EXPECT_EQ(ask(gateway, launcher_verb::restore, name).fault, launcher_fault::limited);
}

TEST_F(verb_desk_test, what_root_takes_back_reaches_what_runs) {
    EXPECT_EQ(manager.arms_of("kubelet"), "never");
    ASSERT_TRUE(ask(root, launcher_verb::arm, "kubelet").ok);
    ASSERT_TRUE(ask(root, launcher_verb::disarm, "kubelet").ok);
    EXPECT_EQ(manager.told(), (std::vector<std::string>{"kubelet armed", "kubelet disarmed"}));
    EXPECT_FALSE(ask(gateway, launcher_verb::disarm, "kubelet").ok);
    EXPECT_EQ(manager.told().size(), 2u);
    manager.guard_answers = false;
    const auto told = ask(root, launcher_verb::disarm, "kubelet");
    EXPECT_FALSE(told.ok);
    EXPECT_NE(told.text.find("could not be told"), std::string::npos) << told.text;
    EXPECT_EQ(manager.arms_of("kubelet"), "disarmed");
}

TEST_F(verb_desk_test, the_gateway_cannot_fill_the_log) {
    for (int i = 0; i < 600; ++i) ask(gateway, launcher_verb::start);
    const std::size_t lines = beside.size();
    EXPECT_EQ(ask(gateway, launcher_verb::start).fault, launcher_fault::limited);
    EXPECT_EQ(beside.size(), lines);
    EXPECT_TRUE(log.empty()) << "what changed nothing pushes nothing out";
    EXPECT_TRUE(ask(root, launcher_verb::start).ok);
    // What keeps a component from being put back is never turned away.
    EXPECT_TRUE(ask(gateway, launcher_verb::heartbeat).ok);
}

TEST_F(verb_desk_test, a_log_that_cannot_be_written_stops_a_start_and_an_arming_only) {
    ASSERT_TRUE(ask(root, launcher_verb::start).ok);
    log_works = false;
    EXPECT_FALSE(ask(root, launcher_verb::start, "kubelet").ok);
    EXPECT_FALSE(ask(root, launcher_verb::arm).ok);
    EXPECT_FALSE(arms.armed("kube-scheduler"));
    EXPECT_TRUE(ask(root, launcher_verb::inspect).ok);
    EXPECT_TRUE(ask(gateway, launcher_verb::dial).ok);
    EXPECT_TRUE(ask(gateway, launcher_verb::stop).ok);
    EXPECT_TRUE(ask(root, launcher_verb::restore).ok);
}

TEST_F(verb_desk_test, every_verb_is_logged_before_and_after) {
    launcher_request request;
    request.verb = launcher_verb::start;
    request.component = "kube-scheduler";
    request.by = "alice";
    ask(gateway, request);
    ASSERT_EQ(beside.size(), 2u);
    EXPECT_EQ(beside[0], R"({"time":"1970-01-01T00:00:00.000Z","number":1,"event":"asked","uid":4242,"pid":2,"verb":"start",)"
                      R"("component":"kube-scheduler","by":"alice"})" "\n");
    EXPECT_NE(beside[1].find(R"("event":"done")"), std::string::npos);
    EXPECT_NE(beside[1].find(R"("outcome":"refused: kube-scheduler is not armed)"), std::string::npos) << beside[1];
    ask(gateway, launcher_verb::heartbeat);
    ask(gateway, launcher_verb::status, "");
    EXPECT_EQ(beside.size(), 2u);
    EXPECT_TRUE(log.empty());
    ask(gateway, launcher_verb::start, "kubelet");
    ask(root, launcher_verb::inspect);
    EXPECT_EQ(log.size(), 4u) << "what changes something, and all that root asks";
}

TEST_F(verb_desk_test, a_stop_is_parked_in_the_name_of_whom_the_gateway_says) {
    ASSERT_TRUE(ask(root, launcher_verb::start).ok);
    launcher_request request;
    request.verb = launcher_verb::park;
    request.component = "kube-scheduler";
    request.session = std::string(32, 'b');
    request.by = "alice";
    request.note = "why";
    request.stop = "17-3f9c";
    request.duration = 90s;
    const auto parked = ask(gateway, request);
    ASSERT_TRUE(parked.ok) << parked.text;
    EXPECT_EQ(parked.result.get_int("until"), 1'790'000'600);
    EXPECT_EQ(manager.seen().back(), "park kube-scheduler 90 17-3f9c by alice: why");
    EXPECT_NE(log.back().find(R"("note":"why","stop":"17-3f9c")"), std::string::npos) << log.back();
    const auto shown = to_text(ask(gateway, launcher_verb::status).result);
    EXPECT_NE(shown.find(R"("park":{"until":1790000600,"by":"alice","note":"why","stop":"17-3f9c"})"), std::string::npos) << shown;
    request.session = std::string(32, 'c');
    EXPECT_FALSE(ask(gateway, request).ok);
}

TEST_F(verb_desk_test, secrets_are_roots) {
    const auto all = ask(root, launcher_verb::inspect);
    const auto some = ask(gateway, launcher_verb::inspect);
    ASSERT_TRUE(all.ok && some.ok);
    EXPECT_NE(to_text(all.result).find("hunter2"), std::string::npos);
    EXPECT_NE(to_text(all.result).find("t0psecret"), std::string::npos);
    EXPECT_EQ(to_text(some.result).find("hunter2"), std::string::npos);
    EXPECT_EQ(to_text(some.result).find("t0psecret"), std::string::npos);
    EXPECT_NE(to_text(some.result).find("API_TOKEN"), std::string::npos);
    EXPECT_EQ(all.result.get_string("hash"), some.result.get_string("hash"));
}

TEST_F(verb_desk_test, what_is_unknown) {
    EXPECT_EQ(ask(root, launcher_verb::start, "etcd").fault, launcher_fault::unknown);
    EXPECT_EQ(ask(root, launcher_verb::arm, "etcd").fault, launcher_fault::unknown);
    EXPECT_TRUE(ask(root, launcher_verb::restore, "etcd").ok) << "what is held needs no definition to come back";
    EXPECT_EQ(ask(gateway, launcher_verb::start, "etcd").fault, launcher_fault::refused);
}

TEST_F(verb_desk_test, verbs_of_one_component_take_turns) {
    manager.hold(true);
    std::promise<void> under_way;
    auto first = std::async(std::launch::async, [&] {
        launcher_request request;
        request.verb = launcher_verb::start;
        request.component = "kube-scheduler";
        return desk.answer(root, request, [&](const json&) { under_way.set_value(); }, [] { return false; });
    });
    under_way.get_future().wait();
    // Another component's verb does not wait.
    EXPECT_TRUE(ask(root, launcher_verb::stop, "kubelet").ok);
    EXPECT_TRUE(ask(root, launcher_verb::status, "").ok);
    std::promise<std::string> waits;
    auto second = std::async(std::launch::async, [&] {
        launcher_request request;
        request.verb = launcher_verb::stop;
        request.component = "kube-scheduler";
        return desk.answer(gateway, request, [&](const json& step) { waits.set_value(std::string(step.get_string("text"))); },
                           [] { return false; });
    });
    EXPECT_EQ(waits.get_future().get(), "waiting for start by root to end");
    // One whose peer has left gives up.
    launcher_request request;
    request.verb = launcher_verb::restore;
    EXPECT_EQ(desk.answer(root, request, [](const json&) {}, [] { return true; }).fault, launcher_fault::busy);
    EXPECT_EQ(manager.seen().back(), "stop kubelet by root uid 0");
    manager.hold(false);
    EXPECT_TRUE(first.get().ok);
    EXPECT_TRUE(second.get().ok);
    EXPECT_EQ(manager.seen().back(), "stop kube-scheduler by the gateway uid 4242 remote");
}

TEST_F(verb_desk_test, an_arming_that_ends_while_a_start_waits_is_over) {
    ASSERT_TRUE(ask(root, launcher_verb::arm).ok);
    auto turn = desk.everything();
    std::promise<void> waits;
    auto start = std::async(std::launch::async, [&] {
        launcher_request request;
        request.verb = launcher_verb::start;
        request.component = "kube-scheduler";
        return desk.answer(gateway, request, [&](const json&) { waits.set_value(); }, [] { return false; });
    });
    waits.get_future().wait();
    ASSERT_TRUE(ask(root, launcher_verb::disarm).ok);
    turn.reset();
    EXPECT_EQ(start.get().fault, launcher_fault::refused);
    EXPECT_TRUE(manager.seen().empty());
}

TEST_F(verb_desk_test, closing_answers_who_waits) {
    auto turn = desk.everything();
    std::promise<void> waits;
    auto stop = std::async(std::launch::async, [&] {
        launcher_request request;
        request.verb = launcher_verb::stop;
        request.component = "kubelet";
        return desk.answer(root, request, [&](const json&) { waits.set_value(); }, [] { return false; });
    });
    waits.get_future().wait();
    desk.close();
    EXPECT_EQ(stop.get().fault, launcher_fault::busy);
}

TEST_F(verb_desk_test, arming_has_a_longest_time) {
    launcher_request request;
    request.verb = launcher_verb::arm;
    request.component = "kubelet";
    request.duration = configuration.arm_time_max + 1s;
    EXPECT_FALSE(ask(root, request).ok);
    request.duration = configuration.arm_time_max;
    EXPECT_TRUE(ask(root, request).ok);
}

TEST_F(verb_desk_test, status_shows_what_is_taken_out_first) {
    ASSERT_TRUE(ask(root, launcher_verb::start, "kubelet").ok);
    const auto status = ask(gateway, launcher_verb::status, "");
    ASSERT_TRUE(status.ok);
    const auto& list = *status.result.find("components")->if_array();
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0].get_string("name"), "kubelet");
    EXPECT_TRUE(list[0].get_bool("detached"));
    EXPECT_EQ(list[0].get_string("by"), "root");
}

}  // namespace
}  // namespace launcher
