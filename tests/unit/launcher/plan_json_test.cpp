#include "launcher/plan_json.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

component_plan plan() {
    component_plan out;
    out.definition.name = "kube-scheduler";
    out.found_in = "/etc/kubernetes/manifests/kube-scheduler.yaml";
    out.manifest_hash = std::string(64, 'c');
    out.process.argv = {{"kube-scheduler", "command[0]"}, {"--v=2", "command[1]"}};
    out.process.env = {{"GOGC", {"80", "env"}}};
    out.binary = "/opt/debug/kube-scheduler";
    return out;
}

TEST(plan_json, the_hash_is_of_what_start_would_do) {
    const auto before = *plan_hash(plan());
    EXPECT_EQ(before.size(), 64u);
    EXPECT_EQ(*plan_hash(plan()), before);
    const auto differs = [&](auto change) {
        auto other = plan();
        change(other);
        return *plan_hash(other) != before;
    };
    EXPECT_TRUE(differs([](auto& p) { p.process.argv[1].value = "--v=3"; }));
    EXPECT_TRUE(differs([](auto& p) { p.process.env[0].second.value = "90"; }));
    EXPECT_TRUE(differs([](auto& p) { p.process.uid = 1; }));
    EXPECT_TRUE(differs([](auto& p) { p.process.mounts.push_back({"/a", "/b", true}); }));
    EXPECT_TRUE(differs([](auto& p) { p.binary = "/opt/other"; }));
    EXPECT_TRUE(differs([](auto& p) { p.manifest_hash = std::string(64, 'd'); }));
    EXPECT_TRUE(differs([](auto& p) { p.definition.ceiling.add(protocol::op_class::mutate); }));
    EXPECT_TRUE(differs([](auto& p) { p.definition.memory_limit = 0; }));
    EXPECT_FALSE(differs([](auto& p) { p.memory_needed = 7; }));
    EXPECT_FALSE(differs([](auto& p) { p.findings.push_back({severity::note, "x", ""}); }));
    EXPECT_FALSE(differs([](auto& p) { p.hash = "x"; }));
}

// Two words are not one with a separator in it.
TEST(plan_json, the_hash_keeps_words_apart) {
    auto one = plan();
    auto two = plan();
    one.process.argv = {{"a", "s"}, {"b", "s"}};
    two.process.argv = {{"a\",\"source\":\"s\"},{\"value\":\"b", "s"}};
    EXPECT_NE(*plan_hash(one), *plan_hash(two));
}

TEST(plan_json, what_is_a_secret_by_its_name) {
    for (const char* name : {"API_TOKEN", "token", "--token", "--kube-api-token", "DB_PASSWORD", "PGPASSWD", "clientSecret", "AWS_SECRET_ACCESS_KEY",
                             "AWS_ACCESS_KEY_ID", "apiKey", "api-key", "CREDENTIALS", "PRIVATE_KEY", "AUTHORIZATION", "MYSQL_PWD", "SENTRY_DSN"})
        EXPECT_TRUE(is_secret_name(name)) << name;
    for (const char* name : {"PATH", "GOGC", "--v", "--tls-private-key-file", "--token-auth-file", "AWS_WEB_IDENTITY_TOKEN_FILE", "KUBECONFIG",
                             "--authentication-kubeconfig", "SECRET_NAME", "--profiling", "HOSTNAME"})
        EXPECT_FALSE(is_secret_name(name)) << name;
}

TEST(plan_json, masks_for_all_but_root) {
    auto with = plan();
    with.process.argv = {{"p", "s"}, {"--token=s3cret1", "s"}, {"--password", "s"}, {"s3cret2", "s"}, {"--etcd=https://u:s3cret3@h:1/x", "s"},
                         {"s3cret4", "Secret default/x key y"}, {"--tls-private-key-file=/pki/apiserver.key", "s"}, {"--token", "s"}, {"--v=2", "s"}};
    with.process.env = {{"API_TOKEN", {"s3cret5", "env"}}, {"PLAIN", {"s3cret6", "secretKeyRef db/password"}}, {"EMPTY_TOKEN", {"", "env"}},
                        {"PROXY", {"http://me:s3cret7@proxy:3128", "env"}}, {"GOGC", {"80", "env"}}};
    const auto hidden = protocol::to_text(to_json(with, shown::masked));
    EXPECT_EQ(hidden.find("s3cret"), std::string::npos) << hidden;
    EXPECT_EQ(hidden.find("manifestHash"), std::string::npos);
    for (const char* kept : {"/pki/apiserver.key", "--v=2", "proxy:3128", "h:1/x", "\"80\"", "API_TOKEN", "--token="})
        EXPECT_NE(hidden.find(kept), std::string::npos) << kept;
    const auto all = protocol::to_text(to_json(with, shown::everything));
    for (int i = 1; i <= 7; ++i) EXPECT_NE(all.find("s3cret" + std::to_string(i)), std::string::npos);
}

TEST(plan_json, states_have_names) {
    for (int i = 0; i <= static_cast<int>(component_state::not_put_back); ++i) {
        const auto state = static_cast<component_state>(i);
        EXPECT_EQ(component_state_named(to_string(state)), state);
    }
    EXPECT_FALSE(component_state_named("gone"));
}

}  // namespace
}  // namespace launcher
