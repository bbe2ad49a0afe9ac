package proxy_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// warm asks n to warm the cache with path, by a request with that context.
func (n *node) warm(ctx context.Context, path string, fields ...string) (*http.Response, error) {
	n.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://files.example"+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Add(name, value)
	}
	return n.Warmer().RoundTrip(req)
}

// warms is warm with a check of what comes of it.
func (n *node) warms(path string, status int, length int64, cacheStatus string) {
	n.t.Helper()
	resp, err := n.warm(n.t.Context(), path)
	if err != nil {
		n.t.Fatal(err)
	}
	got := resp.Header.Get("Cache-Status")
	if resp.StatusCode != status || resp.ContentLength != length || !strings.Contains(got,
		cacheStatus) {
		n.t.Errorf("%s: %s, %d bytes, %s; want %d, %d bytes, %s", path, resp.Status,
			resp.ContentLength, got, status, length, cacheStatus)
	}
}

// between is how many bytes the nodes have sent each other.
func (c *cluster) between() (bytes int64) {
	for _, n := range c.nodes {
		for _, p := range n.Proxy.Stats().Peers {
			bytes += p.BytesIn
		}
	}
	return bytes
}

// TestWarm: whichever node is asked, each byte is read from the origin once, by the node that owns
// it, and stays there. Then clients of all nodes have hits.
func TestWarm(t *testing.T) {
	for name, f := range map[string]origintest.File{
		"small":                {Size: 100, ETag: `"1"`},
		"several slabs":        {Size: 6*slab + 100, ETag: `"1"`},
		"can't be asked again": {Size: 20 << 10},
		"unknown length":       {Size: 20 << 10, Chunked: true},
		"no parts":             {Size: 2*slab + 100, ETag: `"1"`, NoRanges: true},
		"empty":                {ETag: `"1"`},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, 3, proxy.Config{Memory: 4 << 20})
			f.Header = maxAge("600")
			c.o.Handle("/f", f.ServeHTTP)
			n := c.other("f")
			before := c.between()
			n.warms("/files/f", 200, f.Size, "fwd=uri-miss")
			if sent := c.between() - before; sent > 4<<10 {
				t.Errorf("the nodes have sent each other %d bytes", sent)
			}
			for _, n := range c.nodes {
				if name != "unknown length" { // which only its owner knows
					n.warms("/files/f", 200, f.Size, "hit")
				}
			}
			count := c.o.Count()
			var read int64
			for _, n := range c.nodes {
				read += n.Proxy.Stats().OriginBytes
			}
			if read != f.Size && name != "no parts" {
				t.Errorf("%d bytes are read from the origin, in %d requests", read, count)
			}
			for _, n := range c.nodes {
				n.cacheStatus(n.expect(200, origintest.Content(0, 0, f.Size), "/files/f"), "hit")
			}
			if c.o.Count() != count {
				t.Errorf("%d origin requests after %d", c.o.Count(), count)
			}
		})
	}
}

// TestWarmWithClients: who asks while a resource is warmed shares the origin request, and isn't
// held up by that.
func TestWarmWithClients(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	more := make(chan int64)
	c.o.Handle("/drip", drip(7, 20<<10, maxAge("60"), more))
	warmed := make(chan struct{})
	go func() {
		defer close(warmed)
		c.other("drip").warms("/files/drip", 200, 20<<10, "")
	}()
	var clients []*http.Response
	for _, n := range c.nodes {
		resp := n.do(http.MethodGet, "/files/drip")
		t.Cleanup(func() { resp.Body.Close() })
		clients = append(clients, resp)
	}
	more <- 1 << 10
	for _, client := range clients {
		receive(t, client.Body, 0, 1<<10)
	}
	more <- 20 << 10
	close(more)
	for _, client := range clients {
		receive(t, client.Body, 1<<10, 20<<10)
	}
	<-warmed
	if c.o.Count() != 1 {
		t.Errorf("%d origin requests", c.o.Count())
	}
}

// TestWarmFails: errors are told, what can't be stored isn't read, and a limit holds.
func TestWarmFails(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{Limits: proxy.Limits{Requests: 1}})
	c.o.Handle("/private", origintest.File{Size: 20 << 10,
		Header: http.Header{"Cache-Control": {"no-store"}}}.ServeHTTP)
	c.o.Handle("/missing", http.NotFound)
	c.o.Handle("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "20000")
		w.Header().Set("Cache-Control", "max-age=60")
		w.Write(origintest.Content(0, 0, 10000))
		panic(http.ErrAbortHandler)
	})
	for _, n := range c.nodes {
		n.warms("/files/missing", 404, 0, "")
		n.warms("/files/cut", 502, 0, "")
		n.warms("/elsewhere", 404, 0, "")
		n.warms("/files/private", 200, 0, "detail=not-storable")
		count := c.o.Count()
		n.warms("/files/private", 200, 0, "detail=not-storable")
		if c.o.Count() != count {
			t.Error("the origin is asked for what is known not to be storable")
		}
	}
	if req, _ := http.NewRequest(http.MethodPost, "http://h/files/a", nil); req != nil {
		if _, err := c.nodes[0].Warmer().RoundTrip(req); err == nil {
			t.Error("a POST warms")
		}
	}
	more := make(chan int64)
	c.o.Handle("/drip", drip(7, 20<<10, maxAge("60"), more))
	ctx, leave := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		if resp, err := c.nodes[0].warm(ctx, "/files/drip"); err == nil {
			t.Errorf("who has left gets %s", resp.Status)
		}
	})
	more <- 1 << 10
	resp, err := c.nodes[0].warm(t.Context(), "/files/other")
	if err != nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("one more than may be in flight: %v, %v", resp, err)
	}
	leave()
	work.Wait()
	more <- 20 << 10
	close(more)
	for _, n := range c.nodes {
		n.expect(200, origintest.Content(7, 0, 20<<10), "/files/drip")
	}
	if got := len(slices.DeleteFunc(c.o.Requests(),
		func(r origintest.Request) bool { return r.URI != "/drip" })); got != 1 {
		t.Errorf("%d origin requests", got)
	}
}

// TestWarmWithoutOwner: what an owner that has gone can't read, the node that is asked reads.
func TestWarmWithoutOwner(t *testing.T) {
	c := newCluster(t, 2, proxy.Config{})
	var gone, here int
	for i := range 20 {
		path := fmt.Sprint("f", i)
		c.o.Handle("/"+path, origintest.File{Size: 20 << 10, ETag: `"1"`,
			Header: maxAge("600")}.ServeHTTP)
		if c.owner(path) == 1 {
			gone++
		} else {
			here++
		}
	}
	c.nodes[1].Proxy.Close()
	for i := range 20 {
		c.nodes[0].warms(fmt.Sprint("/files/f", i), 200, 20<<10, "stored")
	}
	if gone == 0 || here == 0 || c.o.Count() != 20 {
		t.Errorf("%d and %d files, %d origin requests", gone, here, c.o.Count())
	}
}
