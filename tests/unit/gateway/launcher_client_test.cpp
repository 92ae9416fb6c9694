// The gateway's end of the launcher's socket, whatever is at the other one.
#include "gateway/launcher_client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "gateway/launcher_watch.h"
#include "gateway/upstream.h"
#include "protocol/printable.h"
#include "tests/unit/gateway/fake_launcher.h"

namespace gateway {
namespace {

using launcher::launcher_verb;
using protocol::json;
using namespace std::chrono_literals;

const std::string session(32, 'a');

class launcher_client_test : public testing::Test {
protected:
    launcher::launcher_request request(launcher_verb verb) const {
        launcher::launcher_request out;
        out.verb = verb;
        if (verb != launcher_verb::status) out.component = "kube-scheduler";
        if (verb == launcher_verb::dial || verb == launcher_verb::heartbeat) out.session = session;
        return out;
    }
    void ask(launcher_verb verb, std::chrono::milliseconds time = {}) {
        client.ask(request(verb), [this](launcher_answer a) { answer = std::move(a); },
                   [this](const json& step) { steps.emplace_back(step.get_string("text")); }, time);
    }
    launcher_failure failure() {
        EXPECT_TRUE(run_until(io, [&] { return answer.has_value(); }));
        if (!answer || !answer->failed) return {"none", "it did not fail"};
        return *answer->failed;
    }

