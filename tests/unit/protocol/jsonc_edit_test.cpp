#include "protocol/jsonc_edit.h"

#include <gtest/gtest.h>

#include <random>

namespace {

using namespace protocol;

jsonc read(std::string_view text) {
    auto value = read_jsonc(text);
    EXPECT_TRUE(value) << value.error() << "\n" << text;
    return value ? *value : jsonc();
}

std::string add(std::string_view text, std::string_view key, const json& value) {
    const auto root = read(text);
    return add_item(text, key.empty() ? *root.find("a") : root, key, value);
}

// Adds to the array "a", and takes it out again.
std::string there_and_back(std::string_view text, const json& value) {
    const auto with = add(text, "", value);
    const auto root = read(with);
    const auto& array = *root.find("a");
    EXPECT_EQ(to_json(array.items.back().value, with), value);
    return remove_item(with, array, array.items.size() - 1);
}

TEST(jsonc_edit, adds_as_the_text_is_written) {
    EXPECT_EQ(add("{\n  \"a\": [\n    1\n  ]\n}\n", "", json::object{{"x", json::array{2}}, {"y", json::array{}}}),
              "{\n  \"a\": [\n    1,\n    {\n      \"x\": [\n        2\n      ],\n      \"y\": []\n    }\n  ]\n}\n");
    EXPECT_EQ(add("{\r\n\t\"a\": [\r\n\t\t1,\r\n\t]\r\n}", "", json::object{{"x", 2}}),
              "{\r\n\t\"a\": [\r\n\t\t1,\r\n\t\t{\r\n\t\t\t\"x\": 2\r\n\t\t},\r\n\t]\r\n}");
    EXPECT_EQ(add("{\"a\":[]}", "", 1), "{\"a\":[\n    1\n]}");
    EXPECT_EQ(add("{\n \"a\": [ ]\n}", "", 1), "{\n \"a\": [\n  1\n ]\n}");
    EXPECT_EQ(add("{\n \"a\": [\n ]\n}", "", 1), "{\n \"a\": [\n  1\n ]\n}");
    EXPECT_EQ(add("{}", "a", json::array{1}), "{\n    \"a\": [\n        1\n    ]\n}");
    EXPECT_EQ(add("{\n  \"b\": 1 // one\n}", "a", 2), "{\n  \"b\": 1, // one\n  \"a\": 2\n}");
}

TEST(jsonc_edit, leaves_comments_with_what_they_are_about) {
    EXPECT_EQ(add("{\"a\": [\n  // why\n  1 // one\n  // {2}\n]}", "", 3), "{\"a\": [\n  // why\n  1, // one\n  3\n  // {2}\n]}");
    EXPECT_EQ(add("{\"a\": [ // none yet\n  // {2}\n]}", "", 3), "{\"a\": [ // none yet\n    3\n  // {2}\n]}");
    EXPECT_EQ(add("{\"a\": [\n  1 /* one */, /* and */ // more\n]}", "", 3), "{\"a\": [\n  1 /* one */, /* and */ // more\n  3,\n]}");
}

TEST(jsonc_edit, takes_out_exactly_what_it_added) {
    const json value = json::object{{"name", "x"}, {"list", json::array{1, json::object{{"y", nullptr}}}}};
    for (const std::string text :
         {"{\"a\":[]}", "{\"a\":[1]}", "{\"a\":[1,]}", "{\"a\":[1, 2 ]}", "{ \"a\" : [ {} , ] , }", "{\n  \"a\": [\n    1 // one\n  ]\n}",
          "{\n  \"a\": [\n    1, // one\t \n    // two\n  ]\n}", "{\"a\": [ 1 /* one */ /* two\n */ ]}", "{\"a\": [ // no\n]}",
          "{\r\n\t\"a\": [\r\n\t\t1\r\n\t],\r\n}", "{\"a\":[1\n]}", "{\"a\":[1,\n]}"})
        EXPECT_EQ(there_and_back(text, value), text);
    // What was within is not remembered.
    EXPECT_EQ(there_and_back("{\"a\":[\n\n]}", value), "{\"a\":[]}");
    EXPECT_EQ(there_and_back("{\"a\":[ /* none */]}", value), "{\"a\":[ /* none */\n]}");
}

TEST(jsonc_edit, takes_out_of_the_middle) {
    const std::string_view text = "{\"a\": [\n  1,\n  2, // two\n  3\n]}";
    const auto root = read(text);
    const auto& array = *root.find("a");
    EXPECT_EQ(remove_item(text, array, 0), "{\"a\": [\n  2, // two\n  3\n]}");
    EXPECT_EQ(remove_item(text, array, 1), "{\"a\": [\n  1, // two\n  3\n]}");
    EXPECT_EQ(remove_item(text, array, 2), "{\"a\": [\n  1,\n  2 // two\n]}");
}

TEST(jsonc_edit, lets_no_comment_swallow_what_follows) {
    const std::string_view text = "{\"a\": [ 1, // one\n  2]}";
    const auto root = read(text);
    const auto out = remove_item(text, *root.find("a"), 1);
    EXPECT_EQ(to_text(to_json(read(out), out)), "{\"a\":[1]}");
    const std::string_view first = "{\"a\": [ // none\n  2]}";
    const auto other = read(first);
    const auto left = remove_item(first, *other.find("a"), 0);
    EXPECT_EQ(to_text(to_json(read(left), left)), "{\"a\":[]}");
}

TEST(jsonc_edit, replaces_a_value_and_nothing_else) {
    const std::string_view text = "{ // c\n  \"a\": [ 1 ], // d\n  \"b\": 2 }";
    const auto root = read(text);
    EXPECT_EQ(replace_value(text, *root.find("a"), json::array{3}), "{ // c\n  \"a\": [\n    3\n  ], // d\n  \"b\": 2 }");
    EXPECT_EQ(replace_value(text, *root.find("b"), "x"), "{ // c\n  \"a\": [ 1 ], // d\n  \"b\": \"x\" }");
}

// Texts as people and tools write them, and as nobody does.
class random_text {
public:
    explicit random_text(unsigned seed) : random_(seed), line_end_(chance(4) ? "\r\n" : "\n"), unit_(pick({"  ", "    ", "\t", ""})) {}

