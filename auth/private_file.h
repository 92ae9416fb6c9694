// Files that only their owner may read.
#pragma once

#include <string>
#include <string_view>

#include "auth/tls.h"

namespace auth {

// Written beside and renamed, mode 0600, on the disk when it returns: a reader sees the old file or the
// new one, whole.
outcome<void> write_private(const std::string& file, std::string_view bytes);

}  // namespace auth
