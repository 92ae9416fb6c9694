#include "launcher/unit_words.h"

#include <gtest/gtest.h>

#include <random>

namespace {

using launcher::environment_list;
using words = std::vector<std::string>;

words split(std::string_view line) {
    const auto result = launcher::split_exec_words(line);
    EXPECT_TRUE(result) << line;
    return result ? *result : words{"<failed>"};
}

TEST(split_exec_words, quotes_group_and_vanish) {
    EXPECT_EQ(split("a  b\tc"), (words{"a", "b", "c"}));
    EXPECT_EQ(split("  "), words{});
    EXPECT_EQ(split(R"("a b" 'c d' x"y z")"), (words{"a b", "c d", "xy z"}));
    EXPECT_EQ(split(R"("" '')"), (words{"", ""}));
    EXPECT_EQ(split(R"("it's" 'say "x"')"), (words{"it's", "say \"x\""}));
}

TEST(split_exec_words, escapes_are_decoded_inside_both_quotes_and_bare) {
    EXPECT_EQ(split(R"(g\x20h 'a\x41' "b\x41")"), (words{"g h", "aA", "bA"}));
    EXPECT_EQ(split(R"(\t \" \' \s \101 \u00e4 \U0001F600)"), (words{"\t", "\"", "'", " ", "A", "ä", "😀"}));
    EXPECT_EQ(split(R"(a\\b \a\b\f\n\r\v)"), (words{"a\\b", "\a\b\f\n\r\v"}));
}

TEST(split_exec_words, an_unknown_escape_stays_as_it_is) {
    EXPECT_EQ(split(R"(e\ f)"), (words{"e\\ f"}));
    EXPECT_EQ(split(R"(\q \x0 \x00 \400 \ud800 \u12 end\)"),
              (words{"\\q", "\\x0", "\\x00", "\\400", "\\ud800", "\\u12", "end\\"}));
}

TEST(split_exec_words, what_a_known_escape_means_does_not_depend_on_an_unknown_one) {
    EXPECT_EQ(split(R"(a\x41\q b\x41)"), (words{"aA\\q", "bA"}));
}

TEST(split_exec_words, an_unclosed_quote_is_refused) {
    for (const char* line : {"\"a", "'a", "x 'b\\", "\"a\\\"", "a\"b c"}) {
        const auto result = launcher::split_exec_words(line);
        ASSERT_FALSE(result) << line;
        EXPECT_NE(result.error().find("not closed"), std::string::npos);
    }
}

TEST(split_exec_words, a_semicolon) {
    EXPECT_EQ(split(R"(a \; ";" b; \;c)"), (words{"a", ";", ";", "b;", "\\;c"}));
    EXPECT_FALSE(launcher::split_exec_words("a ; b"));
    EXPECT_FALSE(launcher::split_exec_words(";"));
}

