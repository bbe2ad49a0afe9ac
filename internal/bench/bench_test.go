package main

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	serveAsChild()
	os.Exit(m.Run())
}

// TestSmokeOfMisses asks for a few files by each way.
func TestSmokeOfMisses(t *testing.T) {
	if err := misses(t.Context(), settings{rounds: 1, sizes: []int64{16 << 20}}); err != nil {
		t.Error(err)
	}
}

// needTools skips a test that needs what isn't installed.
func needTools(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"wrk", "taskset"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool, "isn't installed")
		}
	}
}

// TestSmokeOfClusters measures each way for a second.
func TestSmokeOfClusters(t *testing.T) {
	needTools(t)
	err := clusters(t.Context(), settings{rounds: 1, time: time.Second, connections: 8,
		sizes: []int64{64 << 10}})
	if err != nil {
		t.Error(err)
	}
}

// TestSmoke measures everything that is installed for a second.
func TestSmoke(t *testing.T) {
	needTools(t)
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
