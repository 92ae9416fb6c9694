#include "gateway/serve_prepare.h"

#include <sys/resource.h>

#include <csignal>

#include "gateway/state_directory.h"

namespace gateway {

void prepare_process() {
    std::signal(SIGPIPE, SIG_IGN);
    rlimit limit{};
    // Keys are in this memory.
    if (::getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = 0;
        ::setrlimit(RLIMIT_CORE, &limit);
    }
    // The default of 1024 is fewer than limits.connections and dlv's own need together.
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

launcher::outcome<void> prepare_directories(config& configuration) {
    if (auto made = own_directory(configuration.state_directory); !made) return made;
    if (auto made = private_directory(configuration.state_directory + "/output"); !made) return made;
    // A program of another user reaches dlv's socket in a directory of its own below ours.
    bool others = false;
    for (const auto& one : configuration.components) others = others || !one.exec.user.empty();
    const mode_t mode = others ? 0711 : 0700;
    if (auto made = private_directory(sessions_of(configuration)); !made) return made;
    if (auto made = own_directory(configuration.runtime_directory, mode); !made) return made;
    for (auto& one : configuration.components) {
        one.exec.name = one.name;
        one.exec.runtime_directory = configuration.runtime_directory;
        one.exec.output_file = configuration.state_directory + "/output/" + one.name + ".log";
    }
    return {};
}

}  // namespace gateway
