package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// unreliable is an origin that fails when it is told to, and counts what it is asked.
type unreliable struct {
	*origin.Server
	fails atomic.Pointer[func(*http.Request) (*http.Response, error)] // nil while it answers
	asked atomic.Int64
}

func (u *unreliable) RoundTrip(r *http.Request) (*http.Response, error) {
	u.asked.Add(1)
	if fail := u.fails.Load(); fail != nil {
		return (*fail)(r)
	}
	return u.Server.RoundTrip(r)
}

// failures are the ways in which an origin fails. With hangs, one hangs until its time is over.
func failures(hangs http.RoundTripper) map[string]func(*http.Request) (*http.Response, error) {
	all := map[string]func(*http.Request) (*http.Response, error){
		"refuses": func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED },
		"hangs":   hangs.RoundTrip,
	}
	for _, status := range []int{500, 502, 503, 504} {
		all[fmt.Sprint(status)] = func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1,
				Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		}
	}
	return all
}

// TestFailedValidationIsEveryonesVerdict: while an origin fails, it is asked once in two seconds
// for what may be served stale, by all clients of all nodes together: those who wait for its
// answer, those who come when it has just failed, and those who come later, whatever they hold.
func TestFailedValidationIsEveryonesVerdict(t *testing.T) {
	oneNode(t) // it makes its own cluster
	hanging := origin.HTTP(rawOrigin(t, nil))
	hanging.HeaderTimeout = 100 * time.Millisecond
	t.Cleanup(hanging.CloseIdleConnections)
	for name, fail := range failures(hanging) {
		for _, directives := range []string{"max-age=2", "max-age=2, stale-while-revalidate=60"} {
			t.Run(name+" "+directives, func(t *testing.T) {
				now, files := newClock(), origintest.New(t)
				files.Now = now.Now
				o := &unreliable{Server: origin.HTTP(files.Base)}
				t.Cleanup(o.CloseIdleConnections)
				c := newCluster(t, 3, proxy.Config{Now: now.Now, Origin: o})
				files.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Cache-Control", directives)
					w.Header().Set("Etag", `"1"`)
					io.WriteString(w, "acorn")
				})
				for _, n := range c.nodes {
					n.expect(200, []byte("acorn"), "/files/f")
				}
				o.fails.Store(&fail)
				for round := range 10 {
					now.Advance(3 * time.Second)
					o.asked.Store(0)
					c.stale("/files/f", "acorn")
					eventually(t, "it is validated", func() bool { return o.asked.Load() > 0 })
					c.stale("/files/f", "acorn")
					if n := o.asked.Load(); n != 1 {
						t.Fatalf("round %d: %d origin requests", round, n)
					}
				}
			})
		}
	}
}

// stale has many clients of all nodes ask for path at once, in several ways, each of which is to be
// answered with content although that is stale.
func (c *cluster) stale(path, content string) {
	c.t.Helper()
	var all sync.WaitGroup
	for i := range 30 {
		n := c.nodes[i%len(c.nodes)]
		check := func(resp *http.Response, err error, status int, want string) {
			if err != nil {
				c.t.Error(err)
				return
			}
			_, b := n.read(resp)
			if resp.StatusCode != status || string(b) != want ||
				!strings.Contains(resp.Header.Get("Cache-Status"), "hit; ttl=-") {
				c.t.Errorf("%s: %s %q, %q", path, resp.Status, b, resp.Header["Cache-Status"])
			}
		}
		all.Go(func() {
			for j := range 3 {
				switch (i/len(c.nodes) + j) % 3 {
				case 0:
					resp, err := n.try(http.MethodGet, path)
					check(resp, err, 200, content)
				case 1:
					resp, err := n.try(http.MethodHead, path)
					check(resp, err, 200, "")
				case 2:
					resp, err := n.try(http.MethodGet, path, "Range: bytes=1-2")
					check(resp, err, 206, content[1:3])
				}
			}
		})
	}
	all.Wait()
}
