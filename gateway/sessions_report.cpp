#include "gateway/sessions_report.h"

#include <algorithm>
#include <array>
#include <vector>

#include "protocol/printable.h"

namespace gateway {

using protocol::json;

namespace {

std::string text_of(const json& from, std::string_view key) { return protocol::printable(from.get_string(key)); }

const json::array& list_in(const json& answer, std::string_view key) {
    static const json::array none;
    const auto* found = answer.find(key);
    const auto* list = found ? found->if_array() : nullptr;
    return list ? *list : none;
}

// "scheduler: stopped since … at main.go:12 (breakpoint) by alice; stop 17-3f9c; alice has the baton since …"
std::string component_line(const json& one) {
    const auto state = text_of(one, "state");
    std::string out = text_of(one, "component") + ": " + state;
    const auto add = [&](std::string_view before, std::string_view key, std::string_view after = {}) {
        if (const auto value = text_of(one, key); !value.empty()) out += std::string(before) + value + std::string(after);
    };
    add(" since ", "since");
    add(" at ", "position");
    if (state == "stopped") add(" (", "reason", ")");
    add(", by ", "by");
    if (state != "stopped") add(": ", "reason");
    if (one.find("exitStatus")) out += " with status " + std::to_string(one.get_int("exitStatus"));
    if (const auto* baton = one.find("runControl")) {
        if (const auto holder = text_of(*baton, "holder"); !holder.empty()) out += "; " + holder + " has the baton since " + text_of(*baton, "since");
    }
    if (const auto* park = one.find("park"))
        out += "; stop " + text_of(*park, "stop") + " is parked by " + text_of(*park, "by") + " until " + text_of(*park, "until") + ": " +
               text_of(*park, "note");
    else
        add("; stop ", "stop");
    return out + "\n";
}

// Columns as wide as their widest entry.
std::string table(const json::array& sessions) {
    struct column {
        std::string_view key, head;
    };
    constexpr std::array columns{column{"session", "SESSION"}, column{"user", "USER"},   column{"component", "COMPONENT"},
                                 column{"protocol", "PROTOCOL"}, column{"ide", "IDE"},   column{"role", "ROLE"},
                                 column{"address", "FROM"},    column{"since", "SINCE"}, column{"awaySince", "LINK DOWN SINCE"},
                                 column{"certificateEnds", "CERTIFICATE ENDS"}};
    std::vector<std::vector<std::string>> rows(sessions.size() + 1);
    for (const auto& [key, head] : columns) {
        std::vector<std::string> cells{std::string(head)};
        for (const json& one : sessions) cells.push_back(text_of(one, key));
        if (std::all_of(cells.begin() + 1, cells.end(), [](const auto& cell) { return cell.empty(); })) continue;
        std::size_t width = 0;
        for (const auto& cell : cells) width = std::max(width, cell.size());
        for (std::size_t i = 0; i < cells.size(); ++i) rows[i].push_back(cells[i] + std::string(width - cells[i].size(), ' '));
    }
    std::string out;
    for (const auto& row : rows) {
        std::string line;
        for (const auto& cell : row) line += (line.empty() ? "" : "  ") + cell;
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

}  // namespace

bool is_sessions_answer(const json& answer) {
    const auto* sessions = answer.find("sessions");
    return sessions && sessions->if_array();
}

std::string sessions_text(const json& answer) {
    std::string out;
    for (const auto& one : list_in(answer, "components")) out += component_line(one);
    const auto& sessions = list_in(answer, "sessions");
    return out + (sessions.empty() ? "nobody is debugging\n" : table(sessions));
}

json sessions_of(const json& answer, std::string_view component) {
    if (component.empty()) return answer;
    json out = json::object{};
    for (const auto* key : {"components", "sessions"}) {
        json::array kept;
        for (const auto& one : list_in(answer, key))
            if (one.get_string("component") == component) kept.push_back(one);
        out.set(key, std::move(kept));
    }
    return out;
}

}  // namespace gateway
