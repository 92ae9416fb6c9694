#include "auth/ca_store.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "ca_support.h"

namespace auth::test {

namespace {

using namespace std::chrono_literals;

mode_t mode_of(const std::string& file) {
    struct stat info {};
    return ::stat(file.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

std::string error_of(const std::string& directory, std::chrono::milliseconds patience = 5s) {
    const auto opened = ca_store::open(directory, patience);
    return opened ? "" : opened.error();
}

issue_record record(const std::string& serial, const std::string& user = "alice") {
    issue_record out;
    out.serial = serial;
    out.issuer = "CN=test";
    out.fingerprint = std::string(64 - serial.size(), '0') + serial;
    out.user = user;
    out.groups = {"a \"quoted\" group", "sre"};
    out.key_hash = "k" + serial;
    out.certificate = "PEM";
    out.not_before = 100;
    out.not_after = 200;
    out.issued_at = 100;
    out.how = "admin";
    return out;
}

}  // namespace

TEST(ca_store, files_are_their_owners_alone_whatever_the_umask) {
    const scratch dir;
    const mode_t before = ::umask(0);
    auto store = ca_store::open(dir / "ca");
    ::umask(before);
    ASSERT_TRUE(store) << store.error();
    EXPECT_EQ(mode_of(dir / "ca"), 0700u);
    for (const char* file : {"ca/ca.db", "ca/ca.db-wal", "ca/ca.db-shm"}) EXPECT_EQ(mode_of(dir / file), 0600u) << file;
    EXPECT_EQ(store->db().number("PRAGMA synchronous"), 2);
}

TEST(ca_store, keeps_what_it_was_given) {
    const scratch dir;
    {
        auto store = ca_store::open(dir / "ca");
        ASSERT_TRUE(store);
        transaction change(store->db());
        store->add(record("0A"));
        ASSERT_TRUE(change.commit());
    }
    auto store = ca_store::open(dir / "ca");
    ASSERT_TRUE(store);
    const auto found = store->find_serial("0A");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->user, "alice");
    EXPECT_EQ(found->groups, (std::vector<std::string>{"a \"quoted\" group", "sre"}));
    EXPECT_EQ(found->not_after, 200);
    EXPECT_FALSE(found->enrolled_at);
    EXPECT_FALSE(found->revoked_at);
    EXPECT_EQ(store->issues().size(), 1u);
}

TEST(ca_store, half_a_change_is_none) {
    const scratch dir;
    auto store = ca_store::open(dir / "ca");
    ASSERT_TRUE(store);
    {
        transaction change(store->db());
        store->add(record("0A"));
        store->add(record("0A"));  // the serial is taken
        store->revoke_user("bob", 1, "");
        EXPECT_FALSE(change.commit());
    }
    {
        const transaction undone(store->db());
        store->add(record("0B"));
    }
    store->db().forget_fault();
    EXPECT_TRUE(store->issues().empty());
    EXPECT_TRUE(store->revoked_users().empty());
    transaction change(store->db());
    store->add(record("0C"));
    EXPECT_TRUE(change.commit());
}

TEST(ca_store, refuses_files_that_others_can_read) {
    const scratch dir;
    ASSERT_EQ(error_of(dir / "ca"), "");
    ASSERT_EQ(::chmod((dir / "ca/ca.db").c_str(), 0640), 0);
    EXPECT_NE(error_of(dir / "ca").find("chmod 600"), std::string::npos);
    ASSERT_EQ(::chmod((dir / "ca/ca.db").c_str(), 0600), 0);
    ASSERT_EQ(::chmod((dir / "ca").c_str(), 0750), 0);
    EXPECT_NE(error_of(dir / "ca").find("chmod 700"), std::string::npos);
}

TEST(ca_store, refuses_a_link_and_a_directory) {
    const scratch dir;
    ASSERT_EQ(error_of(dir / "other"), "");
    ASSERT_EQ(::mkdir((dir / "ca").c_str(), 0700), 0);
    ASSERT_EQ(::symlink((dir / "other/ca.db").c_str(), (dir / "ca/ca.db").c_str()), 0);
    EXPECT_NE(error_of(dir / "ca").find("not a regular file"), std::string::npos);
    ASSERT_EQ(::unlink((dir / "ca/ca.db").c_str()), 0);
    ASSERT_EQ(::mkdir((dir / "ca/ca.db").c_str(), 0700), 0);
    EXPECT_NE(error_of(dir / "ca").find("not a regular file"), std::string::npos);
}

TEST(ca_store, says_in_one_line_that_it_is_damaged_and_leaves_it_as_it_is) {
    const scratch dir;
    {
        auto store = ca_store::open(dir / "ca");
        ASSERT_TRUE(store);
        transaction change(store->db());
        for (int i = 0; i < 200; ++i) store->add(record(std::to_string(1000 + i)));
        ASSERT_TRUE(change.commit());
    }
    const std::string good = contents(dir / "ca/ca.db");
    for (const auto& bad : {std::string(8192, 'x'), good.substr(0, good.size() / 2), good.substr(0, 4096) + std::string(good.size() - 4096, '\x7f')}) {
        put(dir / "ca/ca.db", bad);
        const std::string error = error_of(dir / "ca");
        EXPECT_NE(error.find("is damaged"), std::string::npos) << error;
        EXPECT_EQ(error.find('\n'), std::string::npos);
        EXPECT_EQ(contents(dir / "ca/ca.db"), bad);
    }
}

TEST(ca_store, refuses_a_newer_format) {
    const scratch dir;
    {
        auto store = ca_store::open(dir / "ca");
        ASSERT_TRUE(store);
        store->db().run("PRAGMA user_version = 99");
    }
    EXPECT_NE(error_of(dir / "ca").find("newer delvegate"), std::string::npos);
}

TEST(ca_store, a_locked_file_is_waited_for_and_then_named) {
    const scratch dir;
    auto first = ca_store::open(dir / "ca");
    ASSERT_TRUE(first);
    auto second = ca_store::open(dir / "ca", 50ms);
    ASSERT_TRUE(second) << second.error();
    const transaction held(first->db());
    transaction waiting(second->db());
    second->add(record("0A"));
    const auto done = waiting.commit();
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().find("locked by another process"), std::string::npos) << done.error();
}

TEST(ca_store, a_full_disk_changes_nothing_and_is_named) {
    const scratch dir;
    auto store = ca_store::open(dir / "ca");
    ASSERT_TRUE(store);
    // As on a disk that has room for so many pages, and no more.
    store->db().run("PRAGMA max_page_count = 30");
    std::string error;
    std::size_t before = 0;
    for (int i = 0; error.empty() && i < 1000; ++i) {
        before = store->issues().size();
        transaction change(store->db());
        auto one = record(std::to_string(1000 + i));
        one.certificate = std::string(2000, 'c');
        store->add(one);
        if (const auto done = change.commit(); !done) error = done.error();
    }
    EXPECT_NE(error.find("the disk has no room"), std::string::npos) << error;
    store->db().forget_fault();
    EXPECT_EQ(store->issues().size(), before);
}

TEST(ca_store, a_file_that_may_not_grow_changes_nothing) {
    const scratch dir;
    ASSERT_EQ(error_of(dir / "ca"), "");  // and closed: SQLite's connections must not cross a fork
    const pid_t child = ::fork();
    if (child == 0) {
        // The kernel refuses the write itself, as a full disk does.
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_FSIZE, &none);
        auto own = ca_store::open(dir / "ca");
        if (!own) ::_exit(own.error().find('\n') == own.error().npos ? 0 : 3);
        transaction change(own->db());
        own->add(record("0A"));
        const auto done = change.commit();
        ::_exit(!done && !done.error().empty() && done.error().find('\n') == std::string::npos ? 0 : 2);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    auto store = ca_store::open(dir / "ca");
    ASSERT_TRUE(store) << store.error();
    EXPECT_TRUE(store->issues().empty());
    transaction change(store->db());
    store->add(record("0B"));
    EXPECT_TRUE(change.commit());
}

TEST(ca_store, revocations_are_told_page_by_page) {
    const scratch dir;
    auto store = ca_store::open(dir / "ca");
    ASSERT_TRUE(store);
    transaction change(store->db());
    for (int i = 0; i < 25; ++i) store->add(record(std::to_string(10 + i), i % 2 ? "alice" : "bob"));
    EXPECT_EQ(store->revoke_issues_of("alice", 150, "left"), 12);
    EXPECT_TRUE(store->revoke("10", 150, ""));
    EXPECT_FALSE(store->revoke("10", 160, ""));
    ASSERT_TRUE(change.commit());
    std::vector<std::string> all;
    std::string after;
    for (;;) {
        const auto page = store->revoked(150, after, 5);
        if (page.empty()) break;
        for (const auto& one : page) all.push_back(after = one.serial);
    }
    EXPECT_EQ(all.size(), 13u);
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
    EXPECT_TRUE(store->revoked(201, {}, -1).empty());  // expired
}

TEST(ca_store, another_process_s_change_shows) {
    const scratch dir;
    auto first = ca_store::open(dir / "ca");
    auto second = ca_store::open(dir / "ca");
    ASSERT_TRUE(first && second);
    const auto before = first->db().data_version();
    EXPECT_EQ(first->db().data_version(), before);
    transaction own(first->db());
    first->revoke_user("alice", 1, "");
    ASSERT_TRUE(own.commit());
    EXPECT_EQ(first->db().data_version(), before);
    transaction theirs(second->db());
    second->revoke_user("bob", 1, "");
    ASSERT_TRUE(theirs.commit());
    EXPECT_NE(first->db().data_version(), before);
}

}  // namespace auth::test
