// What the tests debug: a 50 Hz loop to break in, something of everything to look at, and a global,
// wish, by which the debugger makes it do what a test needs. A line that tests stop at carries a
// marker comment; they look the marker up instead of counting lines.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

type pod struct {
	Name   string
	Labels map[string]string
	Ports  []int
	Next   *pod
}

const (
	leaveWith3 = iota + 1
	panicNow
	leaveWith0
	floodOutput
	meetTwo
	callHelpers
	floodAndLeave
)

var (
	wish     int
	greeting = "hello"
	ratio    = 2.5
	large    [64 << 10]uint64
	text     = strings.Repeat("0123456789abcdef", 64<<10)
	texts    [33]string // 33 MiB to be read
	meet     sync.WaitGroup
	pages    [][]uint64
)

//go:noinline
func tick(n int) int {
	sum := 0
	for i := 0; i < 3; i++ {
		sum += i * n
	}
	p := pod{Name: "web-" + strconv.Itoa(n), Labels: map[string]string{"app": "web"}, Ports: []int{80, 443}}
	p.Next = &pod{Name: "sidecar"}
	use(p, sum) // marker: tick
	return sum
}

//go:noinline
func use(p pod, sum int) {
	if sum < 0 { // marker: use
		fmt.Println(p)
	}
}

//go:noinline
func describe(prefix string, n int) string {
	return prefix + "-" + strconv.Itoa(n)
}

//go:noinline
func slow(seconds int) int {
	deadline := time.Now().Add(time.Duration(seconds) * time.Second)
	spins := 0
	for time.Now().Before(deadline) {
		spins++
	}
	return spins
}

//go:noinline
func callsTick() int {
	return tick(1000)
}

//go:noinline
func together(id int) {
	meet.Done()
	meet.Wait()
	arrive(id)
}

//go:noinline
func arrive(id int) int {
	return id * 2 // marker: arrive
}

func act() {
	switch wish {
	case leaveWith3:
		fmt.Println("leaving with 3")
		os.Exit(3)
	case panicNow:
		panic("told to panic")
	case leaveWith0:
		fmt.Println("leaving with 0")
		os.Exit(0)
	case floodOutput:
		wish = 0
		for i := 0; i < 2000; i++ {
			fmt.Println("flood", i, strings.Repeat("x", 100))
		}
	case floodAndLeave:
		fmt.Println("about to flood")
		time.Sleep(time.Second) // for a test to stop who reads it
		for i := 0; i < 6000; i++ {
			fmt.Println("flood", i, strings.Repeat("x", 100))
		}
		fmt.Println("last words")
		os.Exit(0)
	case meetTwo:
		wish = 0
		meet.Add(2)
		go together(1)
		go together(2)
	case callHelpers:
		wish = 0
		fmt.Println(describe("wished", slow(0)), callsTick(), ratio, len(text), len(texts), len(pages))
	}
}

func main() {
	for i := range large {
		large[i] = uint64(i) << 45 // marker: fill
	}
	for i := range texts {
		texts[i] = text
	}
	for i := 0; i < 64; i++ {
		pages = append(pages, large[i*64:i*64+64])
	}
	for i := 0; i < 4; i++ {
		go func(id int) {
			for {
				time.Sleep(time.Hour)
				fmt.Println(id)
			}
		}(i)
	}
	fmt.Println("started with", strings.Join(os.Args[1:], " "))
	fmt.Fprintln(os.Stderr, "said on stderr")
	for n := 0; ; n++ {
		sum := tick(n)
		if n%50 == 0 {
			fmt.Println("tick", n, sum, greeting)
		}
		act()
		time.Sleep(20 * time.Millisecond) // marker: sleep
	}
}
