#include "gateway/permissions.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "auth/policy_file.h"

namespace gateway {
namespace {

using protocol::op_class;

auth::identity person(std::string user) {
    auth::identity who;
    who.user = std::move(user);
    return who;
}

class permissions_test : public ::testing::Test {
protected:
    void SetUp() override {
        char pattern[] = "/tmp/delvegate-permissions-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern), nullptr);
        directory_ = pattern;
        file_ = (directory_ / "policy.yaml").string();
        component_config app;
        app.name = "app";
        app.users = {"carol"};
        components_.push_back(app);
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }
    void write(const std::string& text) { std::ofstream(file_) << text; }

    std::filesystem::path directory_;
    std::string file_;
    std::vector<component_config> components_;
};

TEST_F(permissions_test, lists_of_the_configuration_alone) {
    permissions now({}, components_);
    EXPECT_TRUE(now.of(person("carol"), "app").allows("Restart", {op_class::lifecycle}));
    EXPECT_FALSE(now.of(person("alice"), "app").sees());
    EXPECT_TRUE(now.reload());
    EXPECT_TRUE(now.of(person("carol"), "app").sees());
    EXPECT_FALSE(now.of(person("carol"), "other").sees());
}

TEST_F(permissions_test, a_file_is_in_force_once_read_and_replaced_at_once) {
    write("bindings: [{role: observer, users: [alice], components: [app]}]\n...\n");
    permissions now(file_, components_);
    EXPECT_FALSE(now.of(person("alice"), "app").sees());
    int told = 0;
    now.on_change([&] {
        ++told;
        // What is decided from here on is decided by the new one.
        EXPECT_EQ(now.of(person("alice"), "app").sees(), told == 1);
    });
    ASSERT_TRUE(now.reload());
    EXPECT_EQ(told, 1);
    const auto before = now.generation();
    write("bindings: []\n...\n");
    ASSERT_TRUE(now.reload());
    EXPECT_EQ(told, 2);
    EXPECT_GT(now.generation(), before);
    EXPECT_FALSE(now.of(person("alice"), "app").sees());
    EXPECT_TRUE(now.of(person("carol"), "app").sees());
}

TEST_F(permissions_test, a_broken_file_keeps_the_old_policy) {
    write("bindings: [{role: observer, users: [alice], components: [app]}]\n...\n");
    permissions now(file_, components_);
    ASSERT_TRUE(now.reload());
    int told = 0;
    now.on_change([&] { ++told; });
    for (const char* broken : {"bindings: []\n", "bindings: [{role: obser", "", "bindings: [{role: none}]\n...\n"}) {
        write(broken);
        const auto reloaded = now.reload();
        ASSERT_FALSE(reloaded) << broken;
        EXPECT_EQ(reloaded.error(), now.error());
        EXPECT_TRUE(now.error().starts_with(file_)) << now.error();
        EXPECT_TRUE(now.of(person("alice"), "app").sees());
    }
    std::filesystem::remove(file_);
    EXPECT_FALSE(now.reload());
    EXPECT_TRUE(now.of(person("alice"), "app").sees());
    EXPECT_EQ(told, 0);
    write("bindings: []\n...\n");
    EXPECT_TRUE(now.reload());
    EXPECT_EQ(now.error(), "");
    EXPECT_EQ(told, 1);
}

TEST_F(permissions_test, replace_takes_the_place_of_the_file_only) {
    permissions now({}, components_);
    now.replace(*auth::parse_policy("bindings: [{role: reader, users: [alice], components: [app]}]\n...\n", "p"));
    EXPECT_TRUE(now.of(person("alice"), "app").allows("Eval", {op_class::read}));
    EXPECT_TRUE(now.of(person("carol"), "app").allows("Restart", {op_class::lifecycle}));
    now.replace({});
    EXPECT_FALSE(now.of(person("alice"), "app").sees());
    EXPECT_TRUE(now.of(person("carol"), "app").sees());
}

}  // namespace
}  // namespace gateway
