// What a manifest asks for that a process on the host does not get.
#pragma once

#include <string>
#include <vector>

#include "launcher/plan.h"
#include "launcher/pod_manifest.h"

namespace launcher {

// Refusals for what makes it another program or may not be taken out at all, warnings for what may matter, notes for
// the rest. `program` is the base name of argv[0], empty when it is not known.
void report_caveats(const pod_manifest& manifest, const pod_container& container, const std::string& program,
                    std::vector<finding>& findings);

}  // namespace launcher
