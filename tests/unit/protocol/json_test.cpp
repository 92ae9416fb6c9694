#include "protocol/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace {

using protocol::errc;
using protocol::json;
using protocol::parse_json;
using protocol::to_text;

json parsed(std::string_view text) {
    auto value = parse_json(text);
    EXPECT_TRUE(value) << text << ": " << value.error().message();
    return value ? *value : json();
}

std::string again(std::string_view text) { return to_text(parsed(text)); }

TEST(json, keeps_number_tokens) {
    for (const auto* token :
         {"0", "-0", "1.0e3", "1E+2", "0.10", "13757652436686733312", "12345678901234567890123",
          "-9223372036854775808", "1e-7", "1.7976931348623157e308", "123456789012345678.5",
          "0.12345678901234567890123456789", "1e-400", "-1.5E-12"})
        EXPECT_EQ(again(token), token);
}

TEST(json, keeps_member_order_and_tells_null_from_empty) {
    for (const auto* text :
         {R"({"z":1,"a":[],"m":null,"b":{},"c":""})", "[null,[],{},\"\",0,false]"})
        EXPECT_EQ(again(text), text);
}

TEST(json, escapes_no_more_than_it_must) {
    EXPECT_EQ(again(R"("\u003c\u003e\u0026\/\u00e9\u2028\u007f")"), "\"<>&/\u00e9\u2028\x7f\"");
    EXPECT_EQ(again(R"("\u0000\u0001\u0008\u000a\u000c\u000d\u0009\u001f\"\\")"),
              R"("\u0000\u0001\b\n\f\r\t\u001f\"\\")");
}

TEST(json, reads_surrogate_pairs) {
    EXPECT_EQ(*parsed(R"("\ud83d\ude00")").if_string(), "\U0001F600");
    EXPECT_EQ(*parsed(R"("\udbff\udfff")").if_string(), "\U0010FFFF");
}

TEST(json, round_trips_every_code_point) {
    std::string all;
    for (char32_t c = 0; c < 0x110000; c += c < 0x3000 ? 1 : 61) {
        if (c >= 0xD800 && c < 0xE000) continue;
        if (c < 0x80) {
            all += static_cast<char>(c);
        } else if (c < 0x800) {
            all += static_cast<char>(0xC0 | c >> 6);
            all += static_cast<char>(0x80 | (c & 0x3F));
        } else if (c < 0x10000) {
            all += static_cast<char>(0xE0 | c >> 12);
            all += static_cast<char>(0x80 | (c >> 6 & 0x3F));
            all += static_cast<char>(0x80 | (c & 0x3F));
        } else {
            all += static_cast<char>(0xF0 | c >> 18);
            all += static_cast<char>(0x80 | (c >> 12 & 0x3F));
            all += static_cast<char>(0x80 | (c >> 6 & 0x3F));
            all += static_cast<char>(0x80 | (c & 0x3F));
        }
    }
    EXPECT_TRUE(protocol::valid_utf8(all));
    EXPECT_EQ(*parsed(to_text(json(all))).if_string(), all);
}

TEST(json, writes_valid_text_from_any_bytes) {
    std::string bytes;
    for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        std::string text;
        protocol::append_string(text, std::string_view(bytes).substr(bytes.size() - size));
        EXPECT_TRUE(parse_json(text)) << size;
    }
    EXPECT_EQ(to_text(json("a\xFF\xE2\x82z")), "\"a\uFFFD\uFFFD\uFFFDz\"");
}

TEST(json, refuses_invalid_utf8_at_every_alignment) {
    for (std::size_t before = 0; before < 20; ++before)
        for (std::size_t after = 0; after < 20; ++after) {
            const std::string text = std::string(before, 'a') + '\xC0' + std::string(after, 'a');
            EXPECT_FALSE(protocol::valid_utf8(text)) << before << " " << after;
            EXPECT_EQ(parse_json('"' + text + '"').error(), errc::invalid_utf8);
        }
}

TEST(json, limits_depth_as_told) {
    EXPECT_TRUE(parse_json("[[1]]", {.max_depth = 2}));
    EXPECT_EQ(parse_json("[[[1]]]", {.max_depth = 2}).error(), errc::too_deep);
    EXPECT_EQ(parse_json("{\"a\":[{}]}", {.max_depth = 2}).error(), errc::too_deep);
    EXPECT_TRUE(parse_json("1", {.max_depth = 0}));
    EXPECT_EQ(parse_json("[]", {.max_depth = 0}).error(), errc::too_deep);
    EXPECT_TRUE(parse_json("[[],[],[[]],[]]", {.max_depth = 3}));
}

TEST(json, survives_a_flood_of_brackets) {
    EXPECT_EQ(parse_json(std::string(8 << 20, '[')).error(), errc::too_deep);
    std::string objects;
    for (int i = 0; i < 1 << 20; ++i) objects += "{\"a\":";
    EXPECT_EQ(parse_json(objects).error(), errc::too_deep);
}

