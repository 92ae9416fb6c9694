#include "auth/trusted_ca.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "auth/certificate_rules.h"
#include "auth/identity.h"

namespace auth {

namespace {

long long seconds_of(const ASN1_TIME* time) {
    std::tm tm{};
    return time && ASN1_TIME_to_tm(time, &tm) == 1 ? static_cast<long long>(::timegm(&tm)) : 0;
}

std::string subject_of(const X509_NAME* name) {
    char text[256];
    X509_NAME_oneline(name, text, sizeof text);
    return text;
}

// A directory stands for its files, but hidden ones: what `..data` and the like point to is in it once more.
outcome<std::vector<std::string>> files_of(const std::string& path) {
    namespace fs = std::filesystem;
    using result = outcome<std::vector<std::string>>;
    std::error_code ec;
    if (!fs::is_directory(path, ec)) return result(boost::system::in_place_value, std::vector<std::string>{path});
    std::vector<std::string> files;
    for (fs::directory_iterator at(path, ec), end; !ec && at != end; at.increment(ec)) {
        const auto name = at->path().filename().string();
        std::error_code ignored;
        if (!name.starts_with('.') && !at->is_directory(ignored)) files.push_back(at->path().string());
    }
    if (ec) return result(boost::system::in_place_error, "cannot read " + path + ": " + ec.message());
    if (files.empty())
        return result(boost::system::in_place_error, path + " is empty; put the CA's revocation list there");
    std::sort(files.begin(), files.end());
    return result(boost::system::in_place_value, std::move(files));
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = pattern.npos, mark = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p, ++t;
        } else if (star != pattern.npos) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

outcome<std::shared_ptr<const trusted_ca>> trusted_ca::load(const client_ca& as) {
    auto made = std::make_shared<trusted_ca>();
    made->as_ = as;
    for (const auto step : {&trusted_ca::read_bundle, &trusted_ca::read_lists, &trusted_ca::make_stores})
        if (auto done = (*made.*step)(); !done) return "CA " + as.name + ": " + done.error();
    return std::shared_ptr<const trusted_ca>(std::move(made));
}

outcome<void> trusted_ca::read_bundle() {
    auto all = load_certificates(as_.file);
    if (!all) return all.error();
    for (auto& one : *all) {
        X509* c = one.get();
        const std::string name = subject_of(X509_get_subject_name(c)) + " in " + as_.file;
        if (X509_check_ca(c) == 0) {
            ERR_clear_error();
            return name + " is no CA certificate; the bundle holds CAs, not people";
        }
        if (const auto weak = weakness(X509_get0_pubkey(c)); !weak.empty()) return name + " " + weak;
        if (X509_self_signed(c, 1) != 1) {
            ERR_clear_error();
            between_.push_back(std::move(one));
            continue;
        }
        auto fingerprint = fingerprint_of(c);
        if (fingerprint.empty()) return std::string("out of memory");
        const bool again = std::any_of(roots_.begin(), roots_.end(),
                                       [&](const auto& r) { return r.fingerprint == fingerprint; });
        if (!again) roots_.push_back({std::move(one), std::move(fingerprint), nullptr});
    }
    ERR_clear_error();
    if (roots_.empty()) return as_.file + " has no root: add the self-signed certificate that the CA's chains end with";
    return {};
}

outcome<void> trusted_ca::read_lists() {
    std::vector<X509*> signers;
    for (const auto& one : roots_) signers.push_back(one.certificate.get());
    for (const auto& one : between_) signers.push_back(one.get());
    for (const auto& path : as_.crls) {
        const auto files = files_of(path);
        if (!files) return files.error();
        for (const auto& file : *files) {
            auto lists = load_crls(file);
            if (!lists) return lists.error();
            for (auto& crl : *lists) {
                if (X509_CRL_get_ext_by_NID(crl.get(), NID_delta_crl, -1) >= 0)
                    return file + " is a delta list, which says only half; give the full one";
                const auto signer = std::find_if(signers.begin(), signers.end(), [&](X509* c) {
                    return X509_NAME_cmp(X509_CRL_get_issuer(crl.get()), X509_get_subject_name(c)) == 0 &&
                           X509_CRL_verify(crl.get(), X509_get0_pubkey(c)) == 1;
                });
                ERR_clear_error();
                if (signer == signers.end())
                    return "the revocation list " + file + " was signed by no CA in " + as_.file + " (it says: " +
                           subject_of(X509_CRL_get_issuer(crl.get())) + "); is it of another CA, or changed?";
                list one{file, nullptr, key_digest_of(*signer), seconds_of(X509_CRL_get0_lastUpdate(crl.get())),
                         seconds_of(X509_CRL_get0_nextUpdate(crl.get()))};
                auto& serials = revoked_[one.issuer_key];
                const auto* entries = X509_CRL_get_REVOKED(crl.get());
                for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i)
                    serials.insert(serial_of(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i))));
                one.crl = std::move(crl);
                lists_.push_back(std::move(one));
            }
        }
    }
    return {};
}

// A store for each root: what was verified against it ended there and nowhere else, whatever names other
// roots have.
outcome<void> trusted_ca::make_stores() {
    for (auto& one : roots_) {
        one.store.reset(X509_STORE_new());
        bool fine = one.store && X509_STORE_add_cert(one.store.get(), one.certificate.get()) == 1;
        for (const auto& c : between_) fine = fine && X509_STORE_add_cert(one.store.get(), c.get()) == 1;
        for (const auto& l : lists_) fine = fine && X509_STORE_add_crl(one.store.get(), l.crl.get()) == 1;
        if (fine && !lists_.empty())
            X509_STORE_set_flags(one.store.get(), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
        if (!fine) return as_.file + " cannot be used: " + openssl_error();
    }
    return {};
}

bool trusted_ca::revoked(const std::string& issuer_key, const std::string& serial) const {
    const auto found = revoked_.find(issuer_key);
    return found != revoked_.end() && found->second.contains(serial);
}

std::vector<std::string> trusted_ca::stale(long long now) const {
    std::vector<std::string> lines;
    for (const auto& one : lists_) {
        if (one.next_update == 0 || one.next_update > now) continue;
        // An older list beside a newer one of the same CA is no trouble.
        const bool replaced = std::any_of(lists_.begin(), lists_.end(), [&](const auto& other) {
            return other.issuer_key == one.issuer_key && (other.next_update == 0 || other.next_update > now);
        });
        if (!replaced)
            lines.push_back("the revocation list " + one.file + " of CA " + as_.name + " was to be renewed by " +
                            to_string(X509_CRL_get0_nextUpdate(one.crl.get())) +
                            (as_.stale_crl_warns ? "; it is used all the same (staleCRL: warn)"
                                                 : "; until it is, nobody new gets in by that CA (staleCRL: refuse)"));
    }
    return lines;
}

}  // namespace auth
