#include "auth/signer.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "auth/armor.h"
#include "auth/audit_key.h"
#include "auth/signing_request.h"
#include "auth/stranger_key.h"

namespace auth {

namespace {

using protocol::json;

constexpr std::size_t page = 20 * 1024;      // bytes of one list in one packet
constexpr std::int64_t rows_of_page = 500;
constexpr std::int64_t keep_telling = 30 * 24 * 3600;  // of revoked ones that have expired: clocks differ

// Which file it is, whatever its name.
struct file_mark {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t changed = 0;
    bool operator==(const file_mark&) const = default;
};
file_mark mark_of(const std::string& file, bool content) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) return {};
    return {info.st_dev, info.st_ino, content ? info.st_mtim.tv_sec * 1000000000LL + info.st_mtim.tv_nsec : 0};
}

json success(std::uint64_t id) {
    json out;
    out.set("id", id);
    out.set("ok", true);
    return out;
}

std::string certificate_text(std::uint64_t id, const issued_certificate& made) {
    json out = success(id);
    out.set("certificate", made.certificate);
    out.set("ca", made.ca);
    out.set("user", made.user);
    out.set("groups", json::array(made.groups.begin(), made.groups.end()));
    out.set("notAfter", made.not_after);
    out.set("renewUntil", made.renew_until);
    return protocol::to_text(out);
}

std::string unavailable(std::uint64_t id, const std::string& log) {
    return refusal_text(id, "unavailable", "the gateway cannot do this now; tell the one who runs it", log);
}

}  // namespace

struct signer_desk::state {
    explicit state(signer_options given) : options(std::move(given)) {}

    std::string store_file() const { return options.directory + "/ca.db"; }

    outcome<void> open_store() {
        store.reset();
        auto opened = ca_store::open(options.directory, options.patience);
        if (!opened) return opened.error();
        store.emplace(std::move(*opened));
        store_mark = mark_of(store_file(), false);
        version = store->db().data_version();
        return {};
    }

    // The CA as its files are now; null, and `why`, when there is none.
    const authority* ca(std::string& why) {
        const auto mark = mark_of(ca_certificate_file(options.directory), true);
        if (loaded && mark == ca_mark) return &*loaded;
        loaded.reset();
        auto made = load_authority(options.directory);
        if (!made) {
            why = made.error();
            return nullptr;
        }
        loaded.emplace(std::move(*made));
        ca_mark = mark;
        return &*loaded;
    }

    template <class Result>
    std::string told(const Result& made) {
        if (made) return certificate_text(id, *made);
        return refusal_text(id, made.error().code, made.error().reason, made.error().log);
    }

    std::string operator()(const enroll_request& what) {
        std::string why;
        const authority* with = ca(why);
        if (!with) return unavailable(id, why);
        const auto made =
            issue_for_token(*store, *with, options.terms, what.token_hash, what.spki, what.source, now);
        used_token = used_token || made.has_value();
        return told(made);
    }

    std::string operator()(const renew_request& what) {
        std::string why;
        const authority* with = ca(why);
        if (!with) return unavailable(id, why);
        return told(
            issue_renewal(*store, *with, options.terms, what.fingerprint, what.spki, what.proof, now));
    }

    std::string operator()(const tokens_request&) {
        const auto counts = store->count_tokens(now);
        if (!store->db().ok()) return unavailable(id, store->db().fault());
        json out = success(id);
        out.set("live", counts.live);
        out.set("nextExpiry", counts.next_expiry);
        return protocol::to_text(out);
    }

    std::string operator()(const revoked_request& what) {
        const auto issues = store->revoked(now - keep_telling, what.after_serial, rows_of_page);
        const auto users = store->revoked_users(what.after_user, rows_of_page);
        if (!store->db().ok()) return unavailable(id, store->db().fault());
        json::array serials;
        json::array names;
        std::string last_serial = what.after_serial;
        std::string last_user = what.after_user;
        std::size_t size = 0;
        for (const auto& one : issues) {
            json entry = json::object{{"issuer", one.issuer}, {"serial", one.serial}};
            size += protocol::to_text(entry).size() + 1;
            if (size > page) break;
            serials.push_back(std::move(entry));
            last_serial = one.serial;
        }
        size = 0;
        for (const auto& one : users) {
            size += protocol::to_text(json(one.user)).size() + 1;
            if (size > page) break;
            names.emplace_back(one.user);
            last_user = one.user;
        }
        const bool more = serials.size() < issues.size() || names.size() < users.size() ||
                          issues.size() == static_cast<std::size_t>(rows_of_page) ||
                          users.size() == static_cast<std::size_t>(rows_of_page);
        json out = success(id);
        out.set("serials", std::move(serials));
        out.set("users", std::move(names));
        if (more) out.set("next", json::object{{"serial", last_serial}, {"user", last_user}});
        return protocol::to_text(out);
    }

