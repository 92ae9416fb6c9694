// From a static pod to the process on the host that takes its place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/live_process.h"
#include "launcher/outcome.h"
#include "launcher/plan.h"
#include "launcher/pod_manifest.h"

namespace launcher {

struct node_facts {
    std::string node_name;               // as the kubelet registers it
    std::vector<std::string> addresses;  // InternalIPs, the first one first; empty: unknown
    std::optional<live_process> live;    // the container's own process, when it runs
    std::string root_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";  // PATH of root
    // Where emptyDir volumes are made: their sources are directories below it, named as the volume.
    std::string session_directory;
    // For resource references without a limit: what the node has to give. Absent: unknown.
    std::optional<std::uint64_t> allocatable_cpu_milli;
    std::optional<std::uint64_t> allocatable_memory;  // bytes
};

// The container that a definition means: the named one, the only one, or the one called as the pod.
outcome<const pod_container*> choose_container(const pod_manifest& manifest, std::string_view container);

// The base name of the program that a container runs, to look for its live process: command[0], the container's name
// where that is a shell or another wrapper, the image's where there is none.
std::string program_of(const pod_container& container);

// What cannot be reproduced is a refusal among `findings`, what is not reproduced and may matter a warning. An error
// is only that there is no such container.
outcome<process_plan> plan_pod_process(const pod_manifest& manifest, std::string_view container,
                                       const node_facts& node, std::vector<finding>& findings);

// "v1.34.1" of "registry.k8s.io/kube-scheduler:v1.34.1"; empty where the tag tells no version.
std::string version_of_image(std::string_view image);

}  // namespace launcher
