#include "launcher/guarded_path.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "as_root.h"
#include "elf_builder.h"

namespace launcher {
namespace {

using launcher_test::scratch;

class guarded_path : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(::mkdir(at("dir").c_str(), 0755), 0);
        ::chmod(at("dir").c_str(), 0755);
        file_ = scratch_.file("dir/program", "bytes", 0755);
    }
    std::string at(const std::string& name) const { return scratch_.path() + "/" + name; }
    void link(const std::string& target, const std::string& name) const {
        ASSERT_EQ(::symlink(target.c_str(), at(name).c_str()), 0);
    }
    static std::string unsafe(const std::string& path) {
        const auto file = open_guarded(path);
        return file ? file->unsafe : "error: " + file.error();
    }
    static std::string mend(const std::string& path) {
        const auto file = open_guarded(path);
        return file ? file->mend : "error: " + file.error();
    }
    static void expect_error(const std::string& path, const std::string& part) {
        const auto file = open_guarded(path);
        ASSERT_FALSE(file) << path;
        EXPECT_NE(file.error().find(part), std::string::npos) << file.error();
    }

    scratch scratch_;
    std::string file_;
};

TEST_F(guarded_path, opens_the_file_and_names_its_inode) {
    const auto file = open_guarded(file_);
    ASSERT_TRUE(file) << file.error();
    EXPECT_EQ(file->unsafe, "");
    EXPECT_EQ(file->path, file_);
    EXPECT_EQ(file->mode & 07777, 0755u);
    char bytes[8];
    EXPECT_EQ(::read(file->fd.get(), bytes, sizeof bytes), 5);
    EXPECT_LT(::write(file->fd.get(), "x", 1), 0) << "for reading only";
    EXPECT_NE(::fcntl(file->fd.get(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(file->identity.size, 5u);
    EXPECT_TRUE(same_file(file_, file->identity));
    EXPECT_EQ(*identity_of(file->fd.get()), file->identity);
}

TEST_F(guarded_path, knows_when_another_file_took_its_place) {
    const auto file = open_guarded(file_);
    ASSERT_TRUE(file);
    scratch_.file("other", "bytes", 0755);
    ASSERT_EQ(::rename(at("other").c_str(), file_.c_str()), 0);
    EXPECT_FALSE(same_file(file_, file->identity));
    ::unlink(file_.c_str());
    EXPECT_FALSE(same_file(file_, file->identity));
}

TEST_F(guarded_path, knows_when_the_file_was_written_to) {
    const auto file = open_guarded(file_);
    ASSERT_TRUE(file);
    const unique_fd fd(::open(file_.c_str(), O_WRONLY | O_CLOEXEC));
    // Times have the granularity of the clock's ticks: written until one has passed.
    while (same_file(file_, file->identity)) ASSERT_EQ(::pwrite(fd.get(), "BYTES", 5, 0), 5);
    EXPECT_NE(*identity_of(file->fd.get()), file->identity);
    EXPECT_EQ(identity_of(file->fd.get())->ino, file->identity.ino);
}

TEST_F(guarded_path, is_unsafe_where_others_can_write) {
    ::chmod(file_.c_str(), 0775);
    EXPECT_NE(unsafe(file_).find(file_ + " can be written"), std::string::npos) << unsafe(file_);
    EXPECT_EQ(mend(file_), "chmod go-w '" + file_ + "'");
    ::chmod(file_.c_str(), 0757);
    EXPECT_NE(unsafe(file_), "");
    ::chmod(file_.c_str(), 0755);
    EXPECT_EQ(unsafe(file_), "");
    for (const mode_t mode : {0775, 0757}) {
        ::chmod(at("dir").c_str(), mode);
        EXPECT_NE(unsafe(file_).find(at("dir") + " can be written"), std::string::npos);
        EXPECT_EQ(mend(file_), "chmod go-w '" + at("dir") + "'");
    }
    ::chmod(at("dir").c_str(), 01777);
    EXPECT_EQ(unsafe(file_), "") << "nobody can replace another's file in a sticky directory";
}

TEST_F(guarded_path, is_unsafe_where_a_directory_far_above_can_be_written) {
    ASSERT_EQ(::mkdir(at("dir/sub").c_str(), 0755), 0);
    const auto below = scratch_.file("dir/sub/program", "x", 0755);
    EXPECT_EQ(unsafe(below), "");
    ::chmod(at("dir").c_str(), 0777);
    EXPECT_NE(unsafe(below), "");
}

TEST_F(guarded_path, follows_links_and_checks_where_they_lead) {
    link("dir/program", "relative");
    link(file_, "absolute");
    link(at("dir"), "directory");
    link("../" + std::filesystem::path(scratch_.path()).filename().string() + "/relative", "twice");
    for (const auto* name : {"relative", "absolute", "directory/program", "twice",
                             "dir/../dir/./program", "directory/../dir/program"}) {
        const auto file = open_guarded(at(name));
        ASSERT_TRUE(file) << name << ": " << file.error();
        EXPECT_EQ(file->path, file_) << name;
        EXPECT_EQ(file->unsafe, "") << name;
    }
    ::chmod(at("dir").c_str(), 0777);
    for (const auto* name : {"relative", "absolute", "directory/program", "twice"})
        EXPECT_NE(unsafe(at(name)).find(at("dir") + " can be written"), std::string::npos) << name;
}

TEST_F(guarded_path, is_unsafe_where_a_link_lies_in_a_directory_of_others) {
    ASSERT_EQ(::mkdir(at("open").c_str(), 0755), 0);
    ::chmod(at("open").c_str(), 0777);
    link(file_, "open/program");
    EXPECT_NE(unsafe(at("open/program")).find(at("open") + " can be written"), std::string::npos);
}

TEST_F(guarded_path, is_unsafe_where_it_belongs_to_another_user) {
    if (!root_or_skip()) GTEST_SKIP() << "only root can give files away";
    ASSERT_EQ(::chown(file_.c_str(), 65534, 65534), 0);
    EXPECT_NE(unsafe(file_).find("belongs to uid 65534"), std::string::npos) << unsafe(file_);
    EXPECT_EQ(mend(file_), "chown root '" + file_ + "'");
    ASSERT_EQ(::chown(file_.c_str(), 0, 0), 0);
    ASSERT_EQ(::chown(at("dir").c_str(), 65534, 0), 0);
    EXPECT_NE(unsafe(file_).find(at("dir") + " belongs to"), std::string::npos);
    ASSERT_EQ(::chown(at("dir").c_str(), 0, 0), 0);
    // A link of another's in a sticky directory can be turned elsewhere by them.
    ASSERT_EQ(::mkdir(at("tmp").c_str(), 0755), 0);
    ::chmod(at("tmp").c_str(), 01777);
    link(file_, "tmp/program");
    EXPECT_EQ(unsafe(at("tmp/program")), "");
    ASSERT_EQ(::lchown(at("tmp/program").c_str(), 65534, 65534), 0);
    EXPECT_NE(unsafe(at("tmp/program")).find("belongs to uid 65534"), std::string::npos);
}

TEST_F(guarded_path, is_an_error_where_there_is_no_file_to_look_at) {
    expect_error("", "not absolute");
    expect_error("dir/program", "not absolute");
    expect_error(std::string("/x\0y", 4), "not absolute");
    expect_error(at("none"), "no file");
    expect_error(at("none/program"), "no file");
    expect_error(file_ + "/program", "no file");
    expect_error(at("dir"), "directory");
    expect_error("/", "directory");
    link("loop", "loop");
    expect_error(at("loop"), "leads nowhere");
    link("none", "dangling");
    expect_error(at("dangling"), "no file");
    ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
    expect_error(at("pipe"), "not a regular file");
    expect_error("/dev/null", "not a regular file");
}

}  // namespace
}  // namespace launcher
