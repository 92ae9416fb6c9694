// One process at a time does something to what is taken out: the launcher while it runs, or `delvegate restore` without one.
#pragma once

#include <string>

#include "launcher/fd.h"
#include "launcher/outcome.h"

namespace launcher {

// Makes the directory (0700, root's; its parent must be there) and takes its lock until the descriptor is closed, or the process ends.
// The error names the process that has it.
outcome<unique_fd> take_state_lock(const std::string& directory);

// Makes `directory` with that mode where it is not there; its parent is made 0755 in the same way. The descriptor of it, checked to
// be nobody's but root's (or the caller's) all the way up.
outcome<unique_fd> make_root_directory(const std::string& directory, unsigned mode);

}  // namespace launcher
