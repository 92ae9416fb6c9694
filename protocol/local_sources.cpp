#include "protocol/local_sources.h"

#include <algorithm>
#include <map>

#include "protocol/path_prefix.h"

namespace protocol {

namespace {

std::string_view text_of(const json* value) {
    const auto* text = value ? value->if_string() : nullptr;
    return text ? std::string_view(*text) : std::string_view();
}

std::string_view directory_of(std::string_view file) {
    const auto slash = file.rfind('/');
    return slash == file.npos ? std::string_view() : file.substr(0, slash);
}

// What is left of a package's import path behind its module's; none: it is not of that module.
const char* behind(const std::string& package, std::string_view module) {
    if (!package.starts_with(module)) return nullptr;
    const char* rest = package.c_str() + module.size();
    return *rest == '/' || *rest == 0 ? rest : nullptr;
}

// The directory `rest` leads out of; empty when `directory` does not end so.
std::string_view without(std::string_view directory, std::string_view rest) {
    if (rest.empty() || !directory.ends_with(rest)) return {};
    return directory.substr(0, directory.size() - rest.size());
}

// Whether a directory is called as a module is: by the last name of its path, other than that of a major version.
bool named_after(std::string_view directory, std::string_view module) {
    const auto last = [](std::string_view path) { return path.substr(path.rfind('/') + 1); };
    auto name = last(module);
    const bool version = name.size() > 1 && name[0] == 'v' && name.find_first_not_of("0123456789", 1) == name.npos;
    if (version && name.size() < module.size()) name = last(module.substr(0, module.size() - name.size() - 1));
    return !name.empty() && last(directory) == name;
}

// The module of the longest path that the package is in.
const std::pair<std::string, std::string>* module_of(const local_sources& here, const std::string& package) {
    const std::pair<std::string, std::string>* found = nullptr;
    for (const auto& module : here.modules)
        if (behind(package, module.first) && (!found || module.first.size() > found->first.size())) found = &module;
    return found;
}

bool below(std::string_view path, std::string_view directory) { return path != directory && paths::apply(path, directory, "/"); }

// Nested directories first, at the client too where that is possible. In `rules` they are at the server.
std::vector<path_rule> nested_first(const std::vector<path_rule>& rules) {
    std::vector<path_rule> out;
    for (const auto& rule : rules) {
        auto at = std::find_if(out.begin(), out.end(), [&](const auto& r) { return below(rule.client, r.client); });
        for (auto other = at; other != out.end(); ++other)
            if (below(other->server, rule.server)) at = other + 1;
        out.insert(at, rule);
    }
    return out;
}

using pairs = std::vector<std::pair<std::string, std::string>>;

bool read_pairs(const json* value, pairs& into) {
    if (!value) return true;
    const auto* list = value->if_array();
    if (!list || list->size() > path_map::max_rules) return false;
    for (const auto& one : *list) {
        const auto* two = one.if_array();
        if (!two || two->size() != 2) return false;
        const auto *first = (*two)[0].if_string(), *second = (*two)[1].if_string();
        if (!first || !second || !fit_for_a_path(*first) || !fit_for_a_path(*second)) return false;
        into.emplace_back(*first, *second);
    }
    return true;
}

json write_pairs(const pairs& all) {
    json::array list;
    for (const auto& [first, second] : all) list.push_back(json::array{json(first), json(second)});
    return list;
}

}  // namespace

program_sources read_program(std::string_view build_info, const json& packages, const json& main) {
    program_sources out;
    if (const json* list = packages.find("List"); list && list->if_array())
        for (const json& one : *list->if_array())
            out.packages.emplace_back(one.get_string("ImportPath"), one.get_string("DirectoryPath"));
    if (const json* found = main.find("Locations"); found && found->if_array() && !found->if_array()->empty())
        out.main_file = found->if_array()->front().get_string("file");
    // 16 bytes of a mark in front and behind; then lines of fields with tabs between them.
    for (std::size_t at = 0; at < build_info.size();) {
        const auto end = std::min(build_info.find('\n', at), build_info.size());
        const auto line = build_info.substr(at, end - at);
        at = end + 1;
        if (const auto path = line.find("path\t"); path != line.npos && out.main_package.empty() && line.find("build\t") == line.npos)
            out.main_package = line.substr(path + 5);
        if (line.starts_with("build\tvcs.revision=")) out.revision = line.substr(19);
        if (line == "build\tvcs.modified=true") out.modified = true;
    }
    return out;
}

std::vector<path_rule> guess_rules(const local_sources& here, const program_sources& there) {
    const auto& main_package = here.main_package.empty() ? there.main_package : here.main_package;
    std::map<std::string_view, std::map<std::string_view, std::size_t>> votes;  // of a module: its directories there
    std::string_view goroot, module_cache;
    for (const auto& [package, directory] : there.packages) {
        if (package == "runtime") goroot = without(directory, "/src/runtime");
        if (const auto at = directory.find("/pkg/mod/"); at != directory.npos && directory.find('@', at) != directory.npos)
            module_cache = std::string_view(directory).substr(0, at + 8);
        const auto* module = module_of(here, package);
        if (!module) continue;
        // Delve says where some function of the package is, which may be another's, inlined: the rest must fit.
        const std::string_view rest = behind(package, module->first);
        std::string_view root = without(directory, rest);
        if (rest.empty() && named_after(directory, module->first)) root = directory;
        if (!root.empty()) ++votes[module->first][root];
    }
    if (const auto* module = module_of(here, main_package); module && !there.main_file.empty()) {
        const std::string_view rest = behind(main_package, module->first);
        const auto directory = directory_of(there.main_file);
        const auto root = rest.empty() ? directory : without(directory, rest);
        if (!root.empty()) votes[module->first][root] += 1000;  // that is where it is
    }

    std::vector<path_rule> rules;
    for (const auto& [path, directory] : here.modules) {
        const auto of = votes.find(path);
        if (of == votes.end()) continue;
        const auto best = std::max_element(of->second.begin(), of->second.end(),
                                           [](const auto& a, const auto& b) { return a.second < b.second; });
        rules.push_back({directory, std::string(best->first)});
    }
    if (!here.goroot.empty() && !goroot.empty()) rules.push_back({here.goroot, std::string(goroot)});
    if (!here.module_cache.empty() && !module_cache.empty()) rules.push_back({here.module_cache, std::string(module_cache)});
    std::stable_sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) { return a.server.size() > b.server.size(); });
    return nested_first(rules);
}

