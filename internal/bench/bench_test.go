package main

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/race"
)

func TestMain(m *testing.M) {
	serveAsChild()
	os.Exit(m.Run())
}

// TestSmokeOfMisses asks for a few files by each way.
func TestSmokeOfMisses(t *testing.T) {
	measures(t)
	if err := misses(t.Context(), settings{rounds: 1, sizes: []int64{16 << 20}}); err != nil {
		t.Error(err)
	}
}

// measures skips a test of what is measured, under the race detector and without the tools.
func measures(t *testing.T, tools ...string) {
	t.Helper()
	if race.Enabled {
		t.Skip("the servers, which are other processes, aren't built with the race detector")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool, "isn't installed")
		}
	}
}

// TestSmokeOfClusters measures each way for a second.
func TestSmokeOfClusters(t *testing.T) {
	measures(t, "wrk", "taskset")
	err := clusters(t.Context(), settings{rounds: 1, time: time.Second, connections: 8,
		sizes: []int64{64 << 10}})
	if err != nil {
		t.Error(err)
	}
}

// TestSmoke measures everything that is installed for a second.
func TestSmoke(t *testing.T) {
	measures(t, "wrk", "taskset")
	err := run(t.Context(), settings{rounds: 1, time: time.Second, connections: 8,
		sizes: []int64{1 << 10}})
	if err != nil {
		t.Error(err)
	}
}

// TestMedians of an odd and an even number of samples.
func TestMedians(t *testing.T) {
	list := []sample{{rate: 3, p99: 1}, {rate: 1, p99: 5}, {rate: 2, p99: 3}, {rate: 10, p99: 1}}
	if got := medians(list[:3]); got.rate != 2 || got.p99 != 3 {
		t.Error(got)
	}
	if got := medians(list); got.rate != 2.5 || got.p99 != 2 {
		t.Error(got)
	}
}

// TestTold: wrk counts whole responses; of large ones it has paid for more.
func TestTold(t *testing.T) {
	const text = `Running 3s test @ http://127.0.0.1:1/files/f
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   370.69ms  211.40ms   1.10s    70.93%%
    Req/Sec    43.10     16.32    80.00     65.52%%
  Latency Distribution
     50%%  344.18ms
     75%%  471.09ms
     90%%  651.25ms
     99%%    1.02s
  100 requests in 2.00s, %s read
Requests/sec:     50.00
Transfer/sec:    791.28MB
`
	for _, c := range []struct {
		size            int64
		read            string
		responses, rate float64
	}{
		{1 << 10, "127.00KB", 100, 50}, // heads and all
		{1 << 20, "110.00MB", 110, 55},
		{16 << 20, "1.75GB", 112, 56},
	} {
		one, responses, err := told(fmt.Appendf(nil, text, c.read), c.size)
		if err != nil || responses != c.responses || one.rate != c.rate ||
			one.p99 != 1020*time.Millisecond {
			t.Errorf("%d, %s: %v responses, %+v, %v", c.size, c.read, responses, one, err)
		}
	}
	for _, said := range []string{"", "Non-2xx or 3xx responses: 3\n" + fmt.Sprintf(text, "1.75GB")} {
		if _, _, err := told([]byte(said), 1); err == nil {
			t.Errorf("no error of %q", said)
		}
	}
}
