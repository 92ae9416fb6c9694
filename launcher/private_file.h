// A file for one user's eyes.
#pragma once

#include <sys/types.h>

#include <string>

#include "launcher/outcome.h"

namespace launcher {

// One file by rename, so that it is whole whoever reads it.
outcome<void> write_private_file(const std::string& path, const std::string& content, uid_t uid, gid_t gid,
                                 bool executable = false);

}  // namespace launcher
