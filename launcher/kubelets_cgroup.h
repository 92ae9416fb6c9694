// Whether a process is of a pod that the kubelet runs, told by its cgroup. Whoever has a systemd of his own (`systemd --user`, a
// delegated unit) names the cgroups below it as he likes: "kubepods" there is not the kubelet's.
#pragma once

#include <string>
#include <string_view>

namespace launcher {

// `text` is /proc/PID/cgroup. True where every line that speaks of kubepods has it as a whole component ("kubepods",
// "kubepods.slice", "kubelet-kubepods.slice" of nodes in containers), not below a user's slice or manager, and its directory, where
// there is one to be seen below `mounts`, is root's.
bool is_of_the_kubelet(std::string_view text, const std::string& mounts = "/sys/fs/cgroup");

}  // namespace launcher
