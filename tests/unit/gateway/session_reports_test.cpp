// What people name and are shown: places of breakpoints, and the list of sessions.
#include <gtest/gtest.h>

#include "gateway/pins.h"
#include "gateway/sessions_report.h"

namespace gateway {
namespace {

using protocol::json;

TEST(pins, a_place_is_named_with_as_much_of_its_path_as_one_likes) {
    for (const auto* words : {"main.go:42", "app/main.go:42", "/src/app/main.go:42", "./app/main.go:42", "app\\main.go:42"})
        EXPECT_TRUE(means_place(words, "/src/app/main.go", 42)) << words;
    for (const auto* words : {"main.go:43", "ain.go:42", "p/main.go:42", "other/main.go:42", "main.go", ":42", "main.go:", "main.go:x", "main.go:42x",
                              "main.go:-42", "/main.go:42", "main.go:4 2", ""})
        EXPECT_FALSE(means_place(words, "/src/app/main.go", 42)) << words;
    EXPECT_FALSE(means_place("main.go:42", "", 42));
    EXPECT_FALSE(means_place("./:42", "/src/app/main.go", 42));
    EXPECT_EQ(breakpoint_id("12"), 12);
    for (const auto* words : {"", "0", "-1", "1x", "x", "99999999999999999999"}) EXPECT_FALSE(breakpoint_id(words)) << words;
}

json parsed(std::string_view text) { return *protocol::parse_json(text); }

const json answer = parsed(R"({"components":[
    {"component":"app","state":"stopped","since":"then","reason":"breakpoint","position":"main.go:12","by":"alice","stop":"17-3f9c",
     "runControl":{"mode":"baton","holder":"alice","since":"long ago"}},
    {"component":"web","state":"running","since":"now","by":"bob"},
    {"component":"old","state":"exited","exitStatus":3},
    {"component":"no","state":"unavailable","reason":"dlv has ended"}],
  "sessions":[
    {"session":"1","component":"app","user":"alice","protocol":"DAP","ide":"Visual Studio Code","role":"admin","since":"s1"},
    {"session":"2","component":"web","user":"b\nob","protocol":"JSON-RPC","ide":"dlv","role":"debugger","since":"s2","awaySince":"s3"}]})");

TEST(sessions_report, says_how_things_are_and_who_is_where) {
    EXPECT_EQ(sessions_text(answer),
              "app: stopped since then at main.go:12 (breakpoint), by alice; alice has the baton since long ago; stop 17-3f9c\n"
              "web: running since now, by bob\n"
              "old: exited with status 3\n"
              "no: unavailable: dlv has ended\n"
              "SESSION  USER   COMPONENT  PROTOCOL  IDE                 ROLE      SINCE  LINK DOWN SINCE\n"
              "1        alice  app        DAP       Visual Studio Code  admin     s1\n"
              "2        b ob   web        JSON-RPC  dlv                 debugger  s2     s3\n");
}

TEST(sessions_report, of_one_component) {
    EXPECT_EQ(sessions_text(sessions_of(answer, "old")), "old: exited with status 3\nnobody is debugging\n");
    EXPECT_EQ(sessions_of(answer, "nothing"), parsed(R"({"components":[],"sessions":[]})"));
    EXPECT_EQ(sessions_of(answer, ""), answer);
}

TEST(sessions_report, a_parked_stop_is_told_with_its_note) {
    EXPECT_EQ(sessions_text(parsed(R"({"components":[{"component":"app","state":"stopped","stop":"17-3f9c",
                  "park":{"stop":"17-3f9c","by":"alice","until":"noon","note":"look"}}],"sessions":[]})")),
              "app: stopped; stop 17-3f9c is parked by alice until noon: look\nnobody is debugging\n");
}

TEST(sessions_report, nothing_else_is_an_answer) {
    EXPECT_TRUE(is_sessions_answer(answer));
    for (const auto* other : {"{}", "[]", R"({"sessions":{}})", R"({"error":"no"})"}) EXPECT_FALSE(is_sessions_answer(parsed(other))) << other;
    EXPECT_EQ(sessions_text(parsed("{}")), "nobody is debugging\n");
}

}  // namespace
}  // namespace gateway
