package kubelet

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"syscall"
	"time"

	"k8s.io/kubernetes/pkg/kubeconfig"
	"k8s.io/kubernetes/pkg/manifest"
)

// Kubelet runs what its source says. All of its state belongs to the goroutine of Run.
type Kubelet struct {
	Path, Node, Images, State, Logs string
	ListEvery                       time.Duration
	Backoff                         Backoff
	LeasePath                       string
	Volumes, Address                string
	API                             *kubeconfig.Client // none: static pods only

	remote     remote
	bound      []bound
	source     source
	containers []*container
	waiting    map[string]time.Duration // container key -> what is left of its back-off
	beats      int
	mutex      sync.Mutex
	published  []byte
}

// Status is a pod as the state file shows it.
type Status struct {
	Namespace  string       `json:"namespace"`
	Name       string       `json:"name"`
	UID        string       `json:"uid"`
	File       string       `json:"file"`
	Wanted     bool         `json:"wanted"`
	Containers []*container `json:"containers"`
	BackoffMs  int64        `json:"backoffMs"`
}

func (k *Kubelet) log(format string, words ...any) {
	fmt.Fprintf(os.Stderr, "kubelet: "+format+"\n", words...)
}

// Run returns when stop is closed; the containers stay.
func (k *Kubelet) Run(stop <-chan struct{}) error {
	running := filepath.Join(k.State, "containers")
	if err := os.MkdirAll(running, 0o700); err != nil {
		return err
	}
	k.source = source{path: k.Path, node: k.Node, pods: map[string]*manifest.Pod{}, keys: map[string]string{}, log: k.log}
	k.waiting = map[string]time.Duration{}
	k.containers = load(running)
	changes, ended := make(chan change, 64), make(chan struct{}, 64)
	if k.Path != "" {
		k.watch(changes)
		k.source.list()
	}
	pods := make(chan []bound)
	if k.API != nil {
		k.remote = remote{client: k.API, node: k.Node, address: k.Address, volumes: k.Volumes, known: map[string]*manifest.Pod{}, log: k.log}
		go k.remote.watch(pods)
	}
	list, tick := time.NewTicker(k.ListEvery), time.NewTicker(50*time.Millisecond)
	defer list.Stop()
	defer tick.Stop()
	for {
		if err := k.syncLoopIteration(ended); err != nil {
			return err
		}
		select {
		case <-stop:
			return nil
		case event := <-changes:
			if err := k.source.apply(event); err != nil {
				k.log("%v", err)
			}
		case <-list.C:
			if k.Path != "" {
				k.source.list()
			}
		case k.bound = <-pods:
			k.tell()
		case <-ended:
		case <-tick.C:
		}
	}
}

// watch returns when the directory is watched; what fails is tried again every second.
func (k *Kubelet) watch(changes chan<- change) {
	var once sync.Once
	begun := make(chan struct{})
	go func() {
		for {
			err := watch(k.Path, changes, func() { once.Do(func() { close(begun) }) })
			k.log("watch of %s ended: %v", k.Path, err)
			time.Sleep(time.Second)
		}
	}()
	<-begun
}

// syncLoopIteration is where a developer stops a kubelet.
func (k *Kubelet) syncLoopIteration(ended chan<- struct{}) error {
	k.beats++ // marker: sync
	wanted := k.wanted()
	for _, one := range k.containers {
		if one.running() && !one.alive() {
			one.Finished, one.Killing = time.Now(), false
			k.log("container %s of %s ended", one.Name, one.Key)
			leaveCgroups(one)
			k.keep(one)
		}
		if one.running() && !one.Killing && wanted[one.UID] == nil {
			one.Killing = true
			k.keep(one)
			go kill(*one, ended)
		}
	}
	for _, pod := range wanted {
		k.syncPod(pod, ended)
	}
	k.publish()
	return k.beat()
}

func (k *Kubelet) syncPod(pod *manifest.Pod, ended chan<- struct{}) {
	for _, one := range k.containers { // a static pod waits for the one of the same name before it
		if one.Key == pod.Key() && one.running() && (one.UID != pod.Metadata.UID || one.Killing) {
			return
		}
	}
	for index := range pod.Spec.Containers {
		spec := &pod.Spec.Containers[index]
		last := k.last(pod, spec.Name)
		key := pod.Metadata.UID + "/" + spec.Name
		next := &container{Name: spec.Name, Key: pod.Key(), UID: pod.Metadata.UID, File: pod.File, Grace: pod.GraceSeconds()}
		if last != nil {
			if last.running() {
				continue
			}
			if left := k.Backoff.Remaining(key, last.Finished); left > 0 {
				k.waiting[key] = left
				continue
			}
			k.Backoff.Next(key, last.Finished)
			next.Restarts = last.Restarts + 1
		}
		delete(k.waiting, key)
		k.forget(last)
		k.start(pod, spec, next, ended)
	}
}

