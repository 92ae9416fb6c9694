#include "protocol/request_paths.h"

#include <utility>

namespace protocol {

namespace {

using mapping = std::string (path_map::*)(std::string_view) const;

// Of the texts in one request; what goes beyond stays as it is.
constexpr std::size_t longest_texts = 64 * 1024;

bool map_text(json& value, const path_map& map, std::size_t& left) {
    const auto* text = value.if_string();
    if (!text || text->size() > left) return false;
    left -= text->size();
    auto now = map.text_to_server(*text);
    if (now == *text) return false;
    value = json(std::move(now));
    return true;
}

bool map_text(json& object, std::string_view key, const path_map& map) {
    json* value = object.find(key);
    std::size_t left = longest_texts;
    return value && map_text(*value, map, left);
}

bool map_member(json& object, std::string_view key, const path_map& map, mapping how) {
    json* value = object.find(key);
    const auto* text = value ? value->if_string() : nullptr;
    if (!text || text->empty()) return false;
    auto now = (map.*how)(*text);
    if (now == *text) return false;
    *value = json(std::move(now));
    return true;
}

bool map_breakpoint(json& arguments, const path_map& map) {
    json* breakpoint = arguments.find("Breakpoint");
    return breakpoint && map_member(*breakpoint, "file", map, &path_map::to_server);
}

// The client's own rules would turn the program's files into the client's, for a location that is the program's now.
bool map_location(json& arguments, std::string_view key, const path_map& map) {
    if (!map_member(arguments, key, map, &path_map::location_to_server)) return false;
    std::erase_if(*arguments.if_object(), [](const auto& m) { return m.first == "SubstitutePathRules"; });
    return true;
}

// Each `FILE:LINE in FUNC` of a goroutine that Delve searches for the text of these filters.
bool map_goroutine_filters(json& arguments, const path_map& map) {
    constexpr std::int64_t first_of_a_location = 1, last_of_a_location = 4;  // api.GoroutineField
    json* filters = arguments.find("Filters");
    auto* list = filters ? filters->if_array() : nullptr;
    bool changed = false;
    std::size_t left = longest_texts;
    if (list)
        for (json& one : *list)
            if (const auto kind = one.get_int("Kind"); kind >= first_of_a_location && kind <= last_of_a_location)
                if (json* text = one.find("Arg")) changed = map_text(*text, map, left) || changed;
    return changed;
}

bool map_words(json& arguments, std::string_view key, const path_map& map) {
    json* words = arguments.find(key);
    auto* list = words ? words->if_array() : nullptr;
    bool changed = false;
    std::size_t left = longest_texts;
    if (list)
        for (json& one : *list) changed = map_text(one, map, left) || changed;
    return changed;
}

// `FILE:LINE` as a file and the rest.
std::pair<std::string_view, std::string_view> split_location(std::string_view location) {
    const auto colon = location.rfind(':');
    if (colon == location.npos || location.find('/', colon) != location.npos) return {location, {}};
    return {location.substr(0, colon), location.substr(colon)};
}

}  // namespace

bool rpc_paths_to_server(std::string_view method, json& arguments, const path_map& map) {
    if (map.empty()) return false;
    if (method == "RPCServer.CreateBreakpoint") {
        const bool file = map_breakpoint(arguments, map);
        return map_location(arguments, "LocExpr", map) || file;
    }
    if (method == "RPCServer.AmendBreakpoint") return map_breakpoint(arguments, map);
    if (method == "RPCServer.FindLocation") return map_location(arguments, "Loc", map);
    if (method == "RPCServer.ListSources") return map_text(arguments, "Filter", map);
    if (method == "RPCServer.ListGoroutines") return map_goroutine_filters(arguments, map);
    if (method == "RPCServer.Restart") return map_words(arguments, "NewArgs", map);
    return false;
}

bool dap_paths_to_server(std::string_view operation, json& arguments, const path_map& map) {
    if (map.empty()) return false;
    if (operation == "setFunctionBreakpoints") {
        json* all = arguments.find("breakpoints");
        auto* list = all ? all->if_array() : nullptr;
        bool changed = false;
        if (list)
            for (json& one : *list) changed = map_member(one, "name", map, &path_map::location_to_server) || changed;
        return changed;
    }
    return operation == "evaluate dlv sources" && map_text(arguments, "expression", map);
}

std::optional<aliased_request> rpc_alias(std::string_view method, const json& arguments) {
    const auto other = [&](const json& object, std::string_view key) -> std::optional<aliased_request> {
        const auto [file, rest] = split_location(object.get_string(key));
        const auto alias = kubernetes_alias(file);
        if (!alias) return std::nullopt;
        aliased_request out{object, std::string(file), *alias};
        out.arguments.set(key, *alias + std::string(rest));
        return out;
    };
    if (method == "RPCServer.FindLocation") return other(arguments, "Loc");
    if (method != "RPCServer.CreateBreakpoint") return std::nullopt;
    if (auto by_location = other(arguments, "LocExpr")) return by_location;
    const json* breakpoint = arguments.find("Breakpoint");
    auto by_file = breakpoint ? other(*breakpoint, "file") : std::nullopt;
    if (!by_file) return std::nullopt;
    json whole = arguments;
    whole.set("Breakpoint", std::exchange(by_file->arguments, {}));
    by_file->arguments = std::move(whole);
    return by_file;
}

}  // namespace protocol
