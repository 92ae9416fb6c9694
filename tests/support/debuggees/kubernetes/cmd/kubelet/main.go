// A stand-in for the kubelet as kubeadm starts it: static pods, and those of an API server where its kubeconfig names one; no
// container runtime.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"k8s.io/component-base/version"
	"k8s.io/kubernetes/pkg/kubeconfig"
	"k8s.io/kubernetes/pkg/kubelet"
	"k8s.io/kubernetes/pkg/serving"
)

// Flags that kubeadm gives a kubelet, and those of the rig; each takes a value.
var known = map[string]string{
	"bootstrap-kubeconfig": "", "kubeconfig": "", "config": "", "container-runtime-endpoint": "", "node-ip": "",
	"pod-infra-container-image": "", "container-runtime": "", "network-plugin": "", "hostname-override": "",
	"pod-manifest-path": "", "node-labels": "", "v": "",
	"rig-images": "/opt/rig/images", "rig-state": "/run/rig-kubelet", "rig-logs": "/var/log/pods", "rig-lease": "", "rig-volumes": "/var/lib/kubelet/pods", "rig-address": "10.77.0.2",
	"rig-backoff": "10s", "rig-backoff-max": "5m",
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "E kubelet:", err)
	os.Exit(1)
}

func parse(words []string) {
	for i := 0; i < len(words); i++ {
		name, value, given := strings.Cut(strings.TrimPrefix(words[i], "--"), "=")
		if _, ok := known[name]; !ok || !strings.HasPrefix(words[i], "--") {
			fail(fmt.Errorf("unknown flag: %s", words[i]))
		}
		if !given {
			if i++; i == len(words) {
				fail(fmt.Errorf("flag needs an argument: --%s", name))
			}
			value = words[i]
		}
		known[name] = value
	}
}

// configuration reads the top-level scalars of a KubeletConfiguration.
func configuration(path string) map[string]string {
	found := map[string]string{}
	if path == "" {
		return found
	}
	file, err := os.Open(path)
	if err != nil {
		fail(fmt.Errorf("failed to load kubelet config file: %w", err))
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		key, value, given := strings.Cut(lines.Text(), ":")
		if given && !strings.HasPrefix(key, " ") && !strings.HasPrefix(key, "#") {
			found[key] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return found
}

func duration(text string, otherwise time.Duration) time.Duration {
	if text == "" {
		return otherwise
	}
	value, err := time.ParseDuration(text)
	if err != nil {
		fail(err)
	}
	if value <= 0 {
		return otherwise
	}
	return value
}

func serve(address string, plain bool, mux *http.ServeMux) {
	listener, err := serving.Listen(address, plain)
	if err != nil {
		fail(err)
	}
	go func() { fail(http.Serve(listener, mux)) }()
}

func ready() {
	if path := os.Getenv("NOTIFY_SOCKET"); path != "" {
		if socket, err := net.Dial("unixgram", strings.Replace(path, "@", "\x00", 1)); err == nil {
			fmt.Fprint(socket, "READY=1")
			socket.Close()
		}
	}
}

func main() {
	if os.Args[0] == "rig-container" {
		kubelet.Container()
	}
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println("Kubernetes", version.Get())
		return
	}
	parse(os.Args[1:])
	signals, stop := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		close(stop)
	}()
	config := configuration(known["config"])
	node := known["hostname-override"]
	if node == "" {
		node, _ = os.Hostname()
	}
	k := &kubelet.Kubelet{
		Path:      config["staticPodPath"],
		Node:      node,
		Images:    known["rig-images"],
		State:     known["rig-state"],
		Logs:      known["rig-logs"],
		LeasePath: known["rig-lease"],
		ListEvery: duration(config["fileCheckFrequency"], 20*time.Second),
		Backoff:   kubelet.Backoff{Base: duration(known["rig-backoff"], 0), Max: duration(known["rig-backoff-max"], 0)},
	}
	k.Volumes, k.Address = known["rig-volumes"], known["rig-address"]
	if path := known["kubeconfig"]; path != "" {
		api, err := kubeconfig.Read(path)
		if err != nil && !errors.Is(err, kubeconfig.ErrNoServer) && !os.IsNotExist(err) {
			fail(err)
		}
		k.API = api
	}
	if path := known["pod-manifest-path"]; path != "" {
		k.Path = path
	}
	if k.Path != "" {
		k.Path = filepath.Clean(k.Path)
	}
	health := http.NewServeMux()
	serving.Health(health, func() error { return nil })
	serve("127.0.0.1:10248", true, health)
	pods := http.NewServeMux()
	serving.Health(pods, func() error { return nil })
	pods.HandleFunc("/pods", func(answer http.ResponseWriter, _ *http.Request) { _, _ = answer.Write(k.Published()) })
	serve(":10250", false, pods)
	fmt.Fprintf(os.Stderr, "kubelet: %s on %s, static pods from %q\n", version.Get(), node, k.Path)
	ready()
	if err := k.Run(stop); err != nil {
		fail(err)
	}
}
