// Files that decide who may do what are believed only when nobody but their owner can write them.
#pragma once

#include <cstddef>
#include <string>

#include "auth/tls.h"

namespace auth {

// The bytes of `file`, at most `limit` and one more (so that the caller sees that there are more). A regular file must
// belong to root or the caller and be writable by its owner only, checked on the open descriptor. The error is one line
// with what to do.
outcome<std::string> read_trusted(const std::string& file, std::size_t limit);

}  // namespace auth
