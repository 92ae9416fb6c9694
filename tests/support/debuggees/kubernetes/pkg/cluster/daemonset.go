package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const apps = "/apis/apps/v1/namespaces/"

func hashOf(template any) string {
	data, _ := json.Marshal(template)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:5])
}

// reconcile is one round of the controller, and of the kubelets and the garbage collector of nodes that have none.
func (c *Cluster) reconcile() {
	c.store.mutex.Lock()
	defer c.store.mutex.Unlock()
	before := c.store.Revision
	for _, set := range c.store.list("/apis/apps/v1/daemonsets") {
		c.sync(set)
	}
	for _, pod := range c.store.list("/api/v1/pods") {
		node, path := text(pod, "spec", "nodeName"), podPath(pod)
		switch {
		case c.Real[node]:
		case at(pod, "metadata", "deletionTimestamp") != nil:
			delete(c.store.Objects, path)
			c.store.Revision++
		case text(pod, "status", "phase") == "Pending":
			c.store.put(path, merge(clone(pod), RunningStatus("10.77.0.9", true)).(Object))
		}
	}
	if c.store.Revision != before {
		c.keep()
	}
}

func podPath(pod Object) string {
	return "/api/v1/namespaces/" + text(pod, "metadata", "namespace") + "/pods/" + text(pod, "metadata", "name")
}

// RunningStatus of a pod, as a merge patch.
func RunningStatus(address string, ready bool) Object {
	return Object{"status": Object{"phase": "Running", "hostIP": address, "podIP": address,
		"hostIPs":    []any{Object{"ip": address}},
		"conditions": []any{Object{"type": "Ready", "status": map[bool]string{true: "True", false: "False"}[ready]}}}}
}

// current makes the ControllerRevision of the template, or gives the one that there was of the same the next number.
func (c *Cluster) current(set Object) string {
	namespace, name := text(set, "metadata", "namespace"), text(set, "metadata", "name")
	hash, highest := hashOf(at(set, "spec", "template")), 0
	for _, each := range c.store.list(apps + namespace + "/controllerrevisions") {
		if n := number(each, "revision"); n > highest {
			highest = n
		}
	}
	path := apps + namespace + "/controllerrevisions/" + name + "-" + hash
	found := c.store.Objects[path]
	if found != nil && number(found, "revision") == highest {
		return hash
	}
	c.store.put(path, Object{"apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": float64(highest + 1),
		"metadata": Object{"name": name + "-" + hash, "namespace": namespace,
			"labels": Object{"controller-revision-hash": hash}},
		"data": Object{"spec": Object{"template": at(set, "spec", "template")}}})
	return hash
}

func contains(list any, name string) bool {
	values, _ := list.([]any)
	for _, each := range values {
		if each == name {
			return true
		}
	}
	return false
}