    std::string object_with_array(json& meaning) {
        meaning = json::array{};
        std::string out = trivia() + "{" + trivia() + (chance(2) ? "\"b\"" + trivia() + ":" + trivia() + scalar() + trivia() + "," + trivia() : "");
        out += "\"a\":" + trivia() + "[" + trivia();
        for (int left = static_cast<int>(random_() % 4); left > 0; --left) {
            const auto one = scalar();
            meaning.if_array()->push_back(*parse_json(one));
            out += one + trivia();
            if (left > 1 || chance(3)) out += "," + trivia();
        }
        return out + "]" + trivia() + (chance(3) ? "," + trivia() : "") + "}" + trivia();
    }
    bool chance(unsigned of) { return random_() % of == 0; }

private:
    std::string pick(std::initializer_list<const char*> from) { return *(from.begin() + random_() % from.size()); }
    std::string trivia() {
        std::string out;
        while (chance(2)) {
            switch (random_() % 5) {
                case 0: out += " "; break;
                case 1: out += line_end_ + unit_ + unit_; break;
                case 2: out += pick({"/**/", "/* ] } , */", "/* two\n lines */", "/***/"}); break;
                case 3: out += pick({"//", "// comment \t", "// [ { \"", "// é"}) + line_end_ + unit_; break;
                case 4: out += "\t"; break;
            }
        }
        return out;
    }
    std::string scalar() { return pick({"1", "-2.5e3", "\"x\"", "\"\\\"//\"", "null", "true", "{\"k\":[1,{}]}", "[]", "{}"}); }

    std::mt19937 random_;
    std::string line_end_, unit_;
};

TEST(jsonc_edit, of_any_text_adds_and_removes_one_item_and_no_other_byte) {
    for (unsigned seed = 0; seed < 3'000; ++seed) {
        random_text random(seed);
        json meaning;
        const auto text = random.object_with_array(meaning);
        SCOPED_TRACE("seed " + std::to_string(seed) + ": " + text);
        const auto before = read(text);
        ASSERT_EQ(to_json(*before.find("a"), text), meaning);
        const json first = json::object{{"name", "first"}}, second = json::array{"second", json::object{}};
        const auto one = add_item(text, *before.find("a"), "", first);
        const auto with_one = read(one);
        const auto both = add_item(one, *with_one.find("a"), "", second);
        const auto with_both = read(both);
        json expected = meaning;
        expected.if_array()->push_back(first);
        expected.if_array()->push_back(second);
        ASSERT_EQ(to_json(*with_both.find("a"), both), expected) << both;
        const auto count = before.find("a")->items.size();

        // In either order.
        const auto without_first = remove_item(both, *with_both.find("a"), count);
        const auto rest = read(without_first);
        ASSERT_EQ(to_json(rest.find("a")->items.back().value, without_first), second);
        const auto neither = remove_item(without_first, *rest.find("a"), count);
        const auto back = remove_item(one, *with_one.find("a"), count);
        ASSERT_EQ(to_json(*read(back).find("a"), back), meaning);
        ASSERT_EQ(to_json(*read(neither).find("a"), neither), meaning);
        if (count > 0) {
            ASSERT_EQ(back, text);
            ASSERT_EQ(neither, text);
        }
        // Whatever is taken out of a stranger's text, the rest means what it did.
        for (std::size_t index = 0; index < count; ++index) {
            const auto less = remove_item(text, *before.find("a"), index);
            json others = meaning;
            others.if_array()->erase(others.if_array()->begin() + static_cast<std::ptrdiff_t>(index));
            ASSERT_EQ(to_json(*read(less).find("a"), less), others) << index << less;
        }
    }
}

}  // namespace
