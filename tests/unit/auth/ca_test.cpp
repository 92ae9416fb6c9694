#include "auth/ca.h"

#include <gtest/gtest.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>

#include "auth/certificate_names.h"
#include "auth/identity.h"
#include "odd_certificate.h"

namespace auth::test {

namespace {

using namespace std::chrono_literals;

mode_t mode_of(const std::string& file) {
    struct stat st {};
    return ::stat(file.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
}

leaf_request developer() {
    leaf_request request;
    request.common_name = "alice";
    request.groups = {"developers", "on-call"};
    return request;
}

leaf_request gateway(std::vector<std::string> hosts = {"node1", "192.0.2.1", "2001:db8::1", "scheduler.node1"}) {
    leaf_request request;
    request.server = true;
    request.common_name = "node1";
    request.hosts = std::move(hosts);
    return request;
}

}  // namespace

TEST(ca, makes_a_private_directory_with_a_constrained_certificate) {
    const scratch dir;
    const auto made = ensure_ca(dir / "deep/er/ca", "delvegate at node1");
    ASSERT_TRUE(made) << made.error();
    EXPECT_EQ(mode_of(dir / "deep/er/ca"), 0700u);
    EXPECT_EQ(mode_of(dir / "deep/er/ca/ca.key"), 0600u);
    const auto ca = load_certificate(dir / "deep/er/ca/ca.crt");
    ASSERT_TRUE(ca) << ca.error();
    EXPECT_EQ(X509_check_ca(ca->get()), 1);
    EXPECT_EQ(X509_get_pathlen(ca->get()), 0);
    EXPECT_EQ(X509_get_key_usage(ca->get()), static_cast<unsigned>(KU_KEY_CERT_SIGN | KU_CRL_SIGN));
    EXPECT_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(ca->get())), 256);
}

TEST(ca, keeps_what_is_there) {
    const scratch dir;
    ASSERT_TRUE(ensure_ca(dir / "ca", "one"));
    const auto before = contents(dir / "ca/ca.crt") + contents(dir / "ca/ca.key");
    ASSERT_TRUE(ensure_ca(dir / "ca", "another"));
    EXPECT_EQ(contents(dir / "ca/ca.crt") + contents(dir / "ca/ca.key"), before);
}

TEST(ca, replaces_a_key_without_a_certificate) {
    const scratch dir;
    ASSERT_TRUE(ensure_ca(dir / "ca", "one"));
    ASSERT_EQ(::unlink((dir / "ca/ca.crt").c_str()), 0);
    const auto again = ensure_ca(dir / "ca", "one");
    ASSERT_TRUE(again) << again.error();
    EXPECT_TRUE(issue(dir / "ca", developer(), dir / "a.crt", dir / "a.key"));
}

TEST(ca, never_overwrites_a_pair_that_does_not_fit) {
    const scratch dir;
    ASSERT_TRUE(ensure_ca(dir / "ca", "one"));
    ASSERT_TRUE(ensure_ca(dir / "other", "two"));
    const auto certificate = contents(dir / "ca/ca.crt");
    put(dir / "ca/ca.key", contents(dir / "other/ca.key"));
    const auto again = ensure_ca(dir / "ca", "one");
    ASSERT_FALSE(again);
    EXPECT_NE(again.error().find("does not belong to"), std::string::npos) << again.error();
    EXPECT_EQ(contents(dir / "ca/ca.crt"), certificate);
}

TEST(ca, says_what_is_wrong_with_a_name) {
    const scratch dir;
    EXPECT_FALSE(ensure_ca(dir / "ca", ""));
    EXPECT_FALSE(ensure_ca(dir / "ca", std::string(65, 'x')));
    EXPECT_FALSE(std::filesystem::exists(dir / "ca/ca.crt"));
}

TEST(ca, issues_a_client_that_identifies_as_asked) {
    const scratch dir;
    const auto files = issued(dir, "alice", developer());
    EXPECT_EQ(mode_of(files.key), 0600u);
    const auto certificate = load_certificate(files.certificate);
    ASSERT_TRUE(certificate) << certificate.error();
    const auto who = identify(certificate->get());
    ASSERT_TRUE(who) << who.error();
    EXPECT_EQ(who->user, "alice");
    EXPECT_EQ(who->groups, developer().groups);
    EXPECT_EQ(who->issuer, "CN=a test CA");
    EXPECT_EQ(X509_get_extended_key_usage(certificate->get()), static_cast<unsigned>(XKU_SSL_CLIENT));
    EXPECT_EQ(X509_get_key_usage(certificate->get()), static_cast<unsigned>(KU_DIGITAL_SIGNATURE));
    EXPECT_EQ(X509_check_ca(certificate->get()), 0);
    EXPECT_TRUE(certificate_names(certificate->get()).empty());
}

TEST(ca, issues_a_server_for_names_and_addresses) {
    const scratch dir;
    const auto files = issued(dir, "gateway", gateway());
    const auto certificate = load_certificate(files.certificate);
    ASSERT_TRUE(certificate) << certificate.error();
    EXPECT_EQ(certificate_names(certificate->get()), gateway().hosts);
    EXPECT_EQ(X509_get_extended_key_usage(certificate->get()), static_cast<unsigned>(XKU_SSL_SERVER));
}