TEST(split_environment, drops_the_line_from_the_first_word_it_cannot_read) {
    EXPECT_EQ(launcher::split_environment(R"(A=1 "B=two words" C='x y')"), (words{"A=1", "B=two words", "C=x y"}));
    EXPECT_EQ(launcher::split_environment(R"(A=1 F=a\ b "G=…")"), (words{"A=1"}));
    EXPECT_EQ(launcher::split_environment(R"(A=1 "B=x)"), (words{"A=1"}));
    EXPECT_EQ(launcher::split_environment("A 1B=x =y C-D=z E="), (words{"E="}));
}

const environment_list variables{"ONE=one two  three", "EMPTY=", "TWO=tw\"o", "Q='a b' \"c d\" e\\ f", "X=1", "N=a\nb"};

words expand(const words& given) { return launcher::expand_words(given, variables); }

TEST(expand_words, a_word_that_is_a_variable_is_split) {
    EXPECT_EQ(expand({"$ONE"}), (words{"one", "two", "three"}));
    EXPECT_EQ(expand({"$EMPTY", "$UNDEF", "$"}), words{});
    EXPECT_EQ(expand({"$TWO"}), (words{"two"}));
    EXPECT_EQ(expand({"$N"}), (words{"a", "b"}));
    EXPECT_EQ(expand({"$Q"}), (words{"a b", "c d", "e f"}));
}

TEST(expand_words, the_whole_rest_of_the_word_is_the_name) {
    EXPECT_EQ(expand({"$ONE,x", "$ONE y", "$X$X", "$X/etc"}), words{});
}

TEST(expand_words, braces_are_replaced_anywhere_and_never_split) {
    EXPECT_EQ(expand({"${ONE}"}), (words{"one two  three"}));
    EXPECT_EQ(expand({"pre${ONE}post"}), (words{"preone two  threepost"}));
    EXPECT_EQ(expand({"${EMPTY}", "${UNDEF}", "x${UNDEF}y", "${X}${X}"}), (words{"", "", "xy", "11"}));
    EXPECT_EQ(expand({"x${}y"}), (words{"xy"}));
}

TEST(expand_words, what_is_no_variable_stays) {
    EXPECT_EQ(expand({"$$ONE", "pre$ONE", "${ONE", "a$", "$$", "a$$b", "a$$$b"}),
              (words{"$ONE", "pre$ONE", "${ONE", "a$", "$", "a$b", "a$$b"}));
    EXPECT_EQ(expand({"a${X:-d}", "a${X:b}${X}"}), (words{"a${X:-d}", "a${X:b}1"}));
}

TEST(expand_words, of_one_name_the_last_wins) {
    EXPECT_EQ(launcher::expand_words({"$A"}, {"A=1", "A=2"}), (words{"2"}));
}

environment_list parsed(std::string_view text, int version = 252) {
    const auto result = launcher::parse_environment_file(text, version);
    EXPECT_TRUE(result) << text;
    return result ? *result : environment_list{"<failed>"};
}

TEST(parse_environment_file, lines_of_key_and_value) {
    EXPECT_EQ(parsed("A=1\n B = two words  \r\nC=\n\nD=end"), (environment_list{"A=1", "B=two words", "C=", "D=end"}));
    EXPECT_EQ(parsed("# A=1\n; B=2\nexport F8=1\n1BAD=x\nno equals\nC=3"), (environment_list{"C=3"}));
    EXPECT_EQ(parsed("A=1\nB=2\nA=3"), (environment_list{"A=3", "B=2"}));
}

TEST(parse_environment_file, unquoted_values) {
    EXPECT_EQ(parsed("A=a\\\nb\nB=\\$x\\y\nC=a\"b c\"d\nD=x # y\nE=$A\nF=a \\ "),
              (environment_list{"A=ab", "B=$xy", "C=a\"b c\"d", "D=x # y", "E=$A", "F=a  "}));
}

TEST(parse_environment_file, quoted_values) {
    EXPECT_EQ(parsed("A='a\\n $x\nb'\nB=\"\\\"\\\\\\$\\`\\n\\\nc\nd\"\nC=\"dq  val\" tail\nD='x'\"y\"z"),
              (environment_list{"A=a\\n $x\nb", "B=\"\\$`\\nc\nd", "C=dq  valtail", "D=xyz"}));
    EXPECT_EQ(parsed("A=\"open\nB=1"), (environment_list{"A=open\nB=1"}));
}

TEST(parse_environment_file, a_comment_goes_on_after_a_backslash_up_to_253) {
    EXPECT_EQ(parsed("# c \\\nA=1\nB=2", 252), (environment_list{"B=2"}));
    EXPECT_EQ(parsed("# c \\\nA=1\nB=2", 254), (environment_list{"A=1", "B=2"}));
}

TEST(parse_environment_file, bytes_that_systemd_refuses) {
    EXPECT_FALSE(launcher::parse_environment_file(std::string_view("A=1\0B", 5)));
    EXPECT_FALSE(launcher::parse_environment_file("A=\xff"));
    EXPECT_FALSE(launcher::parse_environment_file("\xed\xa0\x80=1"));
    EXPECT_EQ(parsed("# \xff\nA=1"), (environment_list{"A=1"}));
}

TEST(parse_environment_file, kubeadms_file_as_go_quotes_it) {
    EXPECT_EQ(parsed("KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix:///var/run/containerd/containerd.sock "
                     "--pod-infra-container-image=registry.k8s.io/pause:3.10\"\n"),
              (environment_list{"KUBELET_KUBEADM_ARGS=--container-runtime-endpoint=unix:///var/run/containerd/"
                                "containerd.sock --pod-infra-container-image=registry.k8s.io/pause:3.10"}));
}

TEST(environment, merging_and_unsetting) {
    environment_list list{"A=1", "B=2", "AB=3"};
    launcher::merge_environment(list, {"B=x=y", "C="});
    EXPECT_EQ(list, (environment_list{"A=1", "B=x=y", "AB=3", "C="}));
    launcher::unset_environment(list, {"A", "C=1", "B=x=y"});
    EXPECT_EQ(list, (environment_list{"AB=3", "C="}));
}

TEST(quote_word, plain_words_stay_plain) {
    for (const char* word : {"--config=/var/lib/kubelet/config.yaml", "$KUBELET_EXTRA_ARGS", "ä", "a;b", "a#b"})
        EXPECT_EQ(launcher::quote_word(word), word);
}

TEST(quote_word, what_would_be_read_otherwise_is_quoted) {
    EXPECT_EQ(launcher::quote_word(""), "\"\"");
    EXPECT_EQ(launcher::quote_word("a b"), "\"a b\"");
    EXPECT_EQ(launcher::quote_word(";"), "\";\"");
    EXPECT_EQ(launcher::quote_word("100%"), "100%%");
    EXPECT_EQ(launcher::quote_word("a\nb\x01"), "a\\nb\\x01");
    EXPECT_EQ(launcher::literal("$A${B}"), "$$A$${B}");
}

TEST(quote_words, whatever_the_words_splitting_gives_them_back) {
    std::mt19937 random(4);
    const std::string alphabet = "ab$%;#'\"\\ \t\n\r{}=x0\x01\x7f";
    for (int round = 0; round < 2000; ++round) {
        words given(1 + random() % 4);
        for (auto& word : given)
            for (auto left = random() % 8; left > 0; --left) word += alphabet[random() % alphabet.size()];
        auto text = launcher::quote_words(given);
        EXPECT_EQ(text.find('\n'), std::string::npos);
        // systemd resolves %% between the two.
        for (std::size_t at = 0; (at = text.find("%%", at)) != std::string::npos; ++at) text.erase(at, 1);
        EXPECT_EQ(split(text), given) << text;
    }
}

TEST(literal, expansion_gives_it_back) {
    std::mt19937 random(5);
    const std::string alphabet = "ONEX${}: ";
    for (int round = 0; round < 2000; ++round) {
        std::string word;
        for (auto left = random() % 8; left > 0; --left) word += alphabet[random() % alphabet.size()];
        EXPECT_EQ(expand({launcher::literal(word)}), (words{word}));
    }
}

}  // namespace
