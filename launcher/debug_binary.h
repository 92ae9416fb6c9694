// Whether a file is fit to be run under dlv in a component's place, found without running it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "launcher/dlv_version.h"
#include "launcher/dwarf_producer.h"
#include "launcher/go_buildinfo.h"
#include "launcher/guarded_path.h"
#include "launcher/outcome.h"
#include "launcher/plan.h"

namespace launcher {

struct binary_expectations {
    std::string component;        // base name of the original program: "kube-scheduler"
    std::string running_version;  // of the running component, "v1.34.1"; empty: not known
    bool allow_other_minor = false;
    dlv_version dlv;
    std::string dlv_go;  // the Go that built dlv (go_version_of); empty: not known
};

struct debug_binary {
    // The inode that was examined. Execute it by /proc/PID/fd/N, or compare `identity` by
    // same_file() just before and after it is executed by `path`.
    unique_fd file;
    file_identity identity;
    std::string path;  // absolute, without links

    go_buildinfo build;
    std::string kubernetes_version;  // "v1.34.1" as stamped; empty: none
    dwarf_summary debug;
    std::uint64_t debug_bytes = 0;    // of its debug sections, unpacked
    std::uint64_t memory_needed = 0;  // by dlv, in bytes, estimated
    std::vector<finding> findings;    // refusals, then warnings, then notes

    bool refused() const;
};

// Reads the file, never executes it. What is wrong with it is told in `findings`; an error only
// where there is nothing to examine (no such file, unreadable, changed meanwhile). A file that
// others can change is not parsed. Takes about a second for each 100 MB of debug information, and
// for that time as much memory.
outcome<debug_binary> examine_debug_binary(const std::string& path,
                                           const binary_expectations& expected);

// dlv's memory in bytes at a breakpoint, from the size of the unpacked debug sections.
std::uint64_t dlv_memory_estimate(std::uint64_t debug_bytes);

// The path that the definition gives, or binary_directory/original_basename. The error says how to
// configure it. Looks at no file.
outcome<std::string> find_debug_binary(const component_definition& definition,
                                       const std::string& original_basename);

}  // namespace launcher
