// Package cluster is a stand-in for what a node sees of a cluster: an API server with the few resources that a DaemonSet
// needs, the controller of DaemonSets, and the kubelets of the other nodes.
package cluster

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"
)

// Object of the API.
type Object = map[string]any

// Store keeps objects by their API path, and all of it in a file, so that the next server has them again.
type Store struct {
	mutex    sync.Mutex
	file     string
	Revision int               `json:"revision"`
	Objects  map[string]Object `json:"objects"`
	Tokens   map[string]Token  `json:"tokens"`
}

// Token of a ServiceAccount or of a user.
type Token struct {
	User    string    `json:"user"`
	Expires time.Time `json:"expires"`
}

// Open reads what a server before this one has left.
func Open(directory string) (*Store, error) {
	s := &Store{file: filepath.Join(directory, "state.json"), Objects: map[string]Object{}, Tokens: map[string]Token{}}
	data, err := os.ReadFile(s.file)
	if os.IsNotExist(err) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	return s, json.Unmarshal(data, s)
}

func (s *Store) save() error {
	data, err := json.Marshal(s)
	if err == nil {
		err = os.WriteFile(s.file+".new", data, 0o600)
	}
	if err == nil {
		err = os.Rename(s.file+".new", s.file)
	}
	return err
}

func word(bytes int) string {
	data := make([]byte, bytes)
	_, _ = rand.Read(data)
	return hex.EncodeToString(data)
}

func clone(value any) any {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		panic(err)
	}
	return out
}

func same(a, b any) bool {
	one, _ := json.Marshal(a)
	two, _ := json.Marshal(b)
	return string(one) == string(two)
}

// at follows keys through objects; nil where there is nothing.
func at(value any, keys ...string) any {
	for _, key := range keys {
		object, _ := value.(Object)
		value = object[key]
	}
	return value
}

func text(value any, keys ...string) string {
	out, _ := at(value, keys...).(string)
	return out
}

func number(value any, keys ...string) int {
	out, _ := at(value, keys...).(float64)
	return int(out)
}

// put stores an object as the API server does: with its version, and a generation that counts changes of the spec.
func (s *Store) put(path string, given Object) Object {
	object := clone(given).(Object)
	metadata, _ := object["metadata"].(Object)
	if metadata == nil {
		metadata = Object{}
		object["metadata"] = metadata
	}
	before := s.Objects[path]
	s.Revision++
	metadata["resourceVersion"] = fmt.Sprint(s.Revision)
	if before == nil {
		metadata["uid"] = fmt.Sprintf("%s-%s-%s-%s-%s", word(4), word(2), word(2), word(2), word(6))
		metadata["creationTimestamp"] = time.Now().UTC().Format(time.RFC3339)
		metadata["generation"] = float64(1)
	} else if !same(before["spec"], object["spec"]) {
		metadata["generation"] = float64(number(before, "metadata", "generation") + 1)
	}
	s.Objects[path] = object
	return object
}

// list gives what lies directly below a path, in the order of names; without a namespace, of all.
func (s *Store) list(path string) []Object {
	var names []string
	group, resource := filepath.Split(path)
	for name := range s.Objects {
		rest := strings.TrimPrefix(name, group)
		parts := strings.Split(rest, "/")
		within := strings.HasPrefix(name, path+"/") && !strings.Contains(name[len(path)+1:], "/")
		anywhere := rest != name && len(parts) == 4 && parts[0] == "namespaces" && parts[2] == resource
		if within || anywhere {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	out := []Object{}
	for _, name := range names {
		out = append(out, s.Objects[name])
	}
	return out
}
