// What a manifest asks for that a process on the host does not get.
#pragma once

#include <string>
#include <vector>

#include "launcher/plan.h"
#include "launcher/pod_manifest.h"

namespace launcher {

// Refusals for what makes it another program, warnings for what may matter, notes for the rest. What may not be taken out at
// all is in launcher/together.h.
void report_caveats(const pod_manifest& manifest, const pod_container& container, std::vector<finding>& findings);

}  // namespace launcher
