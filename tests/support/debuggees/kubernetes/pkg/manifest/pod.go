package manifest

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Pod is what this stand-in uses of a v1 Pod.
type Pod struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
		UID       string `json:"uid"`
	} `json:"metadata"`
	Spec struct {
		Containers  []Container `json:"containers"`
		HostNetwork bool        `json:"hostNetwork"`
		Grace       *int        `json:"terminationGracePeriodSeconds"`
		Security    struct {
			User  *int `json:"runAsUser"`
			Group *int `json:"runAsGroup"`
		} `json:"securityContext"`
		Volumes []struct {
			Name     string `json:"name"`
			HostPath *struct {
				Path string `json:"path"`
				Type string `json:"type"`
			} `json:"hostPath"`
		} `json:"volumes"`
	} `json:"spec"`

	File        string            `json:"-"`
	Directories map[string]string `json:"-"` // of volumes that come from the API
}

// Bind fills in what a container may ask about its pod.
func (p *Pod) Bind(node string) {
	p.File = "api"
	for index := range p.Spec.Containers {
		for each := range p.Spec.Containers[index].Env {
			if entry := &p.Spec.Containers[index].Env[each]; entry.From.Field.Path == "spec.nodeName" {
				entry.Value = node
			}
		}
	}
}

// Container of a pod.
type Container struct {
	Name       string   `json:"name"`
	Image      string   `json:"image"`
	Command    []string `json:"command"`
	Args       []string `json:"args"`
	WorkingDir string   `json:"workingDir"`
	Env        []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
		From  struct {
			Field struct {
				Path string `json:"fieldPath"`
			} `json:"fieldRef"`
		} `json:"valueFrom"`
	} `json:"env"`
	Mounts []struct {
		Name      string `json:"name"`
		MountPath string `json:"mountPath"`
		SubPath   string `json:"subPath"`
		ReadOnly  bool   `json:"readOnly"`
	} `json:"volumeMounts"`
}

// Key is how the kubelet's store knows a pod: not by its file.
func (p *Pod) Key() string { return p.Metadata.Namespace + "/" + p.Metadata.Name }

// GraceSeconds between SIGTERM and SIGKILL.
func (p *Pod) GraceSeconds() int {
	if p.Spec.Grace != nil {
		return *p.Spec.Grace
	}
	return 30
}

// Read reads a manifest as the pod of a node: the name gets the node's, the UID is a hash of content and node.
func Read(path, node string) (*Pod, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(data) > 10<<20 {
		return nil, errors.New("larger than 10 MiB")
	}
	tree, err := decode(data)
	if err != nil {
		return nil, err
	}
	canonical, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	pod := &Pod{File: path}
	if err := json.NewDecoder(bytes.NewReader(canonical)).Decode(pod); err != nil {
		return nil, err
	}
	if pod.APIVersion != "v1" || pod.Kind != "Pod" {
		return nil, fmt.Errorf("not a v1 Pod: %s %s", pod.APIVersion, pod.Kind)
	}
	if pod.Metadata.Name == "" || len(pod.Spec.Containers) == 0 {
		return nil, errors.New("a name and containers are required")
	}
	if pod.Metadata.Namespace == "" {
		pod.Metadata.Namespace = "default"
	}
	pod.Metadata.Name += "-" + strings.ToLower(node)
	if pod.Metadata.UID == "" {
		sum := md5.Sum([]byte(string(canonical) + "host:" + node))
		pod.Metadata.UID = hex.EncodeToString(sum[:])
	}
	return pod, nil
}

// Expand replaces $(NAME) as Kubernetes does; $$ is a dollar, and what is not known stays.
func Expand(text string, env map[string]string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) {
			out.WriteByte(text[i])
			continue
		}
		i++
		end := strings.IndexByte(text[i:], ')')
		switch {
		case text[i] == '$':
			out.WriteByte('$')
		case text[i] == '(' && end < 0:
			out.WriteString("$(")
		case text[i] == '(':
			name := text[i+1 : i+end]
			if value, ok := env[name]; ok {
				out.WriteString(value)
			} else {
				out.WriteString("$(" + name + ")")
			}
			i += end
		default:
			out.WriteByte('$')
			out.WriteByte(text[i])
		}
	}
	return out.String()
}

// Environment of a container, in order: the image's, then the manifest's, each against those before it.
func (c *Container) Environment(path, hostname string) ([]string, map[string]string) {
	list := []string{"PATH=" + path, "HOSTNAME=" + hostname}
	values := map[string]string{}
	for _, entry := range c.Env {
		value := Expand(entry.Value, values)
		values[entry.Name] = value
		list = append(list, entry.Name+"="+value)
	}
	return append(list, "HOME=/"), values
}

// Argv of a container after expansion.
func (c *Container) Argv(env map[string]string) []string {
	var argv []string
	words := append(append([]string{}, c.Command...), c.Args...)
	if len(c.Command) == 0 { // the image's entry point is the program of its name
		name := c.Image[strings.LastIndexByte(c.Image, '/')+1:]
		if end := strings.IndexAny(name, ":@"); end >= 0 {
			name = name[:end]
		}
		words = append([]string{name}, c.Args...)
	}
	for _, word := range words {
		argv = append(argv, Expand(word, env))
	}
	return argv
}
