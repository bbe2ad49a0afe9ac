package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
)

// allSlow is that TestMemoryWithSlowClients is to take all kinds of files on one node and on three.
var allSlow = os.Getenv("SCURRY_TEST_SLOW") == "all"

// TestMemoryWithSlowClients: many clients that stall, each on a cold file of its own, don't take
// more memory than is promised: 1.25 times the budget, 64 MiB, and 32 KiB for each connection.
// Meanwhile another client is served.
func TestMemoryWithSlowClients(t *testing.T) {
	needsPeakMemory(t, "it moves several GiB")
	age := http.Header{"Cache-Control": {"max-age=600"}}
	for name, f := range map[string]origintest.File{
		"gives ranges":      {Size: 20 << 20, ETag: `"1"`, Modified: origintest.Old, Header: age},
		"gives none, kept":  {Size: 10 << 20, ETag: `W/"1"`, NoRanges: true, Header: age},
		"gives none, large": {Size: 20 << 20, NoRanges: true, Header: age},
		"unknown length":    {Size: 20 << 20, Chunked: true, Header: age},
	} {
		for _, nodes := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, %d nodes", name, nodes), func(t *testing.T) {
				if usual := name == "gives ranges" && nodes == 1 || name == "unknown length" &&
					nodes == 3; !usual && !allSlow {
					t.Skip("all kinds take two minutes: SCURRY_TEST_SLOW=all runs them")
				}
				checkMemoryWithSlowClients(t, nodes, f, age)
			})
		}
	}
}

func checkMemoryWithSlowClients(t *testing.T, nodes int, f origintest.File, age http.Header) {
	const clients, budget = 400, 64 << 20
	o := origintest.New(t)
	o.Handle("/slow", f.ServeHTTP)
	o.Handle("/fast", origintest.File{Size: 100 << 20, ETag: `"1"`, Modified: origintest.Old,
		Header: age}.ServeHTTP)
	urls, pids := startLimitedCluster(t, nodes, "--memory=64MiB", "--slab=16MiB", "--origin", o.URL)
	client := &http.Client{Transport: &http.Transport{}}
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() { stall(t, client, fmt.Sprint(urls[i%len(urls)], "slow?", i)) })
	}
	wg.Wait()
	for _, url := range urls {
		download(t, url+"fast", 100<<20)
	}
	for i, pid := range pids {
		peak, promised := peakMemory(t, pid), int64(budget*5/4+64<<20+clients*32<<10)
		t.Logf("node %d: peak RSS %d MiB, promised %d", i, peak>>20, promised>>20)
		if peak > promised {
			t.Errorf("node %d: peak RSS %d MiB, promised %d", i, peak>>20, promised>>20)
		}
	}
}

// stall takes a little of a response and no more until the test ends.
func stall(t *testing.T, client *http.Client, url string) {
	resp, err := client.Get(url)
	if err != nil {
		t.Error(err)
		return
	}
	t.Cleanup(func() { resp.Body.Close() })
	if _, err := io.CopyN(&origintest.Verifier{}, resp.Body, 1<<10); err != nil ||
		resp.StatusCode != 200 {
		t.Errorf("%s: %s, %v", url, resp.Status, err)
	}
}

// startLimitedCluster is startLimited for several nodes.
func startLimitedCluster(t *testing.T, nodes int, args ...string) (urls []string, pids []int) {
	var peers []string
	for range nodes {
		l := origintest.Listen(t)
		peers = append(peers, l.Addr().String())
		l.Close()
	}
	for _, self := range peers {
		url, pid := startLimited(t, append([]string{"--peer-listen", self, "--peers",
			strings.Join(peers, ",")}, args...)...)
		urls, pids = append(urls, url), append(pids, pid)
	}
	return urls, pids
}
