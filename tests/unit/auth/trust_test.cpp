#include "auth/trust.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <ctime>
#include <filesystem>

#include "handshake.h"
#include "odd_certificate.h"

namespace auth::test {

namespace {

constexpr int cn = NID_commonName;
constexpr int o = NID_organizationName;
constexpr int utf8 = V_ASN1_UTF8STRING;

class trust_test : public testing::Test {
protected:
    std::shared_ptr<const trusted_ca> load(const client_ca& as) {
        auto loaded = trusted_ca::load(as);
        EXPECT_TRUE(loaded) << loaded.error();
        return loaded ? *loaded : nullptr;
    }
    std::shared_ptr<const trust> all(const std::vector<client_ca>& cas) {
        std::vector<std::shared_ptr<const trusted_ca>> loaded;
        for (const auto& ca : cas) loaded.push_back(load(ca));
        auto made = trust::of(std::move(loaded));
        EXPECT_TRUE(made) << made.error();
        return *made;
    }
    client_ca ca(const std::string& name, std::string prefix = "") const {
        client_ca as;
        as.name = name;
        as.file = dir / (name + "/ca.crt");
        as.prefix = std::move(prefix);
        return as;
    }
    odd_certificate leaf(const std::string& ca_name, std::vector<odd_certificate::attribute> subject = {{cn, utf8, "alice"}}) {
        odd_certificate wanted;
        wanted.ca_directory = dir / ca_name;
        wanted.subject = std::move(subject);
        return wanted;
    }
    // "USER [GROUP,GROUP]", or why not. What stands between is sent along.
    std::string who(const trust& trusted, const odd_certificate& wanted, const std::vector<std::string>& between = {}) {
        last = identity{};
        const auto [certificate, key] = make(wanted);
        STACK_OF(X509)* sent = sk_X509_new_null();
        for (const auto& name : between)
            sk_X509_push(sent, load_certificate(dir / (name + "/ca.crt"))->release());
        const auto verdict = trusted.verify(certificate.get(), sent, now);
        std::string text;
        if (verdict.error != X509_V_OK) {
            text = X509_verify_cert_error_string(verdict.error);
            EXPECT_EQ(verdict.chain, nullptr);
        } else if (const auto found = trusted.identify(verdict.chain); !found) {
            text = found.error();
        } else {
            last = *found;
            text = found->user + " [";
            for (const auto& group : found->groups) text += (text.back() == '[' ? "" : ",") + group;
            text += "]";
        }
        sk_X509_pop_free(verdict.chain, X509_free);
        sk_X509_pop_free(sent, X509_free);
        return text;
    }
    std::string problem(const client_ca& as) {
        const auto loaded = trusted_ca::load(as);
        return loaded ? "loaded" : loaded.error();
    }

