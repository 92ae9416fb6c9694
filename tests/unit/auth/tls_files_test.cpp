// What is refused at start, before a port is open.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/tls.h"
#include "odd_certificate.h"

namespace auth::test {

namespace {

leaf_request gateway() {
    leaf_request request;
    request.server = true;
    request.common_name = "node1";
    request.hosts = {"node1"};
    return request;
}

std::string server_refusal(const tls_files& files) {
    const auto made = make_server_context(files);
    return made ? "accepted" : made.error();
}

testing::AssertionResult says(const std::string& text, const std::string& part) {
    if (text.find(part) != std::string::npos && text.find('\n') == std::string::npos)
        return testing::AssertionSuccess();
    return testing::AssertionFailure() << "'" << text << "' does not say '" << part << "' on one line";
}

}  // namespace

TEST(tls_files, are_accepted_when_all_is_well) {
    const scratch dir;
    EXPECT_EQ(server_refusal(issued(dir, "gateway", gateway())), "accepted");
    leaf_request alice;
    alice.common_name = "alice";
    EXPECT_TRUE(make_client_context(issued(dir, "alice", alice)));
}

TEST(tls_files, refuses_a_key_that_others_can_read) {
    const scratch dir;
    const auto files = issued(dir, "gateway", gateway());
    for (const mode_t mode : {0644, 0604, 0620, 0602, 0666}) {
        ASSERT_EQ(::chmod(files.key.c_str(), mode), 0);
        EXPECT_TRUE(says(server_refusal(files), "chmod 600 " + files.key)) << std::oct << mode;
    }
    ASSERT_EQ(::chmod(files.key.c_str(), 0400), 0);
    EXPECT_EQ(server_refusal(files), "accepted");
}

TEST(tls_files, lets_only_root_share_a_key_with_a_group) {
    const scratch dir;
    const auto files = issued(dir, "gateway", gateway());
    ASSERT_EQ(::chmod(files.key.c_str(), 0640), 0);
    EXPECT_EQ(server_refusal(files) == "accepted", ::geteuid() == 0);
}

TEST(tls_files, names_the_file_that_is_missing) {
    const scratch dir;
    const auto files = issued(dir, "gateway", gateway());
    for (const auto member : {&tls_files::certificate, &tls_files::key, &tls_files::ca}) {
        auto broken = files;
        broken.*member = dir / "missing.pem";
        EXPECT_TRUE(says(server_refusal(broken), dir / "missing.pem"));
        broken.*member = dir.path();
        EXPECT_TRUE(says(server_refusal(broken), "not a regular file"));
        put(dir / "garbage.pem", "-----BEGIN NONSENSE-----\nAAAA\n", 0600);
        broken.*member = dir / "garbage.pem";
        EXPECT_TRUE(says(server_refusal(broken), dir / "garbage.pem"));
        put(dir / "empty.pem", "", 0600);
        broken.*member = dir / "empty.pem";
        EXPECT_TRUE(says(server_refusal(broken), dir / "empty.pem"));
        put(dir / "huge.pem", std::string((1 << 20) + 1, 'x'), 0600);
        broken.*member = dir / "huge.pem";
        EXPECT_TRUE(says(server_refusal(broken), dir / "huge.pem"));
    }
}

TEST(tls_files, refuses_a_key_of_another_certificate) {
    const scratch dir;
    auto files = issued(dir, "gateway", gateway());
    files.key = issued(dir, "other", gateway()).key;
    EXPECT_TRUE(says(server_refusal(files), "does not belong to"));
}

TEST(tls_files, refuses_an_encrypted_key_without_asking_for_its_password) {
    const scratch dir;
    const auto files = issued(dir, "gateway", gateway());
    const auto key = load_key(files.key);
    ASSERT_TRUE(key) << key.error();
    openssl_ptr<BIO> out(BIO_new_file(files.key.c_str(), "w"));
    const unsigned char password[] = "secret";
    ASSERT_EQ(PEM_write_bio_PrivateKey(out.get(), key->get(), EVP_aes_128_cbc(), password, 6, nullptr, nullptr), 1);
    out.reset();
    EXPECT_TRUE(says(server_refusal(files), "is encrypted"));
}

TEST(tls_files, refuses_an_own_certificate_out_of_its_time) {
    const scratch dir;
    auto request = gateway();
    request.starts_in = std::chrono::hours(-48);
    EXPECT_TRUE(says(server_refusal(issued(dir, "old", request)), "expired on 20"));
    request.starts_in = std::chrono::hours(24);
    EXPECT_TRUE(says(server_refusal(issued(dir, "early", request)), "is not valid before 20"));
}

TEST(tls_files, refuses_an_own_certificate_for_the_other_side) {
    const scratch dir;
    const auto server = issued(dir, "gateway", gateway());
    leaf_request alice;
    alice.common_name = "alice";
    EXPECT_TRUE(says(server_refusal(issued(dir, "alice", alice)), "not for a server"));
    const auto client = make_client_context(server);
    ASSERT_FALSE(client);
    EXPECT_TRUE(says(client.error(), "not for a client"));
    odd_certificate unsaid;
    unsaid.usage = "";
    unsaid.ca_directory = dir / "ca";
    auto files = write(unsaid, dir, "unsaid");
    files.ca = server.ca;
    EXPECT_TRUE(says(server_refusal(files), "not for a server"));
}

TEST(tls_files, refuses_weak_own_keys) {
    const scratch dir;
    odd_certificate weak;
    weak.usage = "serverAuth";
    weak.rsa_bits = 1024;
    auto files = write(weak, dir, "weak");
    files.ca = files.certificate;
    EXPECT_TRUE(says(server_refusal(files), "RSA key of 1024 bits"));
    weak.rsa_bits = 0;
    weak.curve = "P-224";
    files = write(weak, dir, "weak");
    files.ca = files.certificate;
    EXPECT_TRUE(says(server_refusal(files), "EC key of 224 bits"));
}

}  // namespace auth::test
