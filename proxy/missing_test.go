package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// TestMissingBytesOfAnOriginThatFails: while an origin fails, requests for bytes of a fresh file
// that aren't stored fail soon, and cost a few requests to it, however many clients wait. What is
// stored of the file goes on being served, and all of it once the origin answers again.
func TestMissingBytesOfAnOriginThatFails(t *testing.T) {
	oneNode(t) // it makes its own cluster
	hanging := origin.HTTP(rawOrigin(t, nil))
	hanging.HeaderTimeout = 100 * time.Millisecond
	t.Cleanup(hanging.CloseIdleConnections)
	const clients, held = 12, "Range: bytes=0-99"
	missing := []string{"Range: bytes=70000-70009", "Range: bytes=70000-", "Range: bytes=-10"}
	for name, fail := range failures(hanging) {
		for _, nodes := range []int{1, 3} {
			t.Run(fmt.Sprint(name, " ", nodes), func(t *testing.T) {
				t.Parallel()
				files := origintest.New(t)
				o := &unreliable{Server: origin.HTTP(files.Base)}
				t.Cleanup(o.CloseIdleConnections)
				c := newCluster(t, nodes, proxy.Config{Origin: o})
				f := origintest.File{Size: 5 * slab, ETag: `"1"`, Header: maxAge("600")}
				files.Handle("/f", f.ServeHTTP)
				content := origintest.Content(0, 0, 5*slab)
				first := c.nodes[0]
				first.expect(206, content[:slab], "/files/f", fmt.Sprint("Range: bytes=0-", slab-1))
				first.idle()
				for _, fields := range missing {
					o.asked.Store(0)
					o.fails.Store(&fail)
					var all sync.WaitGroup
					for i := range clients {
						n := c.nodes[i%nodes]
						all.Go(func() {
							resp, err := n.try(http.MethodGet, "/files/f", fields)
							if err != nil {
								t.Error(err)
								return
							}
							defer resp.Body.Close()
							if _, err := io.Copy(io.Discard, resp.Body); err != nil ||
								!slices.Contains([]int{502, 504}, resp.StatusCode) {
								t.Errorf("%s: %s, %v", fields, resp.Status, err)
							}
						})
					}
					all.Wait()
					// who comes when one request has failed may have the next one sent
					if got := o.asked.Load(); got > clients+4 {
						t.Errorf("%s: %d origin requests for %d clients", fields, got, clients)
					}
					o.asked.Store(0)
					if resp, _ := first.get("/files/f", fields); resp.StatusCode < 500 ||
						o.asked.Load() > 4 {
						t.Errorf("%s: %s after %d origin requests", fields, resp.Status,
							o.asked.Load())
					}
					for _, n := range c.nodes {
						n.expect(206, content[:100], "/files/f", held)
					}
				}
				// what has begun is waited for, and then cut
				resp, err := first.try(http.MethodGet, "/files/f")
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err == nil || resp.StatusCode != 200 || len(b) < 100 ||
					!bytes.HasPrefix(content, b) {
					t.Errorf("%s: %d bytes, %v", resp.Status, len(b), err)
				}
				for _, n := range c.nodes {
					n.expect(206, content[:100], "/files/f", held)
				}
				o.fails.Store(nil)
				for _, n := range c.nodes {
					n.expect(206, content[70000:70010], "/files/f", missing[0])
					n.expect(200, content, "/files/f")
				}
			})
		}
	}
}
