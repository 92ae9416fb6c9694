#include "protocol/error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace {

TEST(error, has_its_own_sentence_for_each_value) {
    std::set<std::string> sentences;
    constexpr int last = static_cast<int>(protocol::errc::bad_reply);
    for (int value = 1; value <= last; ++value)
        sentences.insert(protocol::category().message(value));
    EXPECT_EQ(sentences.size(), static_cast<std::size_t>(last));
    EXPECT_FALSE(sentences.contains(protocol::category().message(last + 1)));
}

TEST(error, names_its_category) {
    const protocol::error_code ec = protocol::errc::bad_id;
    EXPECT_STREQ(ec.category().name(), "protocol");
    EXPECT_TRUE(ec.failed());
}

}  // namespace
