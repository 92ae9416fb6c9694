#include "launcher/pod_expansion.h"

#include <algorithm>

namespace launcher {
namespace {

const std::string* look_up(std::string_view name, const variable_tables& tables) {
    for (const auto* table : tables)
        if (const auto at = table->find(name); at != table->end()) return &at->second;
    return nullptr;
}

// Copies what is no reference to `literal`, and gives each reference's name to `reference`.
template <class Literal, class Reference>
void scan(std::string_view text, Literal literal, Reference reference) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '$' || at + 1 == text.size()) {
            literal(text.substr(at, 1));
            continue;
        }
        const char next = text[++at];
        const auto close = next == '(' ? text.find(')', at) : std::string_view::npos;
        if (close != std::string_view::npos) {
            reference(text.substr(at + 1, close - at - 1));
            at = close;
        } else if (next == '$') {
            literal("$");
        } else {
            literal(text.substr(at - 1, 2));
        }
    }
}

}  // namespace

std::string expand_references(std::string_view text, const variable_tables& tables) {
    std::string out;
    scan(
        text, [&](std::string_view literal) { out += literal; },
        [&](std::string_view name) {
            if (const auto* value = look_up(name, tables))
                out += *value;
            else
                out.append("$(").append(name).append(")");
        });
    return out;
}

std::vector<std::string> missing_references(std::string_view text, const variable_tables& tables) {
    std::vector<std::string> missing;
    scan(
        text, [](std::string_view) {},
        [&](std::string_view name) {
            const auto* value = look_up(name, tables);
            if ((!value || value->empty()) && std::find(missing.begin(), missing.end(), name) == missing.end())
                missing.emplace_back(name);
        });
    return missing;
}

}  // namespace launcher
