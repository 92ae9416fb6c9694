// Package iptables has the duty of a kube-proxy: one sync after the other, without any rule.
package iptables

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"k8s.io/kubernetes/pkg/kubeconfig"
)

// Duty is what the proxy shows of its work; Synced counts syncs for which the API server answered.
type Duty struct {
	Node    string    `json:"node"`
	Pid     int       `json:"pid"`
	Renewed time.Time `json:"renewTime"`
	Cycles  int       `json:"cycles"`
	Synced  int       `json:"synced"`
	Trouble string    `json:"trouble"`
}

// Proxier does it.
type Proxier struct {
	Node   string
	File   string // where Duty is written
	Client *kubeconfig.Client
	duty   Duty
}

// syncProxyRules is where a developer stops a kube-proxy.
func (p *Proxier) syncProxyRules() error {
	p.duty.Cycles++ // marker: sync
	p.duty.Trouble = ""
	if err := p.Client.Do("GET", "/api/v1/services", "", nil, nil); err != nil {
		p.duty.Trouble = err.Error() // it goes on with what it knows
	} else {
		p.duty.Synced++
	}
	p.duty.Node, p.duty.Pid, p.duty.Renewed = p.Node, os.Getpid(), time.Now()
	data, err := json.Marshal(p.duty)
	if err != nil || p.File == "" {
		return err
	}
	draft := filepath.Join(filepath.Dir(p.File), "."+filepath.Base(p.File))
	if err := os.WriteFile(draft, data, 0o644); err != nil {
		return err
	}
	return os.Rename(draft, p.File)
}

// Run does it five times a second until stop is closed.
func (p *Proxier) Run(stop <-chan struct{}) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return nil
		case <-tick.C:
			if err := p.syncProxyRules(); err != nil {
				return err
			}
		}
	}
}
