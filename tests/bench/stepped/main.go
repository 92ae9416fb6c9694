// What tests/bench/observers steps through: lines that take no time, something to look at, and goroutines that wait.
package main

import (
	"fmt"
	"sync"
)

type order struct {
	Number int
	Lines  []string
	Prices map[string]int
	Next   *order
}

//go:noinline
func walk(o order, rounds int) int {
	sum := 0
	for i := 0; i < rounds; i++ { // marker: walk
		sum += i
		o.Number += sum
		sum -= o.Number
		o.Number = i
		sum = i
	}
	return sum
}

func main() {
	var wait sync.WaitGroup
	wait.Add(1)
	for i := 0; i < 30; i++ {
		go wait.Wait()
	}
	o := order{Number: 1, Lines: []string{"tea", "cups", "spoons"}, Prices: map[string]int{"tea": 3, "cups": 12}}
	o.Next = &order{Number: 2}
	fmt.Println(walk(o, 1<<30))
}
