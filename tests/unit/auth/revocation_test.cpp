// Revocation lists of CAs, and our own list.
#include "auth/revocations.h"

#include <gtest/gtest.h>

#include <ctime>
#include <filesystem>

#include "auth/trust.h"
#include "odd_certificate.h"

namespace auth::test {

namespace {

class crl_test : public testing::Test {
protected:
    crl_test() {
        write({.name = "root"}, dir, "root");
        as.name = "root";
        as.file = dir / "root/ca.crt";
        as.crls = {dir / "list.pem"};
    }
    std::string problem() {
        const auto loaded = trusted_ca::load(as);
        return loaded ? "loaded" : loaded.error();
    }
    std::shared_ptr<const trust> load() {
        auto loaded = trusted_ca::load(as);
        EXPECT_TRUE(loaded) << loaded.error();
        return *trust::of({*loaded});
    }
    std::string verified(const trust& by, long serial, const std::string& ca = "root", const std::string& between = "") {
        odd_certificate wanted;
        wanted.ca_directory = dir / ca;
        wanted.serial = serial;
        const auto [certificate, key] = make(wanted);
        STACK_OF(X509)* sent = sk_X509_new_null();
        if (!between.empty()) sk_X509_push(sent, load_certificate(dir / (between + "/ca.crt"))->release());
        const auto verdict = by.verify(certificate.get(), sent, now);
        if (verdict.chain) last = *by.identify(verdict.chain);
        sk_X509_pop_free(verdict.chain, X509_free);
        sk_X509_pop_free(sent, X509_free);
        return verdict.error == X509_V_OK ? "good" : X509_verify_cert_error_string(verdict.error);
    }

