package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
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
