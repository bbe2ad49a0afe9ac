package proxy_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestLargestObject: what is as large as may be is stored; what is larger is asked for once per
// client, as a whole or in parts, with a length or without.
func TestLargestObject(t *testing.T) {
	const largest = 20_000
	for _, kind := range []struct {
		name string
		file origintest.File
	}{
		{"in parts", origintest.File{ETag: `"1"`}},
		{"whole", origintest.File{ETag: `"1"`, NoRanges: true}},
		{"untagged", origintest.File{}},
		{"no length", origintest.File{ETag: `"1"`, Chunked: true}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			n, o := fronting(t, proxy.Config{Limits: proxy.Limits{Object: largest}})
			for size, asked := range map[int64]int{largest: 1, largest + 1: 3, 3 * slab: 3} {
				o.Forget()
				f := kind.file
				f.Size, f.Header = size, maxAge("60")
				path := fmt.Sprint("/", size)
				o.Handle(path, f.ServeHTTP)
				for range 3 {
					resp := n.expect(200, origintest.Content(0, 0, size), "/files"+path)
					if asked == 3 && !kind.file.Chunked {
						n.cacheStatus(resp, "detail=too-large")
					}
					n.idle()
				}
				if o.Count() != asked {
					t.Errorf("%d bytes are asked for %d times, want %d", size, o.Count(), asked)
				}
			}
		})
	}
}

// TestLargeRanges: a part of what is too large comes as a part, and isn't kept.
func TestLargeRanges(t *testing.T) {
	n, o := fronting(t, proxy.Config{Limits: proxy.Limits{Object: 1000}})
	o.Handle("/f", origintest.File{Size: 3 * slab, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	for i := range 4 {
		n.expect(206, origintest.Content(0, 70000, 70100), "/files/f", "Range: bytes=70000-70099")
		if i == 0 {
			o.Forget() // it had to be found out how large it is
		}
	}
	if got := origintest.Ranges(o.Requests()); got != "70000-70099 70000-70099 70000-70099" {
		t.Errorf("the origin is asked for %q", got)
	}
	if resp, _ := n.read(n.do(http.MethodHead, "/files/f")); resp.ContentLength != 3*slab {
		t.Errorf("HEAD: %d bytes", resp.ContentLength)
	}
	if s := n.Stats(); s.Chunks > 0 {
		t.Errorf("%d chunks are kept", s.Chunks)
	}
}

// TestExplainLargest: it is said which setting keeps a response from being stored.
func TestExplainLargest(t *testing.T) {
	n, o := fronting(t, proxy.Config{Limits: proxy.Limits{Object: 1000}})
	o.Handle("/f", origintest.File{Size: 1001, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	r, _ := http.NewRequest(http.MethodGet, "/files/f", nil)
	var said string
	for _, line := range n.Explain(r, true).Lines {
		if line.Name == "not stored" {
			said = line.Text
		}
	}
	if said != "it is larger than the setting max-object" {
		t.Errorf("it says %q", said)
	}
}

// TestLargeForMany: on all nodes, each client that asks at once gets all of what is too large.
func TestLargeForMany(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{Limits: proxy.Limits{Object: 1000}})
	const size, clients = 2*slab + 5, 9
	c.o.Handle("/f", origintest.File{Size: size, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	var work sync.WaitGroup
	for i := range clients {
		work.Go(func() { c.nodes[i%3].expect(200, origintest.Content(0, 0, size), "/files/f") })
	}
	work.Wait()
	if n := c.o.Count(); n > clients {
		t.Errorf("the origin is asked %d times for %d clients", n, clients)
	}
}
