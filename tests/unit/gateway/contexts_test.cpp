#include "gateway/contexts.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "gateway/certificate_renewal.h"
#include "gateway/time_left.h"
#include "tests/unit/gateway/loop.h"

namespace gateway {
namespace {

namespace fs = std::filesystem;

laptop_context named(const std::string& name, const std::string& host = "node1") {
    laptop_context out;
    out.name = name;
    out.gateway = {host, 7443};
    out.renew_until = 1234567890;
    return out;
}

std::string content(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

mode_t mode(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777;
}

struct contexts : testing::Test {
    void add(const std::string& name, const std::string& identity = "identity") {
        auto draft = store.begin();
        ASSERT_TRUE(draft) << draft.error();
        const auto done = draft->commit(named(name), identity, "ca");
        ASSERT_TRUE(done) << done.error();
    }
    temporary_directory directory;
    std::string root = directory.path() + "/config/delvegate";
    context_store store{root};
};

TEST_F(contexts, are_stored_whole_and_for_their_owner_only) {
    add("one");
    EXPECT_EQ(store.current(), "one");
    const auto read = store.read("one");
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(to_string(read->gateway), "node1:7443");
    EXPECT_EQ(read->renew_until, 1234567890);
    EXPECT_EQ(content(store.files("one").key), "identity");
    EXPECT_EQ(content(store.files("one").ca), "ca");
    EXPECT_EQ(mode(root + "/contexts"), 0700u);
    EXPECT_EQ(mode(store.directory("one")), 0700u);
    for (const auto& entry : fs::directory_iterator(store.directory("one"))) EXPECT_EQ(mode(entry.path()), 0600u) << entry.path();
}

TEST_F(contexts, a_draft_that_comes_to_nothing_leaves_nothing) {
    { auto draft = store.begin(); ASSERT_TRUE(draft); }
    EXPECT_TRUE(fs::is_empty(directory.path()));
    add("one");
    { auto draft = store.begin(); ASSERT_TRUE(draft); }
    EXPECT_EQ(std::distance(fs::directory_iterator(root + "/contexts"), {}), 1);
}

TEST_F(contexts, what_a_killed_process_left_is_swept) {
    add("one");
    fs::create_directory(root + "/contexts/.new-999999999");
    add("two");
    EXPECT_FALSE(fs::exists(root + "/contexts/.new-999999999"));
    EXPECT_EQ(store.names(), (std::vector<std::string>{"one", "two"}));
}

TEST_F(contexts, enrolling_again_takes_the_place_of_the_old_one) {
    add("one", "old");
    add("one", "new");
    EXPECT_EQ(content(store.files("one").certificate), "new");
    EXPECT_EQ(std::distance(fs::directory_iterator(root + "/contexts"), {}), 1);
}

TEST_F(contexts, an_identity_is_replaced_in_one_step) {
    add("one", "old");
    const auto version = store.identity_version("one");
    ASSERT_TRUE(version) << version.error();
    const auto done = store.replace_identity("one", *version, "new");
    ASSERT_TRUE(done) << done.error();
    EXPECT_TRUE(*done);
    EXPECT_EQ(content(store.files("one").certificate), "new");
    EXPECT_EQ(mode(store.files("one").certificate), 0600u);
    EXPECT_EQ(std::distance(fs::directory_iterator(store.directory("one")), {}), 3);
}

TEST_F(contexts, an_identity_that_came_meanwhile_is_not_replaced) {
    add("one", "old");
    const auto version = store.identity_version("one");
    ASSERT_TRUE(version) << version.error();
    add("one", "enrolled anew");
    const auto done = store.replace_identity("one", *version, "renewed from old");
    ASSERT_TRUE(done) << done.error();
    EXPECT_FALSE(*done);
    EXPECT_EQ(content(store.files("one").certificate), "enrolled anew");
    EXPECT_EQ(std::distance(fs::directory_iterator(store.directory("one")), {}), 3);
    ASSERT_TRUE(store.remove("one"));
    EXPECT_FALSE(store.replace_identity("one", *version, "renewed from old"));
    EXPECT_FALSE(fs::exists(store.directory("one")));
}

TEST_F(contexts, what_a_killed_renewal_left_is_in_nobodys_way) {
    add("one", "old");
    const std::string left = store.directory("one") + "/client.pem." + std::to_string(::getpid());
    std::ofstream(left) << "half";
    const auto version = store.identity_version("one");
    ASSERT_TRUE(version) << version.error();
    const auto done = store.replace_identity("one", *version, "new");
    ASSERT_TRUE(done) << done.error();
    EXPECT_EQ(content(store.files("one").certificate), "new");
    EXPECT_FALSE(fs::exists(left));
}

TEST_F(contexts, use_and_delete) {
    add("one");
    add("two");
    EXPECT_EQ(store.current(), "two");
    ASSERT_TRUE(store.use("one"));
    EXPECT_EQ(store.current(), "one");
    const auto wrong = store.use("three");
    ASSERT_FALSE(wrong);
    EXPECT_NE(wrong.error().find("one, two"), std::string::npos) << wrong.error();
    ASSERT_TRUE(store.remove("one"));
    EXPECT_EQ(store.current(), std::nullopt);
    EXPECT_EQ(store.names(), (std::vector<std::string>{"two"}));
    EXPECT_FALSE(store.remove("one"));
}

TEST_F(contexts, names_are_no_paths) {
    for (const char* wrong : {"", ".", "..", ".x", "a/b", "../x", "a b", "a\n", "ü"}) {
        EXPECT_FALSE(context_store::good_name(wrong)) << wrong;
        EXPECT_FALSE(store.read(wrong)) << wrong;
        EXPECT_FALSE(store.remove(wrong)) << wrong;
    }
    EXPECT_EQ(context_store::name_for("node1.example"), "node1.example");
    EXPECT_EQ(context_store::name_for("fe80::1%eth0"), "fe80--1-eth0");
    EXPECT_TRUE(context_store::good_name(context_store::name_for("..")));
}

TEST(renewal_schedule, comes_after_two_thirds_and_well_before_the_end) {
    EXPECT_DOUBLE_EQ(renewal_due(0, 300, 0), 200);
    EXPECT_DOUBLE_EQ(renewal_due(0, 300, 1), 215);
    EXPECT_DOUBLE_EQ(renewal_due(1000, 1030, 0), 1020);
}

TEST(renewal_schedule, pauses_grow_and_leave_time_for_more) {
    EXPECT_EQ(renewal_pause(0, 86400, 20000).count(), 864000);
    EXPECT_EQ(renewal_pause(5, 86400, 20000).count(), 900000);
    EXPECT_EQ(renewal_pause(0, 30, 10).count(), 1000);
    EXPECT_EQ(renewal_pause(3, 30, 10).count(), 2500);
    EXPECT_EQ(renewal_pause(3, 30, -5).count(), 500);
    EXPECT_EQ(renewal_pause(1000000, 86400, 1e9).count(), 900000);
}

TEST(time_left, is_told_in_units_that_say_something) {
    EXPECT_EQ(time_left(100, 100), "expired");
    EXPECT_EQ(time_left(160, 100), "60 s");
    EXPECT_EQ(time_left(100 + 3600, 100), "60 min");
    EXPECT_EQ(time_left(100 + 86400, 100), "24 h");
    EXPECT_EQ(time_left(100 + 30 * 86400, 100), "30 d");
    EXPECT_FALSE(nearly_over(0, 100, 89));
    EXPECT_TRUE(nearly_over(0, 100, 90));
}

}  // namespace
}  // namespace gateway
