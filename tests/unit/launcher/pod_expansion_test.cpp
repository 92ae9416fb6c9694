#include "launcher/pod_expansion.h"

#include <gtest/gtest.h>

#include <random>
#include <regex>

namespace launcher {
namespace {

using table = std::map<std::string, std::string, std::less<>>;

const table variables{{"VAR_A", "A"},       {"VAR_B", "B"},    {"VAR_C", "C"},
                      {"VAR_REF", "$(VAR_A)"}, {"VAR_EMPTY", ""}};

std::string expand(std::string_view text) { return expand_references(text, {&variables}); }

// The vectors of Kubernetes' own expand_test.go.
TEST(pod_expansion, does_as_kubernetes_does) {
    struct {
        const char* text;
        const char* expanded;
    } const rows[] = {
        {"$(VAR_A)", "A"},
        {"___$(VAR_B)___", "___B___"},
        {"$(VAR_A)-1", "A-1"},
        {"$(VAR_A)_$(VAR_B)", "A_B"},
        {"$$(VAR_B)_$(VAR_A)", "$(VAR_B)_A"},
        {"$$(VAR_A)_$$(VAR_B)", "$(VAR_A)_$(VAR_B)"},
        {"f000-$$VAR_A", "f000-$VAR_A"},
        {"foo\\$(VAR_C)bar", "foo\\Cbar"},
        {"foo\\\\$(VAR_C)bar", "foo\\\\Cbar"},
        {"foo\\\\\\\\$(VAR_A)bar", "foo\\\\\\\\Abar"},
        {"$(VAR_A$(VAR_B))", "$(VAR_A$(VAR_B))"},
        {"$(VAR_A$(VAR_B)", "$(VAR_A$(VAR_B)"},
        {"$(VAR_REF)", "$(VAR_A)"},
        {"%%$(VAR_REF)--$(VAR_REF)%%", "%%$(VAR_A)--$(VAR_A)%%"},
        {"foo$(VAR_EMPTY)bar", "foobar"},
        {"foo$(VAR_Awhoops!", "foo$(VAR_Awhoops!"},
        {"f00__(VAR_A)__", "f00__(VAR_A)__"},
        {"$?_boo_$!", "$?_boo_$!"},
        {"$VAR_A", "$VAR_A"},
        {"${VAR_A}", "${VAR_A}"},
        {"$(VAR_DNE)", "$(VAR_DNE)"},
        {"$$$$$$(VAR_A)", "$$$(VAR_A)"},
        {"$$$$$$$(VAR_A)", "$$$A"},
        {"$$$$$$$$(VAR_A)", "$$$$(VAR_A)"},
        {"$(VAR_C)_______$(", "C_______$("},
        {"$(VAR_A)foobarzab$", "Afoobarzab$"},
        {"--$($($($($--", "--$($($($($--"},
        {"$($($($($--foo$(", "$($($($($--foo$("},
        {"foo0--$($($($(", "foo0--$($($($("},
        {"$(foo$$var)", "$(foo$$var)"},
        {"", ""},
        {"$", "$"},
        {"$()", "$()"},
    };
    for (const auto& row : rows) EXPECT_EQ(expand(row.text), row.expanded) << row.text;
}

TEST(pod_expansion, takes_the_first_table_that_has_the_name) {
    const table first{{"A", "1"}}, second{{"A", "2"}, {"B", "3"}};
    EXPECT_EQ(expand_references("$(A)$(B)$(C)", {&first, &second}), "13$(C)");
    EXPECT_EQ(expand_references("$(A)$$(A)", {}), "$(A)$(A)");
}

TEST(pod_expansion, names_what_is_missing) {
    EXPECT_EQ(missing_references("$(VAR_A)/$(NO)/$(VAR_EMPTY)/$$(ESCAPED)/$(NO)", {&variables}),
              (std::vector<std::string>{"NO", "VAR_EMPTY"}));
    EXPECT_TRUE(missing_references("$(VAR_A)$(open", {&variables}).empty());
}

// The same rules as a grammar: what the text begins with is one of these, the first that fits.
std::string by_grammar(const std::string& text, const table& names) {
    static const std::regex token(R"(\$\$|\$\(([^)]*)\)|[^])");
    std::string out;
    for (std::sregex_iterator at(text.begin(), text.end(), token), end; at != end; ++at) {
        const auto& match = *at;
        const auto name = match[1].matched ? names.find(match[1].str()) : names.end();
        if (match.str() == "$$")
            out += "$";
        else if (name != names.end())
            out += name->second;
        else
            out += match.str();
    }
    return out;
}

TEST(pod_expansion, agrees_with_its_grammar_on_any_text) {
    const table names{{"A", "x"}, {"B", ""}, {"AB", "$(A)"}, {"_", "$"}, {"", "nothing"}, {"$A", "odd"}, {"(", "paren"}};
    std::mt19937 random(20261126);
    const std::string letters = "$$$(()AB_";
    for (int round = 0; round < 5'000; ++round) {
        std::string text;
        for (auto length = random() % 14; text.size() < length;) text += letters[random() % letters.size()];
        ASSERT_EQ(expand_references(text, {&names}), by_grammar(text, names)) << text;
    }
}

TEST(pod_expansion, leaves_text_without_a_dollar_alone_and_undoes_escaping) {
    std::mt19937 random(7);
    for (int round = 0; round < 2'000; ++round) {
        std::string text, escaped;
        for (auto length = random() % 20; text.size() < length;) {
            text += static_cast<char>(random() % 256);
            escaped += text.back() == '$' ? "$$" : std::string(1, text.back());
        }
        ASSERT_EQ(expand(escaped), text);
        if (text.find('$') == std::string::npos) {
            ASSERT_EQ(expand(text), text);
        }
    }
}

}  // namespace
}  // namespace launcher
