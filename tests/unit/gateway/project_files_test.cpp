#include "gateway/project_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace gateway {
namespace {

namespace fs = std::filesystem;

class project : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "delvegate-project-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        root_ = name;
        fs::create_directory(root_ / "app");
    }
    void TearDown() override { fs::remove_all(root_); }

    project_files files() const { return {(root_ / "app").string(), (root_ / "home" / "memory").string()}; }
    void write(const std::string& name, const std::string& text) {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name, std::ios::binary) << text;
    }
    std::string content(const std::string& name) const {
        std::ifstream in(root_ / name, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    }
    // As `delvegate ide` does it.
    file_change put(const std::string& name, const std::string& now, bool ours_before) {
        const auto was = files().read(name);
        EXPECT_TRUE(was) << was.error();
        const auto done = files().put(name, *was, now, ours_before);
        EXPECT_TRUE(done) << done.error();
        return *done;
    }
    file_change take(const std::string& name, const std::optional<std::string>& now, bool ours_left) {
        const auto was = files().read(name);
        EXPECT_TRUE(was) << was.error();
        const auto done = files().take(name, *was, now, ours_left);
        EXPECT_TRUE(done) << done.error();
        return *done;
    }
    std::size_t remembered() const {
        std::size_t count = 0;
        if (fs::exists(root_ / "home" / "memory"))
            for ([[maybe_unused]] const auto& one : fs::directory_iterator(root_ / "home" / "memory")) ++count;
        return count;
    }

    fs::path root_;
};

TEST_F(project, a_file_that_was_not_there_is_gone_again_with_its_directories) {
    EXPECT_FALSE(files().read(".a/b/f")->has_value());
    EXPECT_EQ(put(".a/b/f", "one", false), file_change::written);
    EXPECT_EQ(put(".a/b/f", "one", true), file_change::none);
    EXPECT_EQ(content("app/.a/b/f"), "one");
    EXPECT_EQ(take(".a/b/f", "nothing", false), file_change::deleted);
    EXPECT_FALSE(fs::exists(root_ / "app" / ".a"));
    EXPECT_EQ(remembered(), 0U);
}

TEST_F(project, directories_that_others_use_stay) {
    put(".a/f", "one", false);
    write("app/.a/g", "theirs");
    take(".a/f", "", false);
    EXPECT_TRUE(fs::exists(root_ / "app" / ".a" / "g"));
}

TEST_F(project, what_only_we_have_changed_becomes_what_it_was) {
    write("app/f", "[]  ");
    put("f", "[a]", false);
    put("f", "[a,b]", true);
    EXPECT_EQ(take("f", "[b]", true), file_change::written);
    EXPECT_EQ(content("app/f"), "[b]");
    EXPECT_EQ(take("f", "[]", false), file_change::written);
    EXPECT_EQ(content("app/f"), "[]  ");
}

TEST_F(project, what_somebody_else_has_changed_keeps_that) {
    put("f", "[a]", false);
    EXPECT_TRUE(files().untouched("f", content("app/f")));
    write("app/f", "[a,x]");
    EXPECT_FALSE(files().untouched("f", content("app/f")));
    put("f", "[a,x,b]", true);
    EXPECT_EQ(take("f", "[x,b]", true), file_change::written);
    EXPECT_EQ(take("f", "[x]", false), file_change::written);
    EXPECT_EQ(content("app/f"), "[x]");
    // A new beginning.
    put("f", "[x,a]", false);
    take("f", "[x ]", false);
    EXPECT_EQ(content("app/f"), "[x]");
}

TEST_F(project, a_link_is_followed_and_mode_stays) {
    write("dot/f", "old");
    ::chmod((root_ / "dot" / "f").c_str(), 0640);
    fs::create_symlink("../dot/f", root_ / "app" / "f");
    put("f", "new", false);
    EXPECT_TRUE(fs::is_symlink(root_ / "app" / "f"));
    EXPECT_EQ(content("dot/f"), "new");
    struct stat info {};
    ::stat((root_ / "dot" / "f").c_str(), &info);
    EXPECT_EQ(info.st_mode & 07777, 0640U);
    EXPECT_EQ(std::distance(fs::directory_iterator(root_ / "dot"), {}), 1);
    take("f", "none", false);
    EXPECT_TRUE(fs::is_symlink(root_ / "app" / "f"));
    EXPECT_EQ(content("dot/f"), "old");
}

TEST_F(project, what_it_cannot_or_should_not_change_is_refused) {
    fs::create_directory(root_ / "app" / "d");
    EXPECT_NE(files().read("d").error().find("is no plain file"), std::string::npos);
    fs::create_symlink("nowhere", root_ / "app" / "l");
    EXPECT_NE(files().read("l").error().find("leads nowhere"), std::string::npos);
    write("app/latin1", "\xE9");
    EXPECT_NE(files().read("latin1").error().find("is not UTF-8"), std::string::npos);
    write("app/f", "one");
    const auto was = files().read("f");
    write("app/f", "two");
    EXPECT_NE(files().put("f", *was, "three", false).error().find("has been changed in this moment"), std::string::npos);
    EXPECT_NE(files().take("f", *was, std::nullopt, false).error().find("has been changed in this moment"), std::string::npos);
    EXPECT_EQ(content("app/f"), "two");
    // Where what was cannot be kept, nothing is changed.
    write("home/memory", "in the way");
    EXPECT_FALSE(files().put("f", std::string("two"), "three", false));
    EXPECT_EQ(content("app/f"), "two");
}

TEST_F(project, what_was_is_nobody_elses_to_read) {
    put("f", "one", false);
    struct stat info {};
    ::stat((root_ / "home" / "memory").c_str(), &info);
    EXPECT_EQ(info.st_mode & 0777, 0700U);
    for (const auto& one : fs::directory_iterator(root_ / "home" / "memory")) {
        ::stat(one.path().c_str(), &info);
        EXPECT_EQ(info.st_mode & 0777, 0600U);
    }
}

}  // namespace
}  // namespace gateway
