package main

import (
	"math"
	"strings"
)

// memoryLimit is what the garbage collector is to keep the process below when the cache may take budget bytes: a fifth
// more, for what is on its way, and 48 MiB, which makes 64 with the program itself, of which the collector doesn't know.
// It is 0 if the user has set GOMEMLIMIT in env, which then holds.
func memoryLimit(budget int64, env []string) int64 {
	for _, entry := range env {
		if value, found := strings.CutPrefix(entry, "GOMEMLIMIT="); found && value != "" {
			return 0
		}
	}
	const constant = 48 << 20
	if budget > (math.MaxInt64-constant)/6*5 {
		return math.MaxInt64
	}
	return budget + budget/5 + constant
}
