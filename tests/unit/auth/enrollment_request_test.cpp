#include "auth/enrollment_request.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "auth/armor.h"
#include "auth/signing_request.h"
#include "protocol/json.h"

namespace auth {
namespace {

std::string body(const std::string& token, const std::string& csr) {
    protocol::json out;
    out.set("token", token);
    out.set("csr", csr);
    return protocol::to_text(out);
}

std::string refusal(std::string_view text) {
    const auto read = read_enrollment_request(text);
    return read ? "accepted" : read.error();
}

TEST(enrollment_request, gives_the_tokens_hash_and_the_public_key) {
    const auto key = make_key();
    const auto read = read_enrollment_request(body("abc.DEF-1", make_signing_request(key->get())));
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->token_hash, sha256_hex("abc.DEF-1"));
    EXPECT_EQ(read->spki, spki_of(key->get()));
}

TEST(enrollment_request, takes_rsa_and_ed25519_keys) {
    for (EVP_PKEY* made : {EVP_RSA_gen(2048), EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_EC_gen("P-384")}) {
        const key_ptr key(made);
        EXPECT_EQ(refusal(body("t", make_signing_request(key.get()))), "accepted");
    }
}

TEST(enrollment_request, refuses_what_is_not_exactly_two_strings) {
    const auto csr = make_signing_request(make_key()->get());
    const auto quoted = protocol::to_text(protocol::json(csr));
    for (const std::string& wrong : {
             std::string(), std::string("{}"), std::string("[]"), std::string("null"), std::string("{\"token\":\"t\"}"),
             "{\"csr\":" + quoted + "}", "{\"token\":1,\"csr\":" + quoted + "}", "{\"token\":\"t\",\"csr\":[" + quoted + "]}",
             "{\"token\":\"t\",\"csr\":" + quoted + ",\"user\":\"root\"}", "{\"token\":\"t\",\"token\":\"u\",\"csr\":" + quoted + "}",
             "{\"token\":\"t\",\"Token\":\"u\",\"csr\":" + quoted + "}", "{\"token\":\"t\",\"csr\":" + quoted + "}x",
             "{\"token\":null,\"csr\":" + quoted + "}"})
        EXPECT_TRUE(refusal(wrong).starts_with("the request must be")) << wrong << ": " << refusal(wrong);
}

TEST(enrollment_request, refuses_what_can_be_no_token_and_never_repeats_it) {
    const auto csr = make_signing_request(make_key()->get());
    for (const std::string& token : {std::string(), std::string("secret with spaces"), std::string("secret\n"),
                                     std::string("secret\0x", 8), std::string("sécret"), std::string(257, 's')}) {
        const auto said = refusal(body(token, csr));
        EXPECT_TRUE(said.starts_with("the token is not one")) << said;
        EXPECT_EQ(said.find("secret"), said.npos);
    }
}

TEST(enrollment_request, refuses_a_damaged_or_wrapped_signing_request) {
    const auto csr = make_signing_request(make_key()->get());
    std::string bad = csr;
    bad[60] = bad[60] == 'A' ? 'B' : 'A';
    std::string headed = csr;
    headed.insert(headed.find('\n') + 1, "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00000000000000000000000000000000\n\n");
    std::string renamed = csr;
    renamed.replace(renamed.find("CERTIFICATE REQUEST"), 19, "CERTIFICATE");
    for (const auto& wrong : {bad, headed, renamed, csr + csr, "x" + csr, csr + "x", csr.substr(0, csr.size() / 2),
                              std::string("-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n"),
                              std::string("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"),
                              std::string(max_signing_request + 1, 'A')}) {
        const auto said = refusal(body("t", wrong));
        EXPECT_NE(said.find("signing request"), said.npos) << said << "\n" << wrong;
    }
}

TEST(enrollment_request, refuses_a_signature_of_another_key) {
    // The DER of one request with the signature of another: both have the same lengths often enough.
    const auto strip = [](std::string pem) {
        pem.erase(0, pem.find('\n') + 1);
        pem.erase(pem.find("-----END"));
        std::erase(pem, '\n');
        return *from_base64(pem);
    };
    for (int i = 0; i < 200; ++i) {
        const auto a = strip(make_signing_request(make_key()->get()));
        const auto b = strip(make_signing_request(make_key()->get()));
        if (a.size() != b.size()) continue;
        const auto mixed = a.substr(0, a.size() - 64) + b.substr(b.size() - 64);
        const auto said = refusal(body("t", "-----BEGIN CERTIFICATE REQUEST-----\n" + to_base64(mixed) + "\n-----END CERTIFICATE REQUEST-----"));
        EXPECT_TRUE(said.find("does not fit its key") != said.npos || said.find("damaged") != said.npos) << said;
        return;
    }
    FAIL() << "no two requests of the same length";
}

TEST(enrollment_request, refuses_weak_and_odd_keys) {
    const key_ptr rsa(EVP_RSA_gen(1024));
    EXPECT_NE(refusal(body("t", make_signing_request(rsa.get()))).find("too weak"), std::string::npos);
    const key_ptr small(EVP_EC_gen("P-224"));
    EXPECT_NE(refusal(body("t", make_signing_request(small.get()))).find("too weak"), std::string::npos);
    const key_ptr odd(EVP_EC_gen("secp256k1"));
    EXPECT_NE(refusal(body("t", make_signing_request(odd.get()))).find("elliptic curve"), std::string::npos);
}

TEST(enrollment_request, refuses_a_curve_that_comes_with_the_key) {
    const key_ptr key(EVP_EC_gen("P-256"));
    ASSERT_EQ(EVP_PKEY_set_utf8_string_param(key.get(), "encoding", "explicit"), 1);
    const auto csr = make_signing_request(key.get());
    ASSERT_GT(csr.size(), 600u);  // it brings its parameters
    EXPECT_NE(refusal(body("t", csr)).find("elliptic curve"), std::string::npos) << refusal(body("t", csr));
}

TEST(renewal_request, is_signed_by_the_old_key_for_the_new_one_only) {
    const auto old_key = make_key();
    const auto new_key = make_key();
    const auto other = make_key();
    const auto spki = spki_of(new_key->get());
    const auto proof = sign_renewal(old_key->get(), spki);
    EXPECT_TRUE(renewal_signed(old_key->get(), spki, proof));
    EXPECT_FALSE(renewal_signed(old_key->get(), spki_of(other->get()), proof));
    EXPECT_FALSE(renewal_signed(other->get(), spki, proof));
    EXPECT_EQ(renewal_text("x"), std::string("delvegate-renew-v1\0x", 20));

    protocol::json request;
    request.set("csr", make_signing_request(new_key->get()));
    request.set("proof", to_base64(proof));
    const auto read = read_renewal_request(protocol::to_text(request));
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->spki, spki);
    EXPECT_EQ(read->proof, proof);
    request.set("proof", "not base64!");
    EXPECT_FALSE(read_renewal_request(protocol::to_text(request)));
    request.set("proof", "");
    EXPECT_FALSE(read_renewal_request(protocol::to_text(request)));
}

TEST(armor, base64_has_one_form) {
    for (const std::string& bytes : {std::string(), std::string("f"), std::string("fo"), std::string("foo"), std::string("\0\xff", 2)})
        EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    for (const char* wrong : {"Zg", "Zg=", "Zh==", "Zg==\n", " Zg==", "Z===", "====", "Zm9v=", "Zm-v", "Zg==Zg=="})
        EXPECT_EQ(from_base64(wrong), std::nullopt) << wrong;
    EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace auth
