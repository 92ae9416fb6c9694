// A renewal against a gateway's main port, over loopback; and what becomes of it when somebody else is first.
#include "gateway/certificate_renewal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "auth/authority.h"
#include "gateway/authority.h"
#include "gateway/enrollment_server.h"
#include "gateway/tls_server.h"
#include "tests/support/test_signer.h"
#include "tests/unit/gateway/loop.h"
#include "tests/unit/gateway/nothing_here.h"

namespace gateway {
namespace {

class certificate_renewal_test : public testing::Test {
protected:
    certificate_renewal_test() : signer_(io, ca.ca()), own(ca.gateway()) {
        const char* was = std::getenv("XDG_CONFIG_HOME");
        before = was ? std::optional<std::string>(was) : std::nullopt;
        ::setenv("XDG_CONFIG_HOME", place.path().c_str(), 1);
    }
    ~certificate_renewal_test() override {
        before ? ::setenv("XDG_CONFIG_HOME", before->c_str(), 1) : ::unsetenv("XDG_CONFIG_HOME");
    }

    void SetUp() override {
        auth::client_ca trusted;
        trusted.file = own.ca;
        identities.trust(*auth::trust::of({*auth::trusted_ca::load(trusted)}));
        parts.renew = [this](const auth::identity& who, const std::string& text, std::function<void(http_answer)> done) {
            if (meanwhile) meanwhile();
            service.renew(who, text, std::move(done));
        };
        auto context = auth::make_server_context(own, identities.slot());
        ASSERT_TRUE(context) << context.error();
        main.emplace(parts, std::move(*context));
        ASSERT_TRUE(main->listen({{"127.0.0.1", 0}}));
    }

    // Two thirds of a certificate's life are over where it is dated back far enough and came long ago.
    std::string enrol(const std::string& user, long lifetime) {
        signer_.lifetime = lifetime;
        const auto key = auth::make_key();
        const std::string identity = signer_.issue(user, auth::spki_of(key->get())).certificate + auth::to_pem(key->get());
        laptop_context one;
        one.name = "one";
        one.gateway = {"127.0.0.1", main->addresses().at(0).port()};
        context_store store;
        auto draft = store.begin();
        EXPECT_TRUE(draft) << draft.error();
        EXPECT_TRUE(draft->commit(one, identity, content(own.ca)));
        const timespec long_ago[2] = {{1, 0}, {1, 0}};
        EXPECT_EQ(::utimensat(AT_FDCWD, store.files("one").certificate.c_str(), long_ago, 0), 0);
        signer_.lifetime = 7200;  // what a renewal gives
        return identity;
    }
    static std::string content(const std::string& file) {
        std::ifstream in(file);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    std::string stored() const { return content(context_store().files("one").certificate); }

    // Renews, until it has been asked for and the answer was dealt with.
    void renew() {
        certificate_renewal renewal(io, {"one", "127.0.0.1", main->addresses().at(0).port(), ""},
                                    [this](const std::string& line) { said += line + "\n"; });
        renewal.start();
        EXPECT_TRUE(run_until(io, [&] { return counts.renewals == 1 && !renewal.busy(); })) << said;
    }

    temporary_directory place;
    std::optional<std::string> before;
    authority ca;
    boost::asio::io_context io{1};
    limits bounds;
    counters counts;
    test_signer signer_;
    auth::tls_files own;
    nothing_here components;
    client_authority identities{io};
    gateway_parts parts{io, components, bounds, counts, {}, {}, false, &identities};
    enrollment service{signer_, counts, {[] { return std::uint16_t{1}; }, {}}};
    std::optional<tls_server> main;
    std::function<void()> meanwhile;
    std::string said;
};

TEST_F(certificate_renewal_test, exchanges_certificate_and_key) {
    const std::string old = enrol("alice", 60);
    renew();
    EXPECT_EQ(said, "");
    EXPECT_NE(stored(), old);
    const auto who = context_store().who("one");
    ASSERT_TRUE(who) << who.error();
    EXPECT_EQ(who->user, "alice");
    EXPECT_TRUE(auth::make_client_context(context_store().files("one")));  // the two belong together
}

TEST_F(certificate_renewal_test, leaves_what_was_enrolled_while_the_gateway_was_asked) {
    enrol("alice", 60);
    std::string anew;
    meanwhile = [&] { anew = enrol("bob", 3600); };
    renew();
    EXPECT_EQ(said, "");
    ASSERT_NE(anew, "");
    EXPECT_EQ(stored(), anew);
}

}  // namespace
}  // namespace gateway