    const scratch dir;
    long long now = std::time(nullptr);
    identity last;
};

}  // namespace

TEST_F(trust_test, tells_who_by_which_ca) {
    write(odd_authority{}, dir, "own");
    const auto trusted = all({ca("own")});
    EXPECT_EQ(who(*trusted, leaf("own", {{cn, utf8, "alice"}, {o, utf8, "sre"}})), "alice [sre]");
    EXPECT_EQ(last.authority, "own");
    EXPECT_EQ(last.anchor, fingerprint_of(load_certificate(dir / "own/ca.crt")->get()));
    ASSERT_EQ(last.links.size(), 1u);
    EXPECT_EQ(last.links[0].serial, "ABCDEF");
    EXPECT_NEAR(static_cast<double>(last.valid_until), static_cast<double>(now + 3600), 60);
    EXPECT_NEAR(static_cast<double>(last.valid_from), static_cast<double>(now - 3600), 60);
    EXPECT_EQ(trusted->fault(last), "");
}

TEST_F(trust_test, the_chain_lives_as_long_as_its_shortest_part) {
    odd_authority brief;
    brief.ends_in = 600;
    write(brief, dir, "own");
    EXPECT_EQ(who(*all({ca("own")}), leaf("own")), "alice []");
    EXPECT_NEAR(static_cast<double>(last.valid_until), static_cast<double>(now + 600), 60);
    EXPECT_NEAR(static_cast<double>(last.not_after), static_cast<double>(now + 3600), 60);
}

TEST_F(trust_test, puts_the_prefix_before_user_and_groups) {
    write(odd_authority{}, dir, "own");
    write(odd_authority{}, dir, "cluster");
    const auto trusted = all({ca("own"), ca("cluster", "cluster:")});
    EXPECT_EQ(who(*trusted, leaf("cluster", {{cn, utf8, "alice"}, {o, utf8, "sre"}, {o, utf8, "system:masters"}})),
              "cluster:alice [cluster:sre,cluster:system:masters]");
    EXPECT_EQ(who(*trusted, leaf("own", {{cn, utf8, "alice"}, {o, utf8, "sre"}})), "alice [sre]");
}

TEST_F(trust_test, nobody_can_fake_the_prefix_of_another_ca) {
    for (const char* name : {"own", "cluster", "inner"}) write(odd_authority{}, dir, name);
    const auto trusted = all({ca("own"), ca("cluster", "k8s:"), ca("inner", "k8s:inner:")});
    const std::string own = "CA own asserts the name ", outer = "CA cluster asserts the name ";
    const std::string begins = ", which begins with another CA's prefix ";
    EXPECT_EQ(who(*trusted, leaf("own", {{cn, utf8, "k8s:alice"}})), own + "k8s:alice" + begins + "k8s:");
    EXPECT_EQ(who(*trusted, leaf("own", {{cn, utf8, "alice"}, {o, utf8, "k8s:sre"}})), own + "k8s:sre" + begins + "k8s:");
    EXPECT_EQ(who(*trusted, leaf("cluster", {{cn, utf8, "inner:alice"}})),
              outer + "k8s:inner:alice" + begins + "k8s:inner:");
    EXPECT_EQ(who(*trusted, leaf("cluster", {{cn, utf8, "inner"}})), "k8s:inner []");
    EXPECT_EQ(who(*trusted, leaf("cluster", {{cn, utf8, "k8s:alice"}})), "k8s:k8s:alice []");
    EXPECT_EQ(who(*trusted, leaf("inner", {{cn, utf8, "alice"}})), "k8s:inner:alice []");
    EXPECT_EQ(who(*trusted, leaf("own", {{cn, utf8, "system:node"}})), "system:node []");
}

TEST_F(trust_test, a_ca_asserts_what_it_may_and_no_more) {
    write(odd_authority{}, dir, "cluster");
    auto limited = ca("cluster", "c:");
    limited.users = {"dev-*", "oncall"};
    limited.groups = {"team-?"};
    const auto trusted = all({limited});
    EXPECT_EQ(who(*trusted, leaf("cluster", {{cn, utf8, "dev-7"}, {o, utf8, "team-a"}, {o, utf8, "admins"}, {o, utf8, "team-ab"}})),
              "c:dev-7 [c:team-a]");
    EXPECT_EQ(who(*trusted, leaf("cluster", {{cn, utf8, "oncall"}})), "c:oncall []");
    EXPECT_EQ(who(*trusted, leaf("cluster", {{cn, utf8, "root"}})),
              "CA cluster may not assert the user root (see its `users`)");
    limited.users = {};
    EXPECT_EQ(who(*all({limited}), leaf("cluster", {{cn, utf8, "oncall"}})),
              "CA cluster may not assert the user oncall (see its `users`)");
}

TEST_F(trust_test, patterns_match_the_whole_name) {
    for (const char* yes : {"a*c", "abc", "*", "a?c", "**c", "*b*"}) EXPECT_TRUE(matches(yes, "abc")) << yes;
    for (const char* no : {"", "ab", "b*", "a?", "abcd", "?", "*d", "ABC"}) EXPECT_FALSE(matches(no, "abc")) << no;
    EXPECT_TRUE(matches("*", ""));
    EXPECT_TRUE(matches(std::string(40, '*') + "b", std::string(4000, 'a') + "b"));
}

TEST_F(trust_test, cas_of_one_name_are_told_apart_by_their_keys) {
    // Without key identifiers OpenSSL has only the name to find an issuer by.
    for (const bool identifiers : {false, true}) {
        odd_authority twin;
        twin.key_identifiers = identifiers;
        const std::string a = identifiers ? "a1" : "a0", b = identifiers ? "b1" : "b0";
        write(twin, dir, a);
        write(twin, dir, b);
        const auto trusted = all({ca(a), ca(b, "b:")});
        EXPECT_EQ(who(*trusted, leaf(a)), "alice []");
        EXPECT_EQ(last.authority, a);
        EXPECT_EQ(who(*trusted, leaf(b)), "b:alice []");
        EXPECT_EQ(last.authority, b);
        EXPECT_EQ(who(*all({ca(a)}), leaf(b)).find('['), std::string::npos);
    }
    // Both in one bundle.
    put(dir / "both.crt", contents(dir / "a0/ca.crt") + contents(dir / "b0/ca.crt"));
    auto both = ca("both");
    both.file = dir / "both.crt";
    EXPECT_EQ(who(*all({both}), leaf("a0")), "alice []");
    EXPECT_EQ(who(*all({both}), leaf("b0")), "alice []");
}

TEST_F(trust_test, one_root_belongs_to_one_ca) {
    write(odd_authority{}, dir, "own");
    auto again = ca("own", "x:");
    again.name = "again";
    const auto made = trust::of({load(ca("own")), load(again)});
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().find("the same root certificate is in "), std::string::npos) << made.error();
    const auto named = trust::of({load(ca("own")), load(ca("own"))});
    ASSERT_FALSE(named);
    EXPECT_NE(named.error().find("two client CAs are called own"), std::string::npos);
}

