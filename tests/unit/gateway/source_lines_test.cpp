#include "gateway/source_lines.h"

#include <gtest/gtest.h>

#include <ctime>

namespace gateway {
namespace {

TEST(source_lines, time_of_a_program_is_read_in_its_zone) {
    EXPECT_EQ(read_modified(R"({"Time":"1970-01-02T00:00:01Z"})"), 86401);
    EXPECT_EQ(read_modified(R"({"Time":"1970-01-02T01:00:01.987654321+01:00"})"), 86401);
    EXPECT_EQ(read_modified(R"({"Time":"1970-01-01T18:30:01.5-05:30"})"), 86401);
    for (const char* wrong : {"", "{}", R"({"Time":"yesterday"})", R"({"Time":"1970-01-02T00:00:01"})", R"({"Time":"1970-01-02T00:00:01+1"})"})
        EXPECT_FALSE(read_modified(wrong)) << wrong;
}

TEST(source_lines, nothing_outside_and_no_device_is_read) {
    const std::time_t now = std::time(nullptr);
    EXPECT_FALSE(read_source_line("/usr", "../etc/passwd", 1, now));
    EXPECT_FALSE(read_source_line("/usr", "/etc/passwd", 1, now));
    EXPECT_FALSE(read_source_line("/dev", "zero", 1, now));
    EXPECT_FALSE(read_source_line("/proc", "self/cmdline", 1, now));
    EXPECT_TRUE(read_source_line("/etc", "passwd", 1, now));
    EXPECT_FALSE(read_source_line("/etc", "passwd", 0, now));
    EXPECT_FALSE(read_source_line("/etc", "passwd", 1000000, now));
    EXPECT_FALSE(read_source_line("/etc", "passwd", 1, 0));
}

}  // namespace
}  // namespace gateway
