#include "launcher/launcher_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "tests/support/trusted_directory.h"

namespace launcher {
namespace {

std::vector<std::string> lines_of(const std::string& file) {
    std::ifstream in(file);
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
}

TEST(launcher_log, appends_and_begins_anew_when_full) {
    support::trusted_directory place;
    const std::string file = place / "log/launcher.jsonl";
    asked_verb one;
    const std::size_t line = log_line(one, 1'790'000'000'123).size();
    {
        auto log = open_verb_log(file, line * 3);
        ASSERT_TRUE(log) << log.error();
        ASSERT_TRUE((*log)(one));
    }
    auto log = open_verb_log(file, line * 3);
    ASSERT_TRUE(log) << log.error();
    ASSERT_TRUE((*log)(one));
    EXPECT_EQ(lines_of(file).size(), 2u);
    for (int i = 0; i < 4; ++i) ASSERT_TRUE((*log)(one));
    EXPECT_EQ(lines_of(file + ".1").size() + lines_of(file).size(), 6u);
    EXPECT_GE(lines_of(file).size(), 1u);
    struct stat info {};
    ASSERT_EQ(::stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST(launcher_log, is_not_pushed_out_by_what_is_aside) {
    support::trusted_directory place;
    const std::string file = place / "log/launcher.jsonl";
    asked_verb one;
    auto log = open_verb_log(file, log_line(one, 1'790'000'000'123).size() * 3);
    ASSERT_TRUE(log) << log.error();
    ASSERT_TRUE((*log)(one));
    one.aside = true;
    for (int i = 0; i < 100; ++i) ASSERT_TRUE((*log)(one));
    EXPECT_EQ(lines_of(file).size(), 1u);
    EXPECT_TRUE(lines_of(file + ".1").empty());
    EXPECT_GE(lines_of(file + ".gateway").size(), 1u);
    struct stat info {};
    ASSERT_EQ(::stat((file + ".gateway").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST(launcher_log, does_not_write_to_what_others_can) {
    support::trusted_directory place;
    const std::string file = place / "launcher.jsonl";
    std::ofstream(file) << "";
    ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
    EXPECT_FALSE(open_verb_log(file));
    ASSERT_EQ(::unlink(file.c_str()), 0);
    ASSERT_EQ(::symlink("/dev/null", file.c_str()), 0);
    EXPECT_FALSE(open_verb_log(file));
}

TEST(launcher_log, a_disk_that_is_full_is_told) {
    support::trusted_directory place;
    const std::string file = place / "launcher.jsonl";
    auto log = open_verb_log(file);
    ASSERT_TRUE(log) << log.error();
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto old = std::signal(SIGXFSZ, SIG_IGN);
    rlimit small{16, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const auto written = (*log)(asked_verb{});
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, old);
    EXPECT_FALSE(written);
    // No half line is left for the next to be read with.
    ASSERT_TRUE((*log)(asked_verb{}));
    ASSERT_EQ(lines_of(file).size(), 1u);
    EXPECT_TRUE(lines_of(file)[0].starts_with("{\"time\""));
}

}  // namespace
}  // namespace launcher
