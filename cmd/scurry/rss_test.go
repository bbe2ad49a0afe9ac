package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// TestLargeFileInLittleMemory streams 2 GiB in one file, 1 GiB in many, and then 1 GiB in parts of
// many, through a process that may keep 128 MiB, and looks at the most that it had.
func TestLargeFileInLittleMemory(t *testing.T) {
	needsPeakMemory(t, "it moves 4 GiB twice")
	const size, limit = 2 << 30, 300 << 20
	o := origintest.New(t)
	o.Handle("/iso", origintest.File{Size: size, ETag: `"1"`, Modified: origintest.Old}.ServeHTTP)

	url, pid := startLimited(t, "--memory=128MiB", "--origin", o.URL)
	defer http.DefaultClient.CloseIdleConnections()
	download(t, url+"iso", size)
	if o.Count() != 1 {
		t.Errorf("%d origin requests", o.Count())
	}
	o.Handle("/many", origintest.File{Size: 1 << 20, NoRanges: true,
		Header: http.Header{"Cache-Control": {"max-age=60"}}}.ServeHTTP)
	for i := range 1 << 10 {
		download(t, fmt.Sprint(url, "many?", i), 1<<20)
	}
	// Ranges of many cold files at once: each has a fill of its own, with a window.
	o.Handle("/ranges", origintest.File{Size: 64 << 20, ETag: `"1"`,
		Modified: origintest.Old}.ServeHTTP)
	var wg sync.WaitGroup
	for c := range 6 {
		wg.Go(func() {
			for i := range 40 {
				part(t, fmt.Sprint(url, "ranges?", c, "-", i), 20<<20, 24<<20)
			}
		})
	}
	wg.Wait()
	peak := peakMemory(t, pid)
	t.Logf("peak RSS %d MiB", peak>>20)
	if peak > limit {
		t.Errorf("peak RSS %d MiB, want less than %d", peak>>20, limit>>20)
	}
}

// startLimited starts a server whose memory is limited as it limits it itself, and returns its URL
// and process id.
func startLimited(t *testing.T, args ...string) (url string, pid int) {
	t.Helper()
	cmd := exec.Command("scurry", append([]string{"serve", "--listen=127.0.0.1:0",
		"--log-format=json"}, args...)...)
	cmd.Env = append(os.Environ(), "GOMEMLIMIT=") // as if the user hadn't set it
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := readEvents(t, stderr)
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	return log.await(t, "serving")["url"].(string), cmd.Process.Pid
}

func download(t *testing.T, url string, size int64) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	v := &origintest.Verifier{}
	if _, err := io.CopyBuffer(v, resp.Body, make([]byte, 1<<20)); err != nil || v.Off != size {
		t.Fatalf("%s: %s, %v at %d", url, resp.Status, err, v.Off)
	}
}

func part(t *testing.T, url string, start, end int64) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", start, end-1))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	v := &origintest.Verifier{Off: start}
	if _, err := io.Copy(v, resp.Body); err != nil || v.Off != end {
		t.Errorf("%s: %v at %d", url, err, v.Off)
	}
}

// needsPeakMemory skips a test that looks at a process's memory where that can't be. A short run
// skips it, too, because of what it says.
func needsPeakMemory(t *testing.T, long string) {
	t.Helper()
	switch {
	case raceEnabled:
		t.Skip("the race detector takes memory of its own")
	case runtime.GOOS != "linux":
		t.Skip("the peak of a process's memory is read from /proc")
	case testing.Short():
		t.Skip(long)
	}
}

func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(line, &kib); err != nil {
		t.Fatalf("no VmHWM: %v", err)
	}
	return kib << 10
}
