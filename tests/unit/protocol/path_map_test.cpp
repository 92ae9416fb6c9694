#include "protocol/path_map.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace protocol {
namespace {

using rules = std::vector<path_rule>;

path_map mapping(const rules& all) {
    path_map map;
    for (auto& r : all) map.add(r.client, r.server);
    return map;
}

struct mapped {
    rules with;
    std::string client;
    std::string server;
};

class path_maps : public testing::TestWithParam<mapped> {};

TEST_P(path_maps, lead_to_the_server_and_back) {
    const auto map = mapping(GetParam().with);
    EXPECT_EQ(map.to_server(GetParam().client), GetParam().server);
    EXPECT_EQ(map.to_client(GetParam().server), GetParam().client);
}

INSTANTIATE_TEST_SUITE_P(
    of_every_kind, path_maps,
    testing::Values(
        mapped{{}, "/home/ann/k/main.go", "/home/ann/k/main.go"},
        mapped{{{"/home/ann/k", "/go/src/k8s.io/k"}}, "/home/ann/k/main.go", "/go/src/k8s.io/k/main.go"},
        mapped{{{"/home/ann/k", "/go/src/k"}}, "/home/ann/k", "/go/src/k"},
        mapped{{{"/home/ann/k/", "/go/src/k/"}}, "/home/ann/k/a/b.go", "/go/src/k/a/b.go"},
        mapped{{{"/home/ann/k", "/go/src/k/"}}, "/home/ann/k/a.go", "/go/src/k/a.go"},
        mapped{{{"/home/ann/k", "/go/src/k"}}, "/elsewhere/a.go", "/elsewhere/a.go"},
        // -trimpath: the program's paths are relative, or begin with the module.
        mapped{{{"/home/ann/k", ""}}, "/home/ann/k/a.go", "a.go"},
        mapped{{{"/home/ann/k", "example.com/k"}}, "/home/ann/k/a.go", "example.com/k/a.go"},
        // Windows at the client.
        mapped{{{"C:\\work\\k", "/src/k"}}, "C:\\work\\k\\Sub\\A.go", "/src/k/Sub/A.go"},
        mapped{{{"C:\\", "/"}}, "C:\\Work\\a.go", "/Work/a.go"},
        mapped{{{"\\\\host\\share", "/src"}}, "\\\\host\\share\\a.go", "/src/a.go"},
        // Letters outside ASCII, spaces, and quotes are letters like others.
        mapped{{{"/home/änn/my code", "/src"}}, "/home/änn/my code/ö.go", "/src/ö.go"}));

TEST(path_map, takes_whole_names_only) {
    const auto map = mapping({{"/src", "/build"}});
    EXPECT_EQ(map.to_server("/srcs/a.go"), "/srcs/a.go");
    EXPECT_EQ(map.to_server("/sr"), "/sr");
    EXPECT_EQ(map.to_client("/builder/a.go"), "/builder/a.go");
}

TEST(path_map, the_first_rule_that_fits_counts) {
    const auto map = mapping({{"/a/b", "/one"}, {"/a", "/two"}, {"/a/b/c", "/three"}});
    EXPECT_EQ(map.to_server("/a/b/c/x.go"), "/one/c/x.go");
    EXPECT_EQ(map.to_server("/a/x.go"), "/two/x.go");
    EXPECT_EQ(map.to_client("/three/x.go"), "/a/b/c/x.go");
}

TEST(path_map, a_result_is_not_mapped_again) {
    const auto map = mapping({{"/a", "/b"}, {"/b", "/c"}});
    EXPECT_EQ(map.to_server("/a/x.go"), "/b/x.go");
}

TEST(path_map, case_matters_on_linux_and_not_on_windows) {
    EXPECT_EQ(mapping({{"/Src", "/b"}}).to_server("/src/a.go"), "/src/a.go");
    const auto windows = mapping({{"C:\\Work\\K", "/src"}});
    EXPECT_EQ(windows.to_server("c:\\work\\k\\Sub\\A.go"), "/src/Sub/A.go");
    // The letters of what is left stay as they are: no Linux node would find them again.
    EXPECT_EQ(windows.to_client("/src/Sub/A.go"), "C:\\Work\\K\\Sub\\A.go");
}

TEST(path_map, takes_either_separator_of_windows) {
    const auto map = mapping({{"C:\\work", "/src"}});
    EXPECT_EQ(map.to_server("C:\\work/sub\\a.go"), "/src/sub/a.go");
}

TEST(path_map, an_empty_prefix_takes_relative_paths_only) {
    const auto map = mapping({{"/home/ann/k", ""}});
    EXPECT_EQ(map.to_client("pkg/a.go"), "/home/ann/k/pkg/a.go");
    EXPECT_EQ(map.to_client("/usr/lib/go/src/fmt/print.go"), "/usr/lib/go/src/fmt/print.go");
    EXPECT_EQ(map.to_client("C:\\go\\a.go"), "C:\\go\\a.go");
}

TEST(path_map, an_empty_path_stays_empty_without_a_rule_for_it) {
    EXPECT_EQ(mapping({{"/a", "/b"}}).to_server(""), "");
    EXPECT_EQ(mapping({}).to_client(""), "");
}

TEST(path_map, reads_the_rules_of_an_attach) {
    const auto text = parse_json(
        R"([{"from":"/home/ann","to":"/src"},"no rule",{"from":7,"to":"/x"},{"to":"/only"},{"from":"/a","to":"/b"}])");
    ASSERT_TRUE(text);
    EXPECT_EQ(path_map::from_attach(*text).rules(),
              (rules{{"/home/ann", "/src"}, {"", "/x"}, {"", "/only"}, {"/a", "/b"}}));
    EXPECT_TRUE(path_map::from_attach({}).rules().empty());
    EXPECT_TRUE(path_map::from_attach(json::object{}).rules().empty());
}

TEST(path_map, a_rule_for_the_same_client_prefix_takes_its_place) {
    auto map = mapping({{"/a", "/b"}, {"/c", "/d"}});
    map.add("/a", "/e");
    EXPECT_EQ(map.rules(), (rules{{"/a", "/e"}, {"/c", "/d"}}));
}

TEST(path_map, is_configured_as_in_delve) {
    path_map map;
    map.configure(" /home/ann /src");
    EXPECT_EQ(map.rules(), (rules{{"/home/ann", "/src"}}));
    map.configure("\t\"/home/my code\"   \"/a \\\"b\\\"\" ");
    EXPECT_EQ(map.rules(), (rules{{"/home/ann", "/src"}, {"/home/my code", "/a \"b\""}}));
    map.configure(" /x \"\"");
    EXPECT_EQ(map.rules().back(), (path_rule{"/x", ""}));
    map.configure(" /home/ann /other");  // replaces
    EXPECT_EQ(map.rules().front(), (path_rule{"/home/ann", "/other"}));
    map.configure(" /home/ann");  // removes
    EXPECT_EQ(map.rules(), (rules{{"/home/my code", "/a \"b\""}, {"/x", ""}}));
    map.configure(" -clear /x");
    EXPECT_EQ(map.rules(), (rules{{"/home/my code", "/a \"b\""}}));
    map.configure("");
    map.configure(" one two three");
    EXPECT_EQ(map.rules().size(), 1u);
    map.configure(" -clear");
    EXPECT_TRUE(map.rules().empty());
}

TEST(path_map, fields_end_where_the_text_ends_wherever_it_is_cut) {
    // What a person has typed so far: never more than it says, and never a crash.
    const std::string whole = " \"/home/my \\\"code\" \"/src\"";
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        path_map map;
        map.configure(std::string_view(whole).substr(0, size));
        ASSERT_LE(map.rules().size(), 1u);
        if (!map.rules().empty()) {
            EXPECT_EQ(map.rules()[0].client, "/home/my \"code") << size;
        }
    }
}

}  // namespace
}  // namespace protocol
