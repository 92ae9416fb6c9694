#include "launcher/path_rewrite.h"

#include "daemon_set_fixtures.h"
#include "launcher/base64.h"

namespace launcher {
namespace {

std::vector<path_mapping> mappings() {
    std::vector<path_mapping> out{{"/var/lib/kube-proxy", "/S/kube-proxy"}, {"/var/lib/kube-proxy/deep", "/S/deep"}};
    add_mapping(out, account_directory, "/S/account");
    return out;
}

TEST(path_rewrite, WhereAPathStands) {
    const std::pair<const char*, const char*> vectors[] = {
        {"--config=/var/lib/kube-proxy/config.conf", "--config=/S/kube-proxy/config.conf"},
        {"/var/lib/kube-proxy", "/S/kube-proxy"},
        {"/var/lib/kube-proxy/deep/x", "/S/deep/x"},
        {"/var/lib/kube-proxy/deeper", "/S/kube-proxy/deeper"},
        {"/var/lib/kube-proxy2", "/var/lib/kube-proxy2"},
        {"/var/lib/kube-proxy.bak", "/var/lib/kube-proxy.bak"},
        {"/mnt/var/lib/kube-proxy", "/mnt/var/lib/kube-proxy"},
        {"a/var/lib/kube-proxy", "a/var/lib/kube-proxy"},
        {"https://host/var/lib/kube-proxy", "https://host/var/lib/kube-proxy"},
        {"unix:///var/lib/kube-proxy/s.sock", "unix:///S/kube-proxy/s.sock"},
        {"/var/lib/kube-proxy/a,/var/lib/kube-proxy/b:host", "/S/kube-proxy/a,/S/kube-proxy/b:host"},
        {"\"/var/lib/kube-proxy/a\"", "\"/S/kube-proxy/a\""},
        {"/run/secrets/kubernetes.io/serviceaccount/token", "/S/account/token"},
        {"/var/run/secrets/kubernetes.io/serviceaccount/token", "/S/account/token"},
        {"", ""},
    };
    for (const auto& [text, expected] : vectors) EXPECT_EQ(rewrite_paths(text, mappings()).text, expected);
}

TEST(path_rewrite, KubeProxysFiles) {
    auto expected = proxy_config;
    const std::string line = "  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf";
    expected.replace(expected.find(line), line.size(), "  kubeconfig: /S/kube-proxy/kubeconfig.conf");
    const auto config = rewrite_file(proxy_config, mappings());
    EXPECT_EQ(config.text, expected);  // the comment stays, and every other byte
    EXPECT_EQ(config.places, 1u);
    const auto kubeconfig = rewrite_file(proxy_kubeconfig, mappings());
    EXPECT_EQ(kubeconfig.places, 2u);
    EXPECT_NE(kubeconfig.text.find("tokenFile: /S/account/token\n"), std::string::npos);
    EXPECT_NE(kubeconfig.text.find("certificate-authority: /S/account/ca.crt\n"), std::string::npos);
}

TEST(path_rewrite, OnlyYAMLAndJSON) {
    const std::string script = "#!/bin/sh\ncat /var/lib/kube-proxy/x\n", binary("\x7f""ELF /var/lib/kube-proxy\0", 24);
    EXPECT_EQ(rewrite_file(script, mappings()).text, script);
    EXPECT_EQ(rewrite_file(binary, mappings()).text, binary);
    EXPECT_EQ(rewrite_file(R"({"kubeconfig":"/var/lib/kube-proxy/k"})", mappings()).text, R"({"kubeconfig":"/S/kube-proxy/k"})");
}

TEST(base64, Decodes) {
    EXPECT_EQ(decode_base64(""), "");
    EXPECT_EQ(decode_base64("Zg=="), "f");
    EXPECT_EQ(decode_base64("Zm8="), "fo");
    EXPECT_EQ(decode_base64("Zm9vYmFy"), "foobar");
    EXPECT_EQ(decode_base64("/+8="), "\xff\xef");
    for (const auto* wrong : {"Z", "Zg", "Zg=", "Zh==", "Z===", "====", "Zm9v\n", "Zm 8", "Zg==Zg=="})
        EXPECT_FALSE(decode_base64(wrong)) << wrong;
}

}  // namespace
}  // namespace launcher
