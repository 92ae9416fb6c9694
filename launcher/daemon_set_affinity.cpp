#include "launcher/daemon_set_affinity.h"

#include <algorithm>

#include "launcher/json_patch.h"

namespace launcher::daemon_set_affinity {

using protocol::json;

json requirement(const std::string& node) {
    return json(json::object{{"key", "metadata.name"}, {"operator", "NotIn"}, {"values", json::array{node}}});
}

bool has_items(const json* list) { return list != nullptr && list->if_array() != nullptr && !list->if_array()->empty(); }

bool is_empty_term(const json& term) { return !has_items(term.find("matchExpressions")) && !has_items(term.find("matchFields")); }

const json::array* terms_of(const json& daemon_set) {
    const auto* found = at_pointer(daemon_set, terms_path);
    return found != nullptr ? found->if_array() : nullptr;
}

std::vector<std::string> unwanted(const json& daemon_set) {
    std::vector<std::string> out;
    const auto* terms = terms_of(daemon_set);
    if (terms == nullptr) return out;
    for (const auto& term : *terms) {
        const auto* fields = term.find("matchFields");
        if (fields == nullptr || fields->if_array() == nullptr) continue;
        for (const auto& each : *fields->if_array()) {
            const auto* values = each.find("values");
            if (each.get_string("key") != "metadata.name" || each.get_string("operator") != "NotIn" || !has_items(values)) continue;
            if (const auto* name = values->if_array()->front().if_string())
                if (std::find(out.begin(), out.end(), *name) == out.end()) out.push_back(*name);
        }
    }
    return out;
}

bool no_term_wants(const json& daemon_set, const std::string& node) {
    const auto* terms = terms_of(daemon_set);
    if (terms == nullptr) return false;
    const auto ours = requirement(node);
    return std::all_of(terms->begin(), terms->end(), [&](const json& term) {
        if (is_empty_term(term)) return true;
        const auto* fields = term.find("matchFields");
        return has_items(fields) && std::any_of(fields->if_array()->begin(), fields->if_array()->end(),
                                                [&](const json& each) { return same_json(each, ours); });
    });
}

std::optional<json::array> terms_without(const json::array& terms, const std::string& node) {
    const auto ours = requirement(node);
    json::array left;
    bool found = false;
    for (const auto& term : terms) {
        const auto* fields = term.find("matchFields");
        if (fields == nullptr || fields->if_array() == nullptr) {
            left.push_back(term);
            continue;
        }
        json::array rest;
        for (const auto& each : *fields->if_array())
            if (!same_json(each, ours)) rest.push_back(each);
        if (rest.size() == fields->if_array()->size()) {
            left.push_back(term);
            continue;
        }
        found = true;
        json::object kept;
        for (const auto& [key, value] : *term.if_object())
            if (key != "matchFields") kept.emplace_back(key, value);
        if (!rest.empty()) kept.emplace_back("matchFields", std::move(rest));
        json shorter(std::move(kept));
        // Never left as it is: without a requirement it would match no node at all.
        if (!is_empty_term(shorter)) left.push_back(std::move(shorter));
    }
    return found ? std::optional(std::move(left)) : std::nullopt;
}

std::string emptied(const json& daemon_set, node_out::made first) {
    const auto alone = [&](const std::string& path) {
        const auto* value = at_pointer(daemon_set, path);
        return value != nullptr && value->if_object() != nullptr && value->if_object()->size() == 1;
    };
    const auto* required = at_pointer(daemon_set, required_path);
    const bool terms_only = required != nullptr && required->if_object() != nullptr && required->if_object()->size() == 1;
    if (!terms_only || first < node_out::made::node_affinity || !alone(node_affinity_path)) return required_path;
    if (first < node_out::made::affinity || !alone(affinity_path)) return node_affinity_path;
    return affinity_path;
}

}  // namespace launcher::daemon_set_affinity
