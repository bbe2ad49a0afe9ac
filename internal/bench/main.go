// Command bench compares scurry's hits with those of nginx and Varnish, and with the limit of the
// machine, which is a loop in C that answers each request with the same bytes:
//
//	go run ./internal/bench
//
// All of them cache the same files of one origin on loopback. Each is pinned to one core, and wrk,
// which asks them, to another. Rounds are interleaved, so that a noisy machine is noisy for all.
// scurry logs each request as JSON to a file. What isn't installed is left out, which is said.
//
// With -mode admission it compares what caches hold of traces of requests, and what a hit costs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

// settings are what the flags say.
type settings struct {
	rounds      int
	time        time.Duration // that one measurement takes
	connections int
	sizes       []int64 // of the files, in bytes
}

func main() {
	var s settings
	flag.IntVar(&s.rounds, "rounds", 4, "how often each is measured")
	flag.DurationVar(&s.time, "time", 3*time.Second, "how long a measurement takes")
	flag.IntVar(&s.connections, "connections", 32, "how many `connections` wrk has")
	mode := flag.String("mode", "hits", "`what` is measured: hits or admission")
	sizes := flag.String("sizes", "1024,16384,65536,1048576,10485760",
		"sizes of the files, in `bytes`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := s.parseSizes(*sizes)
	switch {
	case err != nil:
	case *mode == "hits":
		err = run(ctx, s)
	case *mode == "admission":
		err = compareAdmission(ctx, os.Stdout)
	default:
		err = fmt.Errorf("-mode: %q is neither hits nor admission", *mode)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (s *settings) parseSizes(list string) error {
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return fmt.Errorf("-sizes: %q isn't a number of bytes", text)
		}
		s.sizes = append(s.sizes, n)
	}
	return nil
}

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
		fmt.Fprintln(os.Stderr, "bench: left out:", m)
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
