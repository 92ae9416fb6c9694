#include "protocol/local_sources.h"

#include <gtest/gtest.h>

namespace protocol {
namespace {

using rules = std::vector<path_rule>;

json value(std::string_view text) { return parse_json(text, {.fold_keys = false}).value(); }

program_sources kubernetes() {
    program_sources there;
    there.packages = {{"runtime", "/usr/local/go/src/runtime"},
                      {"fmt", "/usr/local/go/src/fmt"},
                      {"main", "/usr/local/go/src/sync/atomic"},  // wrong, as Delve 1.27.1 says it
                      {"k8s.io/kubernetes/pkg/scheduler", "/go/src/k/pkg/scheduler"},
                      {"k8s.io/kubernetes/pkg/util", "/usr/local/go/src/strings"},
                      {"k8s.io/client-go/rest", "/go/src/k/vendor/k8s.io/client-go/rest"},
                      {"k8s.io/client-go/tools/cache", "/go/src/k/vendor/k8s.io/client-go/tools/cache"},
                      {"k8s.io/klog", "/go/src/k/vendor/k8s.io/klog"},
                      {"github.com/x/y", "/root/go/pkg/mod/github.com/x/y@v1.2.3"}};
    there.main_package = "k8s.io/kubernetes/cmd/kube-scheduler";
    there.main_file = "/go/src/k/cmd/kube-scheduler/scheduler.go";
    return there;
}

TEST(guess_rules, lead_from_each_module_to_where_it_was_built) {
    local_sources here;
    here.modules = {{"k8s.io/kubernetes", "/home/ann/k"},
                    {"k8s.io/client-go", "/home/ann/k/staging/src/k8s.io/client-go"},
                    {"k8s.io/metrics", "/home/ann/k/staging/src/k8s.io/metrics"}};
    here.goroot = "/opt/go";
    here.module_cache = "/home/ann/go/pkg/mod";
    EXPECT_EQ(guess_rules(here, kubernetes()),
              (rules{{"/home/ann/k/staging/src/k8s.io/client-go", "/go/src/k/vendor/k8s.io/client-go"},
                     {"/home/ann/go/pkg/mod", "/root/go/pkg/mod"},
                     {"/opt/go", "/usr/local/go"},
                     {"/home/ann/k", "/go/src/k"}}));
}

TEST(guess_rules, a_program_of_one_package_is_found_by_its_main) {
    program_sources there;
    there.packages = {{"main", "/usr/local/go/src/sync/atomic"}};
    there.main_package = "example.com/app";
    there.main_file = "/build/app/main.go";
    local_sources here;
    here.modules = {{"example.com/app", "C:\\work\\app"}};
    EXPECT_EQ(guess_rules(here, there), (rules{{"C:\\work\\app", "/build/app"}}));
    there.main_package = "example.com/app/cmd/x";  // its directory would have to end so
    EXPECT_TRUE(guess_rules(here, there).empty());
    here.main_package = "example.com/app";  // the IDE knows better
    EXPECT_EQ(guess_rules(here, there).size(), 1u);
}

TEST(guess_rules, a_trimmed_program_has_the_modules_path) {
    program_sources there;
    there.packages = {{"example.com/app/pkg", "example.com/app/pkg"}, {"runtime", "runtime"}};
    local_sources here;
    here.modules = {{"example.com/app", "/home/ann/app"}};
    here.goroot = "/opt/go";
    EXPECT_EQ(guess_rules(here, there), (rules{{"/home/ann/app", "example.com/app"}}));
}

TEST(guess_rules, of_another_program_there_are_none) {
    local_sources here;
    here.modules = {{"example.com/other", "/home/ann/other"}, {"k8s.io/kube", "/home/ann/kube"}};
    EXPECT_TRUE(guess_rules(here, kubernetes()).empty());
    EXPECT_TRUE(guess_rules({}, kubernetes()).empty());
    EXPECT_TRUE(guess_rules(here, {}).empty());
}

TEST(read_program, takes_what_dlv_says) {
    const auto program = read_program(
        "0w\xaf...path\texample.com/app/cmd/x\nmod\texample.com/app\t(devel)\t\nbuild\tvcs=git\nbuild\tvcs.revision=0123456789abcdef\n"
        "build\tvcs.modified=true\n\xf9",
        value(R"({"List":[{"ImportPath":"a/b","DirectoryPath":"/a/b","Files":null}]})"),
        value(R"({"Locations":[{"pc":1,"file":"/src/main.go","line":3}]})"));
    EXPECT_EQ(program.main_package, "example.com/app/cmd/x");
    EXPECT_EQ(program.main_file, "/src/main.go");
    EXPECT_EQ(program.revision, "0123456789abcdef");
    EXPECT_TRUE(program.modified);
    EXPECT_EQ(program.packages, (std::vector<std::pair<std::string, std::string>>{{"a/b", "/a/b"}}));
    const auto nothing = read_program("", {}, {});
    EXPECT_TRUE(nothing.main_package.empty() && nothing.packages.empty() && nothing.main_file.empty() && !nothing.modified);
    EXPECT_TRUE(read_program("build\t-ldflags=\"path\tx\"\n", value("[]"), value("7")).main_package.empty());
}

TEST(revision_warning, is_given_when_lines_may_be_off) {
    local_sources here;
    program_sources there;
    here.revision = "1111111111111111111111111111111111111111";
    EXPECT_EQ(revision_warning(here, there), "");
    there.revision = here.revision;
    EXPECT_EQ(revision_warning(here, there), "");
    there.modified = true;
    EXPECT_NE(revision_warning(here, there).find("changes that were not committed"), std::string::npos);
    there.revision = "2222222222222222222222222222222222222222";
    EXPECT_NE(revision_warning(here, there).find("built from revision 222222222222, and the checkout is at 111111111111"), std::string::npos);
    here.revision.clear();
    EXPECT_EQ(revision_warning(here, there), "");
}

TEST(read_guess, takes_what_an_ide_says_of_its_checkout) {
    const auto guess = read_guess(value(R"({"ImportPathOfMainPackage":"a/cmd","ClientGOROOT":"/go","ClientModuleDirectories":{"a":"/home/a","b":"C:\\b"}})"));
    EXPECT_EQ(guess.main_package, "a/cmd");
    EXPECT_EQ(guess.goroot, "/go");
    EXPECT_EQ(guess.modules.size(), 2u);
    EXPECT_TRUE(read_guess({}).empty());
}

TEST(client_paths, are_read_as_they_were_written) {
    client_paths paths;
    paths.rules = {{"/home/ann/k", "/go/src/k"}, {"C:\\k", ""}};
    paths.source.modules = {{"k", "/home/ann/k"}};
    paths.source.goroot = "/opt/go";
    paths.source.module_cache = "/home/ann/go/pkg/mod";
    paths.source.revision = "0123";
    json open = json::object{};
    write_client_paths(open, paths);
    const auto read = read_client_paths(open);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->rules, paths.rules);
    EXPECT_EQ(read->source, paths.source);
    json none = json::object{};
    write_client_paths(none, {});
    EXPECT_EQ(to_text(none), "{}");
    EXPECT_TRUE(read_client_paths(none)->empty());
}

TEST(client_paths, of_another_form_are_refused) {
    for (const char* open : {R"({"map":7})", R"({"map":[["a"]]})", R"({"map":[["a",1]]})", R"({"map":[["a","b","c"]]})", R"({"map":[["a\n","b"]]})",
                             R"({"source":[]})", R"({"source":{"modules":{}}})", R"({"source":{"revision":"\u0000"}})"})
        EXPECT_FALSE(read_client_paths(value(open))) << open;
    json::array many(path_map::max_rules + 1, json(json::array{json("a"), json("b")}));
    json open = json::object{};
    open.set("map", many);
    EXPECT_FALSE(read_client_paths(open));
    open.set("map", json::array{json(json::array{json("a"), json(std::string(5000, 'x'))})});
    EXPECT_FALSE(read_client_paths(open));
}

TEST(guess_rules, a_module_of_one_package_is_found_by_its_directorys_name) {
    program_sources there;
    there.packages = {{"example.com/lib", "/build/lib"}, {"example.com/new/v2", "/build/new"}, {"example.com/odd", "/usr/local/go/src/strings"}};
    local_sources here;
    here.modules = {{"example.com/lib", "/home/ann/lib"}, {"example.com/new/v2", "/home/ann/new"}, {"example.com/odd", "/home/ann/odd"}};
    EXPECT_EQ(guess_rules(here, there), (rules{{"/home/ann/lib", "/build/lib"}, {"/home/ann/new", "/build/new"}}));
}

TEST(guess_rules, what_is_nested_here_comes_first_where_nothing_is_nested_there) {
    program_sources there;
    there.packages = {{"example.com/app/a", "/very/long/app/a"}, {"example.com/sub/b", "/x/b"}};
    local_sources here;
    here.modules = {{"example.com/app", "/home/ann/app"}, {"example.com/sub", "/home/ann/app/sub"}};
    EXPECT_EQ(guess_rules(here, there), (rules{{"/home/ann/app/sub", "/x"}, {"/home/ann/app", "/very/long/app"}}));
    // Where it is the other way round there, what the program shows is right at least.
    there.packages = {{"example.com/app/a", "/x/app/a"}, {"example.com/sub/b", "/x/b"}};
    EXPECT_EQ(guess_rules(here, there), (rules{{"/home/ann/app", "/x/app"}, {"/home/ann/app/sub", "/x"}}));
}

TEST(read_guess, leaves_out_what_is_no_path) {
    const std::string longer(4097, 'a');
    const auto guess = read_guess(json(json::object{{"ImportPathOfMainPackage", longer},
                                                    {"ClientGOROOT", longer},
                                                    {"ClientModuleDirectories", json::object{{"a", longer}, {longer, "/a"}, {"b", "/b\n"}}}}));
    EXPECT_TRUE(guess.empty() && guess.main_package.empty());
}

TEST(client_paths, that_could_not_be_told_are_found_before) {
    client_paths paths;
    EXPECT_EQ(fault_in_paths(paths), "");
    paths.rules = {{"/a", std::string(4097, 'x')}};
    EXPECT_NE(fault_in_paths(paths), "");
    paths.rules = {{"/a\n", "/b"}};
    EXPECT_NE(fault_in_paths(paths), "");
    paths.rules = {};
    for (int i = 0; i < 250; ++i) paths.source.modules.emplace_back("example.com/" + std::to_string(i), "/" + std::string(200, 'd'));
    EXPECT_EQ(fault_in_paths(paths), "");
    for (auto& [module, directory] : paths.source.modules) directory += std::string(40, 'd');
    EXPECT_NE(fault_in_paths(paths).find("bytes together"), std::string::npos);
}

}  // namespace
}  // namespace protocol
