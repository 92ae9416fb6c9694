#include "protocol/path_map.h"

#include <algorithm>
#include <utility>

#include "protocol/path_prefix.h"

namespace protocol {

namespace paths {

namespace {

bool ends_open(std::string_view s) { return !s.empty() && is_separator(s.back()); }
bool begins_open(std::string_view s) { return !s.empty() && is_separator(s.front()); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The separator of what a path of Windows becomes, or of what becomes one.
char separator_of(std::string_view to) {
    const bool slash = to.find('/') != to.npos;
    const bool back = to.find('\\') != to.npos;
    if (slash != back) return slash ? '/' : '\\';
    return windows_absolute(to) ? '\\' : '/';
}

}  // namespace

bool windows_absolute(std::string_view path) {
    if (path.starts_with("\\\\")) return true;
    const bool letter = !path.empty() && lower(path[0]) >= 'a' && lower(path[0]) <= 'z';
    return path.size() >= 3 && letter && path[1] == ':' && is_separator(path[2]);
}

bool absolute(std::string_view path) { return path.starts_with('/') || windows_absolute(path); }

bool has_prefix(std::string_view path, std::string_view prefix) {
    if (path.size() < prefix.size()) return false;
    if (!windows_absolute(path) && !windows_absolute(prefix)) return path.starts_with(prefix);
    return std::equal(prefix.begin(), prefix.end(), path.begin(), [](char a, char b) {
        return lower(a) == lower(b) || (is_separator(a) && is_separator(b));
    });
}

std::optional<std::string> apply(std::string_view path, std::string_view from, std::string_view to) {
    if (path == from) return std::string(to);
    if (from.empty() ? absolute(path) : !has_prefix(path, from)) return std::nullopt;
    std::string rest(path.substr(from.size()));
    if (rest.empty()) return std::string(to);
    if (!from.empty() && !ends_open(from) && !begins_open(rest)) return std::nullopt;  // "/src" is not "/srcs"
    // On Linux a backslash is a letter like others.
    const bool windows = windows_absolute(path) || windows_absolute(from) || windows_absolute(to);
    const char separator = windows ? separator_of(to) : '/';
    if (windows) std::replace_if(rest.begin(), rest.end(), is_separator, separator);
    if (to.empty()) return begins_open(rest) ? rest.substr(1) : rest;
    std::string out(to);
    if (ends_open(out) && begins_open(rest))
        out.pop_back();
    else if (!ends_open(out) && !begins_open(rest))
        out += separator;
    return out + rest;
}

}  // namespace paths

namespace {

// Delve's config.SplitQuotedFields.
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

struct module_end {
    std::size_t name;  // where `vendor` or `staging` begins
    std::size_t module;  // where `k8s.io` begins
    std::size_t rest;  // where the path in the module begins, with its separator
};

// Where a path goes through `NAME/k8s.io/X/`, whatever its separators.
std::optional<module_end> through(std::string_view path, std::string_view name) {
    const auto at = [&](std::size_t i, std::string_view text) {
        for (std::size_t k = 0; k < text.size(); ++k)
            if (i + k >= path.size() || (text[k] == '/' ? !paths::is_separator(path[i + k]) : path[i + k] != text[k]))
                return false;
        return true;
    };
    const auto whole = std::string(name) + "/k8s.io/";
    for (std::size_t i = 0; i < path.size(); ++i) {
        if ((i > 0 && !paths::is_separator(path[i - 1])) || !at(i, whole)) continue;
        const auto module = i + whole.size();
        const auto rest = path.find_first_of("/\\", module);
        if (rest == path.npos || rest == module) return std::nullopt;
        return module_end{i, i + name.size() + 1, rest};
    }
    return std::nullopt;
}

}  // namespace

bool fit_for_a_path(std::string_view text) {
    return text.size() <= 4096 && std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

std::optional<std::string> kubernetes_alias(std::string_view path) {
    for (const auto& [one, other] : {std::pair("vendor", "staging/src"), std::pair("staging/src", "vendor")})
        if (const auto found = through(path, one))
            return std::string(path.substr(0, found->name)) + other + "/" + std::string(path.substr(found->module));
    return std::nullopt;
}

path_map path_map::from_attach(const json& substitute_path) {
    path_map map;
    if (auto* list = substitute_path.if_array())
        for (auto& rule : *list)
            if (rule.is_object())
                map.rules_.push_back({std::string(rule.get_string("from")), std::string(rule.get_string("to"))});
    return map;
}

bool path_map::fit() const {
    return std::all_of(rules_.begin(), rules_.end(), [](auto& r) { return fit_for_a_path(r.client) && fit_for_a_path(r.server); });
}

void path_map::add(std::string client, std::string server) {
    auto same = std::find_if(rules_.begin(), rules_.end(), [&](auto& r) { return r.client == client; });
    if (same != rules_.end())
        same->server = std::move(server);
    else
        rules_.push_back({std::move(client), std::move(server)});
}

void path_map::add_unless_there(path_rule rule) {
    if (std::none_of(rules_.begin(), rules_.end(), [&](auto& r) { return r.client == rule.client; }))
        rules_.push_back(std::move(rule));
}

std::string path_map::configure(std::string_view rest) {
    auto fields = quoted_fields(rest);
    if (fields.size() == 1 && fields[0] == "-clear") return rules_.clear(), std::string();
    if (fields.size() == 2 && fields[0] == "-clear") fields.erase(fields.begin());
    if (fields.size() > 2) return "too many arguments to \"config substitutePath\"";
    if (fields.size() == 1 && std::erase_if(rules_, [&](auto& r) { return r.client == fields[0]; }) == 0)
        return "could not find rule for \"" + fields[0] + "\"";
    if (fields.size() < 2) return {};
    if (!fit_for_a_path(fields[0]) || !fit_for_a_path(fields[1])) return "a rule is of two paths of up to 4096 bytes without control characters";
    auto more = *this;
    more.add(fields[0], fields[1]);
    if (more.rules_.size() > max_rules) return "there are " + std::to_string(max_rules) + " rules already";
    rules_ = std::move(more.rules_);
    return {};
}

std::string path_map::to_server(std::string_view path) const {
    for (auto& r : rules_)
        if (auto mapped = paths::apply(path, r.client, r.server)) return *mapped;
    return std::string(path);
}

std::string path_map::to_client(std::string_view path) const {
    // "", "<autogenerated>", "<multiple locations>" and "?" are no paths.
    if (path.empty() || path[0] == '<' || path == "?") return std::string(path);
    for (auto& r : rules_)
        if (auto mapped = paths::apply(path, r.server, r.client)) return *mapped;
    return std::string(path);
}

void path_map::learn_alias(std::string_view client, std::string_view server) {
    auto module = through(server, "vendor");
    if (!module) module = through(server, "staging/src");
    if (!module || rules_.size() >= max_rules) return;
    // The same file in the same module, which the client may keep anywhere.
    const auto rest = server.substr(module->rest);
    if (client.size() <= rest.size()) return;
    path_rule rule{std::string(client.substr(0, client.size() - rest.size())), std::string(server.substr(0, module->rest))};
    if (to_server(client) == server || paths::apply(client, rule.client, rule.server) != std::string(server)) return;
    rules_.insert(rules_.begin(), std::move(rule));  // it is about less than those that are there
}

}  // namespace protocol
