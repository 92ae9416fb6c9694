#include "launcher/output_reader.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace launcher {
namespace {

class output_reader_test : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "output-reader-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory_ = name;
        path_ = directory_ + "/out.log";
        append("before\n");
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    void append(const std::string& text) { std::ofstream(path_, std::ios::app) << text; }
    static bool readable(const output_reader& reader) {
        pollfd waiting{reader.event_fd(), POLLIN, 0};
        return ::poll(&waiting, 1, 0) == 1;
    }

    std::string directory_, path_;
};

TEST_F(output_reader_test, reads_from_where_it_is_told_and_on) {
    auto reader = output_reader::open(path_, 7);
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->read_new(), "");
    append("one\n");
    append("two\n");
    EXPECT_EQ(reader->read_new(), "one\ntwo\n");
    EXPECT_EQ(reader->read_new(), "");
    EXPECT_EQ(reader->offset(), 15u);
}

TEST_F(output_reader_test, wakes_whoever_waits) {
    auto reader = output_reader::open(path_, 0);
    ASSERT_TRUE(reader);
    reader->read_new();
    EXPECT_FALSE(readable(*reader));
    append("one\n");
    EXPECT_TRUE(readable(*reader));
    reader->read_new();
    EXPECT_FALSE(readable(*reader));
}

TEST_F(output_reader_test, hands_out_no_more_than_asked) {
    auto reader = output_reader::open(path_, 0);
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->read_new(4), "befo");
    EXPECT_EQ(reader->read_new(4), "re\n");
    EXPECT_EQ(reader->read_new(4), "");
}

TEST_F(output_reader_test, starts_again_when_the_file_was_cut) {
    auto reader = output_reader::open(path_, 0);
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->read_new(), "before\n");
    std::filesystem::resize_file(path_, 0);
    append("cut\n");
    EXPECT_TRUE(readable(*reader));
    EXPECT_EQ(reader->read_new(), "cut\n");
}

TEST_F(output_reader_test, follows_the_file_not_the_name) {
    auto reader = output_reader::open(path_, 7);
    ASSERT_TRUE(reader);
    std::filesystem::rename(path_, directory_ + "/out.log.1");
    append("another file\n");
    std::ofstream(directory_ + "/out.log.1", std::ios::app) << "same file\n";
    EXPECT_EQ(reader->read_new(), "same file\n");
}

TEST_F(output_reader_test, says_why_a_file_cannot_be_read) {
    const auto reader = output_reader::open(directory_ + "/none", 0);
    ASSERT_FALSE(reader);
    EXPECT_NE(reader.error().find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace launcher
