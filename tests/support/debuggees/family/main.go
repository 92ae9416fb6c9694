// A program of every kind that a launcher must be able to end: one that talks, has children (one of
// them in a session of its own), eats memory, or leaves.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

func start(detached bool, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	child := exec.Command(self, args...)
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: detached}
	if err := child.Start(); err != nil {
		panic(err)
	}
	return child
}

// Writes the pids where the test looks for them, all at once.
func tell(file string, pids ...int) {
	text := ""
	for _, pid := range pids {
		text += strconv.Itoa(pid) + "\n"
	}
	if err := os.WriteFile(file+".new", []byte(text), 0o644); err != nil {
		panic(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		panic(err)
	}
}

func hog() {
	var held [][]byte
	for {
		block := make([]byte, 8<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		held = append(held, block)
		fmt.Println("holding", len(held)*8, "MiB")
	}
}

//go:noinline
func work(i int) int {
	doubled := i * 2
	return doubled + 1
}

func main() {
	mode := "talk"
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	switch mode {
	case "family":
		near, far := start(false, "idle"), start(true, "idle")
		tell(os.Args[2], os.Getpid(), near.Process.Pid, far.Process.Pid)
	case "hog":
		hog()
	case "leave":
		code, _ := strconv.Atoi(os.Args[2])
		os.Exit(code)
	case "idle":
		for {
			time.Sleep(time.Hour)
		}
	}
	for i := 0; ; i++ {
		fmt.Println("work", i, work(i))
		time.Sleep(20 * time.Millisecond)
	}
}
