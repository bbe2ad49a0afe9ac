package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/proxy"
)

// TestValidatedInTheBackgroundOnce: with stale-while-revalidate (RFC 5861 section 3) all clients on
// all nodes are answered at once, and the origin is asked once.
func TestValidatedInTheBackgroundOnce(t *testing.T) {
	now := newClock()
	c := newCluster(t, 3, proxy.Config{Now: now.Now})
	validate := make(chan string) // what the origin answers a validation with
	c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		content := "old"
		w.Header().Set("Cache-Control", "max-age=10, stale-while-revalidate=60")
		if r.Header.Get("If-None-Match") != "" {
			if content = <-validate; content == "" {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		w.Header().Set("Etag", `"`+content+`"`)
		io.WriteString(w, content)
	})
	clients := func(want, status string) {
		t.Helper()
		var all sync.WaitGroup
		for i := range 30 {
			all.Go(func() {
				c.nodes[i%3].cacheStatus(c.nodes[i%3].expect(200, []byte(want),
					"/files/f"), status)
			})
		}
		all.Wait()
	}
	for i := range 3 {
		c.nodes[i].expect(200, []byte("old"), "/files/f")
	}
	fresh := func(want string) {
		t.Helper()
		for i := range 3 {
			eventually(t, "the validated response is everywhere", func() bool {
				resp, b := c.nodes[i].get("/files/f")
				return string(b) == want && strings.Contains(resp.Header.Get("Cache-Status"),
					"hit; ttl=10")
			})
		}
	}
	want := "old"
	for _, content := range []string{"", "new", ""} {
		c.o.Forget()
		now.Advance(11 * time.Second)
		clients(want, "hit; ttl=-1")
		if validate <- content; content != "" {
			want = content
		}
		fresh(want)
		if n := c.o.Count(); n != 1 {
			t.Errorf("%d origin requests", n)
		}
	}
	now.Advance(71 * time.Second) // the window is over
	go func() { validate <- "" }()
	c.nodes[1].cacheStatus(c.nodes[1].expect(200, []byte("new"), "/files/f"),
		"fwd=stale; fwd-status=304")
}

