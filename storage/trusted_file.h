// Files that decide who may do what are believed only when nobody but their owner can write them.
#pragma once

#include <cstddef>
#include <string>

#include "storage/fd.h"
#include "storage/outcome.h"

namespace storage {

// The bytes of `file`, at most `limit` and one more (so that the caller sees that there are more). A regular file must
// belong to root or the caller and be writable by its owner only, checked on the open descriptor. The error is one line
// with what to do.
outcome<std::string> read_trusted(const std::string& file, std::size_t limit);

// The bytes of what root decides by (launcher.yaml): `path` is absolute, a regular file of at most `limit` bytes, owned by
// root (or by the caller when that is not root), not writable by group or others; no component of the path is a symbolic
// link, and every directory on it belongs to root or the caller and is writable by its owner only (a sticky bit is not
// enough). Everything is checked on the descriptors that are then read, so it cannot be exchanged in between.
// The error is one line with the command that mends it.
outcome<std::string> read_root_file(const std::string& path, std::size_t limit);

// The same for a directory: open for use with openat and friends.
outcome<unique_fd> open_root_directory(const std::string& path);

}  // namespace storage