    std::string operator()(const anchor_request& what) {
        if (!audit_key) {
            auto key = ensure_audit_key(options.directory);
            if (!key) return unavailable(id, key.error());
            audit_key = std::move(*key);
        }
        const std::string signature = sign_anchor(audit_key.get(), what.bytes);
        if (signature.empty()) return unavailable(id, "cannot sign an audit anchor");
        json out = success(id);
        out.set("signature", to_base64(signature));
        out.set("publicKey", to_base64(spki_of(audit_key.get())));
        return protocol::to_text(out);
    }

    std::string operator()(const gateway_request& what) {
        for (const auto& host : what.hosts)
            if (std::find(options.hosts.begin(), options.hosts.end(), host) == options.hosts.end())
                return refusal_text(id, "refused", "the gateway's certificate may not be for \"" + host + "\"", {});
        std::string why;
        const authority* with = ca(why);
        if (!with) return unavailable(id, why);
        auto key = read_public_key(what.spki);
        if (!key) return refusal_text(id, "weak-key", key.error(), {});
        transaction change(store->db());
        const auto made = issue_for_gateway(*store, *with, what.hosts, options.gateway_lifetime, key->get(), now);
        if (made)
            if (auto done = change.commit(); !done) return unavailable(id, done.error());
        return told(made);
    }

    signer_options options;
    std::optional<ca_store> store;
    file_mark store_mark;
    std::int64_t version = 0;
    std::optional<authority> loaded;
    file_mark ca_mark;
    key_ptr audit_key;
    bool used_token = false;

    // Of the request that is being answered.
    std::uint64_t id = 0;
    std::int64_t now = 0;
};

signer_desk::signer_desk(std::unique_ptr<state> made) : state_(std::move(made)) {}
signer_desk::~signer_desk() = default;

outcome<std::unique_ptr<signer_desk>> signer_desk::open(const signer_options& options) {
    auto made = std::make_unique<state>(options);
    if (auto opened = made->open_store(); !opened) return opened.error();
    return std::unique_ptr<signer_desk>(new signer_desk(std::move(made)));
}

std::string signer_desk::answer(std::string_view packet, std::int64_t now) {
    const auto request = read_signer_request(packet);
    if (!request) return refusal_text(request.error().id, "bad-request", request.error().reason, {});
    state& s = *state_;
    if (!s.store && !std::holds_alternative<anchor_request>(request->what)) {
        if (mark_of(s.store_file(), false) == file_mark{})
            return unavailable(request->id, s.store_file() + " is gone; restore it from a backup");
        if (auto opened = s.open_store(); !opened) return unavailable(request->id, opened.error());
    }
    if (s.store) s.store->db().forget_fault();
    s.id = request->id;
    s.now = now;
    return std::visit([&s](const auto& what) { return s(what); }, request->what);
}

bool signer_desk::changed() {
    state& s = *state_;
    bool yes = std::exchange(s.used_token, false);
    if (const auto mark = mark_of(s.store_file(), false); !s.store || mark != s.store_mark) {
        s.store.reset();
        // A file that is gone is not made anew: an empty one would forgive everybody.
        return (mark != file_mark{} && s.open_store().has_value()) || yes;
    }
    s.store->db().forget_fault();
    const auto version = s.store->db().data_version();
    if (s.store->db().ok() && std::exchange(s.version, version) != version) yes = true;
    return yes;
}

void signer_desk::sweep(std::int64_t now) {
    if (!state_->store) return;
    ca_store& store = *state_->store;
    store.db().forget_fault();
    if (store.count_tokens(now).to_mark == 0) return;
    transaction change(store.db());
    store.mark_expired_tokens(now);
    // What fails now is done at the next round, or when the token is shown.
    static_cast<void>(change.commit());
}

}  // namespace auth
