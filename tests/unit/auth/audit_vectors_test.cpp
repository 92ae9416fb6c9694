// Files as others could make them (tests/vectors/audit): NAME.jsonl, and in NAME.faults how each line
// that is reported begins ("2: record 2 was changed"); without it the file is sound.
#include <gtest/gtest.h>

#include "tests/unit/auth/audit_support.h"

namespace auth::audit_test {
namespace {

TEST(audit_vectors, are_judged_as_they_say) {
    const std::filesystem::path folder = DELVEGATE_SOURCE_DIR "/tests/vectors/audit";
    int sound = 0, wrong = 0;
    for (const auto& at : std::filesystem::directory_iterator(folder)) {
        if (at.path().extension() != ".jsonl") continue;
        const std::string name = at.path().filename().string();
        auto expected_file = at.path();
        expected_file.replace_extension(".faults");
        std::vector<std::string> expected;
        if (std::filesystem::exists(expected_file)) expected = lines_of(expected_file.string());
        ++(expected.empty() ? sound : wrong);
        const auto sum = verify(at.path().string());
        ASSERT_EQ(sum.faults.size(), expected.size()) << name << "\n" << faults(sum);
        for (std::size_t i = 0; i < expected.size(); ++i)
            EXPECT_TRUE(to_string(sum.faults[i]).starts_with(name + ":" + expected[i])) << to_string(sum.faults[i]);
    }
    EXPECT_GT(sound, 0);
    EXPECT_GT(wrong, 30);
}

}  // namespace
}  // namespace auth::audit_test
