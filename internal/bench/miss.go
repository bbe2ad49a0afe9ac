package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
)

// way is one way to the origin's files: through a server in front of it, or directly.
type way struct {
	*running
	client http.Client
	asked  int // for so many files
	times  []time.Duration
	cpu    time.Duration // of the server's processes, for each of times
}

// Each way gets so many bytes in a round, in so many files at most.
const (
	roundBytes = 256 << 20
	roundFiles = 1000
)

// files are what one comparison asks for.
type files struct {
	size int64
	rate int64 // bytes that the origin sends in a second; 0 if it sends as many as it can
}

// Large files are also asked for at the rate that a link of 4 Gbit/s has: without a limit, the
// processes compete for the cores.
const (
	pacedSize = 64 << 20
	pacedRate = 500_000_000
)

// misses compares how long files take that the servers don't hold yet with how long the origin
// itself takes for them. Each file is asked for once. The ways take turns, file by file, each over
// one connection. No process is pinned.
func misses(ctx context.Context, s settings) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ways, err := startWays(ctx, dir)
	defer func() {
		for _, w := range ways {
			w.stop()
		}
	}()
	if err != nil {
		return err
	}
	for _, size := range s.sizes {
		list := []files{{size: size}}
		if size >= pacedSize {
			list = append(list, files{size, pacedRate})
		}
		for _, f := range list {
			if err := compareMisses(ctx, s, ways, f); err != nil {
				return fmt.Errorf("%d bytes: %w", size, err)
			}
			showMisses(os.Stdout, ways, f)
		}
	}
	describe(ctx, os.Stdout)
	return nil
}

// compareMisses asks for new files in turn. The first one of each way isn't counted.
func compareMisses(ctx context.Context, s settings, ways []*way, f files) error {
	n := s.rounds * int(min(max(roundBytes/f.size, 1), roundFiles))
	for _, w := range ways {
		w.times = nil
		if _, err := w.get(ctx, f); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		before, err := cpuOf(w.running)
		if err != nil {
			return err
		}
		w.cpu = -before
	}
	for i := range n {
		for j := range ways {
			w := ways[(i+j)%len(ways)]
			took, err := w.get(ctx, f)
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			w.times = append(w.times, took)
		}
	}
	for _, w := range ways {
		after, err := cpuOf(w.running)
		if err != nil {
			return err
		}
		w.cpu = (w.cpu + after) / time.Duration(n)
	}
	return nil
}

// get asks for a file that hasn't been asked for, and returns how long it takes.
func (w *way) get(ctx context.Context, f files) (time.Duration, error) {
	w.asked++
	url := fmt.Sprintf("%s%d?rate=%d&n=%d", w.url, f.size, f.rate, w.asked)
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	resp, err := w.client.Do(q)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(unread{}, resp.Body)
	took := time.Since(start)
	if err == nil && n != f.size {
		err = fmt.Errorf("%d of %d bytes came", n, f.size)
	}
	return took, err
}

// unread takes what nobody looks at, many bytes at a time.
type unread struct{}

var unreadBytes [256 << 10]byte // no two goroutines read at once

func (unread) Write(b []byte) (int, error) { return len(b), nil }

func (unread) ReadFrom(r io.Reader) (total int64, err error) {
	for {
		n, err := r.Read(unreadBytes[:])
		total += int64(n)
		if err == io.EOF {
			return total, nil
		} else if err != nil {
			return total, err
		}
	}
}

// showMisses prints what has been measured with one size. The origin itself, which comes first,
// also works for the others, so that its processes' time says nothing.
func showMisses(out io.Writer, ways []*way, f files) {
	name := humanize.IBytes(uint64(f.size))
	if f.rate > 0 {
		name += " at " + humanize.Bytes(uint64(f.rate)) + "/s"
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintf(t, "%s, cold\tmedian\tp90\tmore than direct\tspeed of direct\tCPU a file\n",
		name)
	direct := quantile(ways[0].times, 0.5)
	for i, w := range ways {
		cpu := "-"
		if i > 0 {
			cpu = w.cpu.Round(time.Microsecond).String()
		}
		middle := quantile(w.times, 0.5)
		fmt.Fprintf(t, "%s\t%v\t%v\t%v\t%.2f\t%s\n", w.name, middle, quantile(w.times, 0.9),
			middle-direct, float64(direct)/float64(middle), cpu)
	}
	fmt.Fprintln(t)
}

// quantile is the least of times that the given part of them doesn't exceed.
func quantile(times []time.Duration, part float64) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[int(part*float64(len(sorted)-1))].Round(time.Microsecond)
}
