// Directories and files of a running gateway that are nobody else's business.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "launcher/outcome.h"

namespace gateway {

// Makes the directory (and those above it) with that mode, or checks that it is ours and that nobody
// else can write to it.
launcher::outcome<void> private_directory(const std::string& path, mode_t mode = 0700);

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
