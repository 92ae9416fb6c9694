// Who is killed first when the node is out of memory: what is debugged, never what it stands in for.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "launcher/plan.h"

namespace launcher {

// oom_score_adj of a process: -1000 to 1000, the higher the sooner it is killed. Nothing when it cannot be read.
std::optional<int> oom_score_of(pid_t pid);
// The highest of the processes that run the component's program now.
std::optional<int> own_oom_score(const process_plan& process);

// Of dlv and debuggee: above the component's own, and above the node's services, which are at 0.
int oom_score_for(std::optional<int> own);
// That in one line.
std::string oom_words(const std::string& name, std::optional<int> own);

}  // namespace launcher
