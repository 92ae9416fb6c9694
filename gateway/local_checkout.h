// What this host has of a program's sources: `delvegate connect --source DIR`.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/local_port.h"
#include "protocol/local_sources.h"

namespace gateway {

// The modules of go.work or go.mod in `directory` (its own, those it uses, and those it replaces by directories), the
// commit that git has checked out there, GOROOT and the module cache. Files are read; no program is run.
or_reason<protocol::local_sources> read_checkout(const std::string& directory);

// A rule as it is typed: LOCAL=REMOTE. A LOCAL that begins with a dot is made absolute.
or_reason<protocol::path_rule> read_path_rule(const std::string& text);

// Pure, for tests: the text of a go.mod or a go.work.
struct go_module_file {
    std::string module;
    std::vector<std::string> directories;                          // `use`
    std::vector<std::pair<std::string, std::string>> replacements;  // module and directory
};
go_module_file parse_module_file(std::string_view text);

}  // namespace gateway
