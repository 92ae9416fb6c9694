#include "auth/trust.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "auth/certificate_rules.h"
#include "auth/spiffe.h"

namespace auth {

namespace {

struct chain_free {
    void operator()(STACK_OF(X509)* chain) const { sk_X509_pop_free(chain, X509_free); }
};

// One attempt, against one root.
struct attempt {
    bool stale_crl_warns = false;
    int error = X509_V_OK;
    int depth = 0;
    certificate_ptr refused;
};

int each_step(int ok, X509_STORE_CTX* store) {
    auto& at = *static_cast<attempt*>(X509_STORE_CTX_get_app_data(store));
    X509* current = X509_STORE_CTX_get_current_cert(store);
    const int depth = X509_STORE_CTX_get_error_depth(store);
    int error = ok ? X509_V_OK : X509_STORE_CTX_get_error(store);
    // Of the CAs between, a list is heeded where there is one; of the client's own CA there must be one.
    if (error == X509_V_ERR_UNABLE_TO_GET_CRL && depth > 0) error = X509_V_OK;
    if (error == X509_V_ERR_CRL_HAS_EXPIRED && at.stale_crl_warns) error = X509_V_OK;
    if (error == X509_V_OK && current) error = unfit(current, depth, false);
    X509_STORE_CTX_set_error(store, error);
    if (error == X509_V_OK) return 1;
    if (at.error == X509_V_OK) {
        at.error = error;
        at.depth = depth;
        if (current && X509_up_ref(current)) at.refused.reset(current);
    }
    return 0;
}

// Another root may do better where only the way to this one was not found.
bool never_reached(int error) {
    switch (error) {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        case X509_V_ERR_CERT_UNTRUSTED: return true;
        default: return false;
    }
}

// What one CA's lists say is not to be got around by a chain to another CA (cross-signing).
bool is_final(int error) {
    switch (error) {
        case X509_V_ERR_CERT_REVOKED:
        case X509_V_ERR_UNABLE_TO_GET_CRL:
        case X509_V_ERR_CRL_HAS_EXPIRED:
        case X509_V_ERR_CRL_NOT_YET_VALID:
        case X509_V_ERR_CRL_SIGNATURE_FAILURE:
        case X509_V_ERR_DIFFERENT_CRL_SCOPE: return true;
        default: return false;
    }
}

// Of certificates that a peer sent for one CA (cross-signing), OpenSSL follows the first and does not turn
// back: the end of such a way, where there is another.
X509* dead_end(X509_STORE_CTX* check, STACK_OF(X509)* untrusted) {
    STACK_OF(X509)* walked = X509_STORE_CTX_get0_chain(check);
    for (int i = walked ? sk_X509_num(walked) - 1 : 0; i > 0; --i) {
        X509* one = sk_X509_value(walked, i);
        for (int k = 0; k < sk_X509_num(untrusted); ++k) {
            const X509* other = sk_X509_value(untrusted, k);
            if (X509_cmp(one, other) != 0 &&
                X509_NAME_cmp(X509_get_subject_name(one), X509_get_subject_name(other)) == 0)
                return one;
        }
    }
    return nullptr;
}

STACK_OF(X509)* try_way(X509_STORE* root, X509* leaf, STACK_OF(X509)* untrusted, long long now, attempt& at,
                        X509*& turn_back) {
    turn_back = nullptr;
    openssl_ptr<X509_STORE_CTX> check(X509_STORE_CTX_new());
    if (!check || X509_STORE_CTX_init(check.get(), root, leaf, untrusted) != 1 ||
        X509_STORE_CTX_set_default(check.get(), "ssl_client") != 1) {
        at.error = X509_V_ERR_OUT_OF_MEM;
        return nullptr;
    }
    X509_VERIFY_PARAM* how = X509_STORE_CTX_get0_param(check.get());
    X509_VERIFY_PARAM_set_depth(how, max_chain);
    X509_VERIFY_PARAM_set_auth_level(how, 2);
    X509_VERIFY_PARAM_clear_flags(how, X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_time(how, static_cast<std::time_t>(now));
    X509_STORE_CTX_set_app_data(check.get(), &at);
    X509_STORE_CTX_set_verify_cb(check.get(), each_step);
    const bool good = X509_verify_cert(check.get()) == 1 && X509_STORE_CTX_get_error(check.get()) == X509_V_OK;
    if (good) return X509_STORE_CTX_get1_chain(check.get());
    if (at.error == X509_V_OK) at.error = X509_STORE_CTX_get_error(check.get());
    if (at.error == X509_V_OK) at.error = X509_V_ERR_UNSPECIFIED;
    if (never_reached(at.error)) turn_back = dead_end(check.get(), untrusted);
    return nullptr;
}

STACK_OF(X509)* try_root(X509_STORE* root, X509* leaf, STACK_OF(X509)* untrusted, long long now, attempt& at) {
    constexpr int ways = 8;
    STACK_OF(X509)* left = untrusted ? sk_X509_dup(untrusted) : sk_X509_new_null();
    STACK_OF(X509)* chain = nullptr;
    const bool warns = at.stale_crl_warns;
    for (int way = 0; left && way < ways; ++way) {
        at = {};
        at.stale_crl_warns = warns;
        X509* turn_back = nullptr;
        chain = try_way(root, leaf, left, now, at, turn_back);
        if (chain || !turn_back) break;
        for (int i = sk_X509_num(left) - 1; i >= 0; --i)
            if (X509_cmp(sk_X509_value(left, i), turn_back) == 0) sk_X509_delete(left, i);
    }
    sk_X509_free(left);
    return chain;
}

long long seconds_of(const ASN1_TIME* time) {
    std::tm tm{};
    return time && ASN1_TIME_to_tm(time, &tm) == 1 ? static_cast<long long>(::timegm(&tm)) : 0;
}

bool any_matches(const std::vector<std::string>& patterns, std::string_view text) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) { return matches(p, text); });
}