TEST(ca, gives_every_certificate_a_serial_and_key_of_its_own) {
    const scratch dir;
    const auto one = load_certificate(issued(dir, "one", developer()).certificate);
    const auto two = load_certificate(issued(dir, "two", developer()).certificate);
    ASSERT_TRUE(one && two);
    EXPECT_NE(identify(one->get())->serial, identify(two->get())->serial);
    EXPECT_EQ(identify(one->get())->serial.size(), 32u);
    EXPECT_NE(EVP_PKEY_eq(X509_get0_pubkey(one->get()), X509_get0_pubkey(two->get())), 1);
}

TEST(ca, cuts_a_lifetime_to_its_own) {
    const scratch dir;
    auto request = developer();
    request.lifetime = std::chrono::hours(24) * 36500;
    const auto leaf = load_certificate(issued(dir, "alice", request).certificate);
    const auto ca = load_certificate(dir / "ca/ca.crt");
    ASSERT_TRUE(leaf && ca);
    EXPECT_EQ(ASN1_TIME_compare(X509_get0_notAfter(leaf->get()), X509_get0_notAfter(ca->get())), 0);
}

TEST(ca, allows_for_a_client_whose_clock_is_behind) {
    const scratch dir;
    const auto leaf = load_certificate(issued(dir, "alice", developer()).certificate);
    ASSERT_TRUE(leaf);
    EXPECT_LT(X509_cmp_current_time(X509_get0_notBefore(leaf->get())), 0);
    auto then = std::time(nullptr) - 200;
    EXPECT_LT(X509_cmp_time(X509_get0_notBefore(leaf->get()), &then), 0);
}

TEST(ca, refuses_to_issue_what_would_be_refused) {
    const scratch dir;
    ASSERT_TRUE(ensure_ca(dir / "ca", "one"));
    const auto refused = [&](const leaf_request& request) {
        return !issue(dir / "ca", request, dir / "x.crt", dir / "x.key") &&
               !std::filesystem::exists(dir / "x.crt") && !std::filesystem::exists(dir / "x.key");
    };
    auto request = developer();
    request.common_name = "";
    EXPECT_TRUE(refused(request));
    request.common_name = "al\nice";
    EXPECT_TRUE(refused(request));
    request.common_name = std::string(65, 'a');
    EXPECT_TRUE(refused(request));
    request = developer();
    request.groups = {""};
    EXPECT_TRUE(refused(request));
    request.groups = {"\xff"};
    EXPECT_TRUE(refused(request));
    request.groups.assign(65, "group");
    EXPECT_TRUE(refused(request));
    request = developer();
    request.lifetime = -1h;
    EXPECT_TRUE(refused(request));
    EXPECT_TRUE(refused(gateway({})));
    for (const char* host : {"", "node1,DNS:evil", "a b", "node/1", "fe80::zz", "n\nx"})
        EXPECT_TRUE(refused(gateway({host}))) << host;
}

TEST(ca, says_when_its_directory_has_none) {
    const scratch dir;
    const auto done = issue(dir / "nowhere", developer(), dir / "x.crt", dir / "x.key");
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().find("nowhere/ca.crt"), std::string::npos) << done.error();
}

TEST(ca, knows_when_a_certificate_is_still_good) {
    const scratch dir;
    const auto files = issued(dir, "gateway", gateway());
    const auto good = [&](const std::vector<std::string>& hosts, std::chrono::seconds remaining) {
        return still_good(dir / "ca", files.certificate, files.key, hosts, remaining);
    };
    EXPECT_TRUE(good(gateway().hosts, 1h));
    EXPECT_TRUE(good({"NODE1"}, 23h));
    EXPECT_FALSE(good(gateway().hosts, 25h));
    EXPECT_FALSE(good({"node1", "other.node1"}, 1h));
    EXPECT_FALSE(good({"192.0.2.2"}, 1h));
    EXPECT_TRUE(good({"2001:db8:0::1"}, 1h));
    ASSERT_TRUE(ensure_ca(dir / "other", "another"));
    EXPECT_FALSE(still_good(dir / "other", files.certificate, files.key, {}, 1h));
    const auto second = issued(dir, "second", gateway());
    EXPECT_FALSE(still_good(dir / "ca", files.certificate, second.key, {}, 1h));
    EXPECT_FALSE(still_good(dir / "ca", dir / "missing.crt", files.key, {}, 1h));
    ASSERT_EQ(::chmod(files.key.c_str(), 0644), 0);
    EXPECT_FALSE(good(gateway().hosts, 1h));
}

TEST(ca, does_not_take_a_certificate_of_the_past_for_good) {
    const scratch dir;
    auto request = gateway();
    request.starts_in = -2h;
    request.lifetime = 1h;
    const auto files = issued(dir, "old", request);
    EXPECT_FALSE(still_good(dir / "ca", files.certificate, files.key, {}, -48h));
    request.starts_in = 1h;
    const auto early = issued(dir, "early", request);
    EXPECT_FALSE(still_good(dir / "ca", early.certificate, early.key, {}, 0s));
}

}  // namespace auth::test
