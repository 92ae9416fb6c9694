#include "launcher/oom_score.h"

#include <algorithm>
#include <fstream>

#include "launcher/arguments.h"
#include "launcher/live_process.h"

namespace launcher {

std::optional<int> oom_score_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/oom_score_adj");
    int score = 0;
    return file >> score ? std::optional(score) : std::nullopt;
}

std::optional<int> own_oom_score(const process_plan& process) {
    if (process.argv.empty()) return std::nullopt;
    std::optional<int> own;
    for (const auto& one : find_processes(base_name(process.argv.front().value)))
        // Anybody's process may be called so.
        if (one.of_the_kubelet || one.uid == 0 || one.uid == process.uid)
            if (const auto score = oom_score_of(one.pid)) own = std::max(own.value_or(*score), *score);
    return own;
}

int oom_score_for(std::optional<int> own) {
    constexpr int more = 100, most = 1000;
    return std::min(most, std::max(own.value_or(0), 0) + more);
}

std::string oom_words(const std::string& name, std::optional<int> own) {
    return "when the node is out of memory, dlv and " + name + " are killed first: OOMScoreAdjust=" + std::to_string(oom_score_for(own)) +
           (own ? ", the component's own is " + std::to_string(*own) : std::string());
}

}  // namespace launcher
