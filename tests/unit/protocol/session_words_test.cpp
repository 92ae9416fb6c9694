#include "protocol/session_words.h"

#include <gtest/gtest.h>

#include <tuple>

#include "operations_support.h"

namespace {

using namespace protocol;

TEST(session_words, are_told_from_expressions) {
    for (const char* text : {"", "delvegate", " delvegate ", "delvegate.baton", "delvegate + 1", "delvegate (x)", "delvegate\t&& y",
                             "delvegatex baton", "x delvegate baton", "delvegate 1", "Delvegate baton"})
        EXPECT_FALSE(read_session_words(text)) << text;
    const auto words = read_session_words(" \tdelvegate  baton give\n bob ");
    ASSERT_TRUE(words);
    EXPECT_EQ(words->subject, "baton");
    EXPECT_EQ(words->verb, "give");
    EXPECT_EQ(words->names, (std::vector<std::string>{"bob"}));
    EXPECT_EQ(read_session_words("delvegate baton")->verb, "");
    EXPECT_FALSE(read_session_words("delvegate" + [] { std::string s; for (int i = 0; i < 17; ++i) s += " a"; return s; }()));
}

TEST(session_words, need_what_they_do_in_both_protocols) {
    const std::pair<const char*, op_class> all[] = {{"baton", op_class::observe},       {"baton ask", op_class::control},
                                                    {"baton give", op_class::control},  {"baton drop", op_class::control},
                                                    {"baton take", op_class::lifecycle}, {"unpark", op_class::control}};
    for (const auto& [words, needs] : all) {
        const auto dap = judge_evaluate("delvegate " + std::string(words));
        const auto rpc = judge_rpc("RPCServer.Eval", "{\"Expr\":\"delvegate " + std::string(words) + "\"}");
        for (const auto* j : {&dap, &rpc}) {
            EXPECT_EQ(j->how, service::local) << words;
            EXPECT_EQ(j->operation, words);
            EXPECT_EQ(j->classes, (class_set{needs})) << words;
        }
    }
    const class_set values{op_class::observe, op_class::read}, pins{op_class::breakpoint, op_class::control};
    const std::tuple<const char*, const char*, class_set> more[] = {
        {"who", "who", {op_class::observe}},        {"output", "output", values},          {"output 5", "output", values},
        {"follow bob", "follow", values},           {"follow", "follow", values},          {"unfollow", "unfollow", {op_class::observe}},
        {"unfollow bob", "unfollow", {op_class::observe}}, {"pin", "pinned", {op_class::observe}}, {"pin main.go:42", "pin", pins},
        {"pin 3 a.go:1", "pin", pins},              {"unpin", "unpin", pins},              {"unpin main.go:42", "unpin", pins}};
    for (const auto& [words, operation, needs] : more) {
        const auto dap = judge_evaluate("delvegate " + std::string(words));
        const auto rpc = judge_rpc("RPCServer.Eval", "{\"Expr\":\"delvegate " + std::string(words) + "\"}");
        for (const auto* j : {&dap, &rpc}) {
            EXPECT_EQ(j->how, service::local) << words;
            EXPECT_EQ(j->operation, operation);
            EXPECT_EQ(j->classes, needs) << words;
        }
    }
    EXPECT_EQ(judge_evaluate("delvegate who else").how, service::refuse);
    EXPECT_EQ(judge_evaluate("delvegate baton frob").how, service::refuse);
    EXPECT_EQ(judge_evaluate("delvegate fly").how, service::refuse);
    EXPECT_EQ(judge_rpc("RPCServer.Eval", R"({"Expr":"delvegate.baton"})").operation, "Eval");
}

TEST(session_words, of_a_park_are_a_sentence) {
    const auto words = read_session_words("delvegate  park  look at q.items, Bob: why is it  nil? a b c d e f g h i j k l m n o p \n");
    ASSERT_TRUE(words);
    EXPECT_EQ(words->subject, "park");
    EXPECT_EQ(words->verb, "");
    EXPECT_EQ(words->text, "look at q.items, Bob: why is it  nil? a b c d e f g h i j k l m n o p");
    EXPECT_EQ(read_session_words("delvegate park ")->text, "");
    EXPECT_EQ(judge_evaluate("delvegate park why").operation, "park");
    EXPECT_EQ(judge_evaluate("delvegate park why").classes, (class_set{op_class::control}));
    EXPECT_EQ(judge_rpc("RPCServer.Eval", R"({"Expr":"delvegate park"})").operation, "parked");
    EXPECT_EQ(judge_evaluate("delvegate park").classes, (class_set{op_class::observe}));
    EXPECT_EQ(judge_evaluate("delvegate unpark it now").how, service::refuse);
}

TEST(session_words, are_not_repeated_by_a_watch) {
    const auto in = [](const char* context, const char* words) {
        json arguments;
        arguments.set("expression", json(words));
        arguments.set("context", json(context));
        return judge(dap_request{1, "evaluate", arguments}).how;
    };
    EXPECT_EQ(in("repl", "delvegate baton take"), service::local);
    for (const char* context : {"watch", "hover", "variables", "clipboard"}) {
        EXPECT_EQ(in(context, "delvegate baton take"), service::refuse) << context;
        EXPECT_EQ(in(context, "delvegate baton"), service::local) << context;
        EXPECT_EQ(in(context, "delvegate park it"), service::refuse) << context;
        EXPECT_EQ(in(context, "delvegate unpark"), service::refuse) << context;
        EXPECT_EQ(in(context, "delvegate park"), service::local) << context;
        for (const char* words : {"delvegate pin a.go:1", "delvegate unpin a.go:1", "delvegate follow bob", "delvegate unfollow"})
            EXPECT_EQ(in(context, words), service::refuse) << context << " " << words;
        for (const char* words : {"delvegate pin", "delvegate who", "delvegate output 5"})
            EXPECT_EQ(in(context, words), service::local) << context << " " << words;
    }
}

}  // namespace
