#include <gtest/gtest.h>

#include "protocol/path_map.h"

namespace protocol {
namespace {

path_map two() {
    path_map map;
    map.add("/home/ann/k", "/go/src/k");
    map.add("/home/ann/m", "example.com/m");
    return map;
}

path_map windows() {
    path_map map;
    map.add("C:\\work\\k", "/go/src/k");
    return map;
}

TEST(path_text, an_error_names_the_clients_file) {
    EXPECT_EQ(two().text_to_client("Breakpoint exists at /go/src/k/main.go:12 at 49f0a0"),
              "Breakpoint exists at /home/ann/k/main.go:12 at 49f0a0");
    EXPECT_EQ(windows().text_to_client("Breakpoint exists at /go/src/k/sub/a.go:12 at 49f0a0"),
              "Breakpoint exists at C:\\work\\k\\sub\\a.go:12 at 49f0a0");
    EXPECT_EQ(two().text_to_client("could not find file /go/src/k/x.go"), "could not find file /home/ann/k/x.go");
    EXPECT_EQ(two().text_to_client("open /go/src/k/x.go: no such file"), "open /home/ann/k/x.go: no such file");
    EXPECT_EQ(two().text_to_client("sourceBp Path=\"/go/src/k/x.go\"  Line=44 Column=0"),
              "sourceBp Path=\"/home/ann/k/x.go\"  Line=44 Column=0");
}

TEST(path_text, every_path_of_a_list_is_found) {
    EXPECT_EQ(two().text_to_client("/go/src/k/a.go\n/go/src/k/b.go\n/usr/lib/go/c.go"),
              "/home/ann/k/a.go\n/home/ann/k/b.go\n/usr/lib/go/c.go");
    EXPECT_EQ(two().text_to_client("(/go/src/k/a.go,/go/src/k)"), "(/home/ann/k/a.go,/home/ann/k)");
}

TEST(path_text, a_part_of_another_path_is_none) {
    for (const char* text : {"/x/go/src/k/a.go", "~/go/src/k/a.go", "./go/src/k/a.go", "/go/src/kk/a.go", "a/go/src/k",
                             "/go/src/", "é/go/src/k/a.go"})
        EXPECT_EQ(two().text_to_client(text), text);
}

TEST(path_text, a_relative_prefix_fits_source_files_only) {
    EXPECT_EQ(two().text_to_client("example.com/m/pkg/a.go:10 in example.com/m/pkg.(*T).Do"),
              "/home/ann/m/pkg/a.go:10 in example.com/m/pkg.(*T).Do");
}

TEST(path_text, an_empty_prefix_fits_nothing) {
    path_map map;
    map.add("/home/ann/k", "");
    EXPECT_EQ(map.text_to_client("main.go: a word"), "main.go: a word");
}

TEST(path_text, filters_of_a_client_become_the_programs) {
    EXPECT_EQ(two().text_to_server("^/home/ann/k/pkg/.*\\.go$"), "^/go/src/k/pkg/.*\\.go$");
    EXPECT_EQ(windows().text_to_server("c:/Work/K/pkg/a.go:12 in main.f"), "/go/src/k/pkg/a.go:12 in main.f");
    EXPECT_EQ(windows().text_to_server("in C:\\work\\k\\a.go"), "in /go/src/k/a.go");
}

TEST(path_text, a_file_and_line_is_a_location) {
    EXPECT_EQ(two().location_to_server("/home/ann/k/main.go:12"), "/go/src/k/main.go:12");
    EXPECT_EQ(windows().location_to_server("C:\\work\\k\\sub\\a.go:7"), "/go/src/k/sub/a.go:7");
    for (const char* other : {"main.tick", "main.tick:2", "main.go:12", "+2", "12", "*0x49f0a0", "/tick$/", "/home/ann/k/main.go",
                              "/home/ann/k/main.go:", ":12", "", "/elsewhere/main.go:12"})
        EXPECT_EQ(two().location_to_server(other), other);
}

TEST(path_text, no_rule_makes_a_location_compute) {
    path_map map;
    map.add("/a", "b/*");
    map.add("", "/go/src/k");
    EXPECT_EQ(map.location_to_server("/a/c.go:1"), "/a/c.go:1");
    EXPECT_EQ(map.location_to_server("main.go:12"), "/go/src/k/main.go:12");
    EXPECT_EQ(map.location_to_server("main.tick:2"), "main.tick:2");
}

TEST(kubernetes_alias, is_the_other_name) {
    EXPECT_EQ(kubernetes_alias("/src/k/vendor/k8s.io/client-go/rest/a.go"), "/src/k/staging/src/k8s.io/client-go/rest/a.go");
    EXPECT_EQ(kubernetes_alias("/src/k/staging/src/k8s.io/api/a.go"), "/src/k/vendor/k8s.io/api/a.go");
    EXPECT_EQ(kubernetes_alias("staging/src/k8s.io/api/a.go"), "vendor/k8s.io/api/a.go");
    for (const char* none : {"", "/src/k/pkg/a.go", "/src/k/vendor/github.com/x/a.go", "/src/k/vendor/k8s.io/api",
                             "/src/k/myvendor/k8s.io/api/a.go", "/src/k/vendor/k8s.io//a.go"})
        EXPECT_FALSE(kubernetes_alias(none)) << none;
}

TEST(kubernetes_alias, is_learned_for_the_module) {
    auto map = two();
    map.learn_alias("/home/ann/k/staging/src/k8s.io/client-go/rest/a.go", "/go/src/k/vendor/k8s.io/client-go/rest/a.go");
    EXPECT_EQ(map.to_client("/go/src/k/vendor/k8s.io/client-go/b.go"), "/home/ann/k/staging/src/k8s.io/client-go/b.go");
    EXPECT_EQ(map.to_server("/home/ann/k/staging/src/k8s.io/client-go/b.go"), "/go/src/k/vendor/k8s.io/client-go/b.go");
    EXPECT_EQ(map.to_client("/go/src/k/vendor/k8s.io/klog/b.go"), "/home/ann/k/vendor/k8s.io/klog/b.go");
    const auto size = map.rules().size();
    map.learn_alias("/home/ann/k/staging/src/k8s.io/client-go/rest/c.go", "/go/src/k/vendor/k8s.io/client-go/rest/c.go");
    EXPECT_EQ(map.rules().size(), size);  // it is known
}

TEST(kubernetes_alias, is_learned_without_rules_and_from_windows) {
    path_map bare;
    bare.learn_alias("/src/k/staging/src/k8s.io/api/a.go", "/src/k/vendor/k8s.io/api/a.go");
    EXPECT_EQ(bare.to_client("/src/k/vendor/k8s.io/api/b.go"), "/src/k/staging/src/k8s.io/api/b.go");
    auto map = windows();
    map.learn_alias("C:\\work\\k\\staging\\src\\k8s.io\\api\\v1\\a.go", "/go/src/k/vendor/k8s.io/api/v1/a.go");
    EXPECT_EQ(map.to_client("/go/src/k/vendor/k8s.io/api/v1/b.go"), "C:\\work\\k\\staging\\src\\k8s.io\\api\\v1\\b.go");
}

TEST(kubernetes_alias, is_not_learned_of_another_file) {
    path_map map;
    map.learn_alias("/a/other.go", "/src/k/vendor/k8s.io/api/v1/a.go");
    map.learn_alias("a.go", "/src/k/vendor/k8s.io/api/v1/a.go");
    map.learn_alias("/a/b.go", "/src/k/b.go");
    EXPECT_TRUE(map.empty());
}

// Without the bound a text like these takes minutes, and becomes gigabytes.
TEST(path_text, costs_no_more_than_its_length_whatever_the_rules) {
    std::string prefix;
    while (prefix.size() < 4000) prefix += "C:\\(";
    path_map map;
    for (int i = 0; i < 12; ++i) map.add(prefix + std::to_string(i), "/src");
    map.add("C:\\work", "/src");
    std::string text = "C:\\work\\a.go ";
    while (text.size() < 256 * 1024) text += "C:\\(";
    text += " C:\\work\\a.go";
    const auto mapped = map.text_to_server(text);
    EXPECT_TRUE(mapped.starts_with("/src/a.go C:\\("));
    EXPECT_TRUE(mapped.ends_with(" C:\\work\\a.go"));  // it is not come to
    // What is a list of paths is all mapped, by many rules.
    std::string list, list_there;
    path_map many;
    for (int i = 0; i < 64; ++i) {
        const auto name = "/src/k8s.io/mod" + std::to_string(i);
        many.add("/home/ann/kubernetes" + name, "/go/src/k" + name);
    }
    for (int i = 0; i < 1000; ++i) {
        const auto file = "/src/k8s.io/mod" + std::to_string(i % 64) + "/pkg/a.go\n";
        list += "/home/ann/kubernetes" + file;
        list_there += "/go/src/k" + file;
    }
    EXPECT_EQ(many.text_to_server(list), list_there);
    EXPECT_EQ(many.text_to_client(list_there), list);
}

TEST(path_text, does_not_grow_without_bound) {
    path_map map;
    map.add("/" + std::string(4000, 'a'), "/");
    std::string text;
    while (text.size() < 64 * 1024) text += "/ ";
    EXPECT_LT(map.text_to_client(text).size(), 100 * text.size());
    const std::string long_one = "/x " + std::string(path_map::longest_text, ' ');
    EXPECT_EQ(map.text_to_client(long_one), long_one);
}

}  // namespace
}  // namespace protocol
