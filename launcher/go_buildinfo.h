// What `go build` writes into a program about its making.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "launcher/elf_file.h"
#include "launcher/outcome.h"

namespace launcher {

struct go_buildinfo {
    std::string go_version;  // "go1.24.3"
    std::string path;        // main package's import path; empty in old GOPATH builds
    std::string module;      // main module's path; empty for GOPATH builds
    std::string module_version;
    std::vector<std::pair<std::string, std::string>> settings;  // "-gcflags" → "all=-N -l"

    // Empty where it is not recorded, which does not mean that it was not given: -ldflags is left
    // out under -trimpath.
    std::string_view setting(std::string_view key) const;
};

// Reads the inline form (Go >= 1.18) and the one of two pointers (1.13 to 1.17). None: not made by
// Go, or damaged.
std::optional<go_buildinfo> read_go_buildinfo(const elf_file& file);

// The lines `path`, `mod`, `build` of the text in it. Unknown lines are skipped. Pure.
void parse_module_info(std::string_view text, go_buildinfo& into);

// The same lines, found in any file that is open for reading, by the marks around them: no ELF is parsed, so that it may be
// asked of programs of strangers, too. None: there are none (GOPATH builds, other builders), or the file cannot be read.
// The version stays empty.
std::optional<go_buildinfo> find_module_info(int fd);

// The Go that built the program at `path` ("go1.25.1"), such as dlv itself. Follows links.
outcome<std::string> go_version_of(const std::string& path);

}  // namespace launcher
