package kubelet

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"k8s.io/kubernetes/pkg/cluster"
	"k8s.io/kubernetes/pkg/kubeconfig"
	"k8s.io/kubernetes/pkg/manifest"
)

// bound is a pod that the API server has for this node, with its volumes on the disk.
type bound struct {
	*manifest.Pod
	deleting, ready bool // as the API server knows it
}

// remote asks the API server again and again; what it does not answer changes nothing.
type remote struct {
	client  *kubeconfig.Client
	node    string
	address string
	volumes string
	known   map[string]*manifest.Pod
	log     func(string, ...any)
}

func (r *remote) watch(out chan<- []bound) {
	said := ""
	for {
		pods, err := r.list()
		if err == nil {
			said = ""
			out <- pods
		} else if said != err.Error() {
			said = err.Error()
			r.log("%v", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

type podObject struct {
	Metadata struct {
		Deleted *string `json:"deletionTimestamp"`
	} `json:"metadata"`
	Spec struct {
		Account string            `json:"serviceAccountName"`
		Volumes []json.RawMessage `json:"volumes"`
	} `json:"spec"`
	Status struct {
		Conditions []struct {
			Type, Status string
		} `json:"conditions"`
	} `json:"status"`
}

func (r *remote) list() ([]bound, error) {
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := r.client.Do("GET", "/api/v1/pods?fieldSelector="+url.QueryEscape("spec.nodeName="+r.node), "", nil, &list); err != nil {
		return nil, err
	}
	out := []bound{}
	for _, item := range list.Items {
		var pod manifest.Pod
		var more podObject
		if err := json.Unmarshal(item, &pod); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(item, &more); err != nil {
			return nil, err
		}
		if r.known[pod.Metadata.UID] == nil {
			pod.Bind(r.node)
			if err := r.mount(&pod, more); err != nil {
				return nil, fmt.Errorf("MountVolume.SetUp failed for pod %s: %w", pod.Key(), err)
			}
			r.known[pod.Metadata.UID] = &pod
		}
		one := bound{Pod: r.known[pod.Metadata.UID], deleting: more.Metadata.Deleted != nil}
		for _, condition := range more.Status.Conditions {
			one.ready = one.ready || condition.Type == "Ready" && condition.Status == "True"
		}
		out = append(out, one)
	}
	return out, nil
}

type item struct{ Key, Path string }

type volumeSource struct {
	ConfigMap *struct {
		Name  string
		Items []item
	}
	Token *struct {
		Seconds int    `json:"expirationSeconds"`
		Path    string `json:"path"`
	} `json:"serviceAccountToken"`
	Downward *struct {
		Items []struct{ Path string }
	} `json:"downwardAPI"`
}

// mount writes the volumes that come from the API.
func (r *remote) mount(pod *manifest.Pod, more podObject) error {
	pod.Directories = map[string]string{}
	for _, raw := range more.Spec.Volumes {
		var volume struct {
			Name      string
			Projected *struct{ Sources []volumeSource }
			volumeSource
		}
		if err := json.Unmarshal(raw, &volume); err != nil {
			return err
		}
		sources := []volumeSource{volume.volumeSource}
		if volume.Projected != nil {
			sources = volume.Projected.Sources
		}
		directory := filepath.Join(r.volumes, pod.Metadata.UID, "volumes", volume.Name)
		for _, each := range sources {
			files, err := r.files(pod, more.Spec.Account, each)
			if err != nil {
				return err
			}
			for path, content := range files {
				if err := os.MkdirAll(directory, 0o755); err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(directory, path), []byte(content), 0o600); err != nil {
					return err
				}
				pod.Directories[volume.Name] = directory
			}
		}
	}
	return nil
}

func (r *remote) files(pod *manifest.Pod, account string, from volumeSource) (map[string]string, error) {
	core := "/api/v1/namespaces/" + pod.Metadata.Namespace
	switch {
	case from.ConfigMap != nil:
		var found struct {
			Data map[string]string `json:"data"`
		}
		err := r.client.Do("GET", core+"/configmaps/"+from.ConfigMap.Name, "", nil, &found)
		if err != nil || len(from.ConfigMap.Items) == 0 {
			return found.Data, err
		}
		files := map[string]string{}
		for _, each := range from.ConfigMap.Items {
			files[each.Path] = found.Data[each.Key]
		}
		return files, nil
	case from.Token != nil:
		var made struct {
			Status struct {
				Token string `json:"token"`
			} `json:"status"`
		}
		err := r.client.Do("POST", core+"/serviceaccounts/"+account+"/token", "application/json",
			map[string]any{"spec": map[string]any{"expirationSeconds": from.Token.Seconds}}, &made)
		return map[string]string{from.Token.Path: made.Status.Token}, err
	case from.Downward != nil:
		files := map[string]string{}
		for _, each := range from.Downward.Items {
			files[each.Path] = pod.Metadata.Namespace
		}
		return files, nil
	}
	return nil, nil
}

// tell brings the API server's knowledge of a pod up to date; what fails is tried again with the next list.
func (r *remote) tell(pod bound, running, gone bool) {
	path := "/api/v1/namespaces/" + pod.Metadata.Namespace + "/pods/" + pod.Metadata.Name
	var err error
	switch {
	case pod.deleting && gone:
		err = r.client.Do("DELETE", path+"?gracePeriodSeconds=0", "", nil, nil)
		_ = os.RemoveAll(filepath.Join(r.volumes, pod.Metadata.UID))
	case !pod.deleting && running != pod.ready:
		err = r.client.Do("PATCH", path+"/status", "application/merge-patch+json", cluster.RunningStatus(r.address, running), nil)
	}
	if err != nil {
		r.log("%v", err)
	}
}

// wanted are the pods of files and of the API server that are not to end; by UID.
func (k *Kubelet) wanted() map[string]*manifest.Pod {
	wanted := map[string]*manifest.Pod{}
	for _, pod := range k.source.pods {
		wanted[pod.Metadata.UID] = pod
	}
	for _, pod := range k.bound {
		if !pod.deleting {
			wanted[pod.Metadata.UID] = pod.Pod
		}
	}
	return wanted
}

// tell says what has become of the API server's pods.
func (k *Kubelet) tell() {
	for _, pod := range k.bound {
		count := 0
		for _, one := range k.containers {
			if one.UID == pod.Metadata.UID && one.running() {
				count++
			}
		}
		go k.remote.tell(pod, count == len(pod.Spec.Containers), count == 0)
	}
}