func (k *Kubelet) start(pod *manifest.Pod, spec *manifest.Container, next *container, ended chan<- struct{}) {
	hostname, _ := os.Hostname()
	made, err := describe(pod, spec, k.Images, hostname)
	if err == nil {
		logs := filepath.Join(k.Logs, pod.Metadata.Namespace+"_"+pod.Metadata.Name+"_"+pod.Metadata.UID, spec.Name)
		err = start(next, made, logs, func() { ended <- struct{}{} })
	}
	if err != nil {
		k.log("cannot start %s of %s: %v", spec.Name, next.Key, err)
		next.ID, next.Finished = "failed-"+next.UID+"-"+next.Name, time.Now()
	} else {
		k.log("started %s of %s from %s: pid %d", spec.Name, next.Key, pod.File, next.Pid)
	}
	k.containers = append(k.containers, next)
	k.keep(next)
}

func (k *Kubelet) last(pod *manifest.Pod, name string) *container {
	for _, one := range k.containers {
		if one.UID == pod.Metadata.UID && one.Name == name {
			return one
		}
	}
	return nil
}

func (k *Kubelet) keep(one *container) {
	if err := one.save(filepath.Join(k.State, "containers")); err != nil {
		k.log("%v", err)
	}
}

func (k *Kubelet) forget(one *container) {
	for index, other := range k.containers {
		if one == other {
			k.containers = append(k.containers[:index], k.containers[index+1:]...)
			_ = os.Remove(filepath.Join(k.State, "containers", one.ID+".json"))
			return
		}
	}
}

// kill asks, waits for the grace period, and insists. A copy is enough: the loop sees the end by itself.
func kill(one container, ended chan<- struct{}) {
	if one.alive() {
		_ = syscall.Kill(one.Pid, syscall.SIGTERM)
	}
	for end := time.Now().Add(time.Duration(one.Grace) * time.Second); one.alive() && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	if one.alive() {
		_ = syscall.Kill(one.Pid, syscall.SIGKILL)
	}
	ended <- struct{}{}
}

// publish writes the state file when there is something new in it.
func (k *Kubelet) publish() {
	pods := map[string]*Status{}
	for _, pod := range k.wanted() {
		pods[pod.Metadata.UID] = &Status{pod.Metadata.Namespace, pod.Metadata.Name, pod.Metadata.UID, pod.File, true, nil, 0}
	}
	for _, one := range k.containers {
		status := pods[one.UID]
		if status == nil {
			namespace, name := filepath.Split(one.Key)
			status = &Status{filepath.Clean(namespace), name, one.UID, one.File, false, nil, 0}
			pods[one.UID] = status
		}
		status.Containers = append(status.Containers, one)
		if left := k.waiting[one.UID+"/"+one.Name].Milliseconds(); left > status.BackoffMs && status.Wanted {
			status.BackoffMs = left
		}
	}
	all := []*Status{}
	for _, status := range pods {
		all = append(all, status)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].UID < all[j].UID })
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil || string(data) == string(k.Published()) {
		return
	}
	k.mutex.Lock()
	k.published = data
	k.mutex.Unlock()
	replace(filepath.Join(k.State, "pods.json"), data)
}

// Published is the state as JSON.
func (k *Kubelet) Published() []byte {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	return k.published
}

func replace(path string, data []byte) {
	if os.WriteFile(path+".new", data, 0o644) == nil {
		_ = os.Rename(path+".new", path)
	}
}

// beat is the kubelet's own duty, as the lease of its node.
func (k *Kubelet) beat() error {
	if k.LeasePath == "" {
		return nil
	}
	data, err := json.Marshal(map[string]any{"holderIdentity": k.Node, "pid": os.Getpid(), "renewTime": time.Now(),
		"cycles": k.beats})
	if err == nil {
		replace(k.LeasePath, data)
	}
	return err
}