    const scratch dir;
    client_ca as;
    long long now = std::time(nullptr);
    identity last;
};

}  // namespace

TEST_F(crl_test, refuses_the_revoked_and_no_others) {
    for (const bool der : {false, true}) {
        write({.ca_directory = dir / "root", .serials = {7, 9}, .der = der}, dir / "list.pem");
        const auto trusted = load();
        EXPECT_EQ(verified(*trusted, 7), "certificate revoked");
        EXPECT_EQ(verified(*trusted, 8), "good");
        EXPECT_EQ(verified(*trusted, 9), "certificate revoked");
    }
}

TEST_F(crl_test, finds_out_about_those_who_are_in_already) {
    write({.ca_directory = dir / "root"}, dir / "list.pem");
    EXPECT_EQ(verified(*load(), 7), "good");
    EXPECT_EQ(load()->fault(last), "");
    write({.ca_directory = dir / "root", .serials = {7}}, dir / "list.pem");
    EXPECT_EQ(load()->fault(last), "your certificate (serial 7) has been revoked by its CA");
    write({.name = "root"}, dir, "root");  // the same name, another key
    as.crls.clear();
    EXPECT_EQ(load()->fault(last), "the CA that issued your certificate (root) is not trusted any more");
}

TEST_F(crl_test, takes_several_lists_and_directories) {
    write({.name = "between", .above = dir / "root", .serial = 50}, dir, "between");
    put(dir / "bundle.crt", contents(dir / "root/ca.crt") + contents(dir / "between/ca.crt"));
    as.file = dir / "bundle.crt";
    std::filesystem::create_directories(dir / "lists");
    as.crls = {dir / "lists"};
    write({.ca_directory = dir / "root", .serials = {7}}, dir / "lists/root.crl");
    write({.ca_directory = dir / "between", .serials = {8}, .der = true}, dir / "lists/between.crl");
    put(dir / "lists/.hidden", "not read");
    const auto trusted = load();
    EXPECT_EQ(verified(*trusted, 7), "certificate revoked");
    EXPECT_EQ(verified(*trusted, 8), "good");
    EXPECT_EQ(verified(*trusted, 8, "between"), "certificate revoked");
    EXPECT_EQ(verified(*trusted, 7, "between"), "good");
    // The CA between is revoked itself.
    write({.ca_directory = dir / "root", .serials = {50}}, dir / "lists/root.crl");
    EXPECT_EQ(verified(*load(), 7, "between"), "certificate revoked");
    EXPECT_EQ(load()->fault(last), "a CA above your certificate has been revoked");
    // All in one file.
    put(dir / "all.pem", "");
    write({.ca_directory = dir / "between", .serials = {8}}, dir / "between.pem");
    put(dir / "all.pem", contents(dir / "lists/root.crl") + contents(dir / "between.pem"));
    as.crls = {dir / "all.pem"};
    EXPECT_EQ(verified(*load(), 7, "between"), "certificate revoked");
    std::filesystem::create_directories(dir / "empty");
    as.crls = {dir / "empty"};
    EXPECT_NE(problem().find("is empty"), std::string::npos) << problem();
}

TEST_F(crl_test, wants_a_list_of_the_clients_own_ca_where_there_are_lists) {
    write({.name = "between", .above = dir / "root"}, dir, "between");
    write({.ca_directory = dir / "root"}, dir / "list.pem");
    EXPECT_EQ(verified(*load(), 7), "good");
    EXPECT_EQ(verified(*load(), 7, "between", "between"), "unable to get certificate CRL");
}

TEST_F(crl_test, is_not_got_around_by_another_chain) {
    write({.name = "other root"}, dir, "other");
    write({.name = "between", .above = dir / "root", .serial = 5}, dir, "by-root");
    write({.name = "between", .above = dir / "other", .key_of = dir / "by-root", .serial = 6}, dir, "by-other");
    put(dir / "bundle.crt", contents(dir / "root/ca.crt") + contents(dir / "by-root/ca.crt"));
    as.file = dir / "bundle.crt";
    write({.ca_directory = dir / "by-root", .serials = {7}}, dir / "list.pem");
    client_ca other;
    other.name = "other";
    other.file = dir / "other/ca.crt";
    const auto first = *trusted_ca::load(as), second = *trusted_ca::load(other);
    EXPECT_EQ(verified(**trust::of({first, second}), 7, "by-root", "by-other"), "certificate revoked");
    EXPECT_EQ(verified(**trust::of({first, second}), 8, "by-root", "by-other"), "good");
    // The other way round the chain is found first, and the list heeded all the same.
    const auto trusted = *trust::of({second, first});
    EXPECT_EQ(verified(*trusted, 7, "by-root", "by-other"), "good");
    EXPECT_EQ(last.authority, "other");
    EXPECT_EQ(trusted->fault(last), "your certificate (serial 7) has been revoked by its CA");
}

TEST_F(crl_test, takes_a_list_from_its_own_ca_only) {
    write({.name = "root"}, dir, "twin");  // the same name, another key
    write({.ca_directory = dir / "twin"}, dir / "list.pem");
    EXPECT_NE(problem().find("was signed by no CA in "), std::string::npos) << problem();
    write({.name = "somebody"}, dir, "other");
    write({.ca_directory = dir / "other"}, dir / "list.pem");
    EXPECT_NE(problem().find("was signed by no CA in "), std::string::npos) << problem();
}

TEST_F(crl_test, an_expired_list_lets_nobody_new_in_unless_told_otherwise) {
    write({.ca_directory = dir / "root", .serials = {7}, .starts_in = -7200, .ends_in = -60}, dir / "list.pem");
    auto trusted = load();
    EXPECT_EQ(verified(*trusted, 8), "CRL has expired");
    ASSERT_EQ(trusted->warnings(now).size(), 1u);
    EXPECT_NE(trusted->warnings(now)[0].find("nobody new gets in"), std::string::npos);
    as.stale_crl_warns = true;
    trusted = load();
    EXPECT_EQ(verified(*trusted, 8), "good");
    EXPECT_EQ(verified(*trusted, 7), "certificate revoked");
    ASSERT_EQ(trusted->warnings(now).size(), 1u);
    EXPECT_NE(trusted->warnings(now)[0].find("used all the same"), std::string::npos);
    // Those who are in stay in: nothing is known against them.
    EXPECT_EQ(trusted->fault(last), "");
    // A good list becomes stale while it is loaded.
    as.stale_crl_warns = false;
    write({.ca_directory = dir / "root"}, dir / "list.pem");
    trusted = load();
    EXPECT_TRUE(trusted->warnings(now).empty());
    EXPECT_EQ(verified(*trusted, 8), "good");
    EXPECT_EQ(trusted->warnings(now + 4000).size(), 1u);
}

TEST_F(crl_test, refuses_files_that_are_not_whole) {
    write({.ca_directory = dir / "root", .serials = {7}}, dir / "whole.pem");
    const auto whole = contents(dir / "whole.pem");
    for (std::size_t cut = 0; cut < whole.size() - 1; cut += 5) {
        put(dir / "list.pem", whole.substr(0, cut));
        EXPECT_NE(problem(), "loaded") << cut;
        put(dir / "list.pem", whole + whole.substr(0, cut));
        if (cut > 0) {
            EXPECT_NE(problem(), "loaded") << cut;
        }
    }
    write({.ca_directory = dir / "root", .serials = {7}, .der = true}, dir / "whole.der");
    const auto der = contents(dir / "whole.der");
    for (std::size_t cut = 1; cut < der.size(); cut += 5) {
        put(dir / "list.pem", der.substr(0, cut));
        EXPECT_NE(problem(), "loaded") << cut;
    }
    put(dir / "list.pem", der + "x");
    EXPECT_NE(problem(), "loaded");
    std::filesystem::remove(dir / "list.pem");
    EXPECT_NE(problem().find("cannot read "), std::string::npos) << problem();
}

namespace {

identity someone() {
    identity who;
    who.user = "alice";
    who.issuer = "CN=ours";
    who.serial = "ABC";
    who.authority = "clientCA";
    who.anchor = "0011";
    return who;
}

std::string error_in(const std::string& text) {
    const auto parsed = parse_revocations(text, "r.yaml");
    return parsed ? "none" : parsed.error();
}

}  // namespace

TEST(revocations, name_users_and_serials) {
    const auto parsed = parse_revocations("users: [bob, 'k8s:eve']\nserials:\n  - {issuer: CN=ours, serial: '0a:bc'}\n", "r.yaml");
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_EQ(parsed->size(), 3u);
    auto who = someone();
    EXPECT_EQ(parsed->fault(who), "your certificate (serial ABC) has been revoked");
    who.issuer = "CN=other";
    EXPECT_EQ(parsed->fault(who), "");
    who.user = "k8s:eve";
    EXPECT_EQ(parsed->fault(who), "access of k8s:eve has been revoked");
    who.user = "eve";
    EXPECT_EQ(parsed->fault(who), "");
}

TEST(revocations, know_an_issuer_by_three_names) {
    for (const char* issuer : {"CN=ours", "clientCA", "0011"}) {
        revocations list;
        EXPECT_TRUE(list.add_serial(issuer, "abc"));
        EXPECT_NE(list.fault(someone()), "") << issuer;
    }
    revocations list;
    EXPECT_TRUE(list.add_serial("CN=o", "abc"));
    EXPECT_FALSE(list.add_serial("", "abc"));
    EXPECT_FALSE(list.add_serial("CN=ours", "xyz"));
    EXPECT_EQ(list.fault(someone()), "");
}

TEST(revocations, nothing_revokes_nobody) {
    for (const char* text : {"", "# nobody\n", "users:\nserials:\n", "users: []\n"}) {
        const auto parsed = parse_revocations(text, "r.yaml");
        ASSERT_TRUE(parsed) << parsed.error();
        EXPECT_EQ(parsed->size(), 0u);
    }
}

TEST(revocations, are_refused_whole_when_a_part_is_not_understood) {
    EXPECT_EQ(error_in("user: [bob]\n"), "r.yaml:1:1: unknown key `user`; there are `users` and `serials`");
    EXPECT_EQ(error_in("users: bob\n"), "r.yaml:1:8: `users` must be a list");
    EXPECT_EQ(error_in("users: [bob]\nusers: [eve]\n"), "r.yaml:2:1: `users` is given twice");
    EXPECT_EQ(error_in("users: [[bob]]\n"), "r.yaml:1:9: a user must be a name");
    EXPECT_EQ(error_in("users: ['']\n"), "r.yaml:1:9: a user must be a name");
    EXPECT_EQ(error_in("serials: [abc]\n"), "r.yaml:1:11: a serial is written {issuer: CA, serial: HEX}");
    EXPECT_EQ(error_in("serials: [{issuer: a}]\n"), "r.yaml:1:11: a serial is written {issuer: CA, serial: HEX}");
    EXPECT_EQ(error_in("serials: [{issuer: a, serial: zz}]\n"), "r.yaml:1:11: \"zz\" is no serial number in hex");
    EXPECT_EQ(error_in("just text"), "r.yaml:1:1: must be a map with `users` and `serials`");
    EXPECT_TRUE(error_in("users: [bob\n").starts_with("r.yaml:")) << error_in("users: [bob\n");
    EXPECT_TRUE(error_in("users: [bob]\nserials: [{iss").starts_with("r.yaml:"));
}

}  // namespace auth::test
