// A toy scheduler, something pleasant to debug: every second a pod arrives, and the node with the most room
// gets it. Pods leave again after a while, so it runs for as long as you like.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type Pod struct {
	Name   string
	Cores  int
	Labels map[string]string
	until  int
}

type Node struct {
	Name  string
	Cores int
	Pods  []*Pod
}

func (n *Node) free() int {
	left := n.Cores
	for _, pod := range n.Pods {
		left -= pod.Cores
	}
	return left
}

type Scheduler struct {
	Nodes []*Node
	Round int
}

// best returns the node with the most room for the pod, or nil.
func (s *Scheduler) best(pod *Pod) *Node {
	var chosen *Node
	for _, node := range s.Nodes {
		if node.free() >= pod.Cores && (chosen == nil || node.free() > chosen.free()) {
			chosen = node
		}
	}
	return chosen
}

// bind puts the pod on the node. A good place for a first breakpoint.
func bind(pod *Pod, node *Node) {
	node.Pods = append(node.Pods, pod)
	fmt.Printf("%s (%d cores) -> %s, %d left\n", pod.Name, pod.Cores, node.Name, node.free())
}

func (s *Scheduler) retire() {
	for _, node := range s.Nodes {
		stay := node.Pods[:0]
		for _, pod := range node.Pods {
			if pod.until > s.Round {
				stay = append(stay, pod)
			}
		}
		node.Pods = stay
	}
}

func (s *Scheduler) schedule() {
	s.Round++
	s.retire()
	kinds := []string{"web", "cache", "batch"}
	kind := kinds[s.Round%len(kinds)]
	pod := &Pod{
		Name:   fmt.Sprintf("%s-%d", kind, s.Round),
		Cores:  1 + s.Round%3,
		Labels: map[string]string{"app": kind},
		until:  s.Round + 8,
	}
	if node := s.best(pod); node != nil {
		bind(pod, node)
	} else {
		fmt.Printf("%s waits: no node has %d cores left\n", pod.Name, pod.Cores)
	}
}

func main() {
	s := &Scheduler{Nodes: []*Node{
		{Name: "node-a", Cores: 8},
		{Name: "node-b", Cores: 4},
		{Name: "node-c", Cores: 6},
	}}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	tick := time.NewTicker(time.Second)
	for {
		select {
		case <-tick.C:
			s.schedule()
		case <-stop:
			return
		}
	}
}
