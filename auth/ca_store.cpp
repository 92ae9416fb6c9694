#include "auth/ca_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "protocol/json.h"

namespace auth {

namespace {

constexpr std::int64_t schema_version = 1;

constexpr const char* schema[] = {
    "CREATE TABLE issues (serial TEXT PRIMARY KEY, issuer TEXT NOT NULL, fingerprint TEXT NOT NULL UNIQUE,"
    " user TEXT NOT NULL, groups TEXT NOT NULL, key_hash TEXT NOT NULL, certificate TEXT NOT NULL,"
    " not_before INTEGER NOT NULL, not_after INTEGER NOT NULL, issued_at INTEGER NOT NULL,"
    " how TEXT NOT NULL CHECK (how IN ('admin', 'token', 'renewal', 'gateway')), enrolled_at INTEGER,"
    " renewed_from TEXT NOT NULL, revoked_at INTEGER, reason TEXT NOT NULL) STRICT",
    "CREATE INDEX issues_user ON issues (user)",
    "CREATE INDEX issues_key ON issues (key_hash)",
    "CREATE INDEX issues_renewed ON issues (renewed_from)",
    "CREATE INDEX issues_revoked ON issues (serial) WHERE revoked_at IS NOT NULL",
    "CREATE TABLE tokens (id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, user TEXT NOT NULL, groups TEXT NOT NULL,"
    " created INTEGER NOT NULL, expires INTEGER NOT NULL, used_at INTEGER, used_by TEXT NOT NULL DEFAULT '',"
    " used_serial TEXT NOT NULL DEFAULT '', withdrawn_at INTEGER, expired_at INTEGER) STRICT",
    "CREATE TABLE revoked_users (user TEXT PRIMARY KEY, revoked_at INTEGER NOT NULL, reason TEXT NOT NULL) STRICT",
    "CREATE TABLE attempts (source TEXT NOT NULL, at INTEGER NOT NULL) STRICT",
    "CREATE INDEX attempts_at ON attempts (at)",
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT",
};

constexpr const char* issue_columns =
    "SELECT serial, issuer, fingerprint, user, groups, key_hash, certificate, not_before, not_after, issued_at, how,"
    " enrolled_at, renewed_from, revoked_at, reason FROM issues ";
constexpr const char* token_columns =
    "SELECT id, hash, user, groups, created, expires, used_at, used_by, withdrawn_at, expired_at FROM tokens ";

std::string joined(const std::vector<std::string>& groups) {
    protocol::json::array all(groups.begin(), groups.end());
    return protocol::to_text(protocol::json(std::move(all)));
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> groups;
    const auto all = protocol::parse_json(text);
    if (all && all->if_array())
        for (const auto& one : *all->if_array())
            if (one.is_string()) groups.push_back(*one.if_string());
    return groups;
}

issue_record issue_of(const statement& row) {
    issue_record out;
    out.serial = row.text(0);
    out.issuer = row.text(1);
    out.fingerprint = row.text(2);
    out.user = row.text(3);
    out.groups = split(row.text(4));
    out.key_hash = row.text(5);
    out.certificate = row.text(6);
    out.not_before = row.number(7);
    out.not_after = row.number(8);
    out.issued_at = row.number(9);
    out.how = row.text(10);
    out.enrolled_at = row.maybe(11);
    out.renewed_from = row.text(12);
    out.revoked_at = row.maybe(13);
    out.reason = row.text(14);
    return out;
}

token_record token_of(const statement& row) {
    token_record out;
    out.id = row.text(0);
    out.hash = row.text(1);
    out.user = row.text(2);
    out.groups = split(row.text(3));
    out.created = row.number(4);
    out.expires = row.number(5);
    out.used_at = row.maybe(6);
    out.used_by = row.text(7);
    out.withdrawn_at = row.maybe(8);
    out.expired_at = row.maybe(9);
    return out;
}

std::optional<issue_record> one_issue(statement& found) {
    if (!found.next()) return std::nullopt;
    return issue_of(found);
}

std::vector<issue_record> all_issues(statement& found) {
    std::vector<issue_record> out;
    while (found.next()) out.push_back(issue_of(found));
    return out;
}

outcome<void> make_schema(database& db) {
    transaction change(db);
    // Another process may have been first.
    if (db.number("PRAGMA user_version") == 0) {
        for (const char* sql : schema) db.run(sql);
        db.run("PRAGMA user_version = 1");
    }
    return change.commit();
}

}  // namespace

bool token_record::live(std::int64_t now) const {
    return !used_at && !withdrawn_at && !expired_at && now < expires;
}

outcome<ca_store> ca_store::open(const std::string& directory, std::chrono::milliseconds patience) {
    using result = outcome<ca_store>;
    const auto failed = [](std::string why) { return result(boost::system::in_place_error, std::move(why)); };
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
        return failed("cannot create " + directory + ": " + std::generic_category().message(errno));
    struct stat info {};
    if (::stat(directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return failed(directory + " is not a directory");
    if (info.st_uid != ::geteuid()) return failed(directory + " belongs to another user; run this as its owner");
    if (info.st_mode & 0077)
        return failed(directory + " can be read or changed by others than its owner; run: chmod 700 " + directory);
    auto db = database::open(directory + "/ca.db", patience,
                             "restore it from a backup together with its -wal file (without it nobody knows who was "
                             "given a certificate or revoked)");
    if (!db) return failed(db.error());
    const auto version = db->number("PRAGMA user_version");
    if (!db->ok()) return failed(db->fault());
    if (version > schema_version)
        return failed(db->file() + " was written by a newer delvegate (its format is " + std::to_string(version) +
                      "); use that one");
    if (version == 0)
        if (auto made = make_schema(*db); !made) return failed(made.error());
    return result(boost::system::in_place_value, ca_store(std::move(*db)));
}

void ca_store::add(const issue_record& i) {
    statement(db_,
              "INSERT INTO issues (serial, issuer, fingerprint, user, groups, key_hash, certificate, not_before,"
              " not_after, issued_at, how, enrolled_at, renewed_from, reason)"
              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, '')",
              i.serial, i.issuer, i.fingerprint, i.user, joined(i.groups), i.key_hash, i.certificate, i.not_before,
              i.not_after, i.issued_at, i.how, i.enrolled_at, i.renewed_from)
        .run();
}

std::optional<issue_record> ca_store::find_fingerprint(const std::string& fingerprint) {
    statement found(db_, std::string(issue_columns) + "WHERE fingerprint = ?1", fingerprint);
    return one_issue(found);
}

std::optional<issue_record> ca_store::find_serial(const std::string& serial) {
    statement found(db_, std::string(issue_columns) + "WHERE serial = ?1", serial);
    return one_issue(found);
}

std::vector<issue_record> ca_store::issues() {
    statement found(db_, std::string(issue_columns) + "ORDER BY issued_at, rowid");
    return all_issues(found);
}

std::optional<issue_record> ca_store::find_renewal(const std::string& serial, const std::string& key_hash) {
    statement found(db_, std::string(issue_columns) + "WHERE renewed_from = ?1 AND key_hash = ?2 ORDER BY rowid DESC",
                    serial, key_hash);
    return one_issue(found);
}

std::int64_t ca_store::renewals_of(const std::string& serial) {
    statement found(db_, "SELECT count(*) FROM issues WHERE renewed_from = ?1", serial);
    return found.next() ? found.number(0) : 0;
}

std::string ca_store::other_owner(const std::string& key_hash, const std::string& user) {
    statement found(db_, "SELECT user FROM issues WHERE key_hash = ?1 AND user <> ?2", key_hash, user);
    return found.next() ? found.text(0) : std::string();
}

std::vector<issue_record> ca_store::revoked(std::int64_t since, const std::string& after, std::int64_t count) {
    statement found(db_,
                    std::string(issue_columns) +
                        "WHERE revoked_at IS NOT NULL AND not_after >= ?1 AND serial > ?2 ORDER BY serial LIMIT ?3",
                    since, after, count);
    return all_issues(found);
}

std::int64_t ca_store::revoke(const std::string& serial, std::int64_t now, const std::string& reason) {
    statement(db_,
              "WITH RECURSIVE family (member) AS (SELECT ?1"
              " UNION SELECT serial FROM issues JOIN family ON renewed_from = member"
              " UNION SELECT renewed_from FROM issues JOIN family ON serial = member WHERE renewed_from <> '')"
              " UPDATE issues SET revoked_at = ?2, reason = ?3 WHERE revoked_at IS NULL AND serial IN"
              " (SELECT member FROM family)",
              serial, now, reason)
        .run();
    return db_.ok() ? db_.changes() : 0;
}

std::int64_t ca_store::revoke_issues_of(const std::string& user, std::int64_t now, const std::string& reason) {
    statement(db_,
              "UPDATE issues SET revoked_at = ?2, reason = ?3 WHERE user = ?1 AND revoked_at IS NULL AND"
              " not_after >= ?2 AND how <> 'gateway'",
              user, now, reason)
        .run();
    return db_.ok() ? db_.changes() : 0;
}

void ca_store::revoke_user(const std::string& user, std::int64_t now, const std::string& reason) {
    statement(db_, "INSERT OR IGNORE INTO revoked_users (user, revoked_at, reason) VALUES (?1, ?2, ?3)", user, now,
              reason)
        .run();
}

bool ca_store::unrevoke_user(const std::string& user) {
    statement(db_, "DELETE FROM revoked_users WHERE user = ?1", user).run();
    return db_.ok() && db_.changes() == 1;
}

bool ca_store::user_revoked(const std::string& user) {
    statement found(db_, "SELECT 1 FROM revoked_users WHERE user = ?1", user);
    return found.next();
}

std::vector<revoked_user> ca_store::revoked_users(const std::string& after, std::int64_t count) {
    statement found(db_, "SELECT user, revoked_at, reason FROM revoked_users WHERE user > ?1 ORDER BY user LIMIT ?2",
                    after, count);
    std::vector<revoked_user> out;
    while (found.next()) {
        auto& one = out.emplace_back();
        one.user = found.text(0);
        one.revoked_at = found.number(1);
        one.reason = found.text(2);
    }
    return out;
}

void ca_store::add(const token_record& t) {
    statement(db_, "INSERT INTO tokens (id, hash, user, groups, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
              t.id, t.hash, t.user, joined(t.groups), t.created, t.expires)
        .run();
}

std::optional<token_record> ca_store::find_token(const std::string& hash) {
    statement found(db_, std::string(token_columns) + "WHERE hash = ?1", hash);
    if (!found.next()) return std::nullopt;
    return token_of(found);
}

std::vector<token_record> ca_store::tokens() {
    statement found(db_, std::string(token_columns) + "ORDER BY created, rowid");
    std::vector<token_record> out;
    while (found.next()) out.push_back(token_of(found));
    return out;
}

bool ca_store::use_token(const std::string& id, const std::string& source, const std::string& serial,
                         std::int64_t now) {
    statement(db_,
              "UPDATE tokens SET used_at = ?2, used_by = ?3, used_serial = ?4 WHERE id = ?1 AND used_at IS NULL AND"
              " withdrawn_at IS NULL",
              id, now, source, serial)
        .run();
    return db_.ok() && db_.changes() == 1;
}

bool ca_store::withdraw_token(const std::string& id, std::int64_t now) {
    statement(db_,
              "UPDATE tokens SET withdrawn_at = ?2 WHERE id = ?1 AND used_at IS NULL AND withdrawn_at IS NULL AND"
              " expired_at IS NULL AND expires > ?2",
              id, now)
        .run();
    return db_.ok() && db_.changes() == 1;
}

std::int64_t ca_store::withdraw_tokens_of(const std::string& user, std::int64_t now) {
    statement(db_,
              "UPDATE tokens SET withdrawn_at = ?2 WHERE user = ?1 AND used_at IS NULL AND withdrawn_at IS NULL AND"
              " expired_at IS NULL AND expires > ?2",
              user, now)
        .run();
    return db_.ok() ? db_.changes() : 0;
}

void ca_store::mark_expired_tokens(std::int64_t now) {
    statement(db_,
              "UPDATE tokens SET expired_at = ?1 WHERE expired_at IS NULL AND used_at IS NULL AND withdrawn_at IS NULL"
              " AND expires <= ?1",
              now)
        .run();
}

token_counts ca_store::count_tokens(std::int64_t now) {
    statement found(db_,
                    "SELECT count(*) FILTER (WHERE expires > ?1), min(expires) FILTER (WHERE expires > ?1),"
                    " count(*) FILTER (WHERE expires <= ?1) FROM tokens"
                    " WHERE used_at IS NULL AND withdrawn_at IS NULL AND expired_at IS NULL",
                    now);
    token_counts out;
    if (found.next()) {
        out.live = found.number(0);
        out.next_expiry = found.number(1);
        out.to_mark = found.number(2);
    }
    return out;
}

void ca_store::add_attempt(const std::string& source, std::int64_t now) {
    statement(db_, "INSERT INTO attempts (source, at) VALUES (?1, ?2)", source, now).run();
}

attempt_counts ca_store::attempts(const std::string& source, std::int64_t since) {
    statement found(db_, "SELECT count(*) FILTER (WHERE source = ?1), count(*) FROM attempts WHERE at > ?2", source,
                    since);
    attempt_counts out;
    if (found.next()) {
        out.of_source = found.number(0);
        out.in_all = found.number(1);
    }
    return out;
}

void ca_store::forget_attempts(std::int64_t before, std::int64_t after) {
    statement(db_, "DELETE FROM attempts WHERE at <= ?1 OR at > ?2", before, after).run();
}

std::int64_t ca_store::next_crl_number() {
    statement(db_, "INSERT INTO counters (name, value) VALUES ('crl', 1) ON CONFLICT (name) DO UPDATE SET value ="
                   " value + 1")
        .run();
    return db_.number("SELECT value FROM counters WHERE name = 'crl'");
}

}  // namespace auth
