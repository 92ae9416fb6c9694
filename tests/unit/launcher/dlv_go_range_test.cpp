#include "launcher/dlv_go_range.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

std::string fits(const dlv_version& dlv, const std::string& go, int dwarf = 4,
                 const std::string& dlv_go = {}) {
    const auto unfit = check_dlv_fits(dlv, dlv_go, go, dwarf);
    if (!unfit) return "fits";
    EXPECT_NE(unfit->text, "");
    EXPECT_NE(unfit->mend, "");
    return unfit->how == severity::refusal ? "refused" : "warned of";
}

TEST(go_range, is_what_each_release_says) {
    const auto expect = [](const dlv_version& dlv, int oldest, int newest) {
        const auto range = go_range_of(dlv);
        EXPECT_EQ(range.oldest.minor, oldest) << to_string(dlv);
        EXPECT_EQ(range.newest.minor, newest) << to_string(dlv);
        EXPECT_TRUE(range.known) << to_string(dlv);
    };
    expect({1, 20, 0}, 18, 20);
    expect({1, 20, 2}, 18, 20);
    expect({1, 21, 0}, 18, 21);
    expect({1, 21, 2}, 19, 21);
    expect({1, 22, 1}, 19, 22);
    expect({1, 23, 1}, 21, 23);
    expect({1, 24, 2}, 21, 24);
    expect({1, 25, 0}, 21, 24);
    expect({1, 25, 1}, 22, 25);
    expect({1, 26, 3}, 24, 26);
    expect({1, 27, 1}, 25, 27);
}

TEST(go_range, of_other_releases_follows_their_rule) {
    EXPECT_FALSE(go_range_of({1, 28, 0}).known);
    EXPECT_EQ(go_range_of({1, 28, 0}).newest.minor, 28);
    EXPECT_EQ(go_range_of({1, 28, 0}).oldest.minor, 26);
    EXPECT_FALSE(go_range_of({1, 9, 1}).known);
    EXPECT_EQ(go_range_of({1, 9, 1}).newest.minor, 19);
    EXPECT_EQ(go_range_of({1, 9, 1}).oldest.minor, 17);
}

TEST(go_range, refuses_what_dlv_would_refuse) {
    EXPECT_EQ(fits({1, 20, 2}, "go1.17.13"), "refused");
    EXPECT_EQ(fits({1, 20, 2}, "go1.18"), "fits");
    EXPECT_EQ(fits({1, 20, 2}, "go1.19.8"), "fits");
    EXPECT_EQ(fits({1, 20, 2}, "go1.20.14"), "fits");
    EXPECT_EQ(fits({1, 20, 2}, "go1.21.0"), "refused");
    EXPECT_EQ(fits({1, 27, 1}, "go1.24.9"), "refused");
    EXPECT_EQ(fits({1, 27, 1}, "go1.25rc1"), "fits");
    EXPECT_EQ(fits({1, 27, 1}, "go1.26.8", 5), "fits");
    EXPECT_EQ(fits({1, 27, 1}, "go1.28.0"), "refused");
    EXPECT_EQ(fits({1, 28, 3}, "go1.29.0"), "warned of");
    EXPECT_EQ(fits({1, 20, 2}, "devel +abcdef Mon"), "fits") << "dlv does not check those";
}

TEST(go_range, knows_that_dwarf_5_takes_a_dlv_made_by_go_1_25) {
    EXPECT_EQ(fits({1, 24, 1}, "go1.24.0", 5), "refused");
    EXPECT_EQ(fits({1, 25, 1}, "go1.25.0", 5, "go1.24.6"), "refused");
    EXPECT_EQ(fits({1, 25, 1}, "go1.25.0", 4, "go1.24.6"), "fits");
    EXPECT_EQ(fits({1, 25, 1}, "go1.25.0", 5, "go1.25.0"), "fits");
    EXPECT_EQ(fits({1, 25, 1}, "go1.25.0", 5), "fits") << "dlv will say if not";
}

TEST(go_range, names_the_dlv_to_install) {
    EXPECT_EQ(check_dlv_fits({1, 27, 1}, "", "go1.19.8", 4)->mend,
              "go install github.com/go-delve/delve/cmd/dlv@v1.22.1   # and name it as the "
              "component's dlv");
    EXPECT_EQ(check_dlv_fits({1, 20, 2}, "", "go1.26.8", 5)->mend,
              "go install github.com/go-delve/delve/cmd/dlv@v1.27.1   # and name it as the "
              "component's dlv");
    EXPECT_NE(check_dlv_fits({1, 20, 2}, "", "go1.15.1", 4)->mend.find("Go 1.18 or later"),
              std::string::npos);
    EXPECT_NE(check_dlv_fits({1, 27, 1}, "", "go1.31.0", 4)->mend.find("@latest"),
              std::string::npos);
    const auto unfit = check_dlv_fits({1, 27, 1}, "", "go1.19.8", 4);
    EXPECT_EQ(unfit->text, "it was made by go1.19.8, and dlv 1.27.1 debugs Go 1.25 to 1.27");
}

TEST(go_version, is_understood_in_each_of_its_forms) {
    const auto expect = [](const std::string& text, int minor) {
        const auto version = parse_go_version(text);
        ASSERT_TRUE(version) << text;
        EXPECT_EQ(*version, (go_number{1, minor})) << text;
    };
    expect("go1.19.8", 19);
    expect("go1.24", 24);
    expect("go1.25rc1", 25);
    expect("go1.24.6 X:boringcrypto", 24);
    expect("go1.25-devel_abcdef", 25);
    expect("devel go1.26-abcdef Mon", 26);
    expect("go1.20.5-google", 20);
    for (const auto* text : {"", "1.2", "go", "go1", "go1.", "gox.y", "devel +abc", "go-1.2"})
        EXPECT_FALSE(parse_go_version(text)) << text;
}

}  // namespace
}  // namespace launcher
