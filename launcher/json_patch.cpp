#include "launcher/json_patch.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace launcher {

namespace {

using protocol::json;

json operation(const char* op, const std::string& path) { return json(json::object{{"op", op}, {"path", path}}); }

std::vector<std::string> parts_of(std::string_view path) {
    std::vector<std::string> out;
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        const auto end = std::min(path.find('/'), path.size());
        std::string part;
        for (std::size_t i = 0; i < end; ++i) {
            if (path[i] == '~' && i + 1 < end && (path[i + 1] == '0' || path[i + 1] == '1'))
                part += path[++i] == '0' ? '~' : '/';
            else
                part += path[i];
        }
        out.push_back(std::move(part));
        path.remove_prefix(end);
    }
    return out;
}

std::optional<std::size_t> index_of(const std::string& part, std::size_t size) {
    std::size_t index = 0;
    const auto [end, ec] = std::from_chars(part.data(), part.data() + part.size(), index);
    if (ec != std::errc() || end != part.data() + part.size() || index >= size) return std::nullopt;
    return index;
}

json* step(json& value, const std::string& part) {
    if (value.is_object()) return value.find(part);
    if (auto* list = value.if_array())
        if (const auto index = index_of(part, list->size())) return &(*list)[*index];
    return nullptr;
}

outcome<void> put(json& parent, const std::string& last, json value, bool must_be_there, const std::string& path) {
    if (parent.is_object()) {
        if (must_be_there && !parent.find(last)) return path + " is not there to be replaced";
        parent.set(last, std::move(value));
        return {};
    }
    auto* list = parent.if_array();
    if (list == nullptr) return path + " is below what has no members";
    if (must_be_there) {
        const auto index = index_of(last, list->size());
        if (!index) return path + " is not there to be replaced";
        (*list)[*index] = std::move(value);
        return {};
    }
    const auto index = last == "-" ? std::optional(list->size()) : index_of(last, list->size() + 1);
    if (!index) return path + " is beyond the list";
    list->insert(list->begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
    return {};
}

outcome<void> take(json& parent, const std::string& last, const std::string& path) {
    if (auto* members = parent.if_object()) {
        const auto at = std::find_if(members->begin(), members->end(), [&](const auto& m) { return m.first == last; });
        if (at == members->end()) return path + " is not there to be removed";
        members->erase(at);
        return {};
    }
    auto* list = parent.if_array();
    const auto index = list != nullptr ? index_of(last, list->size()) : std::nullopt;
    if (!index) return path + " is not there to be removed";
    list->erase(list->begin() + static_cast<std::ptrdiff_t>(*index));
    return {};
}

}  // namespace

json patch_test(const std::string& path, json value) {
    auto out = operation("test", path);
    out.set("value", std::move(value));
    return out;
}

json patch_add(const std::string& path, json value) {
    auto out = operation("add", path);
    out.set("value", std::move(value));
    return out;
}

json patch_replace(const std::string& path, json value) {
    auto out = operation("replace", path);
    out.set("value", std::move(value));
    return out;
}

json patch_remove(const std::string& path) { return operation("remove", path); }

std::string json_pointer(std::string_view member) {
    std::string out;
    for (const char c : member) {
        if (c == '~') out += "~0";
        else if (c == '/') out += "~1";
        else out += c;
    }
    return out;
}

const json* at_pointer(const json& value, std::string_view path) {
    auto* at = const_cast<json*>(&value);  // step() only reads
    for (const auto& part : parts_of(path)) {
        at = step(*at, part);
        if (at == nullptr) return nullptr;
    }
    return at;
}

outcome<void> apply_patch(json& value, const json& patch) {
    const auto* operations = patch.if_array();
    if (operations == nullptr) return std::string("a JSON patch is a list");
    for (const auto& each : *operations) {
        const auto op = each.get_string("op");
        const std::string path(each.get_string("path"));
        auto parts = parts_of(path);
        if (parts.empty() || path.front() != '/') return "the path `" + path + "` is none of a member's";
        const auto* given = each.find("value");
        if (op == "test") {
            const auto* there = at_pointer(value, path);
            if (there == nullptr || given == nullptr || !same_json(*there, *given)) return path + " is another one by now";
            continue;
        }
        const auto last = std::move(parts.back());
        parts.pop_back();
        auto* parent = &value;
        for (const auto& part : parts) {
            parent = step(*parent, part);
            if (parent == nullptr) return path + " is below what is not there";
        }
        outcome<void> done;
        if (op == "remove") done = take(*parent, last, path);
        else if ((op == "add" || op == "replace") && given != nullptr) done = put(*parent, last, *given, op == "replace", path);
        else return "a JSON patch with the operation `" + std::string(op) + "`";
        if (!done) return done;
    }
    return {};
}

bool same_json(const json& a, const json& b) {
    if (const auto* members = a.if_object()) {
        const auto* others = b.if_object();
        if (others == nullptr || members->size() != others->size()) return false;
        return std::all_of(members->begin(), members->end(), [&](const auto& m) {
            const auto* other = b.find(m.first);
            return other != nullptr && same_json(m.second, *other);
        });
    }
    if (const auto* items = a.if_array()) {
        const auto* others = b.if_array();
        return others != nullptr && std::equal(items->begin(), items->end(), others->begin(), others->end(), same_json);
    }
    return a == b;
}

}  // namespace launcher
