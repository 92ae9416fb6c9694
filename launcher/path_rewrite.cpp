#include "launcher/path_rewrite.h"

#include <algorithm>

#include "launcher/yaml_document.h"

namespace launcher {

namespace {

bool in_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' ||
           c == '~' || c == '%' || static_cast<unsigned char>(c) >= 0x80;
}

bool starts_here(std::string_view text, std::size_t at) {
    if (at == 0) return true;
    const char before = text[at - 1];
    if (before != '/') return !in_name(before);
    const auto so_far = text.substr(0, at);
    return so_far.ends_with("unix://") || so_far.ends_with("file://");
}

const path_mapping* mapping_at(std::string_view text, std::size_t at, const std::vector<path_mapping>& mappings) {
    const path_mapping* best = nullptr;
    const auto rest = text.substr(at);
    for (const auto& each : mappings) {
        if (each.from.empty() || !rest.starts_with(each.from)) continue;
        if (rest.size() > each.from.size() && in_name(rest[each.from.size()])) continue;
        if (best == nullptr || each.from.size() > best->from.size()) best = &each;
    }
    return best;
}

bool is_comment(std::string_view line) {
    const auto first = line.find_first_not_of(" \t");
    return first != std::string_view::npos && line[first] == '#';
}

}  // namespace

void add_mapping(std::vector<path_mapping>& mappings, const std::string& from, const std::string& to) {
    mappings.push_back({from, to});
    if (from.starts_with("/var/run/")) mappings.push_back({from.substr(4), to});
    else if (from.starts_with("/run/")) mappings.push_back({"/var" + from, to});
}

rewritten_text rewrite_paths(std::string_view text, const std::vector<path_mapping>& mappings) {
    rewritten_text out;
    for (std::size_t at = 0; at < text.size();) {
        const auto* found = text[at] == '/' && starts_here(text, at) ? mapping_at(text, at, mappings) : nullptr;
        if (found == nullptr) {
            out.text += text[at++];
            continue;
        }
        out.text += found->to;
        out.used.insert(found->from);
        ++out.places;
        at += found->from.size();
    }
    return out;
}

rewritten_text rewrite_file(const std::string& bytes, const std::vector<path_mapping>& mappings) {
    rewritten_text out;
    out.text = bytes;
    const auto document = parse_yaml(bytes, "file");
    if (!document || (document->what != yaml_value::kind::map && document->what != yaml_value::kind::list)) return out;
    out.text.clear();
    for (std::size_t at = 0; at < bytes.size();) {
        const auto newline = bytes.find('\n', at);
        const auto end = newline == std::string::npos ? bytes.size() : newline + 1;
        const std::string_view line(bytes.data() + at, end - at);
        at = end;
        if (is_comment(line)) {
            out.text += line;
            continue;
        }
        auto one = rewrite_paths(line, mappings);
        out.text += one.text;
        out.used.merge(one.used);
        out.places += one.places;
    }
    return out;
}

}  // namespace launcher
