package main

import (
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
)

// warnOfMemory logs a warning if a full cache of that size needs more memory than the process can
// have. /proc and /sys are under root. It is no error: the cache may never fill, and there may be
// room to swap.
func warnOfMemory(budget config.Size, root fs.FS, log zerolog.Logger) {
	bound, by := memoryBound(root)
	needs := memoryLimit(int64(budget), nil)
	if bound == 0 || needs <= bound {
		return
	}
	log.Warn().Stringer("memory", budget).Int64("needs_bytes", needs).Int64("limit_bytes", bound).
		Msg(fmt.Sprintf("--memory %s is too much: once the cache is full, the process takes about "+
			"%s, but %s %s: it will be killed, or slowed down by swapping",
			budget, humanize.IBytes(uint64(needs)), by, humanize.IBytes(uint64(bound))))
}

// memoryLimit is the garbage collector's limit for a cache of budget bytes: a fifth more, for what
// is on its way, and 48 MiB. With the program itself and the collector's delay, a process takes at
// most 1.25 times the budget, 64 MiB, and 32 KiB for each connection. The limit is 0 if env has a
// GOMEMLIMIT, which then holds.
func memoryLimit(budget int64, env []string) int64 {
	const set, constant = "GOMEMLIMIT=", 48 << 20
	if slices.ContainsFunc(env, func(e string) bool { return e != set && strings.HasPrefix(e, set) }) {
		return 0
	}
	if budget > (math.MaxInt64-constant)/6*5 {
		return math.MaxInt64
	}
	return budget + budget/5 + constant
}

// closeTime is how long emptying a cache is waited for.
const closeTime = 2 * time.Second

// inTime closes a cache, and waits for that no longer than closeTime. The time to empty a cache
// depends on what it holds: it is about a second for a million chunks. The process is about to end,
// which frees the memory.
func inTime(closeCache func() error) error {
	closed := make(chan error, 1)
	go func() { closed <- closeCache() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(closeTime):
		return nil
	}
}
