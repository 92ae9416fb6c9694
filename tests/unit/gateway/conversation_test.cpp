// What a laptop remembers of an IDE's view in DAP, and what it makes of that at another gateway.
#include "tests/unit/gateway/conversation_laptop.h"

namespace {

class conversation : public testing::Test, public laptop {};

TEST_F(conversation, passes_on_whole_messages_only) {
    const auto request = protocol::frame(R"({"seq":1,"type":"request","command":"threads"})");
    talk.from_ide(request.substr(0, 30));
    EXPECT_EQ(gateway, "");
    talk.from_ide(request.substr(30) + request.substr(0, 5));
    EXPECT_EQ(take_gateway(), request);
    EXPECT_EQ(talk.release(), request.substr(0, 5));
    const auto answer = response(1, 1, "threads");
    talk.from_gateway(answer + answer.substr(0, 40));
    EXPECT_EQ(take_ide(), answer);
    talk.from_gateway(answer.substr(40));
    EXPECT_EQ(take_ide(), answer);
}

TEST_F(conversation, passes_a_large_message_as_it_comes) {
    ask(1, "variables", R"({"variablesReference":1000})");
    const auto answer = response(1, 1, "variables", "\"" + std::string(1 << 20, 'x') + "\"");
    talk.from_gateway(std::string_view(answer).substr(0, 400'000));
    EXPECT_EQ(ide.size(), 400'000u);
    EXPECT_NE(talk.hindrance().find("large answer"), std::string::npos);
    talk.from_gateway(std::string_view(answer).substr(400'000));
    EXPECT_EQ(ide, answer);
    EXPECT_EQ(talk.hindrance(), "");
}

TEST_F(conversation, passes_on_what_is_no_protocol) {
    talk.from_ide("GET / HTTP/1.1\r\n");
    EXPECT_EQ(gateway, "GET / HTTP/1.1\r\n");
    talk.from_gateway("no");
    EXPECT_EQ(ide, "no");
    EXPECT_NE(talk.hindrance(), "");
}

TEST_F(conversation, passes_on_what_breaks_the_protocol) {
    ask(1, "threads");
    talk.from_ide("Content-Length: x\r\n\r\n{}");
    EXPECT_TRUE(gateway.ends_with("Content-Length: x\r\n\r\n{}"));
    EXPECT_NE(talk.hindrance(), "");
}

TEST_F(conversation, a_new_gateway_is_told_what_the_old_one_knew) {
    attach_and_stop();
    talk.gateway_gone();
    talk.begin_again();
    const auto asked = frames(take_gateway());
    EXPECT_EQ(said(asked), (words{"initialize", "attach", "setBreakpoints", "configurationDone"}));
    EXPECT_TRUE(asked[1].find("arguments")->get_bool("stopOnEntry")) << "it joins, and runs nothing";
    EXPECT_EQ(protocol::to_text(*asked[2].find("arguments")), set_one);
    EXPECT_EQ(is_rebuilt, 0);
    answer_preamble(asked, shown_one, true);
    EXPECT_EQ(is_rebuilt, 1);
    const auto told = frames(take_ide());
    EXPECT_EQ(said(told), words{"stopped"}) << "and nothing that it knows already";
    EXPECT_EQ(told[0].get_int("seq"), 8) << "the next after the last one";
    ask(5, "threads");
    talk.from_gateway(response(99, 5, "threads"));
    EXPECT_EQ(frames(take_ide())[0].get_int("seq"), 9);
}

TEST_F(conversation, an_ide_that_shows_a_stop_is_told_that_it_runs) {
    attach_and_stop();
    talk.gateway_gone();
    talk.begin_again();
    answer_preamble(frames(take_gateway()), shown_one, false);
    EXPECT_EQ(said(frames(take_ide())), words{"continued"});
    EXPECT_EQ(is_rebuilt, 1);
}

TEST_F(conversation, a_run_is_answered_and_never_said_twice) {
    for (const std::string command : {"continue", "next", "stepIn", "stepOut"}) {
        laptop other;
        other.attach_and_stop();
        other.ask(5, command, R"({"threadId":1})");
        other.take_gateway();
        other.talk.gateway_gone();
        other.talk.begin_again();
        const auto asked = frames(other.take_gateway());
        for (const auto& one : asked) EXPECT_NE(one.get_string("command"), command);
        other.answer_preamble(asked, shown_one, true);
        const auto told = frames(other.take_ide());
        EXPECT_EQ(said(told), (words{command, "stopped"}));
        EXPECT_TRUE(told[0].get_bool("success"));
        EXPECT_EQ(told[0].get_int("request_seq"), 5);
    }
}

TEST_F(conversation, what_waits_for_an_answer_gets_one) {
    attach_and_stop();
    ask(5, "threads");
    ask(6, "scopes", R"({"frameId":1000})");
    ask(7, "setVariable", R"({"variablesReference":1001,"name":"n","value":"1"})");
    ask(8, "setBreakpoints", R"({"source":{"path":"/a.go"},"breakpoints":[]})");
    talk.gateway_gone();
    ask(9, "pause", R"({"threadId":1})");
    take_gateway();
    talk.begin_again();
    const auto asked = frames(take_gateway());
    EXPECT_EQ(said(asked), (words{"initialize", "attach", "setBreakpoints", "configurationDone", "threads", "setBreakpoints", "pause"}));
    EXPECT_EQ(asked[4].get_int("seq"), 5);
    EXPECT_EQ(asked[5].get_int("seq"), 8);
    EXPECT_EQ(asked[6].get_int("seq"), 9);
    const auto told = frames(take_ide());
    ASSERT_EQ(said(told), (words{"scopes", "setVariable"}));
    EXPECT_FALSE(told[0].get_bool("success"));
    EXPECT_NE(told[0].get_string("message").size(), 0u);
    EXPECT_NE(protocol::to_text(told[1]).find("whether it was done is not known"), std::string::npos);
    answer_preamble(asked, shown_one, true);
    talk.from_gateway(response(50, 5, "threads"));
    EXPECT_EQ(said(frames(take_ide())), (words{"stopped", "threads"}));
}

TEST_F(conversation, frames_of_before_mean_nothing) {
    attach_and_stop();
    talk.gateway_gone();
    talk.begin_again();
    answer_preamble(frames(take_gateway()), shown_one, true);
    take_ide();
    ask(5, "scopes", R"({"frameId":1000})");
    ask(6, "variables", R"({"variablesReference":1001})");
    EXPECT_EQ(take_gateway(), "");
    for (const auto& one : frames(take_ide())) EXPECT_NE(protocol::to_text(one).find("before the gateway was restarted"), std::string::npos);
    // Nor after an expression without a frame, and as long as there is no other stack.
    ask(7, "evaluate", R"({"expression":"1+1"})");
    ask(8, "scopes", R"({"frameId":1000})");
    ask(9, "stackTrace", R"({"threadId":1})");
    ask(10, "scopes", R"({"frameId":1000})");
    talk.from_gateway(response(50, 9, "stackTrace", "{}", false));
    ask(11, "scopes", R"({"frameId":1000})");
    EXPECT_EQ(said(frames(take_gateway())), (words{"evaluate", "stackTrace"}));
    for (const bool large : {false, true}) {
        ask(12, "stackTrace", R"({"threadId":1})");
        talk.from_gateway(response(51, 12, "stackTrace", large ? "\"" + std::string(300'000, 'x') + "\"" : "{}"));
        ask(13, "scopes", R"({"frameId":1000})");
        EXPECT_EQ(said(frames(take_gateway())), (words{"stackTrace", "scopes"}));
        talk.from_gateway(response(52, 13, "scopes"));
        take_ide();
        talk.gateway_gone();
        talk.begin_again();
        answer_preamble(frames(take_gateway()), shown_one, true);
        take_ide();
    }
}

TEST_F(conversation, breakpoints_that_are_others_are_told) {
    attach_and_stop();
    talk.gateway_gone();
    talk.begin_again();
    answer_preamble(frames(take_gateway()), R"({"breakpoints":[{"id":4,"verified":true,"line":7}]})", true);
    auto told = frames(take_ide());
    ASSERT_EQ(said(told), (words{"breakpoint", "breakpoint", "stopped"}));
    EXPECT_EQ(told[0].find("body")->get_string("reason"), "removed");
    EXPECT_EQ(told[0].find("body")->find("breakpoint")->get_int("id"), 3);
    EXPECT_EQ(told[1].find("body")->get_string("reason"), "new");
    EXPECT_EQ(told[1].find("body")->find("breakpoint")->get_int("id"), 4);
    // Once more, and it is lost.
    talk.gateway_gone();
    talk.begin_again();
    answer_preamble(frames(take_gateway()), R"({"breakpoints":[{"verified":false,"message":"no such line"}]})", true);
    told = frames(take_ide());
    ASSERT_EQ(said(told), (words{"breakpoint", "stopped"}));
    EXPECT_EQ(told[0].find("body")->find("breakpoint")->get_int("id"), 4);
    EXPECT_FALSE(told[0].find("body")->find("breakpoint")->get_bool("verified", true));
    EXPECT_EQ(is_rebuilt, 2);
}

TEST_F(conversation, half_a_message_is_dropped_or_finished) {
    attach_and_stop();
    ask(5, "threads");
    const auto half = response(8, 5, "threads");
    talk.from_gateway(std::string_view(half).substr(0, 60));
    const auto request = protocol::frame(R"({"seq":6,"type":"request","command":"pause","arguments":{"threadId":1}})");
    talk.from_ide(request.substr(0, 40));
    take_gateway();
    talk.gateway_gone();
    talk.begin_again();
    const auto asked = frames(take_gateway());
    answer_preamble(asked, shown_one, true);
    talk.from_ide(request.substr(40));
    EXPECT_EQ(said(frames(take_gateway())), words{"pause"});
    EXPECT_EQ(said(frames(take_ide())), words{"stopped"});
    EXPECT_EQ(asked.back().get_string("command"), "threads");
}

TEST_F(conversation, one_that_had_not_attached_begins_again) {
    ask(1, "initialize", R"({"adapterID":"go"})");
    take_gateway();
    talk.gateway_gone();
    talk.begin_again();
    EXPECT_EQ(frames(take_gateway()).at(0).get_int("seq"), 1);
    EXPECT_EQ(is_rebuilt, 1);
    talk.from_gateway(response(1, 1, "initialize"));
    EXPECT_EQ(frames(take_ide()).at(0).get_int("request_seq"), 1);
}

TEST_F(conversation, a_gateway_that_refuses_ends_it) {
    attach_and_stop();
    ask(5, "threads");
    take_gateway();
    talk.gateway_gone();
    talk.begin_again();
    const auto first = frames(take_gateway()).at(0);
    talk.from_gateway(response(1, first.get_int("seq"), "initialize", R"({"error":{"format":"alice may not"}})", false));
    EXPECT_EQ(refused, "alice may not");
    talk.end(refused);
    const auto told = frames(take_ide());
    ASSERT_EQ(said(told), (words{"threads", "output", "terminated"}));
    EXPECT_FALSE(told[0].get_bool("success", true));
    EXPECT_NE(talk.hindrance(), "");
}

TEST_F(conversation, who_leaves_while_there_is_no_gateway_may) {
    attach_and_stop();
    talk.gateway_gone();
    ask(5, "disconnect", R"({"terminateDebuggee":false})");
    EXPECT_EQ(said(frames(take_ide())), (words{"disconnect", "terminated"}));
    EXPECT_EQ(refused, "left");
}

TEST_F(conversation, more_than_is_remembered_is_not_rebuilt) {
    attach_and_stop();
    for (int i = 0; i < 10; ++i) {
        ask(5 + i, "setBreakpoints", "{\"source\":{\"path\":\"/" + std::to_string(i) + "\"},\"x\":\"" + std::string(200'000, 'x') + "\"}");
        talk.from_gateway(response(8 + i, 5 + i, "setBreakpoints", shown_one));
    }
    EXPECT_NE(talk.hindrance().find("more was said"), std::string::npos);
}

TEST_F(conversation, a_pause_of_long_ago_is_not_repeated) {
    attach_and_stop();
    ask(5, "pause", R"({"threadId":1})");
    time += std::chrono::seconds(60);
    ask(6, "pause", R"({"threadId":1})");
    take_gateway();
    talk.gateway_gone();
    talk.begin_again();
    EXPECT_EQ(frames(take_gateway()).back().get_int("seq"), 6);
    const auto told = frames(take_ide());
    ASSERT_EQ(said(told), words{"pause"});
    EXPECT_EQ(told[0].get_int("request_seq"), 5);
    EXPECT_NE(protocol::to_text(told[0]).find("pause again"), std::string::npos);
}

TEST_F(conversation, a_large_answer_to_a_question_of_ours_ends_it) {
    attach_and_stop();
    talk.gateway_gone();
    talk.begin_again();
    const auto first = frames(take_gateway()).at(0);
    const auto answer = response(1, first.get_int("seq"), "initialize", "\"" + std::string(300'000, 'x') + "\"");
    talk.from_gateway(std::string_view(answer).substr(0, 280'000));
    EXPECT_EQ(ide, "");
    EXPECT_EQ(refused, "more was answered than is remembered");
}

TEST_F(conversation, a_source_without_breakpoints_is_not_remembered) {
    attach_and_stop();
    ask(5, "setBreakpoints", R"({"source":{"path":"/a.go"},"breakpoints":[]})");
    talk.from_gateway(response(8, 5, "setBreakpoints", R"({"breakpoints":[]})"));
    take_gateway();
    talk.gateway_gone();
    talk.begin_again();
    EXPECT_EQ(said(frames(take_gateway())), (words{"initialize", "attach", "configurationDone"}));
}

TEST_F(conversation, a_large_request_without_a_gateway_is_a_hindrance) {
    attach_and_stop();
    talk.gateway_gone();
    EXPECT_EQ(talk.hindrance(), "");
    const auto request = protocol::frame(R"({"seq":5,"type":"request","command":")" + std::string(400'000, 'x') + "\"}");
    talk.from_ide(std::string_view(request).substr(0, 300'000));
    EXPECT_NE(talk.hindrance().find("too large"), std::string::npos);
}

}  // namespace
