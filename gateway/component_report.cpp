#include "gateway/component_report.h"

#include <chrono>
#include <string_view>

#include "gateway/utc.h"
#include "protocol/printable.h"

namespace gateway {
namespace {

using protocol::json;

std::string text_of(const json& from, std::string_view key) { return protocol::printable(from.get_string(key)); }

std::string time_of(const json& from, std::string_view key) {
    const std::int64_t at = from.get_int(key);
    return at == 0 ? std::string() : utc_time(std::chrono::system_clock::from_time_t(static_cast<std::time_t>(at)));
}

std::string each_line(const json& from, std::string_view key, std::string_view before) {
    std::string out;
    if (const json* list = from.find(key); list && list->if_array())
        for (const json& one : *list->if_array())
            if (const auto* line = one.if_string()) out += "  " + std::string(before) + protocol::printable(*line) + "\n";
    return out;
}

}  // namespace

std::string component_status_text(const json& status) {
    std::string out = text_of(status, "name") + " (" + text_of(status, "kind") + "): ";
    if (status.get_bool("detached")) out += "TAKEN OUT, ";
    std::string state = text_of(status, "state");
    for (char& c : state)
        if (c == '_') c = ' ';
    out += state;
    if (const auto since = time_of(status, "since"); !since.empty()) out += " since " + since;
    if (const auto by = text_of(status, "by"); !by.empty()) out += " by " + by;
    if (const auto deadline = time_of(status, "deadline"); !deadline.empty()) out += ", put back by itself at " + deadline;
    if (const auto armed = time_of(status, "armedUntil"); !armed.empty()) out += "; armed until " + armed;
    out += "\n";
    if (const json* park = status.find("park"))
        out += "  stop " + text_of(*park, "stop") + " is parked by " + text_of(*park, "by") + " until " + time_of(*park, "until") + ": " +
               text_of(*park, "note") + "\n";
    return out + each_line(status, "warnings", "warning: ") + each_line(status, "notes", "");
}

std::string launcher_text(const json& report) {
    std::string out;
    if (const json* components = report.find("components"); components && components->if_array())
        for (const json& one : *components->if_array()) out += component_status_text(one);
    return out + each_line(report, "warnings", "warning: the launcher: ");
}

std::string armed_line(const json& answer) {
    const auto until = time_of(answer, "armedUntil");
    if (until.empty()) return text_of(answer, "component") + " is not armed\n";
    return text_of(answer, "component") + " is armed until " + until + ": it can be started through the gateway\n";
}

std::string restore_text(const json::array& reports) {
    if (reports.empty()) return "nothing is taken out\n";
    std::string out;
    for (const json& one : reports) out += text_of(one, "name") + ": " + text_of(one, "text") + "\n" + each_line(one, "decide", "to decide: ");
    return out;
}

}  // namespace gateway
