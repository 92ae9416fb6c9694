// The manifests that kubeadm writes, as fixtures.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "launcher/pod_manifest.h"

namespace launcher {

inline std::string fixture(const std::string& name) {
    std::ifstream in(std::string(DELVEGATE_SOURCE_DIR) + "/tests/unit/launcher/manifests/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// A pod with one container, called "c", into which `container` and `spec` are written, each line indented already.
inline std::string pod_with(const std::string& container, const std::string& spec = "  hostNetwork: true\n",
                            const std::string& metadata = "") {
    return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n" + metadata + "spec:\n" + spec +
           "  containers:\n  - name: c\n    image: registry/c:v1.2.3\n" + container;
}

}  // namespace launcher
