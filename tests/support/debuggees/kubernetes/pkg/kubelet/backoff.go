// Package kubelet is a stand-in that treats static pods as a kubelet does: which file events start, stop and restart
// them, and how long a restart is held back.
package kubelet

import "time"

// Backoff is client-go's: per key, doubling, forgotten after twice its maximum.
type Backoff struct {
	Base, Max time.Duration
	entries   map[string]*entry
}

type entry struct {
	delay   time.Duration
	updated time.Time
}

func (b *Backoff) live(key string, event time.Time) *entry {
	found := b.entries[key]
	if found == nil || event.Sub(found.updated) > 2*b.Max {
		return nil
	}
	return found
}

// Remaining is how long a container that finished at event must still wait.
func (b *Backoff) Remaining(key string, event time.Time) time.Duration {
	if found := b.live(key, event); found != nil {
		if left := found.delay - time.Since(event); left > 0 {
			return left
		}
	}
	return 0
}

// Next records a restart.
func (b *Backoff) Next(key string, event time.Time) {
	if b.entries == nil {
		b.entries = map[string]*entry{}
	}
	delay := b.Base
	if found := b.live(key, event); found != nil {
		if delay = 2 * found.delay; delay > b.Max {
			delay = b.Max
		}
	}
	b.entries[key] = &entry{delay, time.Now()}
}
