// Package scheduler has the duty of a component: one cycle after the other, each of which renews a lease.
package scheduler

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Lease is what the lease file says; a test reads from it that duty is done, and by whom.
type Lease struct {
	Holder   string    `json:"holderIdentity"`
	Pid      int       `json:"pid"`
	Renewed  time.Time `json:"renewTime"`
	Cycles   int       `json:"cycles"`
	Released bool      `json:"released"`
}

// ErrLost is the end of a component that another has replaced meanwhile.
var ErrLost = errors.New("leaderelection lost")

// Scheduler does the duty.
type Scheduler struct {
	LeasePath string
	Identity  string
	Elect     bool
	Duration  time.Duration
	Period    time.Duration

	leading bool
	cycles  int
}

func (s *Scheduler) read() Lease {
	var lease Lease
	data, err := os.ReadFile(s.LeasePath)
	if err == nil {
		_ = json.Unmarshal(data, &lease)
	}
	return lease
}

func (s *Scheduler) write(released bool) error {
	data, err := json.Marshal(Lease{s.Identity, os.Getpid(), time.Now(), s.cycles, released})
	if err != nil {
		return err
	}
	draft := filepath.Join(filepath.Dir(s.LeasePath), fmt.Sprintf(".%s.%s", filepath.Base(s.LeasePath), s.Identity))
	if err := os.WriteFile(draft, data, 0o644); err != nil {
		return err
	}
	return os.Rename(draft, s.LeasePath)
}

// Run does a cycle every period until stop is closed, and gives the lease back then.
func (s *Scheduler) Run(stop <-chan struct{}) error {
	ticker := time.NewTicker(s.Period)
	defer ticker.Stop()
	for {
		if err := s.scheduleOne(s.cycles); err != nil {
			return err
		}
		select {
		case <-stop:
			if s.leading && s.LeasePath != "" {
				return s.write(true)
			}
			return nil
		case <-ticker.C:
		}
	}
}

// scheduleOne is one full duty, and where a developer stops it.
func (s *Scheduler) scheduleOne(cycle int) error {
	podName := fmt.Sprintf("pod-%d", cycle) // marker: schedule
	if s.LeasePath == "" {
		s.cycles++
		return nil
	}
	lease := s.read()
	if s.Elect && lease.Holder != "" && lease.Holder != s.Identity && !lease.Released {
		if s.leading {
			return ErrLost
		}
		if time.Since(lease.Renewed) < s.Duration {
			return nil // another leads; podName waits
		}
	}
	if !s.leading {
		fmt.Fprintf(os.Stderr, "%s leads, from %s on\n", s.Identity, podName)
	}
	s.leading = true
	s.cycles++
	return s.write(false)
}
