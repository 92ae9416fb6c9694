// A CA with its store in a directory of its own, and the keys of those who come to it.
#pragma once

#include <gtest/gtest.h>

#include <ctime>
#include <optional>
#include <string>

#include "auth/armor.h"
#include "auth/authority.h"
#include "auth/ca_store.h"
#include "auth/issuing.h"
#include "auth/signing_request.h"
#include "odd_certificate.h"

namespace auth::test {

inline constexpr std::int64_t day = 24 * 3600;

struct shop {
    shop() {
        const auto made = ensure_ca(directory(), "test CA");
        EXPECT_TRUE(made) << made.error();
        auto opened = ca_store::open(directory());
        EXPECT_TRUE(opened) << opened.error();
        store.emplace(std::move(*opened));
        auto loaded = load_authority(directory());
        EXPECT_TRUE(loaded) << loaded.error();
        ca = std::move(*loaded);
    }
    std::string directory() const { return scratch_ / "ca"; }
    std::string file() const { return scratch_ / "ca/ca.db"; }

    // A token in the store; its text.
    std::string token(const std::string& user = "alice", std::int64_t at = 0, std::chrono::seconds life = std::chrono::minutes(10)) {
        auto made = make_token(user, {"sre"}, life, at ? at : now);
        EXPECT_TRUE(made);
        transaction change(store->db());
        store->add(made->record);
        EXPECT_TRUE(change.commit());
        return made->text;
    }
    issue_result<issued_certificate> enroll(const std::string& token, std::int64_t at = 0,
                                            const std::string& source = "192.0.2.1") {
        return issue_for_token(*store, ca, terms, sha256_hex(token), spki_of(key.get()), source, at ? at : now);
    }

    scratch scratch_;
    std::optional<ca_store> store;
    authority ca;
    issue_terms terms;
    key_ptr key = std::move(*make_key());
    const std::int64_t now = std::time(nullptr);
};

inline certificate_ptr certificate_in(const std::string& pem) {
    auto all = read_certificates(pem, "the answer");
    EXPECT_TRUE(all && !all->empty());
    return std::move(all->front());
}

template <class Result>
std::string code_of(const Result& made) {
    return made ? "issued" : made.error().code;
}

}  // namespace auth::test
