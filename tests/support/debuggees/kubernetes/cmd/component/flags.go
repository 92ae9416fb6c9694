package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What a flag takes: as in real components, a flag nobody knows ends the program.
const (
	boolean = iota
	text
	file // must be there
)

var known = map[string]int{
	"allocate-node-cidrs": boolean, "authentication-kubeconfig": file, "authorization-kubeconfig": file,
	"bind-address": text, "client-ca-file": file, "cluster-cidr": text, "cluster-name": text,
	"cluster-signing-cert-file": file, "cluster-signing-key-file": file, "controllers": text,
	"kubeconfig": file, "leader-elect": boolean, "leader-elect-lease-duration": text,
	"leader-elect-renew-deadline": text, "leader-elect-retry-period": text, "profiling": boolean,
	"requestheader-client-ca-file": file, "root-ca-file": file, "secure-port": text,
	"service-account-private-key-file": file, "service-cluster-ip-range": text,
	"use-service-account-credentials": boolean, "v": text,
	// What tests ask of it.
	"lease": text, "report": text, "read": file, "plain-http": boolean, "ignore-sigterm": boolean,
	"term-delay": text, "exit-at-once": text, "fail-after": text, "unhealthy": boolean, "say": text,
}

type flags map[string][]string

func parse(words []string) (flags, error) {
	found := flags{}
	for i := 0; i < len(words); i++ {
		word := words[i]
		if !strings.HasPrefix(word, "--") {
			return nil, fmt.Errorf("unknown command %q", word)
		}
		name, value, given := strings.Cut(word[2:], "=")
		kind, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("unknown flag: --%s", name)
		}
		if !given {
			switch {
			case kind == boolean:
				value = "true"
			case i+1 < len(words):
				i++
				value = words[i]
			default:
				return nil, fmt.Errorf("flag needs an argument: --%s", name)
			}
		}
		if _, err := strconv.ParseBool(value); kind == boolean && err != nil {
			return nil, fmt.Errorf("invalid argument %q for --%s", value, name)
		}
		found[name] = append(found[name], value)
	}
	return found, nil
}

// A flag given twice: the last one counts.
func (f flags) get(name, otherwise string) string {
	if values := f[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return otherwise
}

func (f flags) is(name string, otherwise bool) bool {
	value, _ := strconv.ParseBool(f.get(name, strconv.FormatBool(otherwise)))
	return value
}

func (f flags) duration(name string, otherwise time.Duration) time.Duration {
	value, err := time.ParseDuration(f.get(name, otherwise.String()))
	if err != nil {
		fail(fmt.Errorf("invalid argument for --%s: %w", name, err))
	}
	return value
}
