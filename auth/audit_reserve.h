// Disk space that is there before it is needed: the chain goes on in it while the disk is full.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "auth/audit_disk.h"

namespace auth {

// A file of fixed size, written full in advance, so that writing into it takes no new blocks (a file
// system that copies on write, such as btrfs, may still need some). It holds lines, then NULs.
class audit_reserve {
public:
    // `found` gets the whole lines that an earlier run left in it. 0 bytes: no reserve. Too small a disk
    // for it is an error.
    static outcome<audit_reserve> open(const std::string& path, std::size_t size, audit_calls& calls, std::string& found);

    // Appends and syncs. 0, or an errno; ENOSPC also when the reserve is full.
    int append(std::string_view lines);
    // What is in it has been written elsewhere.
    int clear();

    const std::string& lines() const { return lines_; }  // what is to be written to the log
    // Of `found`, the last part is still to be written.
    void keep(std::string lines) { lines_ = std::move(lines); }
    std::uint64_t used() const { return used_; }
    std::uint64_t size() const { return size_; }

private:
    audit_file file_;
    audit_calls* calls_ = nullptr;
    std::string lines_;
    std::uint64_t used_ = 0;
    std::uint64_t size_ = 0;
};

}  // namespace auth
