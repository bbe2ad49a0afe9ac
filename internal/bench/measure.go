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
	defer func() {
		for _, r := range started {
			r.stop()
		}
	}()
	for _, each := range servers {
		r, err := each.start(ctx, size)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", each.name, err)
		}
		started = append(started, r)
	}
	samples := make([][]sample, len(started))
	for round := range s.rounds {
		for i := range started {
			i = (i + round) % len(started)
			one, err := started[i].measure(ctx, s)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", started[i].name, err)
			}
			samples[i] = append(samples[i], one)
		}
	}
	var list []result
	for i, r := range started {
		list = append(list, result{r.name, size, medians(samples[i])})
	}
	return list, nil
}

func medians(samples []sample) sample {
	return sample{
		rate: median(samples, func(s sample) float64 { return s.rate }),
		p99:  time.Duration(median(samples, func(s sample) float64 { return float64(s.p99) })),
		cpu:  time.Duration(median(samples, func(s sample) float64 { return float64(s.cpu) })),
	}
}

func median(samples []sample, of func(sample) float64) float64 {
	var values []float64
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
	errorsLine   = regexp.MustCompile(`Non-2xx or 3xx responses: .*|Socket errors: .*`)
)

// measure has wrk ask for the file from the second core.
func (r *running) measure(ctx context.Context, s settings) (sample, error) {
	return load(ctx, s, []*running{r}, r.url)
}

// load has wrk send requests from the second core, as its last arguments say. It counts the time
// that all of the servers take.
func load(ctx context.Context, s settings, servers []*running, last ...string) (one sample,
	err error) {
	before, err := cpuOfAll(servers)
	if err != nil {
		return one, err
	}
	out, err := exec.CommandContext(ctx, "taskset", append([]string{"-c", "1", "wrk", "-t1",
		"--latency", "--timeout", "30s", "-c" + strconv.Itoa(s.connections),
		"-d" + strconv.Itoa(max(1, int(s.time.Seconds())))}, last...)...).Output()
	if err != nil {
		return one, fmt.Errorf("wrk: %w", err)
	}
	after, err := cpuOfAll(servers)
	if err != nil {
		return one, err
	}
	if failed := errorsLine.Find(out); failed != nil {
		return one, fmt.Errorf("wrk: %s", failed)
	}
	requests, rate, p99 := requestsLine.FindSubmatch(out), rateLine.FindSubmatch(out),
		p99Line.FindSubmatch(out)
	if requests == nil || rate == nil || p99 == nil {
		return one, fmt.Errorf("wrk says %q", out)
	}
	n, _ := strconv.Atoi(string(requests[1])) // these are numbers
	one.rate, _ = strconv.ParseFloat(string(rate[1]), 64)
	one.p99, _ = time.ParseDuration(string(p99[1]))
	one.cpu = (after - before) / time.Duration(max(1, n))
	return one, nil
}

func cpuOfAll(servers []*running) (total time.Duration, err error) {
	for _, r := range servers {
		cpu, err := cpuOf(r.group)
		if err != nil {
			return 0, err
		}
		total += cpu
	}
	return total, nil
}

// cpuOf is the time on a core that the processes of a group have taken. Linux counts it in
// hundredths of a second.
func cpuOf(group int) (total time.Duration, err error) {
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
		if fields[2] != strconv.Itoa(group) {
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
