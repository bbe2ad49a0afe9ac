package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// written has f stored by all nodes, and then written to through the last one. What GETs find at
// the origin from then on is next.
func (c *cluster) written(f, next origintest.File) {
	c.t.Helper()
	c.o.Handle("/f", f.ServeHTTP)
	for range 2 { // until each node has what it keeps
		for _, n := range c.nodes {
			n.expect(200, origintest.Content(f.Seed, 0, f.Size), "/files/f")
		}
	}
	c.o.Handle("/f", next.ServeHTTP)
	n := c.nodes[len(c.nodes)-1]
	n.read(n.do("POST", "/files/f"))
	c.o.Forget()
}

// TestWrittenIsConfirmed: after a POST, the first GET on any node has the stored response confirmed
// by the origin, and its bytes aren't read again.
func TestWrittenIsConfirmed(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		for _, size := range []int64{600, 3*slab + 5} {
			c := newCluster(t, nodes, proxy.Config{Memory: 16 << 20})
			f := origintest.File{Size: size, Seed: 1, ETag: `"1"`, Header: maxAge("600")}
			for range 2 {
				c.written(f, f)
				for _, n := range c.nodes {
					n.expect(200, origintest.Content(1, 0, size), "/files/f")
				}
				asked := c.o.Requests()
				if len(asked) != 1 || asked[0].Header.Get("If-None-Match") != `"1"` {
					t.Errorf("%d bytes on %d nodes: the origin is asked %v", size, nodes, asked)
				}
				for _, n := range c.nodes {
					n.cacheStatus(n.expect(200, origintest.Content(1, 0, size), "/files/f"), "hit")
				}
			}
		}
	}
}

// TestWrittenIsReplaced: if the origin has another content after a POST, all nodes send that.
func TestWrittenIsReplaced(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		for _, size := range []int64{600, 3*slab + 5} {
			for first := range nodes {
				c := newCluster(t, nodes, proxy.Config{})
				f := origintest.File{Size: size, Seed: 1, ETag: `"1"`, Header: maxAge("600")}
				next := origintest.File{Size: size, Seed: 2, ETag: `"2"`, Header: maxAge("600")}
				c.written(f, next)
				for i := range nodes {
					n := c.nodes[(first+i)%nodes]
					n.expect(200, origintest.Content(2, 0, size), "/files/f")
				}
				if asked := c.o.Requests()[0]; asked.Header.Get("If-None-Match") != `"1"` {
					t.Errorf("the origin is asked %v", asked)
				}
			}
		}
	}
}

// TestWrittenIsNeverStale: what a POST may have changed isn't sent if the origin can't be asked,
// whatever else may be sent stale, and is sent again once it has been confirmed.
func TestWrittenIsNeverStale(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		c := newCluster(t, nodes, proxy.Config{MaxStale: time.Hour})
		f := origintest.File{Size: 600, Seed: 1, ETag: `"1"`, Header: http.Header{
			"Cache-Control": {"max-age=600, stale-while-revalidate=600, stale-if-error=600"}}}
		c.written(f, f)
		down := map[string]http.HandlerFunc{
			"breaks off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			"503":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
		}
		for how, handler := range down {
			c.o.Handle("/f", handler)
			for range 2 { // also just after it has failed
				for i, n := range c.nodes {
					for _, field := range []string{"X: y", "Cache-Control: max-stale",
						"Cache-Control: only-if-cached"} {
						resp, b := n.get("/files/f", field)
						if resp.StatusCode < 500 || len(b) == 600 {
							t.Errorf("%s: node %d of %d sends %s to %s", how, i, nodes, resp.Status,
								field)
						}
					}
				}
			}
		}
		c.o.Handle("/f", f.ServeHTTP)
		c.o.Forget()
		for _, n := range c.nodes {
			n.expect(200, origintest.Content(1, 0, 600), "/files/f")
		}
		if asked := fmt.Sprint(c.o.Requests()); c.o.Count() != 1 {
			t.Errorf("the origin is asked %s", asked)
		}
	}
}

// TestExplainWritten: it says why what is fresh is validated all the same, on each node, and that
// it isn't sent stale.
func TestExplainWritten(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		c := newCluster(t, nodes, proxy.Config{MaxStale: time.Hour})
		f := origintest.File{Size: 600, Seed: 1, ETag: `"1"`, Header: maxAge("600")}
		c.written(f, f)
		for _, n := range c.nodes {
			tells(t, n.explain(false, "GET", "/files/f"), "another request may have changed it",
				"RFC 9111 §4.4",
				"never sent stale", "with If-None-Match")
		}
		n := c.nodes[0]
		n.cacheStatus(n.expect(200, origintest.Content(1, 0, 600), "/files/f"), "fwd=stale")
		if text := n.explain(false, "GET", "/files/f").String(); strings.Contains(text,
			"another request may have") {
			t.Errorf("after that it says\n%s", text)
		}
	}
}