outcome<identity> refused(std::string why) { return {boost::system::in_place_error, std::move(why)}; }

}  // namespace

outcome<std::shared_ptr<const trust>> trust::of(std::vector<std::shared_ptr<const trusted_ca>> cas) {
    auto made = std::make_shared<trust>();
    for (auto& ca : cas) {
        for (const auto& other : made->cas_)
            if (other->configured().name == ca->configured().name)
                return "two client CAs are called " + ca->configured().name + "; give each a name of its own";
        for (const auto& root : ca->roots())
            if (const auto* owner = made->owner_of(root.fingerprint))
                return "the same root certificate is in " + owner->configured().file + " (CA " +
                       owner->configured().name + ") and in " + ca->configured().file + " (CA " +
                       ca->configured().name + "); whose names are then meant? Take it out of one";
        made->cas_.push_back(std::move(ca));
    }
    return std::shared_ptr<const trust>(std::move(made));
}

const trusted_ca* trust::owner_of(const std::string& anchor) const {
    for (const auto& ca : cas_)
        for (const auto& root : ca->roots())
            if (root.fingerprint == anchor) return ca.get();
    return nullptr;
}

trust::verdict trust::verify(X509* leaf, STACK_OF(X509)* untrusted, long long now) const {
    verdict best;
    best.error = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    for (const auto& ca : cas_)
        for (const auto& root : ca->roots()) {
            attempt at;
            at.stale_crl_warns = ca->configured().stale_crl_warns;
            STACK_OF(X509)* chain = try_root(root.store.get(), leaf, untrusted, now, at);
            ERR_clear_error();
            if (chain) return {X509_V_OK, 0, nullptr, chain};
            if (is_final(at.error)) return {at.error, at.depth, std::move(at.refused), nullptr};
            // The most telling reason of all: one of a chain that did reach a root.
            if (!never_reached(best.error) && best.refused) continue;
            best = {at.error, at.depth, std::move(at.refused), nullptr};
        }
    return best;
}

// Which other CA's prefix a name would seem to carry. A longer one than our own: a shorter one stands before
// all our names, and is told apart by what follows.
std::string trust::foreign_prefix(const std::string& name, const trusted_ca& own) const {
    for (const auto& ca : cas_) {
        const auto& prefix = ca->configured().prefix;
        if (ca.get() != &own && prefix.size() > own.configured().prefix.size() && name.starts_with(prefix))
            return prefix;
    }
    return {};
}

