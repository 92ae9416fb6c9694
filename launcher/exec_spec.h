// What to run under dlv, and how.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace launcher {

struct exec_spec {
    std::string name;    // component name, for messages and file names
    std::string binary;  // absolute path of the Go program
    std::vector<std::string> args;
    std::vector<std::pair<std::string, std::string>> env;  // added to a scrubbed base environment
    std::string working_directory;                         // empty: where the caller runs
    std::string user;               // empty: the caller's own; another one needs root
    std::string dlv = "dlv";        // path, or a name looked up in PATH
    std::string runtime_directory;  // 0700, ours: sockets live in fresh 0700 directories below it
    std::string output_file;        // dlv's and the debuggee's output, appended; 0600
    std::uint64_t memory_limit = 4ull
                                 << 30;  // bytes, of dlv and debuggee together where a cgroup can
                                         // be had, of dlv alone (watched) where not; 0: none
};

}  // namespace launcher
