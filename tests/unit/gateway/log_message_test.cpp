#include "gateway/log_message.h"

#include <gtest/gtest.h>

#include <ostream>

namespace gateway {
namespace {

using strings = std::vector<std::string>;

struct format_case {
    const char* message;
    strings text;
    strings expressions;
};
void PrintTo(const format_case& c, std::ostream* out) { *out << c.message; }

class log_message_formats : public testing::TestWithParam<format_case> {};

TEST_P(log_message_formats, are_cut_as_delve_cuts_them) {
    const auto parsed = parse_log_message(GetParam().message);
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_EQ(parsed->text, GetParam().text);
    EXPECT_EQ(parsed->expressions, GetParam().expressions);
}

TEST(log_message, only_reads) {
    for (const char* text : {"{call f()}", "x {  call f() }", "{call\tf()}", "{dlv config followExec true}", "{dlv help}", "{a} {dlv sources}"}) {
        const auto parsed = parse_log_message(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_NE(parsed.error().find("may only read"), std::string::npos) << parsed.error();
    }
    EXPECT_TRUE(parse_log_message("{callers} {dlvs} {f(1)}"));
}

INSTANTIATE_TEST_SUITE_P(
    table, log_message_formats,
    testing::Values(format_case{"plain words", {"plain words"}, {}},
                    format_case{"{x}", {"", ""}, {"x"}},
                    format_case{"n is {n}", {"n is ", ""}, {"n"}},
                    format_case{"{a}{b}", {"", "", ""}, {"a", "b"}},
                    format_case{"from {a} to {b}.", {"from ", " to ", "."}, {"a", "b"}},
                    format_case{"{ \t spaced out\n }", {"", ""}, {"spaced out"}},
                    format_case{"{T{1, 2}.sum()}!", {"", "!"}, {"T{1, 2}.sum()"}},
                    format_case{"{map[string]T{\"k\": {1}}}", {"", ""}, {"map[string]T{\"k\": {1}}"}},
                    format_case{"100% of %s and %d", {"100% of %s and %d"}, {}},
                    format_case{"gr\xC3\xBC\xC3\x9F {\xCF\x80}", {"gr\xC3\xBC\xC3\x9F ", ""}, {"\xCF\x80"}},
                    format_case{"  kept  {x}  kept  ", {"  kept  ", "  kept  "}, {"x"}}));

struct error_case {
    const char* message;
    const char* error;
};
void PrintTo(const error_case& c, std::ostream* out) { *out << c.message; }

class log_message_errors : public testing::TestWithParam<error_case> {};

TEST_P(log_message_errors, have_delves_words) {
    const auto parsed = parse_log_message(GetParam().message);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error(), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    table, log_message_errors,
    testing::Values(error_case{"{}", "empty evaluation string"}, error_case{"{ \t\r\n}", "empty evaluation string"},
                    error_case{"fine {x} then {}", "empty evaluation string"},
                    error_case{"}", "invalid log point format, unexpected '}'"},
                    error_case{"{x}}", "invalid log point format, unexpected '}'"},
                    error_case{"{", "invalid log point format"}, error_case{"{x", "invalid log point format"},
                    error_case{"a {T{1}", "invalid log point format"}));

}  // namespace
}  // namespace gateway
