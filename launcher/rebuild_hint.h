// The commands that make a debuggable Kubernetes component, by the version's own build scripts.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "launcher/go_buildinfo.h"

namespace launcher {

struct kubernetes_version {
    int major = 0, minor = 0, patch = 0;
    std::string tag;  // "v1.34.1", "v1.35.0-rc.0": what to check out; a distributor's suffix is cut
};
// "v1.34.1", "v1.34.1+k3s1", "1.23.4-eks-abc". None for what is no release:
// "v0.0.0-master+$Format:%H$".
std::optional<kubernetes_version> parse_kubernetes_version(std::string_view text);

// Whether a program of this name is built from k8s.io/kubernetes's cmd/.
bool is_kubernetes_component(std::string_view name);

// One shell line. `version` is the one wanted, none where it is not known. Components of Kubernetes
// are built by its Makefile, everything else (also Kubernetes in a module of somebody's own) by go.
// `without_cgo`: a program that needs nothing of the machine it runs on.
std::string rebuild_hint(std::string_view component,
                         const std::optional<kubernetes_version>& version,
                         const go_buildinfo& build, bool without_cgo = false);

}  // namespace launcher
