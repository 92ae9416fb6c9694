package kubelet

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"k8s.io/kubernetes/pkg/manifest"
)

// container is a process that outlives the kubelet, as those of a container runtime do: what is known of it is also in
// a file, from which the next kubelet takes it over.
type container struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Key      string    `json:"pod"`
	UID      string    `json:"uid"`
	File     string    `json:"file"`
	Pid      int       `json:"pid"`
	Start    string    `json:"startTime"`
	Grace    int       `json:"grace"`
	Restarts int       `json:"restarts"`
	Finished time.Time `json:"finishedAt"`
	Killing  bool      `json:"killing"`
}

func (c *container) running() bool { return c.Finished.IsZero() }

// startTime names a process together with its pid; a zombie has ended.
func startTime(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fields[19]
}

func (c *container) alive() bool { return c.Pid > 0 && c.Start != "" && startTime(c.Pid) == c.Start }

func (c *container) save(directory string) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	path := filepath.Join(directory, c.ID+".json")
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func load(directory string) []*container {
	var found []*container
	files, _ := filepath.Glob(filepath.Join(directory, "*.json"))
	for _, path := range files {
		var one container
		if data, err := os.ReadFile(path); err == nil && json.Unmarshal(data, &one) == nil {
			found = append(found, &one)
		}
	}
	return found
}

// What the first process of a container is told: it sets the container up from within, and becomes the command.
type bundle struct {
	Argv, Env, Path []string
	Cwd             string
	User, Group     int
	Binds           [][3]string // from, to, "ro" or ""
}

func describe(pod *manifest.Pod, spec *manifest.Container, images, hostname string) (*bundle, error) {
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	env, values := spec.Environment(path, hostname)
	made := &bundle{Argv: spec.Argv(values), Env: env, Cwd: spec.WorkingDir, Path: append([]string{images},
		strings.Split(path, ":")...)}
	if made.Cwd == "" {
		made.Cwd = "/"
	}
	if user := pod.Spec.Security.User; user != nil {
		made.User = *user
	}
	if group := pod.Spec.Security.Group; group != nil {
		made.Group = *group
	}
	for _, mount := range spec.Mounts {
		for _, volume := range pod.Spec.Volumes {
			if volume.Name != mount.Name {
				continue
			}
			from := pod.Directories[volume.Name]
			if volume.HostPath != nil {
				from = volume.HostPath.Path
				if err := prepare(volume.HostPath.Path, volume.HostPath.Type); err != nil {
					return nil, err
				}
			} else if from == "" {
				return nil, fmt.Errorf("this stand-in has no volume like %s", volume.Name)
			}
			mode := ""
			if mount.ReadOnly {
				mode = "ro"
			}
			made.Binds = append(made.Binds, [3]string{filepath.Join(from, mount.SubPath), mount.MountPath, mode})
		}
	}
	return made, nil
}

func prepare(path, kind string) error {
	switch kind {
	case "DirectoryOrCreate":
		return os.MkdirAll(path, 0o755)
	case "FileOrCreate":
		file, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o644)
		if err == nil {
			err = file.Close()
		}
		return err
	case "":
		return nil
	}
	_, err := os.Stat(path)
	return err
}

// start makes a process in a PID and mount namespace and cgroups of its own, and tells finished when it is reaped.
func start(one *container, made *bundle, logs string, finished func()) error {
	identity := make([]byte, 32)
	_, _ = rand.Read(identity)
	one.ID = hex.EncodeToString(identity)
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(logs, fmt.Sprintf("%d.log", one.Restarts)),
		os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	defer log.Close()
	input, gate, err := os.Pipe()
	if err != nil {
		return err
	}
	defer gate.Close()
	command := &exec.Cmd{Path: "/proc/self/exe", Args: []string{"rig-container"}, Stdin: input, Stdout: log, Stderr: log,
		Env: []string{}, Dir: "/", SysProcAttr: &syscall.SysProcAttr{Setsid: true,
			Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}}
	err = command.Start()
	input.Close()
	if err != nil {
		return err
	}
	one.Pid, one.Start = command.Process.Pid, startTime(command.Process.Pid)
	joinCgroups(one)
	go func() {
		_ = command.Wait()
		finished()
	}()
	return json.NewEncoder(gate).Encode(made) // only now it goes on
}
