#include "launcher/command_line.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>

namespace launcher {
namespace {

using strings = std::vector<std::string>;

bool contains(const strings& list, const std::string& entry) {
    return std::find(list.begin(), list.end(), entry) != list.end();
}

strings names_of(const strings& environment) {
    strings names;
    for (const auto& entry : environment) names.push_back(entry.substr(0, entry.find('=')));
    return names;
}

TEST(command_line, starts_a_headless_multiclient_dlv) {
    exec_spec spec;
    spec.binary = "/opt/app";
    EXPECT_EQ(
        command_line(spec, "/usr/bin/dlv", "unix:/run/x/dlv.sock", "/srv"),
        (strings{"/usr/bin/dlv", "exec", "--headless", "--accept-multiclient", "--api-version=2",
                 "--listen=unix:/run/x/dlv.sock", "--wd=/srv", "/opt/app"}));
}

TEST(command_line, keeps_the_programs_arguments_from_dlv) {
    exec_spec spec;
    spec.binary = "/opt/app";
    spec.args = {"--headless=false", "--", "-l", ""};
    const auto argv = command_line(spec, "/usr/bin/dlv", "127.0.0.1:0", "/");
    EXPECT_EQ(strings(argv.end() - 6, argv.end()),
              (strings{"/opt/app", "--", "--headless=false", "--", "-l", ""}));
}

TEST(command_line, refuses_what_exec_cannot_pass) {
    exec_spec spec;
    spec.binary = "/opt/app";
    EXPECT_TRUE(check_strings(spec));
    for (const auto& name : {std::string(), std::string("A=B"), std::string("A\0B", 3)}) {
        auto wrong = spec;
        wrong.env = {{name, "value"}};
        EXPECT_FALSE(check_strings(wrong)) << name;
    }
    auto wrong = spec;
    wrong.args = {std::string("a\0b", 3)};
    EXPECT_FALSE(check_strings(wrong));
}

class environment_test : public testing::Test {
protected:
    void SetUp() override {
        ::setenv("DELVEGATE_TEST_SECRET", "s3cret", 1);
        ::setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
        ::setenv("LD_PRELOAD_TEST", "x", 1);
        ::setenv("LC_TIME", "C", 1);
        ::setenv("HOME", "/home/caller", 1);
        ::setenv("TMPDIR", "/tmp/of-the-caller", 1);
    }
    void TearDown() override {
        for (const char* name :
             {"DELVEGATE_TEST_SECRET", "NOTIFY_SOCKET", "LD_PRELOAD_TEST", "LC_TIME", "TMPDIR"})
            ::unsetenv(name);
    }
};

TEST_F(environment_test, keeps_ours_to_ourselves) {
    const auto names = names_of(base_environment(user_account{}));
    for (const char* name : {"DELVEGATE_TEST_SECRET", "NOTIFY_SOCKET", "LD_PRELOAD_TEST"})
        EXPECT_FALSE(contains(names, name)) << name;
    EXPECT_TRUE(contains(names, "PATH"));
    EXPECT_TRUE(contains(names, "LC_TIME"));
}

TEST_F(environment_test, keeps_dlvs_telemetry_off) {
    EXPECT_TRUE(contains(base_environment(user_account{}), "GO_TELEMETRY_CHILD=2"));
}

TEST_F(environment_test, gives_another_user_their_own_home) {
    user_account other;
    other.is_caller = false;
    other.name = "worker";
    other.home = "/var/lib/worker";
    const auto result = base_environment(other);
    EXPECT_TRUE(contains(result, "HOME=/var/lib/worker"));
    EXPECT_TRUE(contains(result, "USER=worker"));
    EXPECT_FALSE(contains(names_of(result), "TMPDIR"));
    EXPECT_TRUE(contains(base_environment(user_account{}), "HOME=/home/caller"));
}

TEST_F(environment_test, puts_the_components_variables_over_the_base) {
    exec_spec spec;
    spec.env = {{"HOME", "/elsewhere"}, {"COLOUR", "red"}, {"COLOUR", "blue"}, {"EMPTY", ""}};
    const auto result = environment(spec, user_account{});
    EXPECT_TRUE(contains(result, "HOME=/elsewhere"));
    EXPECT_TRUE(contains(result, "COLOUR=blue"));
    EXPECT_TRUE(contains(result, "EMPTY="));
    auto names = names_of(result);
    std::sort(names.begin(), names.end());
    EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end())
        << "a variable is there twice";
}

}  // namespace
}  // namespace launcher
