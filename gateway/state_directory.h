// Directories and files of a running gateway that are nobody else's business.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "launcher/outcome.h"

namespace gateway {

// Both make the directory where it is not there (and those above it, 0755). The mode of one that was there is never changed: others may
// rely on it. Refused is one that is another user's, and, with what to do:
//  - private_directory (made 0700): one that others may enter, read or write;
//  - own_directory (made with `mode`; /var/lib/delvegate and /run/delvegate, which are not one gateway's alone, with 0755): one that others
//    may write into, and one that they may not enter where `mode` lets them. What is secret is laid into it only as a file of 0600 or in
//    a directory of 0700 of its own.
launcher::outcome<void> private_directory(const std::string& path);
launcher::outcome<void> own_directory(const std::string& path, mode_t mode = 0700);

// Writes beside and renames: a reader sees the old content or the new.
launcher::outcome<void> write_file(const std::string& path, std::string_view content, mode_t mode);
launcher::outcome<std::string> read_file(const std::string& path);

// Held while a gateway runs: a second one on the same state directory is refused. Let go by the kernel
// however the process ends.
class state_lock {
public:
    static launcher::outcome<state_lock> take(const std::string& directory);
    state_lock(state_lock&& other) noexcept;
    state_lock& operator=(state_lock&&) = delete;
    ~state_lock();

private:
    explicit state_lock(int fd) : fd_(fd) {}
    int fd_;
};

}  // namespace gateway
