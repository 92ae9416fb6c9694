package kubelet

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/kubernetes/pkg/manifest"
)

// source is the kubelet's store of static pods: keyed by namespace/name, while files are remembered by path. So of two
// files with the same pod the one read last wins, and the deletion of either deletes the pod until the next list.
type source struct {
	path, node string
	pods       map[string]*manifest.Pod
	keys       map[string]string // file -> key
	log        func(string, ...any)
}

func (s *source) read(path string) (*manifest.Pod, error) {
	pod, err := manifest.Read(path, s.node)
	if err == nil {
		s.keys[path] = pod.Key()
	}
	return pod, err
}

// list replaces the store by what is there now; what cannot be read is not.
func (s *source) list() {
	files := []string{s.path}
	info, err := os.Stat(s.path)
	if err != nil {
		if os.IsNotExist(err) {
			s.pods = map[string]*manifest.Pod{} // as for a kubelet, whose store is emptied
		}
		s.log("Unable to read config path %s: %v", s.path, err)
		return
	}
	if info.IsDir() {
		files, _ = filepath.Glob(filepath.Join(s.path, "[^.]*"))
	}
	pods := map[string]*manifest.Pod{}
	for _, path := range files {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			s.log("Could not process manifest file %s: %v", path, err)
		case info.IsDir():
			s.log("Not recursing into manifest path %s", path)
		case !info.Mode().IsRegular():
			s.log("Manifest path %s is not a directory or file", path)
		default:
			pod, err := s.read(path)
			if err != nil {
				s.log("Could not process manifest file %s: %v", path, err)
				continue
			}
			pods[pod.Key()] = pod
		}
	}
	s.pods = pods
}

func (s *source) apply(event change) error {
	if event.deleted {
		if key, ok := s.keys[event.path]; ok && s.pods[key] != nil {
			delete(s.pods, key)
			delete(s.keys, event.path)
		}
		return nil
	}
	info, err := os.Stat(event.path)
	if err != nil || info.IsDir() {
		return err
	}
	pod, err := s.read(event.path)
	if err != nil {
		return fmt.Errorf("could not process manifest file %s: %w", event.path, err)
	}
	s.pods[pod.Key()] = pod
	return nil
}
