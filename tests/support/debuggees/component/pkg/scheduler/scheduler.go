package scheduler

// Score has something to inline and something to optimize away.
func Score(nodes []string) int {
	total := 0
	for i, node := range nodes {
		weight := i * len(node)
		total += weight
	}
	return total
}
