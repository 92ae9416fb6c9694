// hostPath volumes: what the kubelet checks and creates before it starts a container.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "launcher/outcome.h"
#include "launcher/plan.h"
#include "launcher/pod_manifest.h"

namespace launcher {

struct host_path {
    std::string path;
    std::string type;  // as the manifest has it; empty: nothing is checked
};

// Of the volumes that the container mounts.
std::vector<host_path> host_paths_of(const pod_manifest& manifest, const pod_container& container);

// A refusal for each that is of another type than it should be, a note for each that start would create.
void check_host_paths(const std::vector<host_path>& paths, std::vector<finding>& findings);

// Creates what is an …OrCreate type and not there: a directory (0755, with its parents) or an empty file (0644).
outcome<void> create_host_path(const host_path& path);

// emptyDir volumes: what of the mounts comes from below `directory`, made anew and empty, 0777 as the kubelet makes it.
outcome<void> make_empty_volumes(const std::string& directory, const std::vector<bind_mount>& mounts);

// Where a path that the container sees is on the host.
std::string on_host(const std::vector<bind_mount>& mounts, const std::string& path);

// A warning for each file named by the plan's arguments that is not there, by the host's view of its mounts.
void check_files(const process_plan& plan, std::vector<finding>& findings);

}  // namespace launcher