TEST(json, refuses_duplicates_however_many_members) {
    for (int size = 1; size < 40; ++size) {
        std::string members;
        for (int i = 0; i < size; ++i) members += "\"key" + std::to_string(i) + "\":0,";
        for (int i = 0; i < size; ++i) {
            const auto twice = "{" + members + "\"kEy" + std::to_string(i) + "\":1}";
            EXPECT_EQ(parse_json(twice).error(), errc::ambiguous_key) << twice;
            EXPECT_TRUE(parse_json(twice, {.fold_keys = false})) << twice;
        }
        EXPECT_TRUE(parse_json("{" + members + "\"other\":1}"));
    }
}

TEST(json, takes_a_large_object_in_time_that_does_not_explode) {
    std::string text = "{";
    for (int i = 0; i < 300'000; ++i) text += "\"k" + std::to_string(i) + "\":1,";
    text += "\"last\":1}";
    EXPECT_EQ(parsed(text).if_object()->size(), 300'001u);
}

TEST(json, takes_a_string_of_32_mib) {
    std::string big(32 << 20, 'x');
    big[12345] = '\n';
    const auto value = parsed(to_text(json(big)));
    EXPECT_TRUE(*value.if_string() == big);
}

TEST(json, folds_keys_as_go_does) {
    EXPECT_EQ(protocol::fold_key("ThreadID"), "threadid");
    EXPECT_EQ(protocol::fold_key("param\u017F"), "params");
    EXPECT_EQ(protocol::fold_key("to\u212Aen"), "token");
    EXPECT_EQ(protocol::fold_key("\u00C9t\u00C9"), "\u00C9t\u00C9");
    EXPECT_EQ(protocol::fold_key("\xC5"), "\xC5");
    EXPECT_TRUE(protocol::fold_equal("\u017F\u212A", "SK"));
    EXPECT_FALSE(protocol::fold_equal("name", "names"));
    EXPECT_FALSE(protocol::fold_equal("", "a"));
    EXPECT_TRUE(protocol::fold_equal("", ""));
}

TEST(json, keeps_map_keys_that_differ_in_case) {
    EXPECT_TRUE(parse_json(R"({"Env":{"Path":"a","PATH":"b"}})"));
    EXPECT_TRUE(parse_json(R"({"packagePathToGoModPathMap":{"/a":"","/A":""}})"));
    EXPECT_EQ(parse_json(R"({"other":{"Path":"a","PATH":"b"}})").error(), errc::ambiguous_key);
    EXPECT_EQ(parse_json(R"({"env":[{"Path":"a","PATH":"b"}]})").error(), errc::ambiguous_key);
    EXPECT_EQ(parse_json(R"(["env",{"Path":"a","PATH":"b"}])").error(), errc::ambiguous_key);
}

TEST(json, reads_integers_only_from_integer_tokens) {
    EXPECT_EQ(parsed("9223372036854775807").as_int(), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(parsed("-9223372036854775808").as_int(), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(parsed("18446744073709551615").as_uint(), std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(parsed("-0").as_int(), 0);
    for (const auto* other : {"9223372036854775808", "1.0", "1e3", "\"1\"", "null", "[1]", "true"})
        EXPECT_EQ(parsed(other).as_int(), std::nullopt) << other;
    EXPECT_EQ(parsed("-1").as_uint(), std::nullopt);
    EXPECT_EQ(json(std::numeric_limits<std::uint64_t>::max()).as_uint(),
              std::numeric_limits<std::uint64_t>::max());
}

TEST(json, reads_members_with_a_fallback) {
    const auto value = parsed(R"({"s":"x","b":true,"n":7,"null":null})");
    EXPECT_EQ(value.get_string("s"), "x");
    EXPECT_EQ(value.get_string("n", "fallback"), "fallback");
    EXPECT_TRUE(value.get_bool("b"));
    EXPECT_TRUE(value.get_bool("absent", true));
    EXPECT_EQ(value.get_int("n"), 7);
    EXPECT_EQ(value.get_int("null", -1), -1);
    EXPECT_EQ(value.find("absent"), nullptr);
    EXPECT_EQ(value.find("S"), nullptr);
    EXPECT_EQ(parsed("[1]").find("s"), nullptr);
}

TEST(json, sets_members) {
    json value;
    value.set("a", 1).set("inner", true);
    EXPECT_EQ(to_text(value), R"({"a":{"inner":true}})");
    value.set("b", "x");
    value.set("a", json::array{nullptr, 2});
    EXPECT_EQ(to_text(value), R"({"a":[null,2],"b":"x"})");
    value.find("b")->set("c", nullptr);
    EXPECT_EQ(to_text(value), R"({"a":[null,2],"b":{"c":null}})");
}

}  // namespace
