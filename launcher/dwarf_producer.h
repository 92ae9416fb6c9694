// What a program's debug information says of how it was compiled, read through libdw.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/elf_file.h"
#include "launcher/go_buildinfo.h"
#include "launcher/outcome.h"

namespace launcher {

// Where a module's sources lay when it was compiled: a file pkg/x.go of the module is recorded as
// prefix + "/pkg/x.go" (without the slash where prefix is empty).
struct source_root {
    std::string module;  // "k8s.io/kubernetes"
    std::string prefix;  // "/home/me/kubernetes"; "k8s.io/kubernetes" under -trimpath; "": relative
};

struct dwarf_summary {
    int version = 0;       // of the first Go compile unit: 4 or 5
    std::string producer;  // its DW_AT_producer
    // Compile units of Go, and those of the component's own packages: main, its module's, k8s.io/….
    std::size_t packages = 0, own_packages = 0;
    // Of the own: compiled without -N (variables are missing or stale), without -l (calls inlined).
    std::size_t optimized = 0, inlined = 0;
    bool main_optimized = false;  // main without -N or -l
    std::vector<source_root> sources;
};

// An error where there is no readable debug information.
outcome<dwarf_summary> read_dwarf_summary(const elf_file& file, const go_buildinfo& build);

// "Go cmd/compile go1.19.8; -N -l regabi", as dlv reads it. Pure.
struct producer_flags {
    bool optimized = false, inlined = false;
};
producer_flags flags_of_producer(std::string_view producer);

}  // namespace launcher
