// Command bench compares scurry's hits with those of nginx and Varnish, and with the limit of the
// machine, which is a loop in C that answers each request with the same bytes:
//
//	go run ./internal/bench
//	go run ./internal/bench -mode miss
//	go run ./internal/bench -mode cluster
//	go run ./internal/bench -mode admission
//
// All of them cache the same files of one origin on loopback. Each is pinned to one core, and wrk,
// which asks them, to another. Rounds are interleaved, so that a noisy machine is noisy for all.
// scurry logs each request as JSON to a file. What isn't installed is left out, which is said.
//
// With -mode miss, files are compared that the caches don't hold yet. With -mode cluster, hits by
// way of another node are compared with hits on the node that is asked. The limit of both is a
// relay in C that copies bytes between two sockets. With -mode admission, it is compared what
// caches hold of traces of requests, and what a hit costs.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// mode is one kind of comparison.
type mode struct {
	run   func(context.Context, settings) error
	sizes string // that are measured by default; none if it has its own
}

var modes = map[string]mode{
	"hits":    {run, "1024,16384,65536,1048576,10485760"},
	"miss":    {misses, "1024,65536,1048576,1073741824"},
	"cluster": {clusters, "1024,16777216"},
	"admission": {func(context.Context, settings) error {
		return compareAdmission(os.Stdout)
	}, ""},
}

func main() {
	serveAsChild()
	var s settings
	kind := flag.String("mode", "hits", "what is compared: `hits`, miss, cluster or admission")
	flag.IntVar(&s.rounds, "rounds", 4, "how often each is measured")
	flag.DurationVar(&s.time, "time", 3*time.Second, "how long a measurement takes")
	flag.IntVar(&s.connections, "connections", 32, "how many `connections` wrk has")
	flag.IntVar(&s.threads, "threads", 1, "how many `threads` wrk has; one of many connections reads "+
		"each until nothing is left, and the others wait")
	sizes := flag.String("sizes", "", "sizes of the files, in `bytes` (by default the mode's)")
	flag.Parse()
	// Its servers have to be ended, also if nobody reads what it prints.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM,
		syscall.SIGPIPE)
	defer stop()
	m, ok := modes[*kind]
	err := s.parseSizes(cmp.Or(*sizes, m.sizes))
	switch {
	case !ok:
		err = fmt.Errorf("-mode: there is no %q", *kind)
	case err == nil:
		err = m.run(ctx, s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// leftOut says what isn't measured, and why.
func leftOut(why any) { fmt.Fprintln(os.Stderr, "bench: left out:", why) }

// run measures everything and prints the table.
func run(ctx context.Context, s settings) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	o, err := newOrigin()
	if err != nil {
		return err
	}
	defer o.Close()
	servers, missing, err := prepare(ctx, dir, o.base)
	if err != nil {
		return err
	}
	for _, m := range missing {
		leftOut(m)
	}
	for _, size := range s.sizes {
		list, err := compare(ctx, s, servers, size)
		if err != nil {
			return errors.Join(fmt.Errorf("%d bytes", size), err)
		}
		show(os.Stdout, list)
	}
	describe(ctx, os.Stdout)
	return nil
}