// TestValidatedInTheBackgroundEachTime: each time that a response is found stale it is validated,
// once, however soon that is after the last validation.
func TestValidatedInTheBackgroundEachTime(t *testing.T) {
	now := newClock()
	c := newCluster(t, 3, proxy.Config{Now: now.Now})
	c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=10, stale-while-revalidate=60")
		w.Header().Set("Etag", `"1"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, "acorn")
	})
	owner := c.nodes[c.owner("f")]
	owner.expect(200, []byte("acorn"), "/files/f")
	for round := range 1000 {
		now.Advance(20 * time.Second)
		c.o.Forget()
		n := c.nodes[round%len(c.nodes)]
		n.cacheStatus(n.expect(200, []byte("acorn"), "/files/f"), "detail=stale-while-revalidate")
		eventually(t, "it is fresh", func() bool {
			// which starts no validation
			resp, err := owner.try(http.MethodHead, "/files/f",
				"Cache-Control: only-if-cached, max-age=10")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			return resp.StatusCode == 200
		})
		if got := c.o.Count(); got != 1 {
			t.Fatalf("round %d: %d origin requests", round, got)
		}
	}
}

// TestFailedRefreshIsNotRepeatedAtOnce: while the origin is away, it isn't asked at each request.
func TestFailedRefreshIsNotRepeatedAtOnce(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{Now: now.Now})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Cache-Control", "max-age=10, stale-while-revalidate=60")
		w.Header().Set("Etag", `"1"`)
		io.WriteString(w, "nuts")
	})
	n.expect(200, []byte("nuts"), "/files/f")
	now.Advance(11 * time.Second)
	o.Forget()
	n.cacheStatus(n.expect(200, []byte("nuts"), "/files/f"), "hit; ttl=-1")
	eventually(t, "it is validated", func() bool { return o.Count() == 1 })
	for range 20 {
		n.cacheStatus(n.expect(200, []byte("nuts"), "/files/f"), "hit; ttl=-1")
	}
	if o.Count() != 1 {
		t.Errorf("%d origin requests", o.Count())
	}
	eventually(t, "the failure is noted", func() bool {
		return strings.Contains(n.explain(false, "GET", "/files/f").String(),
			"has just failed; waits until")
	})
	now.Advance(3 * time.Second)
	n.expect(200, []byte("nuts"), "/files/f")
	eventually(t, "it is validated again", func() bool { return o.Count() == 2 })
}

// TestValidationInTheBackgroundHasNoWishes: what a client wishes to be answered doesn't go with a
// validation that it doesn't wait for, through whichever node: a cache before the origin would
// answer it stale.
func TestValidationInTheBackgroundHasNoWishes(t *testing.T) {
	now := newClock()
	c := newCluster(t, 3, proxy.Config{Now: now.Now})
	c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=10, stale-while-revalidate=60")
		w.Header().Set("Etag", `"1"`)
		io.WriteString(w, "acorn")
	})
	c.nodes[c.owner("f")].expect(200, []byte("acorn"), "/files/f")
	for _, n := range c.nodes {
		now.Advance(20 * time.Second)
		c.o.Forget()
		n.cacheStatus(n.expect(200, []byte("acorn"), "/files/f",
			"Cache-Control: max-age=600, no-transform"), "detail=stale-while-revalidate")
		eventually(t, "it is validated", func() bool { return c.o.Count() == 1 })
		if got := c.o.Requests()[0].Header["Cache-Control"]; got != nil {
			t.Errorf("%q went along", got)
		}
		eventually(t, "it is fresh", func() bool {
			resp, _ := c.nodes[c.owner("f")].get("/files/f")
			return strings.Contains(resp.Header.Get("Cache-Status"), "hit; ttl=10")
		})
	}
}

// TestChangedInTheBackground: a content that a validation in the background brings is read to its
// end and held, by one request, though nobody waits for it, be it small or several slabs. If the
// origin is down by the next request, all nodes have it.
func TestChangedInTheBackground(t *testing.T) {
	for _, size := range []int{1 << 10, 5 << 20} {
		for _, nodes := range []int{1, 3} {
			t.Run(fmt.Sprintf("%d bytes on %d nodes", size, nodes), func(t *testing.T) {
				t.Parallel()
				now := newClock()
				c := newCluster(t, nodes, proxy.Config{Now: now.Now, FirstChunk: 32 << 10,
					MaxChunk: 256 << 10, Slab: 1 << 20, Memory: 64 << 20})
				content := map[string][]byte{"old": bytes.Repeat([]byte("old "), size/4),
					"new": bytes.Repeat([]byte("new "), size/4)}
				var version atomic.Value
				version.Store("old")
				c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
					now := version.Load().(string)
					if now == "down" {
						w.WriteHeader(http.StatusServiceUnavailable)
						return
					}
					w.Header().Set("Cache-Control",
						"max-age=10, stale-while-revalidate=60, stale-if-error=60")
					w.Header().Set("Etag", `"`+now+`"`)
					http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content[now]))
				})
				for _, n := range c.nodes {
					n.expect(200, content["old"], "/files/f")
				}
				now.Advance(11 * time.Second)
				version.Store("new")
				c.o.Forget()
				n := c.nodes[nodes-1] // which need not be the owner
				n.cacheStatus(n.expect(200, content["old"], "/files/f"), "hit; ttl=-1")
				eventually(t, "the new content has come", func() bool {
					came, coming := int64(0), int64(0)
					for _, n := range c.nodes {
						came += n.Stats().OriginBytes
						coming += n.Stats().OriginInFlight
					}
					return came >= int64(2*size) && coming == 0
				})
				version.Store("down")
				for _, n := range c.nodes { // which may serve its stale copy once more
					eventually(t, "the new content is there", func() bool {
						resp, b := n.get("/files/f")
						if resp.StatusCode != 200 {
							t.Error(resp.Status)
						}
						return bytes.Equal(b, content["new"])
					})
				}
				came := int64(0)
				for _, n := range c.nodes {
					came += n.Stats().OriginBytes
				}
				if came != int64(2*size) {
					t.Errorf("%d bytes have come of two contents of %d bytes", came, size)
				}
			})
		}
	}
}
