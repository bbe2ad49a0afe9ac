package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
)

// show prints what has been measured with one size.
func show(w io.Writer, list []result) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintf(t, "%s\trequests/s\tscurry is\tp99\tCPU a request\n",
		humanize.IBytes(uint64(list[0].size)))
	for _, r := range list {
		fmt.Fprintf(t, "%s\t%.0f\t%.2f\t%v\t%v\n", r.server, r.rate, list[0].rate/r.rate, r.p99,
			r.cpu.Round(100*time.Nanosecond))
	}
	fmt.Fprintln(t)
}

// showWays prints what has been measured in a cluster, the first way against the others, and how
// often the origin was asked for each file that all nodes wanted at once.
func showWays(w io.Writer, list []result, each float64) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\trequests/s\tp99\tCPU a request\tthe first takes\n",
		humanize.IBytes(uint64(list[0].size)))
	for _, r := range list {
		fmt.Fprintf(t, "%s\t%.0f\t%v\t%v\t%.2f\n", r.server, r.rate, r.p99,
			r.cpu.Round(100*time.Nanosecond), float64(list[0].cpu)/float64(r.cpu))
	}
	t.Flush()
	fmt.Fprintf(w, "origin requests a file: %.2f\n\n", each)
}

// describe prints what it was measured on.
func describe(ctx context.Context, w io.Writer) {
	fmt.Fprintf(w, "%s, %s, %d cores of %s\n", time.Now().Format(time.DateOnly), runtime.Version(),
		runtime.NumCPU(), field("/proc/cpuinfo", "model name"))
	for _, version := range [][]string{{"uname", "-sr"}, {"nginx", "-v"}, {"varnishd", "-V"},
		{"wrk", "-v"}} {
		// it may not be there
		out, _ := exec.CommandContext(ctx, version[0], version[1:]...).CombinedOutput()
		if line, _, _ := strings.Cut(string(out), "\n"); line != "" {
			fmt.Fprintln(w, line)
		}
	}
}

// field is the value of the first line of a file that has that name.
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "an unknown kind"
}
