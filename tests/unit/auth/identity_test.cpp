#include "auth/identity.h"

#include <gtest/gtest.h>
#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <ctime>

#include "odd_certificate.h"

namespace auth::test {

namespace {

constexpr int cn = NID_commonName;
constexpr int o = NID_organizationName;
constexpr int utf8 = V_ASN1_UTF8STRING;

boost::system::result<identity, std::string> of(std::vector<odd_certificate::attribute> subject) {
    odd_certificate wanted;
    wanted.subject = std::move(subject);
    return identify(make(wanted).first.get());
}

std::string refusal(std::vector<odd_certificate::attribute> subject) {
    const auto who = of(std::move(subject));
    return who ? "admitted as " + who->user : who.error();
}

}  // namespace

TEST(identity, reads_the_user_and_every_group) {
    const auto who = of({{o, utf8, "developers"}, {cn, utf8, "alice"}, {o, V_ASN1_PRINTABLESTRING, "on call"}});
    ASSERT_TRUE(who) << who.error();
    EXPECT_EQ(who->user, "alice");
    EXPECT_EQ(who->groups, (std::vector<std::string>{"developers", "on call"}));
}

TEST(identity, needs_no_group) {
    const auto who = of({{cn, V_ASN1_IA5STRING, "alice@example.org"}});
    ASSERT_TRUE(who) << who.error();
    EXPECT_EQ(who->user, "alice@example.org");
    EXPECT_TRUE(who->groups.empty());
}

TEST(identity, reads_serial_fingerprint_issuer_and_end) {
    odd_certificate wanted;
    wanted.ends_in = 7200;
    const auto [certificate, key] = make(wanted);
    const auto who = identify(certificate.get());
    ASSERT_TRUE(who) << who.error();
    EXPECT_EQ(who->serial, "ABCDEF");
    EXPECT_EQ(who->issuer, "CN=alice");
    EXPECT_EQ(who->fingerprint.size(), 64u);
    EXPECT_EQ(who->fingerprint.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_NEAR(static_cast<double>(who->not_after), static_cast<double>(std::time(nullptr) + 7200), 60);
}

TEST(identity, escapes_control_characters_of_the_issuer) {
    const auto who = [] {
        // Self-signed, so that the issuer is what the subject is; the subject's other attributes are not read.
        odd_certificate wanted;
        wanted.subject = {{cn, utf8, "alice"}, {NID_localityName, utf8, "a\nb, O=admins"}};
        return identify(make(wanted).first.get());
    }();
    ASSERT_TRUE(who) << who.error();
    EXPECT_EQ(who->issuer.find('\n'), std::string::npos) << who->issuer;
    EXPECT_NE(who->issuer.find("\\,"), std::string::npos) << who->issuer;
}

TEST(identity, keeps_names_of_other_scripts) {
    for (const char* name : {"Zoë", "Алиса", "愛麗絲", "علي", "😀"}) {
        const auto who = of({{cn, utf8, name}});
        ASSERT_TRUE(who) << who.error();
        EXPECT_EQ(who->user, name);
    }
}

TEST(identity, refuses_no_name) {
    EXPECT_EQ(refusal({}), "the certificate has no name (CN)");
    EXPECT_EQ(refusal({{o, utf8, "developers"}}), "the certificate has no name (CN)");
    EXPECT_EQ(refusal({{cn, utf8, ""}}), "the name (CN) of the certificate is empty");
    EXPECT_EQ(identify(nullptr).error(), "no certificate");
}

TEST(identity, refuses_two_names) {
    EXPECT_EQ(refusal({{cn, utf8, "alice"}, {cn, utf8, "bob"}}), "the certificate has more than one name (CN)");
    EXPECT_EQ(refusal({{cn, utf8, "alice"}, {o, utf8, "x"}, {cn, utf8, "alice"}}),
              "the certificate has more than one name (CN)");
}

TEST(identity, refuses_nul_and_control_characters) {
    using namespace std::string_literals;
    for (const auto& name : {"alice\0.evil"s, "al\nice"s, "\x1b[31malice"s, "alice\x7f"s, "alice\xc2\x85"s,
                             "alice\xe2\x80\xae"s, "alice\xe2\x80\xa8"s, "a\xe2\x80\x8blice"s}) {
        EXPECT_EQ(refusal({{cn, utf8, name}}), "the name (CN) of the certificate has control characters");
        EXPECT_EQ(refusal({{cn, utf8, "alice"}, {o, utf8, name}}),
                  "a group (O) of the certificate has control characters");
    }
}

TEST(identity, refuses_invalid_utf8) {
    for (const char* name : {"\xff", "al\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                             "\xf8\x88\x80\x80\x80", "\x80"})
        EXPECT_EQ(refusal({{cn, utf8, name}}), "the name (CN) of the certificate is not valid UTF-8");
    EXPECT_EQ(refusal({{cn, V_ASN1_IA5STRING, "al\xefice"}}), "the name (CN) of the certificate is not valid UTF-8");
}

TEST(identity, refuses_string_types_with_more_than_one_reading) {
    for (const int type : {V_ASN1_T61STRING, V_ASN1_BMPSTRING, V_ASN1_UNIVERSALSTRING})
        EXPECT_EQ(refusal({{cn, type, "alic"}}), "the name (CN) of the certificate is not a UTF-8 string");
}

TEST(identity, refuses_long_names) {
    EXPECT_EQ(refusal({{cn, utf8, std::string(256, 'a')}}), "admitted as " + std::string(256, 'a'));
    for (const std::size_t size : {257, 4096, 65536})
        EXPECT_EQ(refusal({{cn, utf8, std::string(size, 'a')}}),
                  "the name (CN) of the certificate is longer than 256 bytes");
}

TEST(identity, refuses_too_many_groups) {
    std::vector<odd_certificate::attribute> subject{{cn, utf8, "alice"}};
    for (int i = 0; i < 64; ++i) subject.push_back({o, utf8, "group " + std::to_string(i)});
    const auto who = of(subject);
    ASSERT_TRUE(who) << who.error();
    EXPECT_EQ(who->groups.size(), 64u);
    subject.push_back({o, utf8, "one more"});
    EXPECT_EQ(refusal(subject), "the certificate names more than 64 groups (O)");
}

TEST(identity, minds_many_alternative_names) {
    odd_certificate wanted;
    const auto with = [&](int count) {
        wanted.alternative_names.clear();
        for (int i = 0; i < count; ++i)
            wanted.alternative_names += (i ? ",DNS:h" : "DNS:h") + std::to_string(i) + ".example";
        const auto who = identify(make(wanted).first.get());
        return who ? who->user : who.error();
    };
    EXPECT_EQ(with(100), "alice");
    const auto refused = "the certificate has more than 100 alternative names (SAN)";
    for (const auto usage : {"clientAuth", "clientAuth,serverAuth", "anyExtendedKeyUsage", "serverAuth,anyExtendedKeyUsage", ""}) {
        wanted.usage = usage;
        for (const int many : {101, 2000}) EXPECT_EQ(with(many), refused) << usage;
    }
    // The gateway's own, which has a name for each component.
    wanted.usage = "serverAuth";
    EXPECT_EQ(with(2000), "alice");
}

TEST(identity, takes_a_spiffe_id_for_the_user) {
    odd_certificate wanted;
    wanted.subject = {{o, utf8, "SPIRE"}, {cn, utf8, "whoever"}};
    wanted.uris = {"spiffe://prod.example/ns/kube-system/sa/Debug_1"};
    auto who = identify(make(wanted).first.get());
    ASSERT_TRUE(who) << who.error();
    EXPECT_EQ(who->user, wanted.uris[0]);
    EXPECT_TRUE(who->spiffe);
    EXPECT_EQ(who->groups, std::vector<std::string>{"SPIRE"});
    wanted.subject = {};  // an SVID needs no name
    EXPECT_TRUE(identify(make(wanted).first.get()));
    wanted.subject = {{cn, utf8, "alice"}};
    wanted.uris = {"https://example.org/alice"};  // any other URI means nothing here
    who = identify(make(wanted).first.get());
    ASSERT_TRUE(who) << who.error();
    EXPECT_EQ(who->user, "alice");
    EXPECT_FALSE(who->spiffe);
}

TEST(identity, refuses_doubtful_spiffe_ids) {
    using namespace std::string_literals;
    const auto refusal_of = [](std::vector<std::string> uris) {
        odd_certificate wanted;
        wanted.uris = std::move(uris);
        const auto who = identify(make(wanted).first.get());
        return who ? "admitted as " + who->user : who.error();
    };
    for (const auto& id : {"spiffe://prod"s, "spiffe://"s, "spiffe:///x"s, "spiffe:x"s, "SPIFFE://prod/x"s, "spiffe://Prod/x"s,
                           "spiffe://prod:8080/x"s, "spiffe://me@prod/x"s, "spiffe://prod/x/"s, "spiffe://prod//x"s,
                           "spiffe://prod/./x"s, "spiffe://prod/../x"s, "spiffe://prod/x?y"s, "spiffe://prod/x#y"s,
                           "spiffe://prod/%41"s, "spiffe://prod/x\0y"s, "spiffe://prod/x\ny"s, "spiffe://prod/\xc3\xa9"s,
                           "spiffe://prod/" + std::string(4096, 'a')})
        EXPECT_TRUE(refusal_of({id}).starts_with("the SPIFFE ID of the certificate ")) << id << ": " << refusal_of({id});
    const auto two = "the certificate has more than one URI beside its SPIFFE ID; an SVID has one";
    EXPECT_EQ(refusal_of({"spiffe://prod/x", "spiffe://prod/y"}), two);
    EXPECT_EQ(refusal_of({"https://example.org", "spiffe://prod/y"}), two);
}

TEST(identity, refuses_a_name_that_looks_like_a_spiffe_id) {
    for (const char* name : {"spiffe://prod/x", "SpIfFe:x"})
        EXPECT_EQ(refusal({{cn, utf8, name}}),
                  "the name (CN) of the certificate looks like a SPIFFE ID, which belongs into a URI SAN");
}

TEST(identity, refuses_alternative_names_that_cannot_be_read) {
    odd_certificate wanted;
    for (const char* raw : {"\x30\x05\x86\x01", "junk", "\x30\x03\x86\x05x"}) {
        wanted.raw_san = raw;
        const auto who = identify(make(wanted).first.get());
        ASSERT_FALSE(who);
        EXPECT_EQ(who.error(), "the alternative names (SAN) of the certificate cannot be read");
    }
}

TEST(identity, writes_serials_one_way) {
    EXPECT_EQ(canonical_serial("00:0a:BC"), "ABC");
    EXPECT_EQ(canonical_serial("0x0abc"), "ABC");
    EXPECT_EQ(canonical_serial("00"), "0");
    for (const char* none : {"", ":", "12g", "-1", " 1", "0x"}) EXPECT_EQ(canonical_serial(none), "") << none;
}

TEST(identity, reads_der_to_its_end) {
    const auto [certificate, key] = make({});
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(certificate.get(), &bytes);
    const std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    ASSERT_TRUE(identify_der(der));
    EXPECT_EQ(identify_der(der)->fingerprint, fingerprint_of(certificate.get()));
    EXPECT_FALSE(identify_der(der + "x"));
    EXPECT_FALSE(identify_der(der.substr(0, der.size() - 1)));
    EXPECT_FALSE(identify_der(""));
}

}  // namespace auth::test
