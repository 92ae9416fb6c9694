// What the CA has done and may still do, in SQLite: certificates issued, tokens, revocations, failed
// attempts. Rows only; who may get what is decided in auth/issuing.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "auth/tls.h"
#include "storage/sqlite.h"

namespace auth {

using storage::database;
using storage::statement;
using storage::transaction;

// Times are seconds since the epoch throughout.
struct issue_record {
    issue_record() = default;  // no aggregate: an error's text must not look like one
    std::string serial;        // upper-case hex, as identity::serial
    std::string issuer;        // as identity::issuer
    std::string fingerprint;   // as identity::fingerprint
    std::string user;
    std::vector<std::string> groups;
    std::string key_hash;     // sha256 of the public key's DER, lower-case hex
    std::string certificate;  // PEM
    std::int64_t not_before = 0;
    std::int64_t not_after = 0;
    std::int64_t issued_at = 0;
    std::string how;                          // admin, token, renewal or gateway
    std::optional<std::int64_t> enrolled_at;  // none: may not be renewed
    std::string renewed_from;                 // a serial, or empty
    std::optional<std::int64_t> revoked_at;
    std::string reason;  // of the revocation
};

struct token_record {
    token_record() = default;
    std::string id;    // to speak of it; no secret
    std::string hash;  // sha256 of the token, lower-case hex
    std::string user;
    std::vector<std::string> groups;
    std::int64_t created = 0;
    std::int64_t expires = 0;
    std::optional<std::int64_t> used_at;
    std::string used_by;  // the source address
    std::optional<std::int64_t> withdrawn_at;
    std::optional<std::int64_t> expired_at;  // seen to have expired: a clock set back does not revive it
    bool live(std::int64_t now) const;
};

struct revoked_user {
    revoked_user() = default;
    std::string user;
    std::int64_t revoked_at = 0;
    std::string reason;
};

struct token_counts {
    std::int64_t live = 0;
    std::int64_t next_expiry = 0;  // of those; 0: none
    std::int64_t to_mark = 0;      // expired, and not marked so yet
};

struct attempt_counts {
    std::int64_t of_source = 0;
    std::int64_t in_all = 0;
};

// Errors are kept by db() and told by transaction::commit(); what is read after one is empty.
class ca_store {
public:
    // `directory` is made (0700) when it is not there; the file in it is ca.db. A file of a newer version
    // is refused.
    static outcome<ca_store> open(const std::string& directory,
                                  std::chrono::milliseconds patience = std::chrono::seconds(5));

    database& db() { return db_; }

    void add(const issue_record& issue);
    std::optional<issue_record> find_fingerprint(const std::string& fingerprint);
    std::optional<issue_record> find_serial(const std::string& serial);
    std::vector<issue_record> issues();  // in the order they were issued
    // Certificates made from that one by renewal, for that key: the one there is, and how many in all.
    std::optional<issue_record> find_renewal(const std::string& serial, const std::string& key_hash);
    std::int64_t renewals_of(const std::string& serial);
    // Another person who has or had a certificate for this key, or empty.
    std::string other_owner(const std::string& key_hash, const std::string& user);

    // Revoked and not yet expired at `since`, by serial, behind the serial `after`; at most `count`.
    std::vector<issue_record> revoked(std::int64_t since, const std::string& after, std::int64_t count);
    // The certificate, those renewed from it, and those it was renewed from: whoever had the key of one could
    // have renewed it. How many were not revoked yet.
    std::int64_t revoke(const std::string& serial, std::int64_t now, const std::string& reason);
    std::int64_t revoke_issues_of(const std::string& user, std::int64_t now, const std::string& reason);

    void revoke_user(const std::string& user, std::int64_t now, const std::string& reason);
    bool unrevoke_user(const std::string& user);  // false: was not
    bool user_revoked(const std::string& user);
    // In their order, behind `after`; at most `count`.
    std::vector<revoked_user> revoked_users(const std::string& after = {}, std::int64_t count = -1);

    void add(const token_record& token);
    std::optional<token_record> find_token(const std::string& hash);
    std::vector<token_record> tokens();
    bool use_token(const std::string& id, const std::string& source, const std::string& serial, std::int64_t now);
    bool withdraw_token(const std::string& id, std::int64_t now);
    std::int64_t withdraw_tokens_of(const std::string& user, std::int64_t now);
    void mark_expired_tokens(std::int64_t now);
    token_counts count_tokens(std::int64_t now);

    void add_attempt(const std::string& source, std::int64_t now);
    attempt_counts attempts(const std::string& source, std::int64_t since);
    void forget_attempts(std::int64_t before, std::int64_t after);  // outside of these

    std::int64_t next_crl_number();

private:
    explicit ca_store(database db) : db_(std::move(db)) {}
    database db_;
};

}  // namespace auth
