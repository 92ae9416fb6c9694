// Where a container's volumes are on the host, and which of them need a private mount namespace.
#pragma once

#include <string>
#include <vector>

#include "launcher/plan.h"
#include "launcher/pod_manifest.h"
#include "launcher/pod_process.h"

namespace launcher {

// A hostPath mounted at its own path needs nothing. Parents come before what is mounted below them.
std::vector<bind_mount> plan_pod_mounts(const pod_manifest& manifest, const pod_container& container,
                                        const string_map& environment, const node_facts& node,
                                        std::vector<finding>& findings);

}  // namespace launcher
