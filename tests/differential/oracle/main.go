// Oracle answers what Go, and Delve's own types, make of bytes that the gateway has judged: the
// readers a dlv would use on them are linked in here, not described.
//
//	oracle list            the operations this Delve has, as one JSON object
//	oracle generate SEED N one realistic request per line, N of each operation, every field in use
//	oracle judge           cases on stdin (see case.go), one JSON answer a line
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	lines := json.NewEncoder(out)
	switch {
	case len(args) == 1 && args[0] == "list":
		list, err := operations()
		if err != nil {
			return err
		}
		return lines.Encode(list)
	case len(args) == 3 && args[0] == "generate":
		seed, err := strconv.ParseInt(args[1], 10, 64)
		if err != nil {
			return err
		}
		count, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return generate(out, seed, count)
	case len(args) == 1 && args[0] == "judge":
		in := bufio.NewReader(os.Stdin)
		for {
			c, err := readCase(in)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			answer, err := c.answer()
			if err != nil {
				return err
			}
			if err := lines.Encode(answer); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("unknown command %q", args)
}
