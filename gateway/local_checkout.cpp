#include "gateway/local_checkout.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

namespace gateway {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_file = 4u << 20;

std::optional<std::string> contents(const fs::path& file) {
    std::error_code ec;
    if (!fs::is_regular_file(file, ec) || fs::file_size(file, ec) > longest_file || ec) return std::nullopt;
    std::ifstream in(file, std::ios::binary);
    if (!in) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string first_line(const fs::path& file) {
    auto text = contents(file).value_or("");
    text.erase(std::min(text.find_first_of("\r\n"), text.size()));
    return text;
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

// Words of a line: quoted ones may hold spaces; a comment ends it.
std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at < line.size();) {
        const char c = line[at];
        if (c == ' ' || c == '\t' || c == '\r') {
            ++at;
        } else if (line.substr(at).starts_with("//")) {
            break;
        } else if (c == '"' || c == '`') {
            const auto end = std::min(line.find(c, at + 1), line.size());
            words.emplace_back(line.substr(at + 1, end - at - 1));
            at = end + 1;
        } else {
            const auto end = std::min(line.find_first_of(" \t\r", at), line.size());
            words.emplace_back(line.substr(at, end - at));
            at = end;
        }
    }
    return words;
}

bool is_directory_name(std::string_view name) { return name.starts_with(".") || name.starts_with("/"); }

fs::path below(const fs::path& directory, const std::string& name) {
    const auto path = (fs::path(name).is_absolute() ? fs::path(name) : directory / name).lexically_normal();
    return path.has_filename() ? path : path.parent_path();
}

void add_module(protocol::local_sources& into, const std::string& module, const fs::path& directory) {
    const bool known = std::any_of(into.modules.begin(), into.modules.end(), [&](const auto& m) { return m.first == module; });
    if (!module.empty() && !known && into.modules.size() < protocol::path_map::max_rules)
        into.modules.emplace_back(module, directory.string());
}

void add_module_file(protocol::local_sources& into, const fs::path& directory) {
    const auto text = contents(directory / "go.mod");
    if (!text) return;
    const auto file = parse_module_file(*text);
    add_module(into, file.module, directory);
    for (const auto& [module, name] : file.replacements) add_module(into, module, below(directory, name));
}

// The commit that is checked out, as the files of git say it.
std::string revision_of(fs::path directory) {
    std::error_code ec;
    for (;; directory = directory.parent_path()) {
        auto git = directory / ".git";
        if (fs::is_regular_file(git, ec)) {  // a worktree, a submodule
            const auto line = first_line(git);
            if (!line.starts_with("gitdir: ")) return {};
            git = below(directory, line.substr(8));
        }
        if (!fs::is_directory(git, ec)) {
            if (directory == directory.root_path() || directory.empty()) return {};
            continue;
        }
        const auto head = first_line(git / "HEAD");
        if (!head.starts_with("ref: ")) return head;
        const auto name = head.substr(5);
        const auto common_name = first_line(git / "commondir");
        const auto common = common_name.empty() ? git : below(git, common_name);
        for (const auto& place : {git, common})
            if (auto commit = first_line(place / name); !commit.empty()) return commit;
        const auto packed = contents(common / "packed-refs").value_or("");
        const auto at = packed.find(" " + name + "\n");
        const auto begin = at == packed.npos ? at : packed.rfind('\n', at);
        return at == packed.npos ? std::string() : packed.substr(begin == packed.npos ? 0 : begin + 1, at - (begin == packed.npos ? 0 : begin + 1));
    }
}

bool is_goroot(const fs::path& directory) {
    std::error_code ec;
    return !directory.empty() && fs::is_directory(directory / "src" / "runtime", ec);
}

// That of GOROOT, else of the `go` that would be run.
std::string find_goroot() {
    if (const fs::path given = environment("GOROOT"); is_goroot(given)) return given.string();
    const auto path = environment("PATH");
    for (std::size_t at = 0; at <= path.size();) {
        const auto end = std::min(path.find(':', at), path.size());
        std::error_code ec;
        const auto go = fs::canonical(fs::path(path.substr(at, end - at)) / "go", ec);
        at = end + 1;
        if (ec) continue;
        const auto root = go.parent_path().parent_path();
        return is_goroot(root) ? root.string() : std::string();
    }
    return {};
}

std::string find_module_cache() {
    fs::path cache = environment("GOMODCACHE");
    if (cache.empty()) {
        auto gopath = environment("GOPATH");
        gopath.erase(std::min(gopath.find(':'), gopath.size()));
        const auto home = environment("HOME");
        if (gopath.empty() && home.empty()) return {};
        cache = (gopath.empty() ? fs::path(home) / "go" : fs::path(gopath)) / "pkg" / "mod";
    }
    std::error_code ec;
    return fs::is_directory(cache, ec) ? cache.string() : std::string();
}

}  // namespace

go_module_file parse_module_file(std::string_view text) {
    go_module_file out;
    std::string block;  // "use", "replace" within their parentheses
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        auto words = words_of(text.substr(at, end - at));
        at = end + 1;
        if (words.empty()) continue;
        if (words[0] == ")") {
            block.clear();
            continue;
        }
        if (words.size() == 2 && words[1] == "(") {
            block = words[0];
            continue;
        }
        if (!block.empty()) words.insert(words.begin(), block);
        if (words[0] == "module" && words.size() == 2) out.module = words[1];
        if (words[0] == "use" && words.size() == 2) out.directories.push_back(words[1]);
        const auto arrow = std::find(words.begin(), words.end(), "=>");
        if (words[0] == "replace" && words.size() > 2 && arrow != words.end() && arrow + 1 != words.end() && is_directory_name(arrow[1]))
            out.replacements.emplace_back(words[1], arrow[1]);
    }
    return out;
}

or_reason<protocol::local_sources> read_checkout(const std::string& name) {
    std::error_code ec;
    const auto directory = below(fs::absolute(name, ec), ".");
    if (ec || !fs::is_directory(directory, ec)) return name + " is not a directory; --source takes that of the checkout";
    protocol::local_sources out;
    add_module_file(out, directory);
    if (const auto work = contents(directory / "go.work"))
        for (const auto& used : parse_module_file(*work).directories) add_module_file(out, below(directory, used));
    if (out.modules.empty())
        return directory.string() + " has no go.mod and no go.work, so it cannot be told which program is from there; give rules with --map";
    out.revision = revision_of(directory);
    out.goroot = find_goroot();
    out.module_cache = find_module_cache();
    return out;
}

or_reason<protocol::path_rule> read_path_rule(const std::string& text) {
    using answer = or_reason<protocol::path_rule>;
    const auto equals = text.find('=');
    if (equals == text.npos) return answer(boost::system::in_place_error, "--map " + text + " is no rule; give LOCAL=REMOTE, such as --map /home/me/app=/build/app");
    auto local = text.substr(0, equals);
    if (local.starts_with(".")) local = below(fs::absolute("."), local).string();
    protocol::path_rule rule{local, text.substr(equals + 1)};
    if (rule.client.empty() && rule.server.empty()) return answer(boost::system::in_place_error, "--map = says nothing; give LOCAL=REMOTE");
    return rule;
}

}  // namespace gateway
