#include "launcher/launcher_wire.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/printable.h"

namespace launcher {
namespace {

using protocol::json;

constexpr std::size_t max_by = 128;
constexpr std::size_t max_note = 512;
constexpr std::int64_t max_arm_seconds = 366LL * 24 * 3600;

const verb_members* row_named(std::string_view name) {
    for (const auto& row : launcher_verbs())
        if (row.name == name) return &row;
    return nullptr;
}

bool among(const std::vector<std::string_view>& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

bool is_hex(std::string_view text, std::size_t length) {
    return text.size() == length && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

// One member into the request; what is wrong with it, or nothing.
std::string take(launcher_request& out, std::string_view key, const json& value) {
    const std::string* text = value.if_string();
    const bool* flag = value.if_bool();
    if (key == "component") {
        if (!text || !is_component_name(*text)) return "component must be a DNS label";
        out.component = *text;
    } else if (key == "plan") {
        if (!text || !text->starts_with("sha256:") || !is_hash(std::string_view(*text).substr(7)))
            return "plan must be sha256: and 64 lower-case hexadecimal digits";
        out.plan = text->substr(7);
    } else if (key == "session") {
        if (!text || !is_session_id(*text)) return "session must be 32 lower-case hexadecimal digits";
        out.session = *text;
    } else if (key == "by") {
        if (!text || text->empty() || text->size() > max_by || protocol::printable(*text) != *text)
            return "by must be 1 to 128 printable bytes";
        out.by = *text;
    } else if (key == "note") {
        if (!text || text->empty() || text->size() > max_note || protocol::printable(*text) != *text)
            return "note must be 1 to 512 printable bytes";
        out.note = *text;
    } else if (key == "stop") {
        if (!text || !is_stop_name(*text)) return "stop must be a number, a hyphen and 4 hexadecimal digits";
        out.stop = *text;
    } else if (key == "stopOnEntry") {
        if (!flag || !*flag) return "stopOnEntry must be true, or left out";
        out.stop_on_entry = true;
    } else if (key == "sessions") {
        if (!flag || !*flag) return "sessions must be true, or left out";
        out.sessions = true;
    } else if (key == "force") {
        const auto* list = value.if_array();
        if (!list || list->empty() || list->size() > all_forces().size()) return "force must be a list of names";
        for (const json& one : *list) {
            const auto* name = one.if_string();
            const auto named = name ? force_named(*name) : std::nullopt;
            if (!named) return "force holds a name that there is not";
            if (std::find(out.forces.begin(), out.forces.end(), *named) != out.forces.end())
                return "force holds a name twice";
            out.forces.push_back(*named);
        }
    } else if (key == "decide") {
        if (text && *text == "keep-theirs")
            out.decide = decision::keep_theirs;
        else if (text && *text == "put-back-ours")
            out.decide = decision::put_back_ours;
        else
            return "decide must be keep-theirs or put-back-ours";
    } else if (key == "seconds") {
        const auto seconds = value.as_int();
        if (!seconds || *seconds < 1 || *seconds > max_arm_seconds) return "seconds must be a number from 1 to 31622400";
        out.duration = std::chrono::seconds(*seconds);
    }
    return {};
}

}  // namespace

const std::vector<verb_members>& launcher_verbs() {
    static const std::vector<verb_members> rows{
        {launcher_verb::inspect, "inspect", {"component"}, {}},
        {launcher_verb::start, "start", {"component"}, {"plan", "session", "by", "stopOnEntry", "force"}},
        {launcher_verb::stop, "stop", {"component"}, {"session", "by"}},
        {launcher_verb::restore, "restore", {}, {"component", "by", "decide"}},
        {launcher_verb::status, "status", {}, {}},
        {launcher_verb::arm, "arm", {"component", "seconds"}, {}},
        {launcher_verb::disarm, "disarm", {"component"}, {}},
        {launcher_verb::dial, "dial", {"component", "session"}, {}},
        {launcher_verb::heartbeat, "heartbeat", {"component", "session"}, {"sessions"}},
        {launcher_verb::park, "park", {"component", "session", "stop"}, {"seconds", "by", "note"}},
    };
    return rows;
}

bool is_component_name(std::string_view text) {
    const auto inner = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), inner) && text.front() != '-' &&
           text.back() != '-';
}

bool is_session_id(std::string_view text) { return is_hex(text, 32); }
bool is_hash(std::string_view text) { return is_hex(text, 64); }

bool is_stop_name(std::string_view text) {
    const auto hyphen = text.find('-');
    return hyphen != text.npos && hyphen >= 1 && hyphen <= 20 && is_hex(text.substr(hyphen + 1), 4) &&
           std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(hyphen), [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view to_string(launcher_verb verb) {
    for (const auto& row : launcher_verbs())
        if (row.verb == verb) return row.name;
    return "unknown";
}

boost::system::result<launcher_request, std::string> read_launcher_request(std::string_view packet) {
    if (packet.size() > max_launcher_packet) return "the packet is too large";
    const auto parsed = protocol::parse_json(packet, {.max_depth = 3, .fold_keys = true});
    if (!parsed || !parsed->if_object()) return "the packet is not one JSON object of this protocol";
    const json* version = parsed->find("v");
    if (!version || version->as_int() != launcher_wire_version)
        return "it speaks another version than " + std::to_string(launcher_wire_version) +
               "; install the same delvegate on both sides and restart both";
    const json* verb = parsed->find("verb");
    const verb_members* row = verb && verb->if_string() ? row_named(*verb->if_string()) : nullptr;
    if (!row) return "there is no such verb";

    launcher_request out;
    out.verb = row->verb;
    for (const auto& [key, value] : *parsed->if_object()) {
        if (key == "v" || key == "verb") continue;
        if (!among(row->needs, key) && !among(row->may, key)) return std::string(row->name) + " takes no such member";
        if (auto fault = take(out, key, value); !fault.empty()) return fault;
    }
    for (const auto& key : row->needs)
        if (!parsed->find(key)) return std::string(row->name) + " needs " + std::string(key);
    return out;
}

std::string to_text(const launcher_request& request) {
    json out;
    out.set("v", launcher_wire_version);
    out.set("verb", to_string(request.verb));
    if (!request.component.empty()) out.set("component", request.component);
    if (!request.plan.empty()) out.set("plan", "sha256:" + request.plan);
    if (!request.session.empty()) out.set("session", request.session);
    if (!request.by.empty()) out.set("by", request.by);
    if (!request.note.empty()) out.set("note", request.note);
    if (!request.stop.empty()) out.set("stop", request.stop);
    if (request.stop_on_entry) out.set("stopOnEntry", true);
    if (request.sessions) out.set("sessions", true);
    if (!request.forces.empty()) {
        json::array names;
        for (const force one : request.forces) names.emplace_back(to_string(one));
        out.set("force", std::move(names));
    }
    if (request.decide != decision::none)
        out.set("decide", request.decide == decision::keep_theirs ? "keep-theirs" : "put-back-ours");
    if (request.duration.count() != 0) out.set("seconds", std::int64_t{request.duration.count()});
    return protocol::to_text(out);
}

}  // namespace launcher
