#include "gateway/kubeconfig.h"

#include <gtest/gtest.h>

#include "auth/armor.h"

namespace gateway {
namespace {

// A kubeconfig whose user `me` has these lines.
std::string with_user(const std::string& lines) {
    return "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
           "contexts:\n- name: here\n  context: {cluster: c, user: me}\n- name: there\n  context: {cluster: c, user: nobody}\n"
           "users:\n- name: me\n  user:\n" + lines;
}

std::string refusal(const std::string& text, const std::string& context = {}) {
    const auto read = parse_kubeconfig(text, "config", "/home/me/.kube", context);
    return read ? "accepted" : read.error();
}

TEST(kubeconfig, inline_data_stays_in_memory) {
    const auto read = parse_kubeconfig(with_user("    client-certificate-data: " + auth::to_base64("CERT") +
                                                 "\n    client-key-data: " + auth::to_base64("KEY") + "\n"),
                                       "config", "/home/me/.kube", "");
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->files.certificate_pem, "CERT");
    EXPECT_EQ(read->files.key_pem, "KEY");
    EXPECT_EQ(read->files.key, "client-key-data in config");
    EXPECT_EQ(read->user, "me");
    EXPECT_EQ(read->context, "here");
}

TEST(kubeconfig, files_are_relative_to_it) {
    const auto read = parse_kubeconfig(with_user("    client-certificate: pki/me.crt\n    client-key: /etc/me.key\n"), "config",
                                       "/home/me/.kube", "here");
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->files.certificate, "/home/me/.kube/pki/me.crt");
    EXPECT_EQ(read->files.key, "/etc/me.key");
    EXPECT_TRUE(read->files.key_pem.empty());
}

TEST(kubeconfig, users_without_a_certificate_are_told_what_to_do) {
    const std::string certificate = "    client-certificate: a\n    client-key: b\n";
    const struct { std::string lines; const char* said; } cases[] = {
        {"    exec: {command: aws}\n", "by the plugin in `exec`"},
        {certificate + "    exec: {command: aws}\n", "by the plugin in `exec`"},
        {"    auth-provider: {name: gcp}\n", "by an `auth-provider`"},
        {"    token: s3cr3t\n", "by a token"},
        {"    tokenFile: /run/token\n", "by a token"},
        {"    username: me\n    password: s3cr3t\n", "by a password"},
    };
    for (const auto& one : cases) {
        const auto said = refusal(with_user(one.lines));
        EXPECT_NE(said.find(one.said), said.npos) << said;
        EXPECT_NE(said.find("delvegate enroll"), said.npos) << said;
        EXPECT_EQ(said.find("s3cr3t"), said.npos) << said;
        EXPECT_EQ(said.find('\n'), said.npos) << said;
    }
}

TEST(kubeconfig, what_is_missing_or_wrong_is_named) {
    EXPECT_NE(refusal(with_user("    client-certificate: a\n")).find("has no client-key"), std::string::npos);
    EXPECT_NE(refusal(with_user("    client-key: a\n")).find("has no client-certificate"), std::string::npos);
    EXPECT_NE(refusal(with_user("    client-certificate-data: '%%%'\n    client-key: a\n")).find("not base64"), std::string::npos);
    EXPECT_NE(refusal(with_user("    {}\n"), "elsewhere").find("those there are: here, there"), std::string::npos);
    EXPECT_NE(refusal(with_user("    {}\n"), "there").find("\"nobody\", who is not in the file"), std::string::npos);
    EXPECT_NE(refusal("apiVersion: v1\n").find("no current-context"), std::string::npos);
    for (const char* odd : {"", "[]", "x", "a: [", "current-context: [x]", "current-context: x\ncontexts: x",
                            "current-context: x\ncontexts: [x]", "current-context: x\ncontexts: [{name: x}]",
                            "current-context: x\ncontexts: [{name: x, context: y}]",
                            "current-context: x\ncontexts: [{name: x, context: {user: u}}]\nusers: [{name: u}]",
                            "current-context: x\ncontexts: [{name: x, context: {user: u}}]\nusers: [{name: u, user: []}]"}) {
        const auto said = refusal(odd);
        EXPECT_NE(said, "accepted") << odd;
        EXPECT_EQ(said.find('\n'), said.npos) << said;
    }
}

}  // namespace
}  // namespace gateway
