#include "gateway/audit_report.h"

#include "auth/audit_text.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

// Stricter than protocol::printable(): what the file holds was escaped when it was written, but parsing has undone
// that, and the file may be a forger's.
std::string safe(std::string_view text) {
    std::string out;
    auth::append_escaped(out, text);
    return protocol::printable(out);
}

void word(std::string& out, std::string_view text) {
    if (!text.empty()) out += "  " + safe(text);
}

std::string time_text(std::int64_t time) {
    std::string out;
    auth::append_time(out, time);
    return out;
}

std::string milliseconds(std::uint64_t nanoseconds) {
    std::string digits = std::to_string(nanoseconds / 1000 % 1000);
    digits.insert(0, 3 - digits.size(), '0');
    return std::to_string(nanoseconds / 1'000'000) + "." + digits + " ms";
}

std::string count(std::uint64_t n, const char* what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); }

}  // namespace

std::string audit_text(const auth::audit_entry& e) {
    std::string out = time_text(e.time) + "  " + std::to_string(e.sequence) + "  ";
    out += to_string(e.kind);
    if (e.ref) out += " of " + std::to_string(e.ref);
    if (e.lost) out += " of " + count(e.lost, "record");
    word(out, e.user);
    word(out, e.address);
    word(out, e.component);
    word(out, e.session);
    word(out, e.speaks);
    word(out, e.operation);
    if (!e.classes.empty()) out += "  (" + to_string(e.classes) + ")";
    if (!e.decision.empty()) word(out, e.rule.empty() ? e.decision : e.decision + " by " + e.rule);
    for (const auto& [what, text] : e.touched) out += "  " + safe(what) + "=\"" + safe(text) + "\"";
    if (!e.result.empty()) out += "  -> " + safe(e.result);
    if (e.duration) out += "  " + milliseconds(*e.duration);
    if (!e.hash_fits) out += "  [CHANGED: its hash does not fit]";
    return out;
}

std::string audit_verdict(const std::string& path, const auth::audit_summary& sum) {
    std::string out;
    for (const auto& fault : sum.faults) out += "BROKEN  " + safe(to_string(fault)) + "\n";
    if (sum.more_faults) out += "BROKEN  … and " + std::to_string(sum.more_faults) + " more\n";
    for (const auto& remark : sum.remarks) out += "note    " + safe(to_string(remark)) + "\n";
    out += safe(path) + ": " + count(sum.records, "record");
    if (sum.records)
        out += ", " + std::to_string(sum.first) + " to " + std::to_string(sum.last) + ", " + time_text(sum.first_time) + " to " +
               time_text(sum.last_time);
    out += sum.faults.empty() ? "; the chain is unbroken\n" : "; THE CHAIN IS BROKEN, " + count(sum.faults.size() + sum.more_faults, "fault") + "\n";
    if (sum.anchors)
        out += count(sum.anchors, "anchor") + (sum.anchors == 1 ? " matches" : " match") + "; the last covers record " + std::to_string(sum.anchored) +
               "; " + count(sum.last - sum.anchored, "record") + " after it could still be cut off unseen\n";
    else
        out += "no anchor was compared: what was cut off at the end, or written anew as a whole, would not be seen (--anchor)\n";
    if (sum.signed_anchors)
        out += count(sum.signed_anchors, "signed head") + ", the last of record " + std::to_string(sum.signed_through) + "\n";
    return out;
}

protocol::json audit_verdict_json(const std::string& path, const auth::audit_summary& sum) {
    using protocol::json;
    const auto texts = [](const std::vector<auth::audit_fault>& all) {
        json::array out;
        for (const auto& one : all) out.push_back(safe(to_string(one)));
        return out;
    };
    json out = json::object{{"path", safe(path)},
                            {"unbroken", sum.faults.empty()},
                            {"faults", texts(sum.faults)},
                            {"moreFaults", sum.more_faults},
                            {"remarks", texts(sum.remarks)},
                            {"records", sum.records}};
    if (sum.records) {
        out.set("first", sum.first);
        out.set("last", sum.last);
        out.set("firstTime", time_text(sum.first_time));
        out.set("lastTime", time_text(sum.last_time));
    }
    out.set("anchors", sum.anchors);
    out.set("anchored", sum.anchored);
    out.set("signedHeads", sum.signed_anchors);
    out.set("signedThrough", sum.signed_through);
    return out;
}

}  // namespace gateway