TEST_F(trust_test, goes_through_cas_between) {
    write({.name = "root"}, dir, "root");
    write({.name = "between", .above = dir / "root"}, dir, "between");
    const auto trusted = all({ca("root", "r:")});
    EXPECT_EQ(who(*trusted, leaf("between"), {"between"}), "r:alice []");
    EXPECT_EQ(last.links.size(), 2u);
    EXPECT_EQ(who(*trusted, leaf("between")), "unable to get local issuer certificate");
    // In the bundle, nobody needs to send it.
    put(dir / "bundle.crt", contents(dir / "root/ca.crt") + "\n# between\n" + contents(dir / "between/ca.crt"));
    auto bundle = ca("root");
    bundle.file = dir / "bundle.crt";
    EXPECT_EQ(who(*all({bundle}), leaf("between")), "alice []");
    // It alone is no root.
    EXPECT_NE(problem(ca("between")).find("has no root"), std::string::npos) << problem(ca("between"));
}

TEST_F(trust_test, takes_cross_signed_chains) {
    write({.name = "old root"}, dir, "old");
    write({.name = "new root"}, dir, "new");
    write({.name = "between", .above = dir / "old", .serial = 5}, dir, "by-old");
    write({.name = "between", .above = dir / "new", .key_of = dir / "by-old", .serial = 6}, dir, "by-new");
    EXPECT_EQ(who(*all({ca("old", "o:")}), leaf("by-old"), {"by-new", "by-old"}), "o:alice []");
    EXPECT_EQ(who(*all({ca("new", "n:")}), leaf("by-old"), {"by-old", "by-new"}), "n:alice []");
    EXPECT_EQ(who(*all({ca("new", "n:")}), leaf("by-old"), {"by-old"}), "unable to get local issuer certificate");
    // Where both would do, the first that is configured has it.
    EXPECT_EQ(who(*all({ca("new", "n:"), ca("old", "o:")}), leaf("by-old"), {"by-old", "by-new"}), "n:alice []");
}

