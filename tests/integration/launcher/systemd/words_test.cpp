// systemd as the oracle of our own reading of its grammars: what it really gave a program, beside what we say.
#include "launcher/unit_words.h"

#include <random>

#include "fixture.h"

namespace {

using words = std::vector<std::string>;

struct printed {
    words argv;
    launcher::environment_list environment;
};

printed read_printed(const std::string& path) {
    printed result;
    const auto text = systemd_test::text_of(path);
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.find('\0', at);
        (text[at] == 'w' ? result.argv : result.environment).push_back(text.substr(at + 1, end - at - 1));
        at = end + 1;
    }
    return result;
}

// Specifiers, as far as these tests have any.
words resolved(words given) {
    for (auto& word : given)
        for (std::size_t at = 0; (at = word.find("%%", at)) != std::string::npos; ++at) word.erase(at, 1);
    return given;
}

std::string random_text(std::mt19937& random, const words& pieces, std::size_t most) {
    std::string text;
    for (auto left = random() % most; left > 0; --left) text += pieces[random() % pieces.size()];
    return text;
}

class oracle : public systemd_test::node {
protected:
    // The lines, each as the rest of an ExecStart= of one oneshot unit.
    void compare(const words& lines) {
        std::string unit =
            "[Service]\nType=oneshot\n"
            "Environment=\"ONE=one two  three\" EMPTY= \"TWO=tw\\\"o\" A=1\n"
            "Environment=\"AB=x 'y z' \\\\t \\\\\\\\ \\\"\" \"B=a\\nb\\tc\"\n"
            "Environment=\"C=$A ${A} $$\" _D=\\x20d\\x20\n";
        for (std::size_t i = 0; i < lines.size(); ++i)
            unit += "ExecStart=" + systemd_test::program("PRINT_WORDS") + " " + directory + "/" + std::to_string(i) + " " +
                    lines[i] + " end\n";
        unit_file("oracle.service", unit);
        must(systemd().reload());
        const auto loaded = properties("oracle.service");
        ASSERT_EQ(loaded.load_state, "loaded") << loaded.load_error << "\n" << unit;
        ASSERT_EQ(loaded.exec_start.size(), lines.size());
        must(systemd().start("oracle.service"));
        for (std::size_t i = 0; i < lines.size(); ++i) {
            const auto split = launcher::split_exec_words(lines[i] + " end");
            ASSERT_TRUE(split) << lines[i];
            const auto ours = resolved(*split);
            const auto& theirs = loaded.exec_start[i].argv;
            EXPECT_EQ(ours, words(theirs.begin() + 2, theirs.end())) << "split: " << lines[i];
            const auto really = read_printed(directory + "/" + std::to_string(i));
            EXPECT_EQ(launcher::expand_words(ours, loaded.environment), really.argv) << "expanded: " << lines[i];
        }
    }
};

