// A stand-in for kube-proxy as kubeadm's DaemonSet starts it: its configuration is a file that names a kubeconfig, which
// names files of its ServiceAccount. It asks the API server as that, answers for its health, and does a duty without rules.
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"k8s.io/component-base/version"
	"k8s.io/kubernetes/pkg/kubeconfig"
	"k8s.io/kubernetes/pkg/proxy/iptables"
	"k8s.io/kubernetes/pkg/serving"
)

var known = map[string]string{"config": "", "hostname-override": "", "v": "", "lease": "/var/lib/rig/leases/kube-proxy", "exit-at-once": ""}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "E kube-proxy:", err)
	os.Exit(1)
}

// configuration reads `key: value`, at any depth: no key of interest is there twice.
func configuration(path string) map[string]string {
	data, err := os.ReadFile(path)
	if err != nil {
		fail(err)
	}
	found := map[string]string{}
	for _, line := range strings.Split(string(data), "\n") {
		if key, value, given := strings.Cut(strings.TrimSpace(line), ": "); given {
			found[key] = strings.Trim(value, `"'`)
		}
	}
	return found
}

func serve(address, otherwise string) {
	if address == "" {
		address = otherwise
	}
	listener, err := serving.Listen(address, true)
	if err != nil {
		fail(err)
	}
	mux := http.NewServeMux()
	serving.Health(mux, func() error { return nil })
	go func() { fail(http.Serve(listener, mux)) }()
}

func main() {
	for _, word := range os.Args[1:] {
		name, value, given := strings.Cut(strings.TrimPrefix(word, "--"), "=")
		if _, ok := known[name]; !ok || !given {
			fail(fmt.Errorf("unknown flag: %s", word))
		}
		known[name] = value
	}
	if known["exit-at-once"] != "" {
		os.Exit(3)
	}
	config := configuration(known["config"])
	client, err := kubeconfig.Read(config["kubeconfig"])
	if err != nil {
		fail(err)
	}
	serve(config["healthzBindAddress"], "0.0.0.0:10256")
	serve(config["metricsBindAddress"], "127.0.0.1:10249")
	fmt.Fprintf(os.Stderr, "kube-proxy: %s on %s\n", version.Get(), known["hostname-override"])
	signals, stop := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		close(stop)
	}()
	proxier := iptables.Proxier{Node: known["hostname-override"], File: known["lease"], Client: client}
	if err := proxier.Run(stop); err != nil {
		fail(err)
	}
}