TEST_F(trust_test, heeds_basic_constraints_and_path_lengths) {
    write({.name = "root", .constraints = "critical,CA:TRUE,pathlen:0"}, dir, "root");
    write({.name = "between", .above = dir / "root"}, dir, "between");
    EXPECT_EQ(who(*all({ca("root")}), leaf("between"), {"between"}), "path length constraint exceeded");
    EXPECT_EQ(who(*all({ca("root")}), leaf("root")), "alice []");

    write({.name = "free root"}, dir, "free");
    write({.name = "no ca", .above = dir / "free", .constraints = "critical,CA:FALSE"}, dir, "no-ca");
    EXPECT_EQ(who(*all({ca("free")}), leaf("no-ca"), {"no-ca"}), "invalid CA certificate");
    write({.name = "silent", .above = dir / "free", .constraints = ""}, dir, "silent");
    EXPECT_EQ(who(*all({ca("free")}), leaf("silent"), {"silent"}).find('['), std::string::npos);
    write({.name = "no signer", .above = dir / "free", .usage = "critical,digitalSignature"}, dir, "no-signer");
    EXPECT_EQ(who(*all({ca("free")}), leaf("no-signer"), {"no-signer"}).find('['), std::string::npos);
    // Longer than anybody's.
    std::string above = "free";
    std::vector<std::string> sent;
    for (const char* name : {"one", "two", "three", "four"}) {
        write({.name = name, .above = dir / above}, dir, name);
        above = name;
        sent.push_back(name);
    }
    EXPECT_EQ(who(*all({ca("free")}), leaf("two"), sent), "alice []");
    EXPECT_EQ(who(*all({ca("free")}), leaf("four"), sent).find('['), std::string::npos);
}

TEST_F(trust_test, refuses_what_is_not_a_clients_good_certificate) {
    write(odd_authority{}, dir, "own");
    const auto trusted = all({ca("own")});
    const auto with = [&](auto change) {
        auto wanted = leaf("own");
        change(wanted);
        return who(*trusted, wanted);
    };
    EXPECT_EQ(with([](auto& c) { c.ends_in = -1; }), "certificate has expired");
    EXPECT_EQ(with([](auto& c) { c.starts_in = 600; }), "certificate is not yet valid");
    EXPECT_EQ(with([](auto& c) { c.ca_directory = ""; }), "self-signed certificate");
    EXPECT_EQ(with([](auto& c) { c.rsa_bits = 1024; }), "EE certificate key too weak");
    EXPECT_EQ(with([](auto& c) { c.curve = "P-224"; }), "EE certificate key too weak");
    for (const char* usage : {"serverAuth", "codeSigning", ""})
        EXPECT_EQ(with([&](auto& c) { c.usage = usage; }).find('['), std::string::npos) << usage;
    EXPECT_EQ(with([](auto& c) { c.subject = {{cn, utf8, std::string(4096, 'a')}}; }),
              "the name (CN) of the certificate is longer than 256 bytes");
    EXPECT_EQ(with([](auto& c) { c.subject = {{cn, utf8, std::string("a\0b", 3)}}; }),
              "the name (CN) of the certificate has control characters");
    // And its time comes and goes.
    EXPECT_EQ(with([](auto&) {}), "alice []");
    now += 7200;
    EXPECT_EQ(with([](auto&) {}), "certificate has expired");
    now -= 14400;
    EXPECT_EQ(with([](auto&) {}), "certificate is not yet valid");
}

