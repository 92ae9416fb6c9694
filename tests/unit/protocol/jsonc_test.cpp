#include "protocol/jsonc.h"

#include <gtest/gtest.h>

namespace {

using protocol::json;
using protocol::jsonc;
using protocol::read_jsonc;

std::string meaning(std::string_view text) {
    const auto value = read_jsonc(text);
    return value ? protocol::to_text(to_json(*value, text)) : value.error();
}

TEST(jsonc, is_json_with_comments_and_trailing_commas) {
    EXPECT_EQ(meaning("\xEF\xBB\xBF// first\r\n{ /* a */ \"a\" /**/ : [1, 2,], // b\n\t\"b\": {\"c\": null,},\n} /* last"), "line 4: a comment has no end");
    EXPECT_EQ(meaning("\xEF\xBB\xBF// first\r\n{ /* a */ \"a\" /**/ : [1, 2,], // b\n\t\"b\": {\"c\": null,},\n} // last"),
              "{\"a\":[1,2],\"b\":{\"c\":null}}");
    EXPECT_EQ(meaning("[true,false,null,-0.5e+3,13757652436686733312,\"//\",\"/*\"]"),
              "[true,false,null,-0.5e+3,13757652436686733312,\"//\",\"/*\"]");
    EXPECT_EQ(meaning("\"\\u00e9\\ud83d\\ude00\\n\\/\\u20AC\""), "\"é😀\\n/€\"");
}

TEST(jsonc, says_what_it_does_not_understand_and_where) {
    for (const auto& [text, fault] : {
             std::pair{"", "line 1: a value is missing, or is none that JSON knows"},
             {"{\n\"a\": }", "line 2: a value is missing, or is none that JSON knows"},
             {"{\"a\":1}\n\nx", "line 3: there is more behind the end"},
             {"[1 2]", "line 1: a comma is missing"},
             {"[,1]", "line 1: a value is missing, or is none that JSON knows"},
             {"[1,,2]", "line 1: a value is missing, or is none that JSON knows"},
             {"{a:1}", "line 1: a name in quotes is missing"},
             {"{\"a\" 1}", "line 1: a colon is missing"},
             {"{\"a\":1", "line 1: an object has no end"},
             {"[", "line 1: an array has no end"},
             {"[1}", "line 1: a comma is missing"},
             {"\"a", "line 1: a string has no end"},
             {"\"a\nb\"", "line 1: a string goes over the end of the line, or has a control character"},
             {"\"\\x\"", "line 1: a string has an escape that JSON does not know"},
             {"\"\\ud800\"", "line 1: a string has an escape that JSON does not know"},
             {"\"\\u12\"", "line 1: a string has an escape that JSON does not know"},
             {"01", "line 1: a value is missing, or is none that JSON knows"},
             {"1.", "line 1: a number ends in the middle"},
             {"1e", "line 1: a number ends in the middle"},
             {"truex", "line 1: a value is none that JSON knows"},
             {"1.2.3", "line 1: a value is none that JSON knows"},
             {"'a'", "line 1: a value is missing, or is none that JSON knows"},
             {"{\"a\":1,\n\"a\":2}", "line 2: \"a\" is there twice in one object"},
             {"{\"a\":1,\"\\u0061\":2}", "line 1: \"a\" is there twice in one object"},
             {"/", "line 1: a value is missing, or is none that JSON knows"},
             {"\"\xff\"", "it is not UTF-8"}})
        EXPECT_EQ(meaning(text), fault) << text;
    EXPECT_EQ(meaning(std::string(100, '[')), "line 1: nested too deep");
    EXPECT_EQ(meaning(std::string(protocol::longest_jsonc, ' ') + "1"), "it is longer than 4 MiB");
}

TEST(jsonc, knows_where_each_value_stands) {
    const std::string_view text = "{ \"a\": [ 1 , \"x\"], /**/ \"b\": {} }";
    const auto root = *read_jsonc(text);
    const auto of = [&](const jsonc& v) { return text.substr(v.begin, v.end - v.begin); };
    EXPECT_EQ(of(root), text);
    const auto* a = root.find("a");
    ASSERT_NE(a, nullptr);
    EXPECT_EQ(of(*a), "[ 1 , \"x\"]");
    EXPECT_EQ(of(a->items[0].value), "1");
    EXPECT_EQ(text[*a->items[0].comma], ',');
    EXPECT_FALSE(a->items[1].comma);
    EXPECT_EQ(a->items[1].value.text, "x");
    EXPECT_EQ(text.substr(root.items[1].begin, 3), "\"b\"");
    EXPECT_EQ(root.find("c"), nullptr);
    EXPECT_EQ(a->find("b"), nullptr);
}

TEST(jsonc, reads_any_beginning_of_a_text) {
    const std::string_view text = "// c\n{\"a\": [1.5e3, tr\\u, \"\\ud83d\\ude00\"/**/,], \"b\":false}";
    for (std::size_t size = 0; size <= text.size(); ++size) EXPECT_FALSE(read_jsonc(text.substr(0, size)));
}

}  // namespace
