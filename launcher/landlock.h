// Landlock: which files a process may still open, whatever its user may.
#pragma once

#include <string>
#include <vector>

#include "launcher/outcome.h"

namespace launcher {

struct open_files {
    std::vector<std::string> read;   // files, or directories with all below them
    std::vector<std::string> write;  // directories with all below them: files, directories and sockets are made there
};

// For the calling thread, and those that it starts; for good. What is not there cannot be opened, and is left out. Nothing
// may be executed. The version of Landlock; 0: this kernel has none, and nothing was done; that
// it is refused by somebody, by a seccomp filter mostly, is an error. Needs no_new_privs or root.
outcome<long> close_files(const open_files& paths);

}  // namespace launcher