TEST_F(trust_test, spiffe_ids_need_a_trust_domain) {
    write(odd_authority{}, dir, "mesh");
    auto svid = leaf("mesh", {});
    svid.uris = {"spiffe://prod/ns/a"};
    EXPECT_EQ(who(*all({ca("mesh")}), svid), "SPIFFE IDs are not accepted from CA mesh (set its trustDomain)");
    auto mesh = ca("mesh", "mesh:");
    mesh.trust_domain = "prod";
    EXPECT_EQ(who(*all({mesh}), svid), "mesh:spiffe://prod/ns/a []");
    mesh.prefix = "";
    mesh.users = {"spiffe://prod/ns/*"};
    EXPECT_EQ(who(*all({mesh}), svid), "spiffe://prod/ns/a []");
    EXPECT_EQ(who(*all({mesh}), leaf("mesh")), "CA mesh speaks for the trust domain prod only, and the certificate has no SPIFFE ID");
    mesh.trust_domain = "staging";
    EXPECT_EQ(who(*all({mesh}), svid), "CA mesh may not speak for the trust domain prod, only for staging");
}

TEST_F(trust_test, refuses_bundles_that_are_not_whole) {
    write(odd_authority{}, dir, "own");
    write(odd_authority{}, dir, "other");
    const auto first = contents(dir / "own/ca.crt"), second = contents(dir / "other/ca.crt");
    auto bundle = ca("own");
    bundle.file = dir / "bundle.crt";
    // Cut anywhere but between two certificates, where nobody could tell.
    for (std::size_t cut = 1; cut < second.size() - 1; cut += 7) {
        put(bundle.file, first + second.substr(0, cut));
        EXPECT_NE(problem(bundle), "loaded") << cut;
    }
    put(bundle.file, first + second);
    EXPECT_EQ(problem(bundle), "loaded");
    put(bundle.file, first + "and a word at the end\n");
    EXPECT_EQ(problem(bundle), "loaded");
    for (const char* junk : {"", "junk"}) {
        put(bundle.file, junk);
        EXPECT_EQ(problem(bundle), "CA own: " + bundle.file + " has no certificate in PEM form");
    }
    put(bundle.file, contents(write(leaf("own"), dir, "alice").certificate) + first);
    EXPECT_NE(problem(bundle).find("is no CA certificate"), std::string::npos) << problem(bundle);
    odd_authority weak;
    weak.rsa_bits = 1024;
    write(weak, dir, "weak");
    EXPECT_NE(problem(ca("weak")).find("has an RSA key of 1024 bits"), std::string::npos) << problem(ca("weak"));
}

TEST_F(trust_test, asks_the_slot_at_every_handshake) {
    write(odd_authority{}, dir, "own");
    write(odd_authority{}, dir, "other");
    auto server = leaf("own");
    server.usage = "serverAuth";
    const auto files = write(server, dir, "gateway");
    auto slot = std::make_shared<trust_slot>();
    auto context = make_server_context(files, slot);
    ASSERT_TRUE(context) << context.error();
    const auto [certificate, key] = make(leaf("own"));
    std::string heard;
    const auto admitted = [&] {
        ssl_ctx client(SSL_CTX_new(TLS_client_method()));
        SSL_CTX_use_certificate(client.get(), certificate.get());
        SSL_CTX_use_PrivateKey(client.get(), key.get());
        handshake h(client.get(), context->get());
        h.run();
        heard = h.server_works() ? "" : explain_tls_failure(h.server(), "192.0.2.1", {});
        if (h.server_works()) {
            const auto found = identify_client(h.server());
            EXPECT_TRUE(found && found->user == "alice");
        }
        return h.server_works();
    };
    EXPECT_FALSE(admitted());  // an empty slot admits nobody
    slot->now = all({ca("own")});
    EXPECT_TRUE(admitted());
    slot->objection = [](const identity& i) { return i.user == "alice" ? "access of alice has been revoked" : ""; };
    EXPECT_FALSE(admitted());
    EXPECT_EQ(heard, "the client's certificate is refused: alice: access of alice has been revoked");
    slot->objection = nullptr;
    EXPECT_TRUE(admitted());
    slot->now = all({ca("other")});
    EXPECT_FALSE(admitted());
    EXPECT_EQ(heard, "the client's certificate was not issued by a CA that is trusted here");
}

}  // namespace auth::test
