#include "gateway/spawning.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

extern char** environ;

namespace gateway {

spawning::spawning() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
}

spawning::~spawning() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
}

void spawning::give(int from, int to) { posix_spawn_file_actions_adddup2(&actions_, from, to); }

void spawning::give_nothing(int to, int flags) { posix_spawn_file_actions_addopen(&actions_, to, "/dev/null", flags, 0); }

void spawning::close_from(int first) {
#ifdef __linux__
    posix_spawn_file_actions_addclosefrom_np(&actions_, first);
#else
    (void)first;
    flags_ |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
}

void spawning::usual(std::initializer_list<int> signals) {
    sigset_t all;
    sigemptyset(&all);
    for (const int one : signals) sigaddset(&all, one);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    flags_ |= POSIX_SPAWN_SETSIGDEF;
}

void spawning::own_group() {
    posix_spawnattr_setpgroup(&attributes_, 0);
    flags_ |= POSIX_SPAWN_SETPGROUP;
}

void spawning::own_session() { flags_ |= POSIX_SPAWN_SETSID; }

int spawning::start(const std::string& program, std::vector<std::string> words, pid_t& pid) {
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawnattr_setflags(&attributes_, flags_);
    return ::posix_spawnp(&pid, program.c_str(), &actions_, &attributes_, argv.data(), environ);
}

}  // namespace gateway