outcome<identity> trust::identify(STACK_OF(X509)* chain) const {
    const int length = chain ? sk_X509_num(chain) : 0;
    if (length < 2) return refused("no verified certificate chain");
    const X509* root = sk_X509_value(chain, length - 1);
    const auto anchor = fingerprint_of(root);
    const trusted_ca* ca = owner_of(anchor);
    if (!ca) return refused("the CA that issued the certificate is not trusted (any more)");
    const auto& rules = ca->configured();

    auto read = auth::identify(sk_X509_value(chain, 0));
    if (!read) return refused(read.error());
    identity who = std::move(*read);
    if (who.spiffe) {
        const std::string domain(trust_domain_of(who.user));
        if (rules.trust_domain.empty())
            return refused("SPIFFE IDs are not accepted from CA " + rules.name + " (set its trustDomain)");
        if (domain != rules.trust_domain)
            return refused("CA " + rules.name + " may not speak for the trust domain " + domain + ", only for " +
                           rules.trust_domain);
    }
    if (!who.spiffe && !rules.trust_domain.empty())
        return refused("CA " + rules.name + " speaks for the trust domain " + rules.trust_domain +
                       " only, and the certificate has no SPIFFE ID");
    if (!any_matches(rules.users, who.user))
        return refused("CA " + rules.name + " may not assert the user " + who.user + " (see its `users`)");
    std::erase_if(who.groups, [&](const auto& group) { return !any_matches(rules.groups, group); });
    who.user = rules.prefix + who.user;
    for (auto& group : who.groups) group = rules.prefix + group;
    std::vector<std::string> names = who.groups;
    names.push_back(who.user);
    for (const auto& name : names)
        if (const auto prefix = foreign_prefix(name, *ca); !prefix.empty())
            return refused("CA " + rules.name + " asserts the name " + name + ", which begins with another CA's prefix " +
                           prefix);

    who.authority = rules.name;
    who.anchor = anchor;
    who.valid_from = seconds_of(X509_get0_notBefore(root));
    who.valid_until = seconds_of(X509_get0_notAfter(root));
    for (int i = 0; i + 1 < length; ++i) {
        const X509* one = sk_X509_value(chain, i);
        who.valid_from = std::max(who.valid_from, seconds_of(X509_get0_notBefore(one)));
        who.valid_until = std::min(who.valid_until, seconds_of(X509_get0_notAfter(one)));
        who.links.push_back({key_digest_of(sk_X509_value(chain, i + 1)), serial_of(X509_get0_serialNumber(one))});
    }
    return {boost::system::in_place_value, std::move(who)};
}

outcome<identity> trust::admit(X509* leaf, STACK_OF(X509)* untrusted, long long now) const {
    const auto found = verify(leaf, untrusted, now);
    if (found.error != X509_V_OK)
        return refused(std::string("the certificate is not acceptable: ") + X509_verify_cert_error_string(found.error));
    const std::unique_ptr<STACK_OF(X509), chain_free> chain(found.chain);
    return identify(chain.get());
}

std::string trust::fault(const identity& who) const {
    if (!owner_of(who.anchor))
        return "the CA that issued your certificate (" + (who.authority.empty() ? who.issuer : who.authority) +
               ") is not trusted any more";
    // Every CA's lists: a key is the same key by whatever chain.
    for (std::size_t i = 0; i < who.links.size(); ++i)
        if (std::any_of(cas_.begin(), cas_.end(), [&](const auto& ca) {
                return ca->revoked(who.links[i].issuer_key, who.links[i].serial);
            }))
            return i == 0 ? "your certificate (serial " + who.serial + ") has been revoked by its CA"
                          : "a CA above your certificate has been revoked";
    return {};
}

std::vector<std::string> trust::warnings(long long now) const {
    std::vector<std::string> all;
    for (const auto& ca : cas_)
        for (auto& line : ca->stale(now)) all.push_back(std::move(line));
    return all;
}

}  // namespace auth
