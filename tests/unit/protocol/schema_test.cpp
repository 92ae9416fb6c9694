#include "protocol/schema.h"

#include <gtest/gtest.h>

namespace {

using namespace protocol;

constexpr go_type strings = slice_of(go_string);
constexpr go_type pair = array_of(2, go_string);
constexpr go_type pairs = slice_of(pair);
constexpr go_type counts = map_of(go_uint64);
constexpr go_field inner_fields[] = {{"Depth", &go_int}, {"kind", &go_uint8}};
constexpr go_type inner = struct_of(inner_fields);
constexpr go_type inners = slice_of(inner);
constexpr go_field outer_fields[] = {
    {"Name", &go_string}, {"on", &go_bool},     {"Addr", &go_uint64},   {"Inner", &inner},
    {"list", &strings},   {"Rules", &pairs},    {"hits", &counts},      {"Opts", &go_uint16},
    {"many", &inners},    {"anything", &go_any},
    {.key = "secret", .type = &go_string, .dropped = true},
};
constexpr go_type outer = struct_of(outer_fields);
constexpr go_field strict_fields[] = {{.key = "from", .type = &go_string, .required = true}};
constexpr go_type strict = struct_of(strict_fields);
constexpr go_type stricts = slice_of(strict);

// The canonical text, or "error: …".
std::string read(std::string_view text, const go_type& type = outer) {
    auto value = parse_json(text, {.fold_keys = false});
    if (!value) return "not JSON";
    json out;
    std::string error;
    return read_as(*value, type, out, error) ? to_text(out) : "error: " + error;
}

TEST(schema, takes_keys_in_any_case_and_writes_them_as_go_does) {
    EXPECT_EQ(read(R"({"NAME":"a","ON":true,"inner":{"dEPTH":3}})"),
              R"({"Name":"a","on":true,"Inner":{"Depth":3}})");
    EXPECT_EQ(read("{\"li\xc5\xbft\":[\"x\"],\"\xe2\x84\xaa\":1}"), R"({"list":["x"]})");
    EXPECT_EQ(read("{\"Inner\":{\"\xe2\x84\xaaind\":1}}"), R"({"Inner":{"kind":1}})");
}

TEST(schema, writes_fields_in_go_order_and_drops_what_it_does_not_know) {
    EXPECT_EQ(read(R"({"extra":{"Name":7},"on":false,"Name":"a","x":null})"),
              R"({"Name":"a","on":false})");
}

TEST(schema, checks_what_it_drops) {
    EXPECT_EQ(read(R"({"secret":"s"})"), "{}");
    EXPECT_EQ(read(R"({"secret":7})"), "error: secret must be a string, not a number");
}

TEST(schema, refuses_a_field_given_twice) {
    EXPECT_EQ(read(R"({"Name":"a","name":"b"})"), "error: name is given twice");
}

TEST(schema, keeps_absent_absent_and_null_zero) {
    EXPECT_EQ(read("{}"), "{}");
    EXPECT_EQ(read("null"), "{}");
    EXPECT_EQ(read(R"({"Name":null,"Inner":null,"list":null,"hits":null,"anything":null})"), "{}");
    EXPECT_EQ(read(R"({"list":[],"hits":{},"Inner":{}})"), R"({"Inner":{},"list":[],"hits":{}})");
    EXPECT_EQ(read(R"({"list":[null,"x"],"many":[null],"hits":{"a":null}})"),
              R"({"list":["","x"],"hits":{"a":0},"many":[{}]})");
}

TEST(schema, keeps_integer_tokens_within_their_type) {
    EXPECT_EQ(read(R"({"Addr":18446744073709551615})"), R"({"Addr":18446744073709551615})");
    EXPECT_EQ(read(R"({"Inner":{"Depth":-9223372036854775808}})"),
              R"({"Inner":{"Depth":-9223372036854775808}})");
    EXPECT_EQ(read(R"({"Inner":{"Depth":-0,"kind":255},"Opts":65535})"),
              R"({"Inner":{"Depth":-0,"kind":255},"Opts":65535})");
    EXPECT_EQ(read(R"({"Addr":18446744073709551616})"),
              "error: Addr is out of range: 18446744073709551616");
    EXPECT_EQ(read(R"({"Inner":{"Depth":9223372036854775808}})"),
              "error: Inner.Depth is out of range: 9223372036854775808");
    EXPECT_EQ(read(R"({"many":[{},{"kind":256}]})"), "error: many[1].kind is out of range: 256");
    EXPECT_EQ(read(R"({"Opts":65536})"), "error: Opts is out of range: 65536");
}

TEST(schema, refuses_what_go_does_not_take_for_an_integer) {
    for (const char* token : {"1.0", "1e3", "1E2", "0.5", "-1.5", "1e-2"}) {
        const std::string text = std::string(R"({"Inner":{"Depth":)") + token + "}}";
        EXPECT_EQ(read(text),
                  std::string("error: Inner.Depth must be an integer without fraction or exponent, "
                              "not ") + token);
    }
    for (const char* token : {"-1", "-0", "1.0", "1e3"}) {
        const std::string text = std::string(R"({"Addr":)") + token + "}";
        EXPECT_TRUE(read(text).starts_with("error: Addr must be a non-negative integer")) << token;
    }
}

TEST(schema, refuses_wrong_kinds_and_says_where) {
    EXPECT_EQ(read("[]"), "error: the argument must be an object, not an array");
    EXPECT_EQ(read(R"({"Name":7})"), "error: Name must be a string, not a number");
    EXPECT_EQ(read(R"({"on":"true"})"), "error: on must be a boolean, not a string");
    EXPECT_EQ(read(R"({"Inner":"x"})"), "error: Inner must be an object, not a string");
    EXPECT_EQ(read(R"({"Inner":{"Depth":{}}})"),
              "error: Inner.Depth must be an integer, not an object");
    EXPECT_EQ(read(R"({"list":{}})"), "error: list must be an array, not an object");
    EXPECT_EQ(read(R"({"list":["a",true]})"), "error: list[1] must be a string, not a boolean");
    EXPECT_EQ(read(R"({"hits":{"a":"b"}})"), "error: hits.a must be an integer, not a string");
    EXPECT_EQ(read(R"({"hits":[]})"), "error: hits must be an object, not an array");
}

TEST(schema, gives_fixed_arrays_their_length) {
    EXPECT_EQ(read(R"({"Rules":[["a"],[],null,["a","b",3,{}]]})"),
              R"({"Rules":[["a",""],["",""],["",""],["a","b"]]})");
    EXPECT_EQ(read(R"({"Rules":[["a",3]]})"), "error: Rules[0][1] must be a string, not a number");
}

TEST(schema, keeps_map_keys_as_they_are) {
    EXPECT_EQ(read(R"({"hits":{"b":1,"A":2,"a":3}})"), R"({"hits":{"b":1,"A":2,"a":3}})");
}

TEST(schema, passes_on_what_has_no_type) {
    EXPECT_EQ(read(R"({"anything":{"B":[1e3,null],"b":2}})"),
              R"({"anything":{"B":[1e3,null],"b":2}})");
}

TEST(schema, insists_on_required_members) {
    EXPECT_EQ(read(R"([{"FROM":""}])", stricts), R"([{"from":""}])");
    EXPECT_EQ(read(R"([{}])", stricts), "error: [0].from must be given");
    EXPECT_EQ(read(R"([{"from":null}])", stricts), "error: [0].from must be given");
    EXPECT_EQ(read(R"([null])", stricts), "error: [0] must be an object, not null");
}

}  // namespace
