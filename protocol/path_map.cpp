#include "protocol/path_map.h"

#include <algorithm>
#include <optional>

namespace protocol {

namespace {

bool is_separator(char c) { return c == '/' || c == '\\'; }
bool ends_open(std::string_view s) { return !s.empty() && is_separator(s.back()); }
bool begins_open(std::string_view s) { return !s.empty() && is_separator(s.front()); }

bool windows_absolute(std::string_view path) {
    if (path.starts_with("\\\\")) return true;
    return path.size() >= 3 && path[1] == ':' && is_separator(path[2]);
}

bool absolute(std::string_view path) { return path.starts_with('/') || windows_absolute(path); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool has_prefix(std::string_view path, std::string_view prefix, bool any_case) {
    if (path.size() < prefix.size()) return false;
    return std::equal(prefix.begin(), prefix.end(), path.begin(), [&](char a, char b) {
        return any_case ? lower(a) == lower(b) : a == b;
    });
}

// The one kind of separator in `to`, or 0 when it has both or none.
char separator_of(std::string_view to) {
    char found = 0;
    for (char c : to) {
        if (!is_separator(c)) continue;
        if (found && found != c) return 0;
        found = c;
    }
    return found;
}

std::string join(std::string_view to, std::string rest) {
    char separator = separator_of(to);
    if (separator)
        std::replace_if(rest.begin(), rest.end(), is_separator, separator);
    else
        separator = '/';
    std::string out(to);
    if (ends_open(out) && begins_open(rest))
        out.pop_back();
    else if (!ends_open(out) && !begins_open(rest))
        out += separator;
    return out + rest;
}

std::optional<std::string> apply(std::string_view path, std::string_view from, std::string_view to, bool any_case) {
    if (path == from) return std::string(to);
    std::string_view rest = path;
    if (from.empty()) {
        if (absolute(path)) return std::nullopt;
    } else {
        if (!has_prefix(path, from, any_case)) return std::nullopt;
        rest = path.substr(from.size());
        if (rest.empty()) return std::string(to);
        if (!ends_open(from) && !begins_open(rest)) return std::nullopt;  // "/src" is not "/srcs"
    }
    if (to.empty()) return std::string(begins_open(rest) ? rest.substr(1) : rest);
    return join(to, std::string(rest));
}

std::vector<std::string> quoted_fields(std::string_view text) {
    std::vector<std::string> fields;
    std::string field;
    bool quoted = false, open = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (quoted && c == '\\' && i + 1 < text.size()) {
            field += text[++i];
        } else if (c == '"') {
            quoted = !quoted;
            open = true;
        } else if (!quoted && (c == ' ' || c == '\t')) {
            if (open) fields.push_back(std::exchange(field, {}));
            open = false;
        } else {
            field += c;
            open = true;
        }
    }
    if (open) fields.push_back(field);
    return fields;
}

}  // namespace

path_map path_map::from_attach(const json& substitute_path) {
    path_map map;
    if (auto* list = substitute_path.if_array())
        for (auto& rule : *list)
            if (rule.is_object())
                map.rules_.push_back({std::string(rule.get_string("from")), std::string(rule.get_string("to"))});
    return map;
}

void path_map::add(std::string client, std::string server) {
    auto same = std::find_if(rules_.begin(), rules_.end(), [&](auto& r) { return r.client == client; });
    if (same != rules_.end())
        same->server = std::move(server);
    else
        rules_.push_back({std::move(client), std::move(server)});
}

void path_map::configure(std::string_view rest) {
    auto fields = quoted_fields(rest);
    if (fields.size() == 1 && fields[0] == "-clear") return rules_.clear();
    if (fields.size() == 2 && fields[0] == "-clear") fields.erase(fields.begin());
    if (fields.size() == 1) std::erase_if(rules_, [&](auto& r) { return r.client == fields[0]; });
    if (fields.size() == 2) add(fields[0], fields[1]);
}

std::string path_map::to_server(std::string_view path) const {
    bool any_case = windows_absolute(path) || std::any_of(rules_.begin(), rules_.end(), [](auto& r) {
        return windows_absolute(r.client) || windows_absolute(r.server);
    });
    for (auto& r : rules_)
        if (auto mapped = apply(path, r.client, r.server, any_case)) return *mapped;
    return std::string(path);
}

std::string path_map::to_client(std::string_view path) const {
    bool any_case = windows_absolute(path) || std::any_of(rules_.begin(), rules_.end(), [](auto& r) {
        return windows_absolute(r.client) || windows_absolute(r.server);
    });
    for (auto& r : rules_)
        if (auto mapped = apply(path, r.server, r.client, any_case)) return *mapped;
    return std::string(path);
}

}  // namespace protocol
