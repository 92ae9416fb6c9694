#include "gateway/live_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "gateway/state_directory.h"
#include "tests/unit/gateway/loop.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

void put(const std::string& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

std::string text_of(const std::string& file) {
    auto read = read_file(file);
    return read ? *read : "none";
}

// Each way to change a file, with the kernel telling and without.
class file_watch_test : public testing::TestWithParam<bool> {
protected:
    void watch(const std::set<std::string>& paths) {
        file_watch::settings how;
        how.quiet = 10ms;
        how.poll = 20ms;
        how.second_look = 10min;  // what the kernel tells is enough
        how.use_inotify = GetParam();
        watcher.emplace(io, [this](const std::set<std::string>& changed) {
            ++calls;
            for (const auto& one : changed) last[one] = text_of(one);
        }, how);
        watcher->watch(paths);
        EXPECT_EQ(watcher->told(), GetParam());
    }
    bool sees(const std::string& path, const std::string& text) {
        return run_until(io, [&] { return last[path] == text; });
    }
    std::string in(const std::string& name) const { return top.path() + "/" + name; }

    temporary_directory top;
    boost::asio::io_context io{1};
    std::optional<file_watch> watcher;
    std::map<std::string, std::string> last;
    int calls = 0;
};

INSTANTIATE_TEST_SUITE_P(kernel_and_poll, file_watch_test, testing::Bool());

}  // namespace

TEST_P(file_watch_test, sees_a_file_written_and_replaced) {
    put(in("a"), "one");
    put(in("b"), "other");
    watch({in("a"), in("b")});
    put(in("a"), "two and more");
    EXPECT_TRUE(sees(in("a"), "two and more"));
    put(in("new"), "three");
    fs::rename(in("new"), in("a"));
    EXPECT_TRUE(sees(in("a"), "three"));
    EXPECT_FALSE(last.contains(in("b")));
    const int before = calls;
    put(in("unrelated"), "x");
    fs::remove(in("a"));
    EXPECT_TRUE(sees(in("a"), "none"));
    EXPECT_EQ(calls, before + 1);
    put(in("a"), "four");
    EXPECT_TRUE(sees(in("a"), "four"));
}

TEST_P(file_watch_test, sees_two_writes_of_one_size_within_a_tick) {
    put(in("a"), "one");
    watch({in("a")});
    for (int i = 0; i < 50; ++i) put(in("a"), "n" + std::to_string(10 + i));
    EXPECT_TRUE(sees(in("a"), "n59"));
}

TEST_P(file_watch_test, sees_kubernetes_swap_its_links) {
    // A volume: ca.crt → ..data/ca.crt, ..data → ..1/
    fs::create_directories(in("volume/..1"));
    put(in("volume/..1/ca.crt"), "one");
    fs::create_directory_symlink("..1", in("volume/..data"));
    fs::create_symlink("..data/ca.crt", in("volume/ca.crt"));
    watch({in("volume/ca.crt")});
    for (const std::string next : {"..2", "..3"}) {
        fs::create_directories(in("volume/" + next));
        put(in("volume/" + next + "/ca.crt"), next);
        fs::create_directory_symlink(next, in("volume/..new"));
        fs::rename(in("volume/..new"), in("volume/..data"));
        EXPECT_TRUE(sees(in("volume/ca.crt"), next));
    }
}

TEST_P(file_watch_test, sees_links_that_lead_elsewhere) {
    fs::create_directories(in("real"));
    put(in("real/key"), "one");
    fs::create_symlink(in("real/key"), in("link"));
    watch({in("link")});
    put(in("real/next"), "two");
    fs::rename(in("real/next"), in("real/key"));
    EXPECT_TRUE(sees(in("link"), "two"));
    fs::create_directories(in("elsewhere"));
    put(in("elsewhere/key"), "three");
    fs::create_symlink(in("elsewhere/key"), in("link.new"));
    fs::rename(in("link.new"), in("link"));
    EXPECT_TRUE(sees(in("link"), "three"));
    put(in("elsewhere/key"), "and four");
    EXPECT_TRUE(sees(in("link"), "and four"));
}

TEST_P(file_watch_test, sees_what_comes_and_goes_in_a_directory) {
    fs::create_directories(in("lists"));
    put(in("lists/a.crl"), "one");
    watch({in("lists")});
    put(in("lists/b.crl"), "two");
    EXPECT_TRUE(run_until(io, [&] { return calls == 1; }));
    fs::remove(in("lists/a.crl"));
    EXPECT_TRUE(run_until(io, [&] { return calls == 2; }));
    put(in("lists/b.crl"), "changed");
    EXPECT_TRUE(run_until(io, [&] { return calls == 3; }));
}

TEST(file_watch, waits_for_a_directory_that_is_not_there) {
    temporary_directory top;
    boost::asio::io_context io{1};
    int calls = 0;
    file_watch::settings how;
    how.quiet = 10ms;
    how.poll = 20ms;
    file_watch watcher(io, [&](const auto&) { ++calls; }, how);
    watcher.watch({top.path() + "/later/key"});
    fs::create_directories(top.path() + "/later");
    put(top.path() + "/later/key", "one");
    EXPECT_TRUE(run_until(io, [&] { return calls == 1; }));
    // And once more, when the whole directory is another one.
    fs::create_directories(top.path() + "/next");
    put(top.path() + "/next/key", "two");
    fs::rename(top.path() + "/later", top.path() + "/gone");
    fs::rename(top.path() + "/next", top.path() + "/later");
    EXPECT_TRUE(run_until(io, [&] { return calls >= 2; }));
}

TEST(live_files, keep_what_was_good_and_say_so) {
    temporary_directory top;
    boost::asio::io_context io{1};
    const std::string file = top.path() + "/list", other = top.path() + "/other";
    put(file, "good");
    put(other, "good");
    std::string in_effect = "good";
    int others = 0;
    file_watch::settings how;
    how.quiet = 10ms;
    live_files files(io, how);
    files.add("list", {file}, [&]() -> auth::outcome<void> {
        const auto text = text_of(file);
        if (text.starts_with("bad")) return "cannot read\n " + text;
        in_effect = text;
        return {};
    });
    files.add("other", {other}, [&]() -> auth::outcome<void> {
        ++others;
        return {};
    });
    files.start();
    const auto item = [&] { return files.describe().if_array()->at(0); };
    EXPECT_EQ(item().get_int("reloads"), 0);

    put(file, "bad");
    ASSERT_TRUE(run_until(io, [&] { return files.failures() == 1; }));
    EXPECT_EQ(in_effect, "good");
    EXPECT_EQ(item().get_string("error"), "cannot read  bad");
    const std::string since(item().get_string("failingSince"));
    EXPECT_FALSE(since.empty());
    put(file, "bad again");
    ASSERT_TRUE(run_until(io, [&] { return files.failures() == 2; }));
    EXPECT_EQ(item().get_string("failingSince"), since);

    put(file, "better");
    ASSERT_TRUE(run_until(io, [&] { return in_effect == "better"; }));
    EXPECT_EQ(item().find("error"), nullptr);
    EXPECT_EQ(item().get_int("reloads"), 1);
    EXPECT_EQ(item().get_int("failures"), 2);
    EXPECT_EQ(others, 0);
    files.reload_all();
    EXPECT_EQ(others, 1);
}

}  // namespace gateway
