// The environment that the kubelet gives a container, made again without the pod.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "launcher/plan.h"
#include "launcher/pod_manifest.h"
#include "launcher/pod_process.h"

namespace launcher {

struct pod_environment {
    // What `$(VAR)` in command and args may mean: the manifest's variables and the services'.
    string_map variables;
    // What the process gets: PATH and HOME unless the manifest sets them, then those, in the manifest's order.
    std::vector<std::pair<std::string, sourced_word>> process;
};

// A variable whose value cannot be known here is taken from the live process; where there is none it is a refusal.
pod_environment make_pod_environment(const pod_manifest& manifest, const pod_container& container,
                                     const node_facts& node, std::vector<finding>& findings);

}  // namespace launcher
