package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sample is one measurement of a server.
type sample struct {
	rate float64       // requests a second
	p99  time.Duration // of the time that a response takes
	cpu  time.Duration // that the server's processes take for a request
}

// result is what has been measured of one server with one size: medians.
type result struct {
	server string
	size   int64
	sample
}

// compare measures the servers in turn, round by round.
func compare(ctx context.Context, s settings, servers []server, size int64) ([]result, error) {
	var started []*running
	var names []string
	defer func() { stopAll(started) }()
	for _, each := range servers {
		r, err := each.start(ctx, size)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", each.name, err)
		}
		started, names = append(started, r), append(names, r.name)
	}
	return inTurn(s, size, names, func(i int) (sample, error) {
		return load(ctx, s, started[i:i+1], size, started[i].url)
	})
}

// inTurn measures what has these names in turn, round by round.
func inTurn(s settings, size int64, names []string, measure func(i int) (sample, error)) (
	list []result, err error,
) {
	samples := make([][]sample, len(names))
	for round := range s.rounds {
		for i := range names {
			i = (i + round) % len(names)
			one, err := measure(i)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", names[i], err)
			}
			samples[i] = append(samples[i], one)
		}
	}
	for i, name := range names {
		list = append(list, result{name, size, medians(samples[i])})
	}
	return list, nil
}

func medians(samples []sample) sample {
	return sample{
		rate: median(samples, func(s sample) float64 { return s.rate }),
		p99:  median(samples, func(s sample) time.Duration { return s.p99 }),
		cpu:  median(samples, func(s sample) time.Duration { return s.cpu }),
	}
}

func median[S any, V float64 | time.Duration](samples []S, of func(S) V) V {
	var values []V
	for _, s := range samples {
		values = append(values, of(s))
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

var (
	requestsLine = regexp.MustCompile(`(\d+) requests in`)
	rateLine     = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	p99Line      = regexp.MustCompile(`99%\s+([\d.]+(?:us|ms|s))`)
	readLine     = regexp.MustCompile(`, ([\d.]+)(B|KB|MB|GB|TB) read`)
	errorsLine   = regexp.MustCompile(`Non-2xx or 3xx responses: .*|Socket errors: .*`)
)

// countedByBytes is from which size on responses are counted by their bytes. wrk counts those that
// are whole, but of large ones many are under way when its time is over, and have been paid for.
// Their heads are too small to matter.
const countedByBytes = 1 << 20

var units = map[string]float64{"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}

// load has wrk send requests for files of a size from the second core, as its last arguments say.
// It counts the time that all of the servers take.
func load(ctx context.Context, s settings, servers []*running, size int64, last ...string) (
	one sample, err error) {
	before, err := cpuOf(servers...)
	if err != nil {
		return one, err
	}
	out, err := exec.CommandContext(ctx, "taskset", append([]string{"-c", "1", "wrk",
		"--latency", "--timeout", "30s", "-c" + strconv.Itoa(s.connections),
		"-t" + strconv.Itoa(max(1, s.threads)),
		"-d" + strconv.Itoa(max(1, int(s.time.Seconds())))}, last...)...).Output()
	if err != nil {
		return one, fmt.Errorf("wrk: %w", err)
	}
	after, err := cpuOf(servers...)
	if err != nil {
		return one, err
	}
	one, responses, err := told(out, size)
	one.cpu = time.Duration(float64(after-before) / max(1, responses))
	return one, err
}

// told returns what wrk says of responses of a size, and how many there were.
func told(out []byte, size int64) (one sample, responses float64, err error) {
	if failed := errorsLine.Find(out); failed != nil {
		return one, 0, fmt.Errorf("wrk: %s", failed)
	}
	requests, rate, p99, read := requestsLine.FindSubmatch(out), rateLine.FindSubmatch(out),
		p99Line.FindSubmatch(out), readLine.FindSubmatch(out)
	if requests == nil || rate == nil || p99 == nil || read == nil {
		return one, 0, fmt.Errorf("wrk says %q", out)
	}
	whole, _ := strconv.ParseFloat(string(requests[1]), 64) // these are numbers
	one.rate, _ = strconv.ParseFloat(string(rate[1]), 64)
	one.p99, _ = time.ParseDuration(string(p99[1]))
	if size < countedByBytes {
		return one, whole, nil
	}
	amount, _ := strconv.ParseFloat(string(read[1]), 64)
	responses = amount * units[string(read[2])] / float64(size)
	one.rate = one.rate * responses / max(1, whole)
	return one, responses, nil
}

// cpuOf is the time on a core that the servers' processes have taken. Linux counts it in hundredths
// of a second.
func cpuOf(servers ...*running) (total time.Duration, err error) {
	groups := map[string]bool{}
	for _, r := range servers {
		groups[strconv.Itoa(r.group)] = true
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := bytes.Cut(text, []byte(") ")) // after the command's name
		fields := strings.Fields(string(rest))
		if !groups[fields[2]] {
			continue
		}
		for _, ticks := range fields[11:13] {
			n, err := strconv.ParseInt(ticks, 10, 64)
			if err != nil {
				return 0, err
			}
			total += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return total, nil
}
