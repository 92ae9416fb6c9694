#include "auth/issuing.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "auth/armor.h"
#include "auth/identity.h"
#include "auth/signing_request.h"
#include "auth/stranger_key.h"

namespace auth {

namespace {

constexpr std::int64_t clock_skew = 5 * 60;       // seconds that a clock may be set back unnoticed
constexpr std::int64_t max_renewals_of_one = 16;  // a gateway that plays a proof again must not fill the disk

issue_refusal unavailable(std::string log) {
    return {"unavailable", "the gateway cannot issue certificates now; tell the one who runs it", std::move(log)};
}
issue_refusal token_unknown(std::string log) {
    return {"token-unknown",
            "the token is not known, has been used or withdrawn, or has expired; ask for a new one (delvegate token "
            "create)",
            std::move(log)};
}
issue_refusal not_renewable(const std::string& reason) { return {"not-renewable", reason, reason}; }
issue_refusal weak_key(const std::string& reason) { return {"weak-key", reason, reason}; }

// What is asked for, apart from the key.
struct wanted {
    leaf_request leaf;
    std::string how;
    std::optional<std::int64_t> enrolled_at;
    std::string renewed_from;
    std::int64_t renew_until = 0;
};

issued_certificate answer_of(const authority& ca, const issue_record& issue, std::int64_t renew_until) {
    issued_certificate out;
    out.certificate = issue.certificate;
    out.ca = to_pem(ca.certificate.get());
    out.user = issue.user;
    out.groups = issue.groups;
    out.not_after = issue.not_after;
    out.renew_until = renew_until;
    return out;
}

outcome<issue_record> record_of(X509* certificate, const std::string& how, std::int64_t now) {
    const auto who = identify(certificate);
    if (!who) return who.error();
    issue_record issue;
    issue.serial = who->serial;
    issue.issuer = who->issuer;
    issue.fingerprint = who->fingerprint;
    issue.user = who->user;
    issue.groups = who->groups;
    issue.key_hash = sha256_hex(spki_of(X509_get0_pubkey(certificate)));
    issue.certificate = to_pem(certificate);
    issue.not_before = seconds_of(X509_get0_notBefore(certificate));
    issue.not_after = who->not_after;
    issue.issued_at = now;
    issue.how = how;
    return issue;
}

// Signs and records; the caller commits.
issue_result<issue_record> sign(ca_store& store, const authority& ca, const wanted& w, EVP_PKEY* key,
                                std::int64_t now) {
    const auto made = sign_leaf(ca, w.leaf, key, now);
    if (!made) return issue_refusal("refused", made.error(), made.error());
    auto recorded = record_of(made->get(), w.how, now);
    if (!recorded) return issue_refusal("refused", recorded.error(), recorded.error());
    issue_record& issue = *recorded;
    issue.enrolled_at = w.enrolled_at;
    issue.renewed_from = w.renewed_from;
    if (auto other = store.other_owner(issue.key_hash, issue.user); !other.empty())
        return issue_refusal("weak-key", "the key belongs to somebody else's certificate; make a new one",
                             "the key of " + other + " was presented for " + issue.user);
    store.add(issue);
    if (!store.db().ok()) return unavailable(store.db().fault());
    return std::move(*recorded);
}

// The token that may be used now, or why there is none.
issue_result<token_record> usable_token(ca_store& store, const std::string& hash, std::int64_t now) {
    store.mark_expired_tokens(now);
    const auto token = store.find_token(hash);
    if (!store.db().ok()) return unavailable(store.db().fault());
    if (!token) return token_unknown("no such token");
    const std::string name = "token " + token->id + " for " + token->user + " ";
    if (token->used_at) return token_unknown(name + "was used already, from " + token->used_by);
    if (token->withdrawn_at) return token_unknown(name + "was withdrawn");
    if (token->expired_at || now >= token->expires) return token_unknown(name + "has expired");
    if (now < token->created - clock_skew)
        return token_unknown(name + "is from the future: this host's clock was set back");
    if (store.user_revoked(token->user)) return token_unknown(name + "is for a revoked user");
    return *token;
}

}  // namespace

std::string certificate_name_fault(std::string_view name) {
    if (const auto why = name_fault(name); !why.empty()) return std::string(why);
    const auto characters = std::count_if(name.begin(), name.end(), [](char c) { return (c & 0xc0) != 0x80; });
    if (characters > 64) return "is longer than 64 characters";
    if (name.front() == ' ' || name.back() == ' ') return "begins or ends with a space";
    if (name.starts_with("spiffe:")) return "looks like a SPIFFE ID, which no person has";
    return {};
}

std::string source_key(std::string_view address) {
    const std::string text(address.substr(0, address.find('%')));
    std::array<unsigned char, 16> bytes{};
    if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
    static constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    std::array<char, INET6_ADDRSTRLEN> out{};
    if (std::equal(mapped.begin(), mapped.end(), bytes.begin()))
        return inet_ntop(AF_INET, bytes.data() + mapped.size(), out.data(), out.size());
    std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
    return std::string(inet_ntop(AF_INET6, bytes.data(), out.data(), out.size())) + "/64";
}

issue_result<issued_certificate> issue_for_token(ca_store& store, const authority& ca, const issue_terms& terms,
                                                 const std::string& token_hash, std::string_view spki,
                                                 const std::string& source, std::int64_t now) {
    const std::string from = source_key(source);
    transaction change(store.db());
    const std::int64_t window = terms.attempt_window.count();
    const auto failed_before = store.attempts(from, now - window);
    if (!store.db().ok()) return unavailable(store.db().fault());
    if (failed_before.of_source >= terms.attempts_per_source || failed_before.in_all >= terms.attempts_in_all)
        return issue_refusal(
            "rate-limited", "too many failed attempts; try again in " + std::to_string(window) + " s",
            failed_before.of_source >= terms.attempts_per_source ? "too many failed attempts from " + from
                                                                 : "too many failed attempts in all");
    // Before the token is looked at: a key that is refused does not use it up, and tells nothing about it.
    auto key = read_public_key(spki);
    if (!key) return weak_key(key.error());

    auto token = usable_token(store, token_hash, now);
    if (!token) {
        if (token.error().code == "token-unknown") {
            store.forget_attempts(now - window, now + window);
            store.add_attempt(from, now);
            if (auto done = change.commit(); !done) return unavailable(done.error());
        }
        return token.error();
    }
    wanted w;
    w.leaf.common_name = token->user;
    w.leaf.groups = token->groups;
    w.leaf.lifetime = terms.certificate_ttl;
    w.how = "token";
    w.enrolled_at = now;
    w.renew_until = now + terms.renew_window.count();
    auto issue = sign(store, ca, w, key->get(), now);
    if (!issue) return issue.error();
    if (!store.use_token(token->id, source, issue->serial, now))
        return store.db().ok() ? token_unknown("token " + token->id + " was used meanwhile")
                               : unavailable(store.db().fault());
    if (auto done = change.commit(); !done) return unavailable(done.error());
    return answer_of(ca, *issue, w.renew_until);
}

issue_result<issued_certificate> issue_renewal(ca_store& store, const authority& ca, const issue_terms& terms,
                                               const std::string& fingerprint, std::string_view spki,
                                               std::string_view proof, std::int64_t now) {
    auto key = read_public_key(spki);
    if (!key) return weak_key(key.error());
    transaction change(store.db());
    const auto old = store.find_fingerprint(fingerprint);
    const bool user_out = old && store.user_revoked(old->user);
    if (!store.db().ok()) return unavailable(store.db().fault());
    if (!old || old->how == "gateway") return not_renewable("the certificate was not issued by this gateway's CA");
    // First of all that the owner wants it: who has not the key learns nothing more.
    const auto certificates = read_certificates(old->certificate, "the record of " + old->serial);
    if (!certificates || certificates->empty()) return unavailable("the record of " + old->serial + " is damaged");
    if (!renewal_signed(X509_get0_pubkey(certificates->front().get()), spki, proof))
        return not_renewable("the proof is not a signature by the old certificate's key");
    if (old->revoked_at) return not_renewable("the certificate was revoked");
    if (user_out) return not_renewable("the user was revoked");
    if (now >= old->not_after) return not_renewable("the certificate has expired; enroll again with a new token");
    if (now < old->not_before) return not_renewable("the certificate is not valid yet; is the node's clock right?");
    if (!old->enrolled_at) return not_renewable("the certificate was issued without renewal; ask for a new one");
    wanted w;
    w.renew_until = *old->enrolled_at + terms.renew_window.count();
    if (now >= w.renew_until || now < *old->enrolled_at - clock_skew)
        return not_renewable("the time for renewing is over; enroll again with a new token");
    if (const auto there = store.find_renewal(old->serial, sha256_hex(spki));
        there && !there->revoked_at && there->not_after > now)
        return answer_of(ca, *there, w.renew_until);
    if (store.renewals_of(old->serial) >= max_renewals_of_one)
        return issue_refusal("rate-limited", "the certificate was renewed too often; use the newest one",
                             "too many renewals of " + old->serial);
    w.leaf.common_name = old->user;
    w.leaf.groups = old->groups;
    w.leaf.lifetime = terms.certificate_ttl;
    w.leaf.ends_by = w.renew_until;
    w.how = "renewal";
    w.enrolled_at = old->enrolled_at;
    w.renewed_from = old->serial;
    auto issue = sign(store, ca, w, key->get(), now);
    if (!issue) return issue.error();
    if (auto done = change.commit(); !done) return unavailable(done.error());
    return answer_of(ca, *issue, w.renew_until);
}

void adopt(ca_store& store, X509* certificate, const std::string& how, std::int64_t now) {
    auto issue = record_of(certificate, how, now);
    if (!issue || store.find_serial(issue->serial)) return;
    issue->issued_at = issue->not_before + clock_skew;
    store.add(*issue);
}

issue_result<issued_certificate> issue_for_admin(ca_store& store, const authority& ca, const issue_terms& terms,
                                                 const admin_request& request, EVP_PKEY* public_key,
                                                 std::int64_t now) {
    const bool out = store.user_revoked(request.user);
    if (!store.db().ok()) return unavailable(store.db().fault());
    if (out) {
        const std::string why =
            "the user " + request.user + " is revoked; to let them in again: delvegate ca unrevoke-user " + request.user;
        return issue_refusal("refused", why, why);
    }
    wanted w;
    w.leaf.common_name = request.user;
    w.leaf.groups = request.groups;
    w.leaf.lifetime = request.lifetime;
    w.how = "admin";
    if (request.renewable) {
        w.enrolled_at = now;
        w.renew_until = now + terms.renew_window.count();
    }
    auto issue = sign(store, ca, w, public_key, now);
    if (!issue) return issue.error();
    return answer_of(ca, *issue, w.renew_until);
}

issue_result<issued_certificate> issue_for_gateway(ca_store& store, const authority& ca,
                                                   const std::vector<std::string>& hosts,
                                                   std::chrono::seconds lifetime, EVP_PKEY* public_key,
                                                   std::int64_t now) {
    wanted w;
    w.leaf.server = true;
    w.leaf.common_name = hosts.empty() ? "" : hosts.front();
    w.leaf.hosts = hosts;
    w.leaf.lifetime = lifetime;
    w.how = "gateway";
    auto issue = sign(store, ca, w, public_key, now);
    if (!issue) return issue.error();
    return answer_of(ca, *issue, 0);
}

outcome<new_token> make_token(const std::string& user, const std::vector<std::string>& groups,
                              std::chrono::seconds lifetime, std::int64_t now) {
    std::array<unsigned char, 32> secret{};
    std::array<unsigned char, 4> id{};
    if (RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1 ||
        RAND_bytes(id.data(), static_cast<int>(id.size())) != 1)
        return "cannot make a token: " + openssl_error();
    std::string text = to_base64({reinterpret_cast<const char*>(secret.data()), secret.size()});
    OPENSSL_cleanse(secret.data(), secret.size());
    // Letters that survive a shell, an URL and a double click.
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
    while (text.ends_with('=')) text.pop_back();
    new_token out;
    out.text = "dvt1." + text;
    OPENSSL_cleanse(text.data(), text.size());
    out.record.id = to_hex({reinterpret_cast<const char*>(id.data()), id.size()});
    out.record.hash = sha256_hex(out.text);
    out.record.user = user;
    out.record.groups = groups;
    out.record.created = now;
    out.record.expires = now + lifetime.count();
    return out;
}

}  // namespace auth
