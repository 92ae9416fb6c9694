// The whole table: who may ask for what.
#include "launcher/verb_rights.h"

#include <gtest/gtest.h>

#include <vector>

namespace launcher {
namespace {

const std::vector<launcher_verb> verbs{launcher_verb::inspect, launcher_verb::start, launcher_verb::stop,
                                       launcher_verb::restore, launcher_verb::status, launcher_verb::arm,
                                       launcher_verb::disarm, launcher_verb::dial, launcher_verb::heartbeat, launcher_verb::park};

// For the gateway: never, armed, armed and armed now, always.
std::string gateway_row(launcher_verb verb) {
    std::string out;
    for (const auto remote : {remote_start::never, remote_start::armed, remote_start::always})
        for (const bool armed : {false, true}) {
            verb_question question;
            question.who = peer_kind::gateway;
            question.verb = verb;
            question.remote = remote;
            question.armed = armed;
            out += refusal_of(question, "kubelet") ? '-' : '+';
        }
    return out;
}

TEST(verb_rights, of_the_gateway) {
    // remote start:                                      never armed always, each unarmed and armed
    EXPECT_EQ(gateway_row(launcher_verb::start),     "---+++");
    EXPECT_EQ(gateway_row(launcher_verb::inspect),   "++++++");
    EXPECT_EQ(gateway_row(launcher_verb::stop),      "++++++");
    EXPECT_EQ(gateway_row(launcher_verb::restore),   "++++++");
    EXPECT_EQ(gateway_row(launcher_verb::status),    "++++++");
    EXPECT_EQ(gateway_row(launcher_verb::dial),      "++++++");
    EXPECT_EQ(gateway_row(launcher_verb::heartbeat), "++++++");
    EXPECT_EQ(gateway_row(launcher_verb::park), "++++++");
    EXPECT_EQ(gateway_row(launcher_verb::arm),       "------");
    EXPECT_EQ(gateway_row(launcher_verb::disarm),    "------");
}

TEST(verb_rights, force_and_decisions_are_roots) {
    for (const auto verb : verbs)
        for (const auto remote : {remote_start::never, remote_start::armed, remote_start::always})
            for (const bool forced : {false, true}) {
                verb_question question;
                question.verb = verb;
                question.remote = remote;
                question.armed = true;
                question.forced = forced;
                question.decides = !forced;
                question.who = peer_kind::gateway;
                EXPECT_TRUE(refusal_of(question, "kubelet")) << to_string(verb);
                question.who = peer_kind::root;
                EXPECT_FALSE(refusal_of(question, "kubelet")) << to_string(verb);
            }
}

TEST(verb_rights, a_stranger_may_nothing) {
    for (const auto verb : verbs)
        for (const auto remote : {remote_start::never, remote_start::armed, remote_start::always}) {
            verb_question question;
            question.verb = verb;
            question.remote = remote;
            question.armed = true;
            EXPECT_TRUE(refusal_of(question, "kubelet")) << to_string(verb);
        }
}

TEST(verb_rights, root_acts_for_itself) {
    verb_question question;
    question.who = peer_kind::root;
    question.verb = launcher_verb::start;
    question.remote = remote_start::never;
    EXPECT_FALSE(refusal_of(question, "kubelet"));
    question.acts_for = true;
    EXPECT_TRUE(refusal_of(question, "kubelet"));
}

TEST(verb_rights, a_refusal_says_who_may) {
    verb_question question;
    question.who = peer_kind::gateway;
    question.verb = launcher_verb::start;
    EXPECT_EQ(refusal_of(question, "kubelet").value_or(""),
              "kubelet is not armed; root on the node can arm it: sudo delvegate arm kubelet --for 2h");
}

TEST(verb_rights, who_is_let_in_to_what_runs) {
    using std::chrono::milliseconds;
    constexpr milliseconds before{500}, begun{1'000}, later{2'000}, now{3'000}, ahead{4'000};
    // "armed" now, "over" since the session began, "disarmed" since then, and the same of before it began; "never".
    const auto row = [&](remote_start remote) {
        std::string out;
        for (const std::optional<arming> latest :
             {std::optional(arming{ahead, false}), std::optional(arming{later, false}), std::optional(arming{later, true}),
              std::optional(arming{before, false}), std::optional(arming{before, true}), std::optional<arming>()})
            out += lets_gateway_in(remote, latest, begun, now) ? '+' : '-';
        return out;
    };
    EXPECT_EQ(row(remote_start::armed), "+--+++");
    EXPECT_EQ(row(remote_start::never), "+--+++");
    EXPECT_EQ(row(remote_start::always), "++-+++");
    EXPECT_FALSE(lets_gateway_in(remote_start::armed, arming{now, false}, begun, now)) << "its end is not of it";
}

}  // namespace
}  // namespace launcher
