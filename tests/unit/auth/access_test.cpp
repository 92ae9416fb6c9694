#include "auth/access.h"

#include <gtest/gtest.h>

namespace {

auth::identity alice() {
    auth::identity who;
    who.user = "alice";
    who.groups = {"developers", "on-call"};
    return who;
}

TEST(access, admits_nobody_when_nobody_is_listed) { EXPECT_FALSE(auth::admitted(alice(), {})); }

TEST(access, admits_a_listed_user) {
    EXPECT_TRUE(auth::admitted(alice(), {{"bob", "alice"}, {}}));
    EXPECT_FALSE(auth::admitted(alice(), {{"bob"}, {}}));
}

TEST(access, admits_by_any_group) {
    EXPECT_TRUE(auth::admitted(alice(), {{}, {"on-call"}}));
    EXPECT_FALSE(auth::admitted(alice(), {{}, {"admins"}}));
}

TEST(access, compares_byte_for_byte) {
    for (const char* near : {"Alice", "alice ", "alic", "alicee", "*", ""})
        EXPECT_FALSE(auth::admitted(alice(), {{near}, {near}})) << near;
}

TEST(access, does_not_take_a_group_for_a_user_of_the_same_name) {
    EXPECT_FALSE(auth::admitted(alice(), {{"developers"}, {"alice"}}));
}

TEST(access, matches_no_empty_names) {
    auth::identity nobody;
    nobody.groups = {"", "developers"};
    EXPECT_FALSE(auth::admitted(nobody, {{""}, {""}}));
    EXPECT_FALSE(auth::admitted(nobody, {{}, {"developers"}}));
    nobody.user = "carol";
    EXPECT_FALSE(auth::admitted(nobody, {{""}, {""}}));
}

}  // namespace
