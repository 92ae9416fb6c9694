// What the kubelet of this node was told: where its manifests are, and which container runtime it speaks to.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "launcher/outcome.h"

namespace launcher {

struct kubelet_setup {
    std::string manifests;         // a directory, or a single file
    std::string manifests_source;  // "--pod-manifest-path of the kubelet", "staticPodPath in FILE"
    // "unix:///run/containerd/containerd.sock"; "docker" for a kubelet with dockershim; empty: unknown
    std::string cri_endpoint;
    std::string cri_source;
    std::string node_name;  // --hostname-override, else the host's name in lower case
    std::chrono::seconds file_check{20};
    std::chrono::seconds node_lease{40};
    std::string kubeconfig;  // --kubeconfig; empty: a kubelet without an API server
};

// From the live kubelet's argv. Files it names are read below `root` ("" is the real one); a relative path is taken
// from `working_directory`. A kubelet without a manifest directory, or with a second source of static pods
// (--manifest-url), is an error that says so.
outcome<kubelet_setup> read_kubelet_setup(const std::vector<std::string>& argv,
                                          const std::string& working_directory = "/",
                                          const std::string& root = "");

// nodeLeaseDurationSeconds alone, of a kubelet that need have no static pods.
outcome<std::chrono::seconds> node_lease_of(const std::vector<std::string>& argv, const std::string& working_directory = "/",
                                            const std::string& root = "");

}  // namespace launcher
