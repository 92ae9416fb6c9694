// A signer within the test's own process: one CA, tokens and lives of seconds, and everything it was asked.
#pragma once

#include <chrono>
#include <ctime>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "auth/armor.h"
#include "auth/identity.h"
#include "auth/pem.h"
#include "auth/signing_request.h"
#include "gateway/signer.h"

namespace gateway {

class test_signer final : public signer {
public:
    // `ca_directory` has ca.crt and ca.key (auth::ensure_ca).
    test_signer(boost::asio::io_context& io, const std::string& ca_directory)
        : io_(io),
          ca_(std::move(*auth::load_certificate(ca_directory + "/ca.crt"))),
          key_(std::move(*auth::load_key(ca_directory + "/ca.key"))) {}

    // What an administrator does.
    void add_token(const std::string& token, const std::string& user, long long lives = 600) {
        tokens_[auth::sha256_hex(token)] = {user, std::time(nullptr) + lives};
        if (changed_) changed_();
    }
    void withdraw(const std::string& token) {
        tokens_.erase(auth::sha256_hex(token));
        if (changed_) changed_();
    }

    void enroll(enroll_question question, std::function<void(signer_answer)> done) override {
        asked.push_back(question);
        sources.push_back(question.source);
        const auto at = tokens_.find(question.token_hash);
        if (silent) return;
        if (at == tokens_.end() || at->second.second <= std::time(nullptr))
            return later(std::move(done), refusal("token-unknown", "no such token"));
        const std::string user = at->second.first;
        tokens_.erase(at);
        later(std::move(done), issue(user, question.public_key));
        if (changed_) changed_();
    }

    void renew(renew_question question, std::function<void(signer_answer)> done) override {
        renewals.push_back(question);
        const auto at = issued_.find(question.fingerprint);
        if (at == issued_.end()) return later(std::move(done), refusal("certificate-unknown", "not one of ours"));
        if (!auth::renewal_signed(X509_get0_pubkey(at->second.second.get()), question.public_key, question.proof))
            return later(std::move(done), refusal("bad-proof", "the proof does not fit the old key"));
        later(std::move(done), issue(at->second.first, question.public_key));
    }

    void tokens(std::function<void(live_tokens)> done) override {
        live_tokens live;
        live.known = true;
        for (const auto& [hash, token] : tokens_) {
            if (token.second <= std::time(nullptr)) continue;
            ++live.count;
            if (live.next_expiry == 0 || token.second < live.next_expiry) live.next_expiry = token.second;
        }
        boost::asio::post(io_, [done = std::move(done), live] { done(live); });
    }

    void on_changed(std::function<void()> changed) override { changed_ = std::move(changed); }

    signer_answer issue(const std::string& user, const std::string& spki) {
        const auto* at = reinterpret_cast<const unsigned char*>(spki.data());
        auth::key_ptr key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
        auth::certificate_ptr c(X509_new());
        unsigned char serial[12];
        RAND_bytes(serial, sizeof serial);
        BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(c.get()));
        BN_free(number);
        X509_set_version(c.get(), X509_VERSION_3);
        const std::time_t now = std::time(nullptr);
        ASN1_TIME_set(X509_getm_notBefore(c.get()), now - backdated);
        ASN1_TIME_set(X509_getm_notAfter(c.get()), now + lifetime);
        X509_set_pubkey(c.get(), key.get());
        X509_NAME* name = X509_get_subject_name(c.get());
        for (const auto& [nid, text] : {std::pair{NID_organizationName, std::string("developers")}, std::pair{NID_commonName, user}})
            X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.data()), -1, -1, 0);
        X509_set_issuer_name(c.get(), X509_get_subject_name(ca_.get()));
        for (const auto& [nid, text] : {std::pair{NID_basic_constraints, "critical,CA:FALSE"}, std::pair{NID_key_usage, "critical,digitalSignature"},
                                        std::pair{NID_ext_key_usage, "clientAuth"}}) {
            X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, text);
            X509_add_ext(c.get(), extension, -1);
            X509_EXTENSION_free(extension);
        }
        X509_sign(c.get(), key_.get(), EVP_sha256());
        signer_answer out;
        out.ok = true;
        out.certificate = auth::to_pem(c.get());
        out.ca = auth::to_pem(ca_.get());
        out.user = user;
        out.groups = {"developers"};
        out.not_after = now + lifetime;
        out.renew_until = now + renewable;
        const std::string print = auth::identify(c.get())->fingerprint;
        issued_[print] = {user, std::move(c)};
        return out;
    }

    long lifetime = 3600;         // seconds
    long backdated = 300;         // likewise
    long renewable = 30 * 86400;  // likewise
    bool silent = false;          // never answers
    std::vector<enroll_question> asked;
    std::vector<std::string> sources;
    std::vector<renew_question> renewals;

private:
    static signer_answer refusal(const char* code, const char* reason) {
        signer_answer out;
        out.code = code;
        out.reason = reason;
        return out;
    }
    void later(std::function<void(signer_answer)> done, signer_answer said) {
        boost::asio::post(io_, [done = std::move(done), said = std::move(said)] { done(said); });
    }

    boost::asio::io_context& io_;
    auth::certificate_ptr ca_;
    auth::key_ptr key_;
    std::map<std::string, std::pair<std::string, long long>> tokens_;  // hash: user, expiry
    std::map<std::string, std::pair<std::string, auth::certificate_ptr>> issued_;
    std::function<void()> changed_;
};

}  // namespace gateway
