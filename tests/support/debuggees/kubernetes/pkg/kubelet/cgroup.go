package kubelet

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// joinCgroups puts a container where a kubelet with the cgroupfs driver has it, in every hierarchy that lets us.
func joinCgroups(one *container) {
	data, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return
	}
	for _, mount := range strings.Split(string(data), "\n") {
		fields := strings.Fields(mount)
		if len(fields) < 3 || fields[2] != "cgroup" && fields[2] != "cgroup2" {
			continue
		}
		folder := fields[1]
		for _, part := range []string{"kubepods", "burstable", "pod" + one.UID, one.ID} {
			above := folder
			folder = filepath.Join(folder, part)
			_ = os.Mkdir(folder, 0o755)
			for _, setting := range []string{"cpuset.cpus", "cpuset.mems"} { // empty in a new one, which takes nobody
				if value, err := os.ReadFile(filepath.Join(above, setting)); err == nil && fields[2] == "cgroup" {
					_ = os.WriteFile(filepath.Join(folder, setting), value, 0o644)
				}
			}
		}
		_ = os.WriteFile(filepath.Join(folder, "cgroup.procs"), []byte(strconv.Itoa(one.Pid)), 0o644)
	}
}

func leaveCgroups(one *container) {
	folders, _ := filepath.Glob("/sys/fs/cgroup/*/kubepods/burstable/pod" + one.UID)
	folders = append(folders, "/sys/fs/cgroup/kubepods/burstable/pod"+one.UID)
	for _, folder := range folders {
		_ = os.Remove(filepath.Join(folder, one.ID))
		_ = os.Remove(folder)
	}
}
