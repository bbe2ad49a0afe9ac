package main

import (
	"fmt"
	"io/fs"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/config"
)

// warnOfMemory says so if a full cache of that size needs more memory than the process can have, as
// root tells, in which /proc and /sys are. It is no error: the cache takes memory as it fills,
// which it may never do, and there may be room to swap.
func warnOfMemory(budget config.Size, root fs.FS, log zerolog.Logger) {
	bound, by := memoryBound(root)
	needs := memoryLimit(int64(budget), nil)
	if bound == 0 || needs <= bound {
		return
	}
	log.Warn().Stringer("memory", budget).Int64("needs_bytes", needs).Int64("limit_bytes", bound).
		Msg(fmt.Sprintf("--memory %s is too much: once the cache is full, the process takes about %s, "+
			"but %s %s: it will be killed, or slowed down by swapping", budget, humanize.IBytes(uint64(needs)), by, humanize.IBytes(uint64(bound))))
}

// memoryLimit is what the garbage collector is to keep the process below when the cache may take
// budget bytes: a fifth more, for what is on its way, and 48 MiB: with the program itself and the
// collector's delay, a process takes 1.25 times the budget and 64 MiB at the most, and 32 KiB for
// each connection. It is 0 if the user has set GOMEMLIMIT in env, which then holds.
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

// closeTime is how long emptying a cache is waited for.
const closeTime = 2 * time.Second

// inTime closes a cache, but doesn't wait for it longer than closeTime: how long it takes to empty
// one goes by what it holds, about a second for a million chunks, and the process, which is about
// to end, gives its memory back anyhow.
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