// wants evaluates the required node affinity: terms are alternatives, one without requirements matches nothing.
func wants(set Object, node string) bool {
	required := at(set, "spec", "template", "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
	if required == nil {
		return true
	}
	terms, _ := at(required, "nodeSelectorTerms").([]any)
	for _, term := range terms {
		count, fits := 0, true
		for field, key := range map[string]string{"matchFields": "metadata.name", "matchExpressions": "kubernetes.io/hostname"} {
			list, _ := at(term, field).([]any)
			for _, each := range list {
				count++
				known := text(each, "key") == key || text(each, "key") == "kubernetes.io/os"
				value := map[bool]string{true: node, false: "linux"}[text(each, "key") == key]
				switch text(each, "operator") {
				case "In":
					fits = fits && known && contains(at(each, "values"), value)
				case "NotIn":
					fits = fits && !(known && contains(at(each, "values"), value))
				case "Exists":
					fits = fits && known
				default:
					fits = false
				}
			}
		}
		if count > 0 && fits {
			return true
		}
	}
	return false
}

func (c *Cluster) end(pod Object) {
	if at(pod, "metadata", "deletionTimestamp") == nil {
		c.store.put(podPath(pod), merge(clone(pod), Object{"metadata": Object{
			"deletionTimestamp": time.Now().UTC().Format(time.RFC3339), "deletionGracePeriodSeconds": float64(30)}}).(Object))
	}
}

func (c *Cluster) sync(set Object) {
	hash := c.current(set)
	rolling := text(set, "spec", "updateStrategy", "type") != "OnDelete"
	unavailable, outdated, total, ready := 0, []Object{}, 0, 0
	for _, node := range c.Nodes {
		var there []Object
		for _, pod := range c.store.list("/api/v1/namespaces/" + text(set, "metadata", "namespace") + "/pods") {
			owners, _ := at(pod, "metadata", "ownerReferences").([]any)
			if len(owners) == 1 && text(owners[0], "uid") == text(set, "metadata", "uid") && text(pod, "spec", "nodeName") == node {
				there = append(there, pod)
			}
		}
		if !wants(set, node) {
			for _, pod := range there {
				c.end(pod)
			}
			continue
		}
		total++
		if len(there) == 0 {
			c.create(set, node, hash)
			unavailable++
			continue
		}
		for _, pod := range there {
			conditions, _ := at(pod, "status", "conditions").([]any)
			if at(pod, "metadata", "deletionTimestamp") != nil || len(conditions) == 0 || text(conditions[0], "status") != "True" {
				unavailable++
			} else {
				ready++
				if text(pod, "metadata", "labels", "controller-revision-hash") != hash {
					outdated = append(outdated, pod)
				}
			}
		}
	}
	if rolling && unavailable == 0 && len(outdated) > 0 {
		c.end(outdated[0])
	}
	status := Object{"desiredNumberScheduled": float64(total), "currentNumberScheduled": float64(total), "numberReady": float64(ready),
		"numberMisscheduled": float64(0), "observedGeneration": at(set, "metadata", "generation")}
	if !same(set["status"], status) {
		changed := clone(set).(Object)
		changed["status"] = status
		c.store.put(apps+text(set, "metadata", "namespace")+"/daemonsets/"+text(set, "metadata", "name"), changed)
	}
}

func (c *Cluster) create(set Object, node, hash string) {
	template := clone(at(set, "spec", "template")).(Object)
	spec, metadata := template["spec"].(Object), template["metadata"].(Object)
	metadata["name"], metadata["namespace"] = text(set, "metadata", "name")+"-"+word(3)[:5], text(set, "metadata", "namespace")
	metadata["generateName"] = text(set, "metadata", "name") + "-"
	labels := metadata["labels"].(Object)
	labels["controller-revision-hash"], labels["pod-template-generation"] = hash, fmt.Sprint(number(set, "metadata", "generation"))
	metadata["ownerReferences"] = []any{Object{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": text(set, "metadata", "name"),
		"uid": text(set, "metadata", "uid"), "controller": true, "blockOwnerDeletion": true}}
	spec["nodeName"] = node
	spec["affinity"] = Object{"nodeAffinity": Object{"requiredDuringSchedulingIgnoredDuringExecution": Object{"nodeSelectorTerms": []any{
		Object{"matchFields": []any{Object{"key": "metadata.name", "operator": "In", "values": []any{node}}}}}}}}
	account := "kube-api-access-" + word(3)[:5] // admission's
	volumes, _ := spec["volumes"].([]any)
	spec["volumes"] = append(volumes, Object{"name": account, "projected": Object{"defaultMode": float64(420), "sources": []any{
		Object{"serviceAccountToken": Object{"expirationSeconds": float64(3607), "path": "token"}},
		Object{"configMap": Object{"name": "kube-root-ca.crt", "items": []any{Object{"key": "ca.crt", "path": "ca.crt"}}}},
		Object{"downwardAPI": Object{"items": []any{Object{"path": "namespace",
			"fieldRef": Object{"apiVersion": "v1", "fieldPath": "metadata.namespace"}}}}}}}})
	for _, each := range spec["containers"].([]any) {
		container := each.(Object)
		mounts, _ := container["volumeMounts"].([]any)
		container["volumeMounts"] = append(mounts, Object{"name": account, "readOnly": true,
			"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"})
	}
	pod := Object{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": Object{"phase": "Pending"}}
	c.store.put(strings.TrimSuffix(podPath(pod), "/"), pod)
}
