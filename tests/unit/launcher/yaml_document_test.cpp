#include "launcher/yaml_document.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

namespace launcher {
namespace {

using kind = yaml_value::kind;

yaml_value parsed(std::string_view text) {
    const auto value = parse_yaml(text, "f.yaml");
    EXPECT_TRUE(value) << (value ? "" : value.error());
    return value ? *value : yaml_value();
}

std::string refused(std::string_view text, const yaml_limits& limits = {}) {
    const auto value = parse_yaml(text, "f.yaml", limits);
    EXPECT_FALSE(value) << text;
    if (value) return "";
    EXPECT_EQ(value.error().find('\n'), std::string::npos);
    EXPECT_TRUE(value.error().starts_with("f.yaml:")) << value.error();
    return value.error();
}

std::string text_at(const yaml_value& value, std::string_view key) {
    const auto* member = value.find(key);
    return member && member->what == kind::text ? member->scalar : "?";
}

// None where the text is refused.
std::optional<kind> kind_of(const std::string& scalar) {
    const auto value = parsed("a: " + scalar);
    const auto* member = value.find("a");
    EXPECT_NE(member, nullptr) << scalar;
    return member ? std::optional(member->what) : std::nullopt;
}

TEST(yaml_document, keeps_scalars_as_they_were_written) {
    const auto value = parsed("a: v1.20\nb: '007'\nc: \"x\\ty\"\nd: 1e3\ne: 0x1F\n");
    EXPECT_EQ(text_at(value, "a"), "v1.20");
    EXPECT_EQ(text_at(value, "b"), "007");
    EXPECT_EQ(text_at(value, "c"), "x\ty");
    EXPECT_EQ(value.find("d")->scalar, "1e3");
    EXPECT_EQ(value.find("d")->what, kind::real);
    EXPECT_EQ(value.find("e")->what, kind::integer);
    EXPECT_EQ(value.find("e")->line, 5);
}

TEST(yaml_document, takes_plain_scalars_for_what_go_yaml_takes_them) {
    for (const char* text : {"yes", "No", "on", "OFF", "y", "N", "true", "FALSE"})
        EXPECT_EQ(kind_of(text), kind::boolean) << text;
    for (const char* text : {"~", "null", "NULL", ""})
        EXPECT_EQ(kind_of(text), kind::null) << text;
    for (const char* text : {"0", "-1", "+5", "010", "0o17", "0b101", "1_000", "99999999999999999999"})
        EXPECT_EQ(kind_of(text), kind::integer) << text;
    for (const char* text : {"1.5", ".5", "1.", "-2e10", "1e-3", ".inf", "-.INF", ".nan"})
        EXPECT_EQ(kind_of(text), kind::real) << text;
    for (const char* text : {"yEs", "oui", "1.2.3", "10s", "100m", "+", "1e", "0x", ".", "2001-12-14", "12:30",
                             "'yes'", "\"1\"", "!!str no", "10.96.0.0/12", "--flag=yes", "1-2"})
        EXPECT_EQ(kind_of(text), kind::text) << text;
}

TEST(yaml_document, reads_only_the_first_document) {
    EXPECT_EQ(text_at(parsed("---\na: one\n---\na: two\n"), "a"), "one");
    EXPECT_EQ(text_at(parsed("a: one\n...\n{ not yaml"), "a"), "one");
}

TEST(yaml_document, writes_out_aliases_and_merge_keys) {
    const auto value = parsed(
        "base: &base {image: i, port: p}\n"
        "more: &more {port: q, host: h}\n"
        "one: {<<: *base, port: mine}\n"
        "two: {<<: [*base, *more]}\n"
        "list: [*base, *base]\n");
    EXPECT_EQ(text_at(*value.find("one"), "image"), "i");
    EXPECT_EQ(text_at(*value.find("one"), "port"), "mine");
    EXPECT_EQ(value.find("one")->members.size(), 2u);
    EXPECT_EQ(text_at(*value.find("two"), "port"), "p") << "of a list of maps the first one wins";
    EXPECT_EQ(text_at(*value.find("two"), "host"), "h");
    EXPECT_EQ(text_at(value.find("list")->items[1], "image"), "i");
    EXPECT_EQ(text_at(parsed("a: {'<<': x}"), "a"), "?");
    EXPECT_EQ(text_at(*parsed("a: {'<<': x}").find("a"), "<<"), "x") << "in quotes it is a key like another";
}

TEST(yaml_document, refuses_what_parsers_read_differently) {
    EXPECT_EQ(refused("a: 1\na: 2\n"), "f.yaml:2:1: the key `a` is given twice");
    EXPECT_NE(refused("x: &x {a: 1}\nz: {a: 2, <<: *x}").find("put `<<` first"), std::string::npos);
    EXPECT_NE(refused("x: &x {a: 1}\nz: {<<: *x, <<: *x}").find("two `<<`"), std::string::npos);
    EXPECT_NE(refused("z: {<<: text}").find("takes a map"), std::string::npos);
    EXPECT_NE(refused("on: 1").find("is no text"), std::string::npos);
    EXPECT_NE(refused("8: 1").find("is no text"), std::string::npos);
    EXPECT_NE(refused("? [a]\n: b").find("a key must be text"), std::string::npos);
    EXPECT_NE(refused("a: !!binary aGk=").find("tags"), std::string::npos);
    EXPECT_NE(refused("a: !thing {}").find("tags"), std::string::npos);
    EXPECT_NE(refused("a: \"x\\0y\"").find("NUL"), std::string::npos);
}

TEST(yaml_document, refuses_bytes_that_are_no_text) {
    EXPECT_EQ(refused(std::string_view("a: 1\nb: \0", 9)), "f.yaml:2:4: a control character");
    EXPECT_EQ(refused("a: b\x04\nc: d"), "f.yaml:1:5: a control character") << "yaml-cpp would stop there";
    EXPECT_EQ(refused("a: \x7f"), "f.yaml:1:4: a control character");
    EXPECT_EQ(refused("a: \xc2\x80"), "f.yaml:1:4: a control character");
    EXPECT_EQ(refused("a: \xff\xfe"), "f.yaml: not UTF-8 text");
    EXPECT_EQ(refused(""), "f.yaml: empty");
    EXPECT_EQ(refused(" \n\n"), "f.yaml: empty");
}

TEST(yaml_document, says_where_the_text_is_wrong) {
    EXPECT_TRUE(refused("a: b\n  c: d\n- e\n").starts_with("f.yaml:2:"));
    EXPECT_TRUE(refused("a: [b\n").starts_with("f.yaml:"));
    EXPECT_TRUE(refused("a: *none\n").starts_with("f.yaml:1:"));
    EXPECT_EQ(refused("{\"a\": 1,\n \"b\": tru }").substr(0, 9), "f.yaml:2:");
    EXPECT_EQ(refused("{\"a\": 1} trailing").substr(0, 9), "f.yaml:1:");
}

TEST(yaml_document, is_json_when_it_begins_like_it) {
    const auto value = parsed(" {\"a\": \"\\u00e9\\/\", \"b\": [true, null, 1.5, 7], \"A\": \"\"}\n");
    EXPECT_EQ(text_at(value, "a"), "é/");
    const auto& list = value.find("b")->items;
    EXPECT_EQ(list[0].what, kind::boolean);
    EXPECT_TRUE(list[0].truth());
    EXPECT_EQ(list[1].what, kind::null);
    EXPECT_EQ(list[2].what, kind::real);
    EXPECT_EQ(list[3].what, kind::integer);
    refused("{a: b}");  // YAML's flow form, which the kubelet takes for JSON
    refused("{\"a\": 1, \"a\": 2}");
    refused("{\"a\": \"\\u0000\"}");
}

TEST(yaml_document, has_limits) {
    yaml_limits limits;
    limits.max_bytes = 1 << 20;
    EXPECT_NE(refused("a: " + std::string(1 << 20, 'x'), limits).find("longer than 1 MiB"), std::string::npos);
    limits = {};
    limits.max_nodes = 100;
    std::string list = "a:\n";
    for (int i = 0; i < 100; ++i) list += "- x\n";
    EXPECT_NE(refused(list, limits).find("too many values"), std::string::npos);
    refused("{\"a\": [1,2,3,4,5,6,7,8]}", [] { yaml_limits l; l.max_nodes = 5; return l; }());
    EXPECT_NE(refused("a: " + std::string(70, '[') + std::string(70, ']')).find("too deep"), std::string::npos);
    refused("a: " + std::string(5000, '['));
    refused("{\"a\": " + std::string(5000, '[') + std::string(5000, ']') + "}");
}

TEST(yaml_document, stays_small_when_aliases_multiply) {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 12; ++i) {
        const auto name = "a" + std::to_string(i), before = "*a" + std::to_string(i - 1);
        bomb += name + ": &" + name + " [";
        for (int j = 0; j < 10; ++j) bomb += (j ? ", " : "") + before;
        bomb += "]\n";
    }
    EXPECT_NE(refused(bomb).find("too many values"), std::string::npos);
    std::string deep = "a0: &a0 [x]\n";
    for (int i = 1; i < 100; ++i)
        deep += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
    EXPECT_NE(refused(deep).find("too deep"), std::string::npos);
    EXPECT_NE(refused("a: &a [*a]").find("alias"), std::string::npos);
}

TEST(regular_files, are_read_whole_and_nothing_else_is) {
    const auto directory = std::filesystem::path(::testing::TempDir()) / "regular_files";
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory / "directory");
    std::ofstream(directory / "file") << std::string(100'000, 'x');
    std::filesystem::create_symlink("file", directory / "link");
    ASSERT_EQ(::mkfifo((directory / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(read_regular_file(directory / "file")->size(), 100'000u);
    EXPECT_EQ(read_regular_file(directory / "link")->size(), 100'000u);
    for (const char* name : {"directory", "fifo", "none"}) {
        const auto bytes = read_regular_file(directory / name);
        ASSERT_FALSE(bytes) << name;
        EXPECT_TRUE(bytes.error().starts_with((directory / name).string() + ": ")) << bytes.error();
    }
    EXPECT_FALSE(read_regular_file(directory / "file", 99'999));
}

}  // namespace
}  // namespace launcher
