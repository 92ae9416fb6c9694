#include "launcher/pod_quantity.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

TEST(pod_quantity, is_read_and_rounded_up) {
    struct {
        const char* text;
        std::uint64_t milli;
        std::uint64_t whole;
    } const rows[] = {
        {"0", 0, 0},           {"1", 1000, 1},        {"100m", 100, 1},      {"1.5", 1500, 2},
        {"1500m", 1500, 2},    {".5", 500, 1},        {"1n", 1, 1},          {"2u", 1, 1},
        {"1Ki", 1024000, 1024}, {"1.5Gi", 1610612736000, 1610612736}, {"2k", 2000000, 2000}, {"1e3", 1000000, 1000},
        {"1E-3", 1, 1},        {"+3", 3000, 3},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(quantity_whole(row.text), row.whole) << row.text;
        EXPECT_EQ(quantity_milli(row.text), row.milli) << row.text;
    }
    EXPECT_EQ(quantity_whole("1E"), 1000000000000000000ull);
    EXPECT_FALSE(quantity_milli("1E")) << "beyond 2^64 thousandths";
    EXPECT_EQ(quantity_whole("15Ei"), 15ull << 60);
}

TEST(pod_quantity, is_refused_when_it_is_none) {
    for (const char* text : {"", ".", "-1", "1.2.3", "1 Gi", "Gi", "1gi", "1e", "1e99", "m", "16Ei", "99999999999999999999999", "1K"})
        EXPECT_FALSE(quantity_whole(text)) << text;
}

}  // namespace
}  // namespace launcher
