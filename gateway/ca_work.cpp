#include "gateway/ca_work.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

#include "auth/issuing.h"
#include "auth/private_file.h"
#include "auth/signing_request.h"
#include "gateway/ca_files.h"
#include "gateway/state_directory.h"
#include "gateway/output_option.h"
#include "protocol/json.h"

namespace gateway {
namespace {

using protocol::json;
using std::chrono::hours;
using std::chrono::minutes;

std::int64_t now() { return std::time(nullptr); }

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "gateway";
}

std::string state_of(const auth::issue_record& one, std::int64_t at) {
    if (one.revoked_at) return "revoked " + utc_of(*one.revoked_at) + (one.reason.empty() ? "" : " (" + one.reason + ")");
    return at >= one.not_after ? "expired" : "valid";
}

json json_of(const auth::issue_record& one, std::int64_t at) {
    json out;
    out.set("serial", one.serial);
    out.set("issuer", one.issuer);
    out.set("fingerprint", one.fingerprint);
    out.set("user", one.user);
    out.set("groups", json::array(one.groups.begin(), one.groups.end()));
    out.set("how", one.how);
    out.set("issuedAt", one.issued_at);
    out.set("notBefore", one.not_before);
    out.set("notAfter", one.not_after);
    out.set("enrolledAt", one.enrolled_at ? json(*one.enrolled_at) : json());
    out.set("renewedFrom", one.renewed_from);
    out.set("state", one.revoked_at ? "revoked" : at >= one.not_after ? "expired" : "valid");
    out.set("revokedAt", one.revoked_at ? json(*one.revoked_at) : json());
    out.set("reason", one.reason);
    return out;
}

// A new directory beside `out`, which becomes `out` when all is done and vanishes otherwise.
class directory_to_be {
public:
    explicit directory_to_be(std::string out) : out_(std::move(out)), path_(out_ + ".XXXXXX") {
        if (!::mkdtemp(path_.data())) fault_ = "cannot make " + out_ + ": " + std::generic_category().message(errno);
    }
    ~directory_to_be() {
        std::error_code ignored;
        if (fault_.empty() && !done_) std::filesystem::remove_all(path_, ignored);
    }
    directory_to_be(const directory_to_be&) = delete;
    directory_to_be& operator=(const directory_to_be&) = delete;
    const std::string& fault() const { return fault_; }
    const std::string& path() const { return path_; }
    launcher::outcome<void> finish() {
        // Takes the place of an empty directory, and of nothing else.
        if (::rename(path_.c_str(), out_.c_str()) != 0)
            return errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR
                       ? out_ + " is there already; choose another --out"
                       : "cannot make " + out_ + ": " + std::generic_category().message(errno);
        done_ = true;
        return {};
    }
    void take_back() {
        std::error_code ignored;
        if (done_) std::filesystem::remove_all(out_, ignored);
    }

private:
    std::string out_;
    std::string path_;
    std::string fault_;
    bool done_ = false;
};

std::string upper_hex(std::string text) {
    std::erase(text, ':');
    for (char& c : text)
        if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
    return text;
}
std::string lower_hex(std::string text) {
    if (text.starts_with("sha256:")) text.erase(0, 7);
    std::erase(text, ':');
    for (char& c : text)
        if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

int revoke_user(auth::ca_store& store, const ca_arguments& a) {
    auth::transaction change(store.db());
    store.revoke_user(a.user, now(), a.reason);
    const auto certificates = store.revoke_issues_of(a.user, now(), a.reason);
    const auto tokens = store.withdraw_tokens_of(a.user, now());
    if (auto done = change.commit(); !done) return complain_as(done.error(), 1);
    say(a.output, a.user + " is revoked: " + std::to_string(certificates) + " certificates, " + std::to_string(tokens) + " tokens withdrawn\n",
        json::object{{"user", a.user}, {"certificates", std::int64_t{certificates}}, {"tokens", std::int64_t{tokens}}});
    return 0;
}

}  // namespace

int ca_init(const ca_arguments& a) {
    auth::ca_request request;
    request.name = a.name.empty() ? "delvegate " + host_name().substr(0, 50) : a.name;
    request.ed25519 = a.key_type == "ed25519";
    if (!a.ttl.empty()) {
        const auto life = parse_life(a.ttl, hours(1), hours(24) * 36500);
        if (!life) return complain_as("--ttl: " + life.error(), 2);
        request.lifetime = *life;
    }
    if (const auto why = auth::certificate_name_fault(request.name); !why.empty())
        return complain_as("--name " + why, 2);
    struct stat info {};
    if (::stat(a.state.directory.c_str(), &info) != 0)
        if (auto made = own_directory(a.state.directory); !made) return complain_as(made.error(), 1);
    const auto directory = ca_directory_of(a.state);
    if (!directory) return complain_as(directory.error(), 1);
    const bool there = ::access(auth::ca_certificate_file(*directory).c_str(), F_OK) == 0;
    if (auto made = auth::ensure_ca(*directory, request); !made) return complain_as(made.error(), 1);
    const auto opened = open_ca_of(a.state);
    if (!opened) return complain_as(opened.error(), 1);
    if (there && (!a.name.empty() || !a.ttl.empty() || request.ed25519))
        std::fputs("delvegate: there was a CA already; its name, life and key stay as they are\n", stderr);
    const auto pin = auth::pin_of(opened->authority.certificate.get());
    const auto ends = auth::seconds_of(X509_get0_notAfter(opened->authority.certificate.get()));
    say(a.output, (there ? "took over the CA in " : "made a CA in ") + *directory + "\n  pin      " + pin + "\n  expires  " + utc_of(ends) + "\n",
        json::object{{"directory", *directory}, {"made", !there}, {"pin", pin}, {"notAfter", std::int64_t{ends}}});
    return 0;
}

int ca_issue(const ca_arguments& a) {
    auth::admin_request request;
    request.user = a.user;
    request.groups = a.groups;
    request.renewable = a.renewable;
    if (auto fit = check_names(request.user, request.groups); !fit) return complain_as(fit.error(), 2);
    if (!a.ttl.empty()) {
        const auto life = parse_life(a.ttl, minutes(1), hours(24) * 3650);
        if (!life) return complain_as("--ttl: " + life.error(), 2);
        request.lifetime = *life;
    }
    std::string out = a.out;
    if (out.empty() && a.user.find('/') != a.user.npos)
        return complain_as("the user's name cannot be part of a directory's; give --out DIR", 2);
    if (out.empty()) out = "delvegate-identity-" + a.user;
    while (out.size() > 1 && out.back() == '/') out.pop_back();

    auto ca = open_ca_of(a.state);
    if (!ca) return complain_as(ca.error(), 1);
    auto key = auth::make_key();
    if (!key) return complain_as(key.error(), 1);
    directory_to_be directory(out);
    if (!directory.fault().empty()) return complain_as(directory.fault(), 1);

    auth::transaction change(ca->store.db());
    const auto made = auth::issue_for_admin(ca->store, ca->authority, {}, request, key->get(), now());
    if (!made) return complain_as(made.error().log, 1);
    // The files first, the record with them or not at all: a certificate that is used is one that is recorded.
    const std::array<std::pair<const char*, std::string>, 3> files{
        {{"/client.key", auth::to_pem(key->get())}, {"/client.crt", made->certificate}, {"/ca.crt", made->ca}}};
    for (const auto& [name, bytes] : files)
        if (auto done = auth::write_private(directory.path() + name, bytes); !done) return complain_as(done.error(), 1);
    if (auto done = directory.finish(); !done) return complain_as(done.error(), 1);
    if (auto done = change.commit(); !done) {
        directory.take_back();
        return complain_as(done.error(), 1);
    }
    say(a.output, out + ": " + a.user + (request.groups.empty() ? "" : " (" + join(request.groups) + ")") + " until " + utc_of(made->not_after) + "\n",
        json::object{{"directory", out}, {"user", a.user}, {"groups", json::array(request.groups.begin(), request.groups.end())},
                     {"notAfter", std::int64_t{made->not_after}}});
    return 0;
}

int ca_list(const ca_arguments& a) {
    auto store = open_store_of(a.state);
    if (!store) return complain_as(store.error(), 1);
    const auto issues = store->issues();
    const auto users = store->revoked_users();
    if (!store->db().ok()) return complain_as(store->db().fault(), 1);
    const std::int64_t at = now();
    if (a.output == "json") {
        json::array all;
        for (const auto& one : issues) all.push_back(json_of(one, at));
        json::array out_users;
        for (const auto& one : users)
            out_users.push_back(json::object{{"user", one.user}, {"revokedAt", one.revoked_at}, {"reason", one.reason}});
        json out;
        out.set("certificates", std::move(all));
        out.set("revokedUsers", std::move(out_users));
        std::printf("%s\n", protocol::to_text(out).c_str());
        return 0;
    }
    std::vector<std::vector<std::string>> rows{{"SERIAL", "USER", "GROUPS", "BY", "ISSUED", "EXPIRES", "STATE"}};
    for (const auto& one : issues)
        rows.push_back({one.serial, one.user, join(one.groups), one.how, utc_of(one.issued_at), utc_of(one.not_after),
                        state_of(one, at)});
    std::fputs(table(rows).c_str(), stdout);
    for (const auto& one : users)
        std::printf("user %s is revoked since %s%s\n", one.user.c_str(), utc_of(one.revoked_at).c_str(),
                    one.reason.empty() ? "" : (" (" + one.reason + ")").c_str());
    return 0;
}

int ca_revoke(const ca_arguments& a) {
    if (!a.reason.empty())
        if (const auto why = auth::certificate_name_fault(a.reason); !why.empty())
            return complain_as("--reason " + why, 2);
    auto store = open_store_of(a.state);
    if (!store) return complain_as(store.error(), 1);
    if (!a.user.empty()) {
        std::vector<std::string> none;
        if (auto fit = check_names(a.user, none); !fit) return complain_as(fit.error(), 2);
        return revoke_user(*store, a);
    }
    auth::transaction change(store->db());
    const auto found = a.serial.empty() ? store->find_fingerprint(lower_hex(a.fingerprint))
                                        : store->find_serial(upper_hex(a.serial));
    if (!store->db().ok()) return complain_as(store->db().fault(), 1);
    if (!found) return complain_as("no certificate with that " + std::string(a.serial.empty() ? "fingerprint" : "serial") +
                                       " was issued here; see: delvegate ca list", 1);
    if (found->revoked_at)
        return complain_as("the certificate of " + found->user + " was revoked already, at " + utc_of(*found->revoked_at), 1);
    const auto all = store->revoke(found->serial, now(), a.reason);
    if (auto done = change.commit(); !done) return complain_as(done.error(), 1);
    say(a.output, "revoked " + found->serial + " of " + found->user +
                      (all > 1 ? ", and " + std::to_string(all - 1) + " that are its renewals or that it renews" : "") + "\n",
        json::object{{"serial", found->serial}, {"user", found->user}, {"certificates", std::int64_t{all}}});
    return 0;
}

int ca_unrevoke_user(const ca_arguments& a) {
    auto store = open_store_of(a.state);
    if (!store) return complain_as(store.error(), 1);
    auth::transaction change(store->db());
    const bool was = store->unrevoke_user(a.user);
    if (auto done = change.commit(); !done) return complain_as(done.error(), 1);
    if (!was) return complain_as("the user is not revoked; see: delvegate ca list", 1);
    say(a.output, a.user + " can have new certificates; the old ones stay revoked\n", json::object{{"user", a.user}, {"revoked", false}});
    return 0;
}

int ca_crl(const ca_arguments& a) {
    std::chrono::seconds life = hours(24) * 7;
    if (!a.ttl.empty()) {
        const auto given = parse_life(a.ttl, minutes(1), hours(24) * 365);
        if (!given) return complain_as("--ttl: " + given.error(), 2);
        life = *given;
    }
    auto ca = open_ca_of(a.state);
    if (!ca) return complain_as(ca.error(), 1);
    auth::transaction change(ca->store.db());
    std::vector<auth::crl_entry> entries;
    for (const auto& one : ca->store.revoked(now(), {}, -1)) {
        auto& entry = entries.emplace_back();
        entry.serial = one.serial;
        entry.revoked_at = *one.revoked_at;
        entry.reason = one.reason;
    }
    const auto number = ca->store.next_crl_number();
    const auto list = auth::sign_crl(ca->authority, entries, number, now(), now() + life.count());
    if (!list) return complain_as(list.error(), 1);
    if (auto done = change.commit(); !done) return complain_as(done.error(), 1);
    if (a.out.empty()) {
        say(a.output, *list, json::object{{"crl", *list}, {"certificates", std::uint64_t{entries.size()}}, {"number", std::int64_t{number}},
                                          {"nextUpdate", now() + life.count()}});
        return 0;
    }
    if (auto written = write_file(a.out, *list, 0644); !written) return complain_as(written.error(), 1);
    say(a.output, a.out + ": " + std::to_string(entries.size()) + " certificates, number " + std::to_string(number) + ", next due " +
                      utc_of(now() + life.count()) + "\n",
        json::object{{"file", a.out}, {"certificates", std::uint64_t{entries.size()}}, {"number", std::int64_t{number}},
                     {"nextUpdate", now() + life.count()}});
    return 0;
}

}  // namespace gateway
