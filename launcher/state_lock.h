// One process at a time does something to what is taken out: the launcher while it runs, or `delvegate restore` without one.
#pragma once

#include <functional>
#include <string>

#include "launcher/fd.h"
#include "launcher/outcome.h"

namespace launcher {

// Makes the directory (0700, root's; its parent must be there) and takes its lock until the descriptor is closed, or the process ends.
// The error names the process that has it; `launcher_has_it` is set where that is a launcher.
enum class lock_holder { launcher, restore };
outcome<unique_fd> take_state_lock(const std::string& directory, lock_holder who, bool& launcher_has_it);

// For the launcher: while `delvegate restore` has it, it is waited for until `ending` says otherwise (asked five times a
// second); another launcher is an error at once. `say` is told once whom it is waited for.
outcome<unique_fd> wait_for_state_lock(const std::string& directory, const std::function<bool()>& ending,
                                       const std::function<void(const std::string&)>& say);

// Makes `directory` with that mode where it is not there; its parent is made 0755 in the same way. The descriptor of it, checked to
// be nobody's but root's (or the caller's) all the way up.
outcome<unique_fd> make_root_directory(const std::string& directory, unsigned mode);

}  // namespace launcher
