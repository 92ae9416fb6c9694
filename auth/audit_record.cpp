#include "auth/audit_record.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "auth/audit_redact.h"
#include "auth/audit_text.h"

namespace auth {
namespace {

constexpr std::array<std::string_view, 14> kinds{
    "connect", "disconnect", "refused-connection", "intent",    "outcome", "refusal", "reload",
    "revoked", "rotate",     "anchor",             "gap", "recovered", "broken", "administration"};

// Bytes of escaped text, without what append_clamped() adds. Their sum is far below max_audit_line.
constexpr std::size_t name_limit = 320;      // user, group, component, operation, …
constexpr std::size_t text_limit = 1024;     // a thing touched, the issuer, the rule, the result
constexpr std::size_t groups_limit = 4096;   // all groups together
constexpr std::size_t touched_limit = 8192;  // all things touched together
constexpr std::size_t touch_name_limit = 64;

// How a text gets into the line: clamped when it is new, as it is when it was in a line before.
struct form {
    bool clamp = true;
    const audit_redactor* redactor = nullptr;

    void text(std::string& out, std::string_view value, std::size_t limit) const {
        out += '"';
        clamp ? append_clamped(out, value, limit) : append_escaped(out, value);
        out += '"';
    }
    void private_text(std::string& out, std::string_view value, std::size_t limit) const {
        if (redactor && !redactor->empty()) return text(out, redactor->redact(value), limit);
        text(out, value, limit);
    }
};

void append_number(std::string& out, std::uint64_t value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out.append(digits, end);
}

void number(std::string& out, std::string_view name, std::uint64_t value) {
    out += ",\"";
    out += name;
    out += "\":";
    append_number(out, value);
}

void member(std::string& out, const form& how, std::string_view name, std::string_view value, std::size_t limit) {
    if (value.empty()) return;
    out += ",\"";
    out += name;
    out += "\":";
    how.text(out, value, limit);
}

void append_groups(std::string& out, const form& how, std::span<const std::string> groups) {
    if (groups.empty()) return;
    out += ",\"groups\":[";
    const std::size_t start = out.size();
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (i) out += ',';
        if (how.clamp && out.size() - start > groups_limit) {
            std::string rest;
            for (const auto& group : groups.subspan(i)) rest += group + '\n';
            sha256_hasher hash;
            how.text(out, "…[" + std::to_string(groups.size() - i) + " more, sha256:" + hash.hex(rest) + "]", name_limit);
            break;
        }
        how.text(out, groups[i], name_limit);
    }
    out += ']';
}

void append_classes(std::string& out, ::protocol::class_set classes) {
    if (classes.empty()) return;
    out += ",\"classes\":[";
    bool first = true;
    for (unsigned i = 0; i <= static_cast<unsigned>(::protocol::op_class::lifecycle); ++i) {
        const auto one = static_cast<::protocol::op_class>(i);
        if (!classes.has(one)) continue;
        if (!first) out += ',';
        first = false;
        out += '"';
        out += to_string(one);
        out += '"';
    }
    out += ']';
}

void append_touched(std::string& out, const form& how, std::span<const audit_touch> touched) {
    if (touched.empty()) return;
    out += ",\"touched\":{";
    const std::size_t start = out.size();
    for (std::size_t i = 0; i < touched.size(); ++i) {
        const audit_touch& one = touched[i];
        // Two members of one name would be a line that no strict reader takes.
        const auto same = [&one](const audit_touch& other) { return other.what == one.what; };
        if (how.clamp && std::any_of(touched.begin(), touched.begin() + static_cast<long>(i), same)) continue;
        if (out.size() != start) out += ',';
        if (how.clamp && out.size() - start > touched_limit) {
            out += "\"more\":\"";
            append_number(out, touched.size());
            out += " things were touched\"";
            break;
        }
        how.text(out, one.what, touch_name_limit);
        out += ':';
        how.private_text(out, one.text, text_limit);
    }
    out += '}';
}

void append_who(std::string& out, const audit_record& r, const form& how) {
    member(out, how, "session", r.session, name_limit);
    member(out, how, "user", r.user, name_limit);
    append_groups(out, how, r.groups);
    member(out, how, "issuer", r.issuer, text_limit);
    member(out, how, "serial", r.serial, name_limit);
    member(out, how, "fingerprint", r.fingerprint, name_limit);
    member(out, how, "address", r.address, name_limit);
    member(out, how, "component", r.component, name_limit);
    member(out, how, "protocol", r.speaks, name_limit);
}

void append_body(std::string& out, const audit_record& r, const form& how) {
    out += ",\"kind\":\"";
    out += to_string(r.kind);
    out += '"';
    if (r.ref) number(out, "ref", r.ref);
    if (r.lost) number(out, "lost", r.lost);
    r.who.empty() ? append_who(out, r, how) : void(out += r.who);
    member(out, how, "operation", r.operation, name_limit);
    append_classes(out, r.classes);
    member(out, how, "decision", r.decision, name_limit);
    member(out, how, "rule", r.rule, text_limit);
    append_touched(out, how, r.touched);
    if (!r.result.empty()) {
        out += ",\"result\":";
        how.private_text(out, r.result, text_limit);
    }
    if (r.duration) number(out, "duration", *r.duration);
}

}  // namespace

std::string_view to_string(audit_kind kind) { return kinds[static_cast<std::size_t>(kind)]; }

std::optional<audit_kind> audit_kind_of(std::string_view name) {
    const auto found = std::find(kinds.begin(), kinds.end(), name);
    if (found == kinds.end()) return {};
    return static_cast<audit_kind>(found - kinds.begin());
}

void append_audit_body(std::string& out, const audit_record& record, const audit_redactor* redactor) {
    append_body(out, record, {.clamp = true, .redactor = redactor});
}

std::string audit_who(const audit_record& record) {
    std::string out;
    append_who(out, record, {.clamp = true});
    return out;
}

std::string to_audit_line(const audit_entry& e) {
    std::vector<audit_touch> touched;
    for (const auto& [what, text] : e.touched) touched.push_back({what, text});
    std::string out = "{\"sequence\":";
    append_number(out, e.sequence);
    out += ",\"time\":\"";
    append_time(out, e.time);
    out += '"';
    append_body(out,
                {.kind = e.kind, .ref = e.ref, .lost = e.lost, .who = {}, .session = e.session, .user = e.user,
                 .groups = e.groups, .issuer = e.issuer, .serial = e.serial, .fingerprint = e.fingerprint,
                 .address = e.address, .component = e.component, .speaks = e.speaks, .operation = e.operation,
                 .classes = e.classes, .decision = e.decision, .rule = e.rule, .touched = touched,
                 .result = e.result, .duration = e.duration},
                {.clamp = false});
    out += ",\"previous\":\"" + e.previous + "\",\"hash\":\"" + e.hash + "\"}";
    return out;
}

}  // namespace auth
