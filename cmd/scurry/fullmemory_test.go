package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dustin/go-humanize"

	"github.com/scurrycache/scurry/internal/origintest"
)

// fullBudget is the budget of TestMemoryOfAFullCache, if it isn't to be the usual one.
var fullBudget = os.Getenv("SCURRY_TEST_MEMORY")

// TestMemoryOfAFullCache: a process whose cache is full, and goes on being filled, takes no more
// than 1.25 times the budget and 64 MiB, whatever the size of the files.
func TestMemoryOfAFullCache(t *testing.T) {
	needsPeakMemory(t, "it moves hundreds of MiB")
	const mib = 1 << 20
	for _, c := range []struct{ size, quick, full int64 }{
		{1 << 10, 16 * mib, 256 * mib}, {16 << 10, 0, 512 * mib}, {64 << 10, 128 * mib, 512 * mib},
		{1 * mib, 0, 512 * mib}, {64 * mib, 0, 512 * mib},
	} {
		budget := c.quick
		if allSlow {
			budget = c.full
		}
		if n, err := humanize.ParseBytes(fullBudget); err == nil {
			budget = int64(n)
		}
		t.Run("files of "+humanize.IBytes(uint64(c.size)), func(t *testing.T) {
			if budget == 0 {
				t.Skip("all sizes take minutes: SCURRY_TEST_SLOW=all runs them")
			}
			fillCache(t, budget, c.size)
		})
	}
}

// fillCache has clients ask a process with that budget for files of one size until it must have
// evicted some long ago, and looks at the most memory that it had.
func fillCache(t *testing.T, budget, size int64) {
	const clients, perFile = 8, 500 // bytes that are spent on a file besides its content, at least
	o := httptest.NewServer(origintest.File{Size: size, ETag: `"1"`, Modified: origintest.Old,
		Header: http.Header{"Cache-Control": {"max-age=6000"}}})
	defer o.Close()
	url, pid := startLimited(t, fmt.Sprint("--memory=", budget), fmt.Sprint("--slab=", budget/8),
		"--origin", o.URL)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	files := budget * 3 / 2 / (size + perFile)
	var begun atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := begun.Add(1); i <= files && !t.Failed(); i = begun.Add(1) {
				cached(t, client, fmt.Sprint(url, "f/", i), size)
			}
		})
	}
	wg.Wait()
	cached(t, client, fmt.Sprint(url, "f/", files), size) // of a few large ones it may have gone
	first := cached(t, client, fmt.Sprint(url, "f/", 1), size)
	later := cached(t, client, fmt.Sprint(url, "f/", files*2/3), size)
	last := cached(t, client, fmt.Sprint(url, "f/", files), size)
	if !last || first && later { // what came when the memory was full makes room first
		t.Errorf("of %d files the first one is cached: %v, a later one: %v, the last one: %v",
			files,
			first, later, last)
	}
	peak, promised := peakMemory(t, pid), budget*5/4+64<<20
	t.Logf("%d files: peak RSS %d MiB, promised %d", files, peak>>20, promised>>20)
	if peak > promised {
		t.Errorf("peak RSS %d MiB, promised %d", peak>>20, promised>>20)
	}
}

// cached downloads a file of that size, and reports whether it came from the cache.
func cached(t *testing.T, client *http.Client, url string, size int64) bool {
	resp, err := client.Get(url)
	if err != nil {
		t.Error(err)
		return false
	}
	defer resp.Body.Close()
	v := &origintest.Verifier{}
	if _, err := io.Copy(v, resp.Body); err != nil || v.Off != size {
		t.Errorf("%s: %v at %d", url, err, v.Off)
	}
	return strings.Contains(resp.Header.Get("Cache-Status"), "; hit")
}
