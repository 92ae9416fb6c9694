// Whether a component takes part in leader election, and at what pace.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/outcome.h"

namespace launcher {

struct leader_election {
    bool takes_part = false;  // it is a component that can
    bool on = false;          // it would hold a lease or wait for one
    std::chrono::milliseconds lease = std::chrono::seconds(15);
    std::chrono::milliseconds renew = std::chrono::seconds(10);
    std::chrono::milliseconds retry = std::chrono::seconds(2);
    std::string resource_name;  // the Lease's, e.g. "kube-scheduler"
    std::string resource_namespace = "kube-system";
    std::string source;         // "--leader-elect=true", "the default", "leaderElection in FILE"
    // --config names a file that was not given here: what it says is not known, and election is taken to be on.
    std::string unread_config;
};

// `component` is the program's base name. `config` is the text of the file that --config names; flags win over it.
outcome<leader_election> leader_election_of(std::string_view component, const std::vector<std::string>& argv,
                                            const std::optional<std::string>& config = {});

}  // namespace launcher
