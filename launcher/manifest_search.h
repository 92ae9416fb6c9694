// Which file of the kubelet's manifest directory is a component's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "launcher/outcome.h"
#include "launcher/plan.h"
#include "launcher/pod_manifest.h"

namespace launcher {

// The files that the kubelet takes for manifests, whatever their names end in: sorted, not recursing, none that
// begins with '.', links to files followed. A `path` that is a file is the only one.
outcome<std::vector<std::string>> list_manifests(const std::string& path);

struct found_manifest {
    std::string path;
    std::string bytes;  // as they were parsed: their hash is the manifest's
    pod_manifest manifest;
};

// The one file whose pod is called `pod` ("NAME" or "NAMESPACE/NAME"). Two such files are an error (the kubelet would
// run the one that it read last), and so is none; a file that cannot be read is a warning among `findings`, and the
// reason where nothing else is found.
outcome<found_manifest> find_manifest(const std::string& path, std::string_view pod, std::vector<finding>& findings);

}  // namespace launcher
