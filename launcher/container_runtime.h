// The container runtime, asked whether it still runs a container: by crictl, or by containerd's ctr.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/outcome.h"
#include "launcher/plan.h"

namespace launcher {

struct runtime_answer {
    std::vector<std::string> running;  // ids
    std::string asked;                 // "crictl", "ctr"; empty: there is nothing to ask with ...
    std::string unasked;               // ... and why
};

// Running containers called `container` of pods in `name_space`, at the kubelet's CRI endpoint
// ("unix:///run/containerd/containerd.sock"). Without an endpoint, or without crictl and ctr, `asked` is empty. The
// error is that the runtime was there to be asked and gave no answer, or that others than root can change the program that
// would ask it. `directories`: where that is looked for; none: where such programs are.
outcome<runtime_answer> running_containers(const std::string& endpoint, const std::string& name_space,
                                           const std::string& container, const std::vector<std::string>& directories = {});

// What a plan says where it will not be told by the runtime that the container is gone.
void check_runtime(const std::string& endpoint, const std::string& name_space, const std::string& container,
                   std::vector<finding>& findings, const std::vector<std::string>& directories = {});

}  // namespace launcher
