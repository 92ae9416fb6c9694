// A file that nobody but root or the caller can replace or change, and the very inode that was
// looked at.
#pragma once

#include <cstdint>
#include <string>

#include "launcher/fd.h"
#include "launcher/outcome.h"

namespace launcher {

// Names one state of one file: equal only while nothing was written to it or put in its place.
struct file_identity {
    std::uint64_t dev = 0, ino = 0, size = 0;
    std::int64_t mtime_ns = 0, ctime_ns = 0;
    bool operator==(const file_identity&) const = default;
};
outcome<file_identity> identity_of(int fd);
// Whether `path`, links followed, still leads to it.
bool same_file(const std::string& path, const file_identity& identity);

struct guarded_file {
    unique_fd fd;      // open for reading
    std::string path;  // absolute, without links
    file_identity identity;
    unsigned mode = 0;  // st_mode
    // Empty, or who else can change what is executed: a directory on the way, a link, the file.
    std::string unsafe;
    std::string mend;  // the command for it
};

// Opens a regular file by an absolute path, one component after the other, links resolved here.
// Each directory, link and the file itself must belong to root or the caller, and be writable by
// its owner only; a sticky directory (/tmp) may be writable where what is taken from it belongs to
// them. What fails this is told in `unsafe`. An error: not there, not a regular file, not readable.
outcome<guarded_file> open_guarded(const std::string& path);

}  // namespace launcher