std::string revision_warning(const local_sources& here, const program_sources& there) {
    constexpr std::size_t shown = 12;
    if (here.revision.empty() || there.revision.empty()) return {};
    if (here.revision != there.revision)
        return "the program was built from revision " + there.revision.substr(0, shown) + ", and the checkout is at " +
               here.revision.substr(0, shown) + ": lines may be off; check out " + there.revision.substr(0, shown);
    if (there.modified)
        return "the program was built from a checkout of " + there.revision.substr(0, shown) +
               " with changes that were not committed: lines may be off";
    return {};
}

local_sources read_guess(const json& guess) {
    local_sources out;
    for (const auto& [key, into] : {std::pair("ClientGOROOT", &out.goroot), std::pair("ImportPathOfMainPackage", &out.main_package)})
        if (const auto given = guess.get_string(key); fit_for_a_path(given)) *into = given;
    const json* modules = guess.find("ClientModuleDirectories");
    if (const auto* all = modules ? modules->if_object() : nullptr)
        for (const auto& [path, directory] : *all)
            if (out.modules.size() < path_map::max_rules && !path.empty() && fit_for_a_path(path) && fit_for_a_path(text_of(&directory)))
                out.modules.emplace_back(path, text_of(&directory));
    return out;
}

void write_client_paths(json& open, const client_paths& paths) {
    if (!paths.rules.empty()) {
        pairs all;
        for (const auto& rule : paths.rules) all.emplace_back(rule.client, rule.server);
        open.set("map", write_pairs(all));
    }
    if (paths.source.empty()) return;
    json source = json::object{};
    source.set("modules", write_pairs(paths.source.modules));
    source.set("goroot", paths.source.goroot);
    source.set("moduleCache", paths.source.module_cache);
    source.set("revision", paths.source.revision);
    open.set("source", std::move(source));
}

std::string fault_in_paths(const client_paths& paths) {
    json open = json::object{};
    write_client_paths(open, paths);
    const auto bytes = to_text(open).size();
    if (!read_client_paths(open)) return "a path of more than 4096 bytes, or with control characters in it, cannot be told to the gateway";
    if (bytes > longest_client_paths)
        return "the rules and directories are " + std::to_string(bytes) + " bytes together, and no more than " +
               std::to_string(longest_client_paths) + " can be told to the gateway";
    return {};
}

result<client_paths> read_client_paths(const json& open) {
    client_paths out;
    pairs all;
    if (!read_pairs(open.find("map"), all)) return errc::wrong_type;
    for (auto& [client, server] : all) out.rules.push_back({std::move(client), std::move(server)});
    const json* source = open.find("source");
    if (!source) return out;
    if (!source->is_object() || !read_pairs(source->find("modules"), out.source.modules)) return errc::wrong_type;
    for (const auto& [key, into] : {std::pair("goroot", &out.source.goroot), std::pair("moduleCache", &out.source.module_cache),
                                    std::pair("revision", &out.source.revision)}) {
        *into = source->get_string(key);
        if (!fit_for_a_path(*into)) return errc::wrong_type;
    }
    return out;
}

}  // namespace protocol
