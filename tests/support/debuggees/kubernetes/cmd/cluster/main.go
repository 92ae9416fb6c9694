// A stand-in for a cluster: API server and controller of DaemonSets.
//
//	cluster DIRECTORY ADDRESS NODE[=kubelet],NODE... USER,USER...
//
// In DIRECTORY are a kubeconfig for admin and for each user, requests.log, roles.json (user -> rules), and the state.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"crypto/tls"

	"k8s.io/kubernetes/pkg/cluster"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "E cluster:", err)
		os.Exit(1)
	}
}

func main() {
	directory, address := os.Args[1], os.Args[2]
	var nodes []string
	kubelets := map[string]bool{}
	for _, word := range strings.Split(os.Args[3], ",") {
		name, _, kubelet := strings.Cut(word, "=")
		nodes = append(nodes, name)
		kubelets[name] = kubelet
	}
	c, err := cluster.New(directory, nodes, kubelets)
	check(err)
	if data, err := os.ReadFile(filepath.Join(directory, "roles.json")); err == nil {
		check(json.Unmarshal(data, &c.Roles))
	}
	c.Log, err = os.OpenFile(filepath.Join(directory, "requests.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	check(err)
	config, err := c.Admit(directory, address, strings.Split(os.Args[4], ","))
	check(err)
	listener, err := net.Listen("tcp", address)
	check(err)
	fmt.Println("ready")
	server := &http.Server{Handler: c, ReadHeaderTimeout: time.Minute}
	check(server.Serve(tls.NewListener(listener, config)))
}
