// The ports a component listens on, and where it says that it is well.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/plan.h"
#include "launcher/pod_manifest.h"

namespace launcher {

// By the manifest's ports and probes, and the arguments; no port twice. `argv` is the final one.
std::vector<std::uint16_t> ports_of(const pod_container& container, const std::vector<std::string>& argv);

// The readiness probe's, else the liveness or startup probe's, else what is known of the component; port 0 when
// nothing is. `node_address` is the pod's address where a probe names no host.
health_check health_of(const pod_container& container, const std::vector<std::string>& argv,
                       const std::string& node_address);

}  // namespace launcher