TEST_F(oracle, splits_and_expands_every_vector_as_we_do) {
    compare({R"($ONE)", R"(${ONE})", R"(pre${ONE}post)", R"($EMPTY)", R"(${EMPTY})", R"($$ONE)", R"("a b")", R"(g\x20h)",
             R"(%%)", R"($ONE,x)", R"("$ONE y")", R"('$ONE')", R"("$ONE")", R"('${ONE}')", R"(pre$ONE)", R"(${UNDEF})",
             R"(x${UNDEF}y)", R"($UNDEF)", R"(${ONE)", R"($TWO)", R"(x"y z")", R"('a\x41')", R"("" '')", R"(\;)",
             R"(a\;b)", R"(";")", R"(e\ f)", R"(\q \400 \x0 \u00e4 \U0001F600)", R"(\101\s\t)", R"($AB)", R"(${AB})",
             R"($B)", R"($C ${C})", R"(a$ $ $$ $$$ a$$$b)", R"(${A:-x}${A})", R"($A$A)", R"(${A}${B})", R"(${_D})", R"(ä$A)",
             R"($A-b)", R"(${}x)", R"(\$A)", R"("\"$A")", R"({$A})"});
}

TEST_F(oracle, splits_and_expands_random_lines_as_we_do) {
    std::mt19937 random(static_cast<unsigned>(::getpid()));
    const words pieces{"$", "$", "{", "}", "A", "B", "AB", "ONE", "TWO", "$A", "${AB}", "${", "$$", " ", "  ", "'", "\"", "'",
                       "\"", "\\", "\\\\", "\\x41", "\\\"", "\\s", ":", ";", "%%", "x", "ä", "#", "=", "\\101", "\\u00e4"};
    words lines;
    while (lines.size() < 200) {
        const auto line = random_text(random, pieces, 14);
        if (launcher::split_exec_words(line + " end")) lines.push_back(line);
    }
    compare(lines);
}

TEST_F(oracle, refuses_what_we_refuse) {
    words bad{"\"a", "'a", "a \"b 'c'", "a'b\\", "\"\\"};
    for (std::size_t i = 0; i < bad.size(); ++i) {
        ASSERT_FALSE(launcher::split_exec_words(bad[i] + " end")) << bad[i];
        unit_file("bad" + std::to_string(i) + ".service", "[Service]\nExecStart=/bin/true " + bad[i] + " end\n");
    }
    must(systemd().reload());
    for (std::size_t i = 0; i < bad.size(); ++i)
        EXPECT_EQ(properties("bad" + std::to_string(i) + ".service").load_state, "bad-setting") << bad[i];
}

TEST_F(oracle, reads_what_we_quote_as_the_same_words) {
    std::mt19937 random(static_cast<unsigned>(::getpid()) + 1);
    const words pieces{"a", "b c", "$", "%", "'", "\"", "\\", "\t", "\n", "\x01", ";", "#", "{", "ä", "${A}", "\x7f", "%n"};
    std::string unit = "[Service]\nType=oneshot\n";
    std::vector<words> given;
    for (int i = 0; i < 200; ++i) {
        words line{systemd_test::program("PRINT_WORDS"), directory + "/" + std::to_string(i)};
        for (auto left = random() % 5; left > 0; --left) line.push_back(random_text(random, pieces, 8));
        line.emplace_back(";");
        unit += "ExecStart=" + launcher::quote_words(line) + "\n";
        words expected(line.begin() + 2, line.end());
        given.push_back(expected);
    }
    unit_file("quoted.service", unit);
    must(systemd().reload());
    const auto loaded = properties("quoted.service");
    ASSERT_EQ(loaded.load_state, "loaded") << loaded.load_error;
    ASSERT_EQ(loaded.exec_start.size(), given.size());
    for (std::size_t i = 0; i < given.size(); ++i) {
        const auto& theirs = loaded.exec_start[i].argv;
        EXPECT_EQ(given[i], words(theirs.begin() + 2, theirs.end()));
    }
}

TEST_F(oracle, gives_the_words_we_call_literal_unchanged) {
    std::mt19937 random(static_cast<unsigned>(::getpid()) + 2);
    const words pieces{"$", "$", "{", "}", "A", "${A}", "$$", " ", "%", "\\", "'"};
    words lines, given;
    for (int i = 0; i < 100; ++i) {
        given.push_back(random_text(random, pieces, 8));
        lines.push_back(launcher::quote_word(launcher::literal(given.back())));
    }
    compare(lines);
    for (std::size_t i = 0; i < given.size(); ++i)
        EXPECT_EQ(read_printed(directory + "/" + std::to_string(i)).argv, (words{given[i], "end"})) << lines[i];
}

TEST_F(oracle, reads_environment_files_as_we_do) {
    std::mt19937 random(static_cast<unsigned>(::getpid()) + 3);
    words texts{"A=1\nB = two words  \r\nAB=\n\nBA=end", "# A=1\n; B=2\nexport A=1\n1A=x\nno\nB=3", "A=a\\\nb\nB=\\$x\\y\n",
                "A='a\\n $x\nb'\nB=\"\\\"\\\\\\$\\`\\n\\\nc\nd\"\nAB=\"dq  val\" tail\nBA='x'\"y\"z", "A=\"open\nB=1",
                "# c \\\nA=1\nB=2", "A=a \\ \nB=a  b\t\nA=2", "A=\"x\"'y'\\ z ", "A='\nB=1\n'\nB=\\", "A=ä\r\rB=2"};
    const words pieces{"A", "B", "=", "=", "A=", "\nB=", "\n", "\n", "\r\n", " ", "\t", "'", "\"", "\\", "\\\\", "\\\"", "$", "$A",
                       "#", ";", "\n#", "x", "ä", "`", "\\\n"};
    while (texts.size() < 80) texts.push_back(random_text(random, pieces, 25));
    unit_file("environment@.service", "[Service]\nType=oneshot\nEnvironment=A=before\nEnvironmentFile=-" + directory +
                                          "/file.%i\nExecStart=" + systemd_test::program("PRINT_WORDS") + " " +
                                          directory + "/out.%i\n");
    for (std::size_t i = 0; i < texts.size(); ++i)
        systemd_test::write_file(directory + "/file." + std::to_string(i), texts[i]);
    must(systemd().reload());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto number = std::to_string(i);
        must(systemd().start("environment@" + number + ".service"));
        auto theirs = read_printed(directory + "/out." + number).environment;
        std::erase_if(theirs, [](const std::string& entry) {
            return entry.find_first_not_of("AB") != entry.find('=');
        });
        launcher::environment_list ours{"A=before"};
        const auto read = launcher::parse_environment_file(texts[i], systemd().version());
        ASSERT_TRUE(read) << read.error();
        launcher::merge_environment(ours, *read);
        std::erase_if(ours, [](const std::string& entry) { return entry.find_first_not_of("AB") != entry.find('='); });
        std::sort(ours.begin(), ours.end());
        std::sort(theirs.begin(), theirs.end());
        EXPECT_EQ(ours, theirs) << "the file:\n" << texts[i];
    }
}

}  // namespace
