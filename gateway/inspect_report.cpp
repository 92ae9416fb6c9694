#include "gateway/inspect_report.h"

#include <string_view>
#include <vector>

#include "launcher/config_values.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

using protocol::json;

const json nothing;

const json& member(const json& from, std::string_view key) {
    const json* found = from.find(key);
    return found ? *found : nothing;
}
const json::array& list(const json& from, std::string_view key) {
    static const json::array none;
    const json* found = from.find(key);
    return found && found->if_array() ? *found->if_array() : none;
}
std::string text(const json& from, std::string_view key) { return protocol::printable(from.get_string(key)); }
std::string line_of(const json& one) { return one.if_string() ? protocol::printable(*one.if_string()) : std::string(); }
std::string number(const json& from, std::string_view key) { return std::to_string(from.get_int(key)); }

std::string size(const json& from, std::string_view key) {
    const auto bytes = static_cast<std::uint64_t>(from.get_int(key));
    constexpr std::uint64_t mib = 1u << 20;
    if (bytes == 0) return "not known";
    return bytes < 10 * mib ? launcher::format_size(bytes) : std::to_string((bytes + mib / 2) / mib) + " MiB";
}

std::string duration(const json& from, std::string_view key) {
    const std::int64_t seconds = from.get_int(key);
    return seconds == 0 ? "none" : launcher::format_duration(std::chrono::seconds(seconds));
}

void section(std::string& out, std::string_view title) { out += "\n" + std::string(title) + "\n"; }
void row(std::string& out, const std::string& value, const std::string& after = {}) {
    out += "  " + value + (after.empty() ? "" : "    # " + after) + "\n";
}

std::string joined(const json::array& values) {
    std::string out;
    for (const json& one : values) {
        const std::string item = one.is_string() ? line_of(one) : one.if_number() ? one.if_number()->token : std::string();
        out += (out.empty() ? "" : ", ") + item;
    }
    return out.empty() ? "none" : out;
}

// What the launcher added or changed, with the reason that it gives as the source.
constexpr std::string_view ours = "delvegate";

std::string arguments_of(const json& process) {
    std::string out;
    section(out, "Arguments, and where each comes from");
    for (const json& one : list(process, "argv")) row(out, text(one, "value"), text(one, "source"));
    std::string changed;
    for (const json& one : list(process, "argv"))
        if (text(one, "source").starts_with(ours)) row(changed, text(one, "value"), text(one, "source"));
    section(out, "Arguments added or changed");
    out += changed.empty() ? "  none\n" : changed;
    section(out, "Environment");
    if (list(process, "env").empty()) out += "  empty\n";
    for (const json& one : list(process, "env")) row(out, text(one, "name") + "=" + text(one, "value"), text(one, "source"));
    return out;
}

std::string files_of(const json& plan, const json& process) {
    std::string out;
    section(out, "Files that arguments name");
    if (list(process, "files").empty()) out += "  none\n";
    for (const json& one : list(process, "files")) {
        const std::string file = line_of(one);
        std::string trouble = "can be reached";
        for (const json& each : list(plan, "findings"))
            if (text(each, "severity") != "note" && text(each, "text").find(file) != std::string::npos) trouble = text(each, "text");
        row(out, file, trouble);
    }
    if (!list(process, "mounts").empty()) section(out, "Mounted in a place of its own");
    for (const json& one : list(process, "mounts"))
        row(out, text(one, "source") + " at " + text(one, "target") + (one.get_bool("readOnly") ? ", read-only" : ""));
    return out;
}

}  // namespace

std::string findings_text(const json& plan) {
    std::string out;
    for (const std::string_view severity : {"refusal", "warning", "note"})
        for (const json& one : list(plan, "findings")) {
            if (one.get_string("severity") != severity) continue;
            out += std::string(severity) + ": " + text(one, "text") + "\n";
            if (!one.get_string("mend").empty()) out += "    to mend it: " + text(one, "mend") + "\n";
        }
    return out;
}

std::string undo_text(const json& plan) {
    if (list(plan, "undoByHand").empty()) return {};
    std::string out = "To undo it by hand, should delvegate be gone:\n";
    for (const json& one : list(plan, "undoByHand")) out += "  " + line_of(one) + "\n";
    return out;
}

std::string inspect_report(const json& plan) {
    const json& process = member(plan, "process");
    std::string out = text(plan, "component") + " (" + text(plan, "kind") + "), found in " + text(plan, "foundIn") + "\n";
    out += "What is moved: " + text(plan, "moved") + "\n";
    out += "How it comes back: " + text(plan, "comesBack") + "\n";
    if (!list(process, "otherContainers").empty())
        out += "These containers of the pod stop as well: " + joined(list(process, "otherContainers")) + "\n";
    if (const auto findings = findings_text(plan); !findings.empty()) {
        section(out, "Findings");
        out += findings;
    }
    section(out, "Debug binary");
    row(out, text(plan, "binary"));
    if (const auto version = text(process, "imageVersion"); !version.empty()) row(out, "the original is " + version);
    row(out, "by " + text(plan, "dlv"));
    out += arguments_of(process);
    out += files_of(plan, process);
    section(out, "Process");
    row(out, "uid " + number(process, "uid") + ", gid " + number(process, "gid") + ", groups " + joined(list(process, "groups")));
    row(out, "working directory " + text(process, "workingDirectory"));
    row(out, "ports that must be free: " + joined(list(process, "ports")));
    const json& health = member(process, "health");
    row(out, health.is_object() ? "health: " + text(health, "scheme") + "://" + text(health, "host") + ":" + number(health, "port") + text(health, "path")
                                : "health: not known, so a start succeeds when it runs");
    row(out, "SIGTERM to SIGKILL: " + duration(process, "graceSeconds"));
    row(out, "memory that dlv will need: " + size(plan, "memoryNeeded") + "; limit for both: " + size(plan, "memoryLimit"));
    row(out, "must be running: " + joined(list(plan, "needed")));
    const json& budget = member(plan, "stopBudget");
    section(out, "Stop budget");
    row(out, "others notice after " + duration(budget, "disturbSeconds") + ", it is resumed after " + duration(budget, "damageSeconds"));
    row(out, text(budget, "derivation"));
    row(out, "then its breakpoints are off until it has run freely for " + duration(budget, "dutySeconds") + ": " +
                 text(budget, "dutyDerivation"));
    if (plan.get_int("parkSeconds") > 0) row(out, "a stop may be held on purpose for " + duration(plan, "parkSeconds"));
    section(out, "Who may");
    row(out, "start it through the gateway: " + text(plan, "remoteStart"));
    row(out, "do to it through the gateway: " + joined(list(plan, "ceiling")));
    if (const auto undo = undo_text(plan); !undo.empty()) out += "\n" + undo;
    return out + "\nPlan: " + text(plan, "hash") + "\n";
}

}  // namespace gateway
