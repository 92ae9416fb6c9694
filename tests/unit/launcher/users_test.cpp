#include "launcher/users.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

namespace launcher {
namespace {

TEST(user_account, without_a_name_is_the_caller) {
    const auto account = resolve_user("");
    ASSERT_TRUE(account);
    EXPECT_TRUE(account->is_caller);
    EXPECT_EQ(account->uid, ::geteuid());
}

TEST(user_account, that_does_not_exist_is_named) {
    const auto account = resolve_user("no-such-user-here");
    ASSERT_FALSE(account);
    EXPECT_NE(account.error().find("no user no-such-user-here"), std::string::npos)
        << account.error();
}

TEST(user_account, other_than_the_caller_needs_root) {
    const auto account = resolve_user(::geteuid() == 0 ? "nobody" : "root");
    if (::geteuid() == 0) {
        ASSERT_TRUE(account);
        EXPECT_FALSE(account->is_caller);
        EXPECT_NE(std::find(account->groups.begin(), account->groups.end(), account->gid),
                  account->groups.end());
    } else {
        ASSERT_FALSE(account);
        EXPECT_NE(account.error().find("only root"), std::string::npos) << account.error();
    }
}

}  // namespace
}  // namespace launcher
