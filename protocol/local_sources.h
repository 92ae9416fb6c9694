// What somebody has of a program's sources, and the rules that lead from there to the paths compiled into it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/error.h"
#include "protocol/json.h"
#include "protocol/path_map.h"

namespace protocol {

// At the client, whose separators may be those of Windows.
struct local_sources {
    std::vector<std::pair<std::string, std::string>> modules;  // path ("k8s.io/api") and directory
    std::string goroot;        // empty: none
    std::string module_cache;  // …/pkg/mod; empty: none
    std::string main_package;  // import path of the program's; empty: what the program says
    std::string revision;      // the checkout's commit; empty: not known
    bool empty() const { return modules.empty() && goroot.empty() && module_cache.empty(); }
    bool operator==(const local_sources&) const = default;
};

// The program, as dlv and what `go build` left in it tell.
struct program_sources {
    std::vector<std::pair<std::string, std::string>> packages;  // import path and directory, which is now and then wrong
    std::string main_file;     // where main.main is
    std::string main_package;  // its import path
    std::string revision;      // vcs.revision; empty: built without
    bool modified = false;     // vcs.modified
};

// `build_info`: the value of runtime.modinfo; `packages`: the result of ListPackagesBuildInfo; `main`: that of
// FindLocation of main.main. Whatever is missing is left out.
program_sources read_program(std::string_view build_info, const json& packages, const json& main);

// Nested directories first. A module none of whose packages is in the program has no rule.
std::vector<path_rule> guess_rules(const local_sources& here, const program_sources& there);

// Empty, or why lines may be off: one sentence without an end.
std::string revision_warning(const local_sources& here, const program_sources& there);

// guessSubstitutePath of an attach (Delve ≥ 1.24), with canonical keys. What cannot be a path is left out.
local_sources read_guess(const json& guess_substitute_path);

// What `delvegate connect` says of a stream's paths in OPEN: {"map":[[client,server],…],"source":{"modules":
// [[path,directory],…],"goroot","moduleCache","revision"}}. Both members may be missing.
struct client_paths {
    std::vector<path_rule> rules;
    local_sources source;
    bool empty() const { return rules.empty() && source.empty(); }
};
void write_client_paths(json& open, const client_paths& paths);
// Why these cannot be said in OPEN, or not one word of it; one clause. Empty: they can.
std::string fault_in_paths(const client_paths& paths);
constexpr std::size_t longest_client_paths = 60 * 1024;  // of the 64 KiB of a control frame
// Refuses other forms, more than path_map::max_rules of either, and names with control characters.
result<client_paths> read_client_paths(const json& open);

}  // namespace protocol
