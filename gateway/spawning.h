// Starting a program without what this process has open or has set up: posix_spawn() with its two records filled in. The macOS half
// follows Apple's manual pages and was never compiled (docs/macos.md).
#pragma once

#include <spawn.h>
#include <sys/types.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace gateway {

// No signal is blocked for the program. Its descriptors are those that are given, and what is left of ours below close_from()'s first
// (on macOS: nothing).
class spawning {
public:
    spawning();
    ~spawning();
    spawning(const spawning&) = delete;
    spawning& operator=(const spawning&) = delete;

    // `from` of ours is its `to`. In the order of calls: a descriptor that is still to be given must not be a `to` before.
    void give(int from, int to);
    void give_nothing(int to, int flags);  // /dev/null
    // Those from `first` on are closed. To be called last, with one more than the largest that was given.
    void close_from(int first);
    // As they are by default, whatever whoever started us has had ignored.
    void usual(std::initializer_list<int> signals);
    void own_group();
    void own_session();

    // `words`: with the program's own name. A program without a slash is looked for in PATH. 0, or what errno would be.
    int start(const std::string& program, std::vector<std::string> words, pid_t& pid);

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
    short flags_ = POSIX_SPAWN_SETSIGMASK;
};

}  // namespace gateway
