// A file as a running process sees it, in its own root directory and mount namespace.
#pragma once

#include <string>

#include "launcher/outcome.h"
#include "launcher/process_mark.h"

namespace launcher {

// The text of a regular file of at most 1 MiB by the path that `process` would open it by; a relative one is in its working
// directory. No link leads out of its root directory, nor into procfs, and nothing blocks. The error says why not.
outcome<std::string> read_file_of(const process_mark& process, const std::string& path, const std::string& proc = "/proc");

}  // namespace launcher
