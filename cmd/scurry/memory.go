package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/dustin/go-humanize"
	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
)

// memoryBound is the most memory that this process can have, and what bounds it: the machine, or a
// control group that it is in. It is 0 if that isn't known.
func memoryBound() (bytes uint64, by string) {
	machine, _ := memlimit.FromSystem() // 0 on an error
	group, err := memlimit.FromCgroup()
	if err == nil && (machine == 0 || group < machine) {
		return group, "its control group may have"
	}
	return machine, "this machine has"
}

// warnOfMemory logs a warning if a full cache of budget bytes needs more memory than bound, which
// is the most that the process can have; by says why. It is no error: the cache may never fill, and
// there may be room to swap.
func warnOfMemory(budget config.Size, bound uint64, by string, log zerolog.Logger) {
	needs := uint64(memoryLimit(int64(budget), nil))
	if bound == 0 || needs <= bound {
		return
	}
	log.Warn().Stringer("memory", budget).
		Uint64("needs_bytes", needs).Uint64("limit_bytes", bound).
		Msg(fmt.Sprintf("--memory %s is too much: once the cache is full, the process takes about "+
			"%s, but %s %s: it will be killed, or slowed down by swapping",
			budget, humanize.IBytes(needs), by, humanize.IBytes(bound)))
}

// memoryLimit is the garbage collector's limit for a cache of budget bytes: a quarter more, for
// bodies in transfer and for what waits to be collected, and 40 MiB. With the program itself and
// the collector's delay, a process takes at most 1.25 times the budget, 64 MiB, and 32 KiB for each
// connection. A collection marks as much as the cache holds, so the more room there is for garbage,
// the less often that is done. If env has a GOMEMLIMIT, the limit is 0, and GOMEMLIMIT holds.
func memoryLimit(budget int64, env []string) int64 {
	const set, constant = "GOMEMLIMIT=", 40 << 20
	isSet := func(entry string) bool { return entry != set && strings.HasPrefix(entry, set) }
	if slices.ContainsFunc(env, isSet) {
		return 0
	}
	if budget > (math.MaxInt64-constant)/5*4 {
		return math.MaxInt64
	}
	return budget + budget/4 + constant
}

// closeTime is how long a node waits for its cache to be emptied, and for what follows a folder.
const closeTime = 2 * time.Second

// inTime waits for the end of what ends no longer than closeTime: to empty a cache takes about a
// second for a million chunks. The process is about to end, which frees the memory.
func inTime(end func() error) error {
	closed := make(chan error, 1)
	go func() { closed <- end() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(closeTime):
		return nil
	}
}