    boost::asio::io_context io;
    fake_launcher launcher;
    launcher_client client{io, launcher.path()};
    std::optional<launcher_answer> answer;
    std::vector<std::string> steps;
};

TEST_F(launcher_client_test, ProgressThenTheResult) {
    ask(launcher_verb::start);
    auto caller = launcher.next(io, launcher_verb::start);
    caller.progress("one");
    caller.progress("two");
    caller.result(json::object{{"state", "running"}});
    ASSERT_TRUE(run_until(io, [&] { return answer.has_value(); }));
    ASSERT_FALSE(answer->failed) << answer->failed->text;
    EXPECT_EQ(answer->result.get_string("state"), "running");
    EXPECT_EQ(steps, (std::vector<std::string>{"one", "two"}));
}

TEST_F(launcher_client_test, AResultInParts) {
    ask(launcher_verb::inspect);
    auto caller = launcher.next(io, launcher_verb::inspect);
    const json large = json::object{{"text", std::string(200'000, 'x')}};
    const auto packets = launcher::result_packets(large);
    ASSERT_TRUE(packets);
    EXPECT_GT(packets->size(), 1u);
    for (const auto& packet : *packets) {
        caller.say(packet);
        io.restart();
        io.poll();
    }
    ASSERT_TRUE(run_until(io, [&] { return answer.has_value(); }));
    EXPECT_EQ(answer->result, large);
}

TEST_F(launcher_client_test, ErrorsKeepTheirCode) {
    ask(launcher_verb::start);
    launcher.next(io, launcher_verb::start).error(launcher::launcher_fault::refused, "not armed");
    EXPECT_EQ(failure().code, "refused");
    EXPECT_EQ(failure().text, "not armed");
}

TEST_F(launcher_client_test, WithoutALauncherThatIsSaidAtOnce) {
    launcher.die();
    ask(launcher_verb::status);
    EXPECT_EQ(failure().code, "unreachable");
    EXPECT_NE(failure().text.find("it is not running"), std::string::npos) << failure().text;
}

TEST_F(launcher_client_test, ALauncherThatHangsHoldsUpNobodyForLong) {
    ask(launcher_verb::status, 200ms);
    EXPECT_EQ(failure().code, "unreachable");
    EXPECT_NE(failure().text.find("in time"), std::string::npos) << failure().text;
}

TEST_F(launcher_client_test, OneThatDiesInTheMiddleIsAnError) {
    ask(launcher_verb::stop);
    {
        auto caller = launcher.next(io, launcher_verb::stop);
        caller.progress("one");
    }
    EXPECT_EQ(failure().code, "unreachable");
}

TEST_F(launcher_client_test, GarbageIsAnError) {
    for (const std::string packet : {"{}", "[]", "{\"v\":2,\"result\":{}}", "{\"v\":1,\"result\":{},\"result\":{}}", "\xff",
                                     "{\"v\":1,\"parts\":3}", "{\"v\":1,\"progress\":7}"}) {
        answer.reset();
        ask(launcher_verb::status);
        launcher.next(io, launcher_verb::status).say(packet);
        EXPECT_EQ(failure().code, "unreachable") << packet;
    }
}

TEST_F(launcher_client_test, APacketBeyondTheBoundIsAnError) {
    ask(launcher_verb::status);
    launcher.next(io, launcher_verb::status).say("{\"v\":1,\"result\":\"" + std::string(launcher::max_launcher_packet, 'x') + "\"}");
    EXPECT_EQ(failure().code, "unreachable");
}

TEST_F(launcher_client_test, ADescriptorNobodyAskedForIsAnError) {
    ask(launcher_verb::status);
    launcher.next(io, launcher_verb::status).result(json::array{}, 0);
    EXPECT_EQ(failure().code, "unreachable");
}

TEST_F(launcher_client_test, TwoDescriptorsAreAnError) {
    ask(launcher_verb::dial);
    launcher.next(io, launcher_verb::dial).say("{\"v\":1,\"result\":{}}", 0, 2);
    EXPECT_EQ(failure().code, "unreachable");
}

TEST_F(launcher_client_test, ADialWithoutADescriptorIsAnError) {
    std::string error;
    client.dial("kube-scheduler", session, [&](auto got) { error = got ? "a descriptor" : got.error(); });
    launcher.next(io, launcher_verb::dial).result(json::object{});
    ASSERT_TRUE(run_until(io, [&] { return !error.empty(); }));
    EXPECT_NE(error.find("no connection"), std::string::npos) << error;
}

TEST_F(launcher_client_test, WhatIsSentBeforeTheConnectionStandsArrives) {
    std::string heard, closed;
    upstream socket(io, client.route("kube-scheduler", session),
                    {.bytes = [&](std::string_view b) { heard += b; }, .closed = [&](std::string why) { closed = why; }});
    socket.send("question");
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    launcher::unique_fd ours(ends[0]), theirs(ends[1]);
    launcher.next(io, launcher_verb::dial).result(json::object{}, theirs.get());
    theirs.reset();
    char bytes[16];
    ASSERT_TRUE(run_until(io, [&] { return ::recv(ours.get(), bytes, sizeof bytes, MSG_DONTWAIT) == 8; }));
    EXPECT_EQ(std::string(bytes, 8), "question");
    ASSERT_EQ(::send(ours.get(), "answer", 6, 0), 6);
    ASSERT_TRUE(run_until(io, [&] { return heard == "answer"; }));
    ours.reset();
    ASSERT_TRUE(run_until(io, [&] { return !closed.empty(); }));
}

TEST_F(launcher_client_test, ADescriptorThatIsNoStreamSocketIsRefused) {
    std::string closed;
    upstream socket(io, client.route("kube-scheduler", session),
                    {.bytes = [](std::string_view) {}, .closed = [&](std::string why) { closed = why; }});
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    launcher::unique_fd reading(ends[0]), writing(ends[1]);
    launcher.next(io, launcher_verb::dial).result(json::object{}, reading.get());
    ASSERT_TRUE(run_until(io, [&] { return !closed.empty(); }));
    EXPECT_NE(closed.find("no stream socket"), std::string::npos) << closed;
}

TEST_F(launcher_client_test, NobodyWaitsBehindAnotherKind) {
    for (std::size_t i = 0; i < launcher_client::max_start + 2; ++i) client.ask(request(launcher_verb::start), [](launcher_answer) {});
    for (int i = 0; i < 8; ++i)
        client.ask(request(launcher_verb::inspect), [](launcher_answer) {}, {}, {}, {}, "user " + std::to_string(i));
    ask(launcher_verb::stop);
    launcher.next(io, launcher_verb::stop).result(json::object{});
    ASSERT_TRUE(run_until(io, [&] { return answer.has_value(); }));
    answer.reset();
    ask(launcher_verb::status);
    launcher.next(io, launcher_verb::status).result(json::array{});
    ASSERT_TRUE(run_until(io, [&] { return answer.has_value(); }));
    EXPECT_FALSE(answer->failed);
    EXPECT_EQ(launcher.waiting(), launcher_client::max_start + launcher_client::max_inspect);
}

TEST_F(launcher_client_test, OneHasOnePlanMadeAtATime) {
    for (int i = 0; i < 8; ++i) client.ask(request(launcher_verb::inspect), [](launcher_answer) {}, {}, {}, {}, "alice");
    client.ask(request(launcher_verb::inspect), [this](launcher_answer a) { answer = std::move(a); }, {}, {}, {}, "bob");
    auto first = launcher.next(io, launcher_verb::inspect);
    auto second = launcher.next(io, launcher_verb::inspect);
    second.result(json::object{{"of", "bob"}});
    ASSERT_TRUE(run_until(io, [&] { return answer.has_value(); })) << "bob waits behind alice";
    EXPECT_EQ(launcher.waiting(), 0u);
    first.result(json::object{});
    launcher.next(io, launcher_verb::inspect).result(json::object{});
}

TEST_F(launcher_client_test, WhoMayNotAnyMoreWhenHisTurnComesIsNotAsked) {
    for (std::size_t i = 0; i < launcher_client::max_start; ++i) client.ask(request(launcher_verb::start), [](launcher_answer) {});
    bool may = true;
    client.ask(request(launcher_verb::start), [this](launcher_answer a) { answer = std::move(a); }, {}, {},
               [&may] { return std::string(may ? "" : "not any more"); });
    may = false;
    for (std::size_t i = 0; i < launcher_client::max_start; ++i) launcher.next(io, launcher_verb::start).result(json::object{});
    EXPECT_EQ(failure().code, "forbidden");
    EXPECT_EQ(failure().text, "not any more");
    EXPECT_EQ(launcher.waiting(), 0u);
}

TEST_F(launcher_client_test, WhatIsTakenBackEndsItsConnection) {
    const auto take_back = client.ask(request(launcher_verb::start), [this](launcher_answer a) { answer = std::move(a); });
    auto caller = launcher.next(io, launcher_verb::start);
    take_back("revoked");
    EXPECT_EQ(failure().code, "forbidden");
    EXPECT_EQ(failure().text, "revoked");
    char byte;
    EXPECT_EQ(::recv(caller.socket.get(), &byte, 1, 0), 0) << "the launcher is not told";
    take_back("twice");
}

TEST_F(launcher_client_test, AfterItsEndNobodyIsCalled) {
    bool called = false;
    {
        launcher_client short_lived(io, launcher.path());
        short_lived.ask(request(launcher_verb::status), [&](const launcher_answer&) { called = true; });
        launcher.next(io, launcher_verb::status).result(json::array{});
    }
    ask(launcher_verb::status);
    launcher.next(io, launcher_verb::status).result(json::array{});
    ASSERT_TRUE(run_until(io, [&] { return answer.has_value(); }));
    EXPECT_FALSE(called);
}

// --- what it says of its components -------------------------------------------------------------------------

json one(std::string_view state, std::string_view id = session) {
    return json::object{{"name", "kube-scheduler"}, {"kind", "static-pod"}, {"state", state},
                        {"detached", state == "running"}, {"since", std::int64_t{1}}, {"by", "alice"},
                        {"remoteStart", "armed"}, {"armedUntil", std::int64_t{0}}, {"session", state == "running" ? id : ""},
                        {"stopBudget", json::object{{"disturbMs", std::int64_t{0}}, {"damageMs", std::int64_t{8000}}, {"dutyMs", std::int64_t{2000}}}}};
}

class launcher_watch_test : public launcher_client_test {
protected:
    launcher_watch_test() {
        watch.listen({"kube-scheduler", [this] { ++changes; }, [] { return true; }});
        watch.start();
    }
    launcher_watch watch{io, client, {.status = 10ms, .heartbeat = 10ms}};
    int changes = 0;
};

TEST_F(launcher_watch_test, TellsOfChangesAndBeatsForWhatIsAway) {
    launcher.next(io, launcher_verb::status).result(json::array{one("available")});
    ASSERT_TRUE(run_until(io, [&] { return watch.answered(); }));
    EXPECT_FALSE(watch.find("kube-scheduler")->in_session());
    launcher.next(io, launcher_verb::status).result(json::array{one("running")});
    ASSERT_TRUE(run_until(io, [&] { return watch.find("kube-scheduler")->in_session(); }));
    EXPECT_EQ(watch.find("kube-scheduler")->budget.damage, 8s);
    EXPECT_EQ(changes, 2);
    EXPECT_EQ(watch.find("kube-scheduler")->parked_until, 0);
    auto beat = launcher.next(io, launcher_verb::heartbeat, [](auto& other) { other.result(json::array{one("running")}); });
    EXPECT_EQ(beat.request.session, session);
    EXPECT_TRUE(beat.request.sessions);
    EXPECT_EQ(changes, 2) << "nothing has changed";
}

TEST_F(launcher_watch_test, ALauncherThatIsGoneIsNoReasonToForgetWhatRuns) {
    launcher.next(io, launcher_verb::status).result(json::array{one("running")});
    ASSERT_TRUE(run_until(io, [&] { return watch.answered(); }));
    launcher.die();
    ASSERT_TRUE(run_until(io, [&] { return !watch.trouble().empty(); }));
    ASSERT_NE(watch.find("kube-scheduler"), nullptr);
    EXPECT_TRUE(watch.find("kube-scheduler")->in_session());
    launcher.listen();
    launcher.next(io, launcher_verb::status, [](auto&) {}).result(json::array{one("running")});
    ASSERT_TRUE(run_until(io, [&] { return watch.trouble().empty(); }));
}

// What is attached to is never away from its place, and neither is a core file; without beats the launcher would end both.
TEST_F(launcher_watch_test, BeatsForASessionThatTakesNothingAway) {
    const auto of = [](std::string_view kind, std::string_view state, std::string_view id) {
        auto out = one(state, id);
        out.set("kind", kind);
        out.set("detached", false);
        out.set("session", id);
        return json::array{out};
    };
    launcher.next(io, launcher_verb::status).result(of("attach", "starting", session));
    ASSERT_TRUE(run_until(io, [&] { return watch.answered(); }));
    EXPECT_FALSE(watch.find("kube-scheduler")->in_session());
    const std::string second(32, 'c');
    for (const auto& [kind, state, id] : {std::tuple("attach", "running", session), std::tuple("core", "stopped", second)}) {
        launcher.next(io, launcher_verb::status).result(of(kind, state, id));
        ASSERT_TRUE(run_until(io, [&] { return watch.find("kube-scheduler")->session == id && watch.find("kube-scheduler")->in_session(); }))
            << kind;
        auto beat = launcher.next(io, launcher_verb::heartbeat, [&](auto& other) { other.result(of(kind, state, id)); });
        EXPECT_EQ(beat.request.session, id) << kind;
        beat.result(json::object{});
    }
    launcher.next(io, launcher_verb::status, [](auto& other) { other.result(json::object{}); }).result(of("core", "available", ""));
    ASSERT_TRUE(run_until(io, [&] { return !watch.find("kube-scheduler")->in_session(); }));
}

TEST(launcher_status, WhatIsNotOneIsNone) {
    EXPECT_FALSE(read_launcher_status(json::object{}));
    EXPECT_FALSE(read_launcher_status(json::array{json::object{{"name", "../x"}, {"state", "running"}}}));
    EXPECT_FALSE(read_launcher_status(json::array{json::object{{"name", "x"}, {"state", "flying"}}}));
    EXPECT_FALSE(read_launcher_status(json::array{one("running", "not-hex")}));
    auto negative = one("running");
    negative.set("stopBudget", json::object{{"damageMs", std::int64_t{-1}}});
    ASSERT_TRUE(read_launcher_status(json::array{negative}));
    EXPECT_FALSE(read_launcher_status(json::array{negative})->front().budget.any());
}

TEST(launcher_status, TellsOfAParkedStop) {
    auto parked = one("running");
    parked.set("park", json::object{{"until", std::int64_t{1'790'000'600}}, {"by", "al\nice"}, {"note", "why"}, {"stop", "17-3f9c"}});
    const auto read = read_launcher_status(json::array{parked});
    ASSERT_TRUE(read);
    EXPECT_EQ(read->front().parked_until, 1'790'000'600);
    EXPECT_EQ(read->front().park, (launcher::park_words{protocol::printable("al\nice"), "why", "17-3f9c"}));
    parked.set("park", json::object{{"until", std::int64_t{1}}, {"stop", "../x"}});
    EXPECT_EQ(read_launcher_status(json::array{parked})->front().parked_until, 0);
}

}  // namespace
}  // namespace gateway
