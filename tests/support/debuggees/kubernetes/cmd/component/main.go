// A component as the control plane has them, without a cluster: it reads its files, binds its port, answers for its
// health, and does a duty that a test can see. Its name is that of its file: kube-scheduler, kube-controller-manager.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"k8s.io/component-base/version"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/serving"
)

var ports = map[string]string{"kube-scheduler": "10259", "kube-controller-manager": "10257"}

func fail(err error) {
	fmt.Fprintf(os.Stderr, "E %s: %v\n", filepath.Base(os.Args[0]), err)
	os.Exit(1)
}

// What the component was given, for a test to compare.
type report struct {
	Argv    []string          `json:"argv"`
	Env     []string          `json:"env"`
	Cwd     string            `json:"cwd"`
	Pid     int               `json:"pid"`
	Uid     int               `json:"uid"`
	Gid     int               `json:"gid"`
	Groups  []int             `json:"groups"`
	Version string            `json:"version"`
	Read    map[string]string `json:"read"`
}

func write(path string, content report) {
	data, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		fail(err)
	}
	if err := os.WriteFile(path+".new", data, 0o644); err != nil {
		fail(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		fail(err)
	}
}

func describe(given flags) (report, error) {
	cwd, _ := os.Getwd()
	groups, _ := os.Getgroups()
	content := report{os.Args, os.Environ(), cwd, os.Getpid(), os.Getuid(), os.Getgid(), groups, version.Get(),
		map[string]string{}}
	for name, values := range given {
		for _, path := range values {
			if known[name] == file {
				data, err := os.ReadFile(path)
				if err != nil {
					return content, fmt.Errorf("--%s: %w", name, err)
				}
				content.Read[path] = string(data)
			}
		}
	}
	return content, nil
}

func main() {
	given, err := parse(os.Args[1:])
	if err != nil {
		fail(err)
	}
	if code := given.get("exit-at-once", ""); code != "" {
		number, _ := strconv.Atoi(code)
		os.Exit(number)
	}
	content, err := describe(given)
	if err != nil {
		fail(err)
	}
	for _, line := range given["say"] {
		fmt.Println(line)
	}

	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1)

	name := filepath.Base(os.Args[0])
	address := net.JoinHostPort(given.get("bind-address", "0.0.0.0"), given.get("secure-port", ports[name]))
	listener, err := serving.Listen(address, given.is("plain-http", false))
	if err != nil {
		fail(err)
	}
	mux := http.NewServeMux()
	serving.Health(mux, func() error {
		if given.is("unhealthy", false) {
			return errors.New("told to be unhealthy")
		}
		return nil
	})
	mux.HandleFunc("/report", func(answer http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(answer).Encode(content)
	})
	go func() { fail(http.Serve(listener, mux)) }()
	if path := given.get("report", ""); path != "" {
		write(path, content)
	}

	host, _ := os.Hostname()
	duty := scheduler.Scheduler{
		LeasePath: given.get("lease", ""),
		Identity:  fmt.Sprintf("%s_%d_%d", host, os.Getpid(), time.Now().UnixNano()),
		Elect:     given.is("leader-elect", true),
		Duration:  given.duration("leader-elect-lease-duration", 2*time.Second),
		Period:    200 * time.Millisecond,
	}
	if after := given.duration("fail-after", 0); after > 0 {
		time.AfterFunc(after, func() { fail(errors.New("told to fail")) })
	}
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- duty.Run(stop) }()
	for {
		select {
		case got := <-signals:
			switch {
			case got == syscall.SIGUSR1:
				if path := given.get("report", ""); path != "" {
					write(path, content)
				}
			case given.is("ignore-sigterm", false):
				fmt.Fprintln(os.Stderr, "ignored", got)
			default:
				time.Sleep(given.duration("term-delay", 0))
				close(stop)
				if err := <-done; err != nil {
					fail(err)
				}
				fmt.Fprintln(os.Stderr, "released after", got)
				os.Exit(0)
			}
		case err := <-done:
			fail(err)
		}
	}
}
