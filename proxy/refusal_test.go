package proxy_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestSeekThatIsRefusedEndsNoOpenBody: the answer to a plain GET is read on until another request
// has been accepted, whichever node makes it.
func TestSeekThatIsRefusedEndsNoOpenBody(t *testing.T) {
	oneNode(t) // among several, the seek may wait for the open body, which has what it wants
	for _, kind := range []string{"403 to all but the first", "403 to ranges",
		"the whole to ranges"} {
		for _, at := range []int64{50000, 5*slab + 100} {
			t.Run(fmt.Sprint(kind, " ", at), func(t *testing.T) {
				n, o := fronting(t, proxy.Config{Memory: 8 << 20})
				var used atomic.Bool
				release := make(chan struct{})
				o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
					if used.Swap(true) {
						switch {
						case kind == "403 to all but the first", kind == "403 to ranges" &&
							r.Header.Get("Range") != "":
							w.WriteHeader(403)
						default:
							whole(w, r)
						}
						return
					}
					w.Header().Set("Cache-Control", "max-age=60")
					w.Header().Set("Etag", `"v1"`)
					w.Header().Set("Accept-Ranges", "bytes")
					w.Header().Set("Content-Length", strconv.Itoa(int(large.Size)))
					w.Write(origintest.Content(0, 0, 5000))
					w.(http.Flusher).Flush()
					select {
					case <-release:
					case <-r.Context().Done():
						return
					}
					_, _ = w.Write(origintest.Content(0, 5000, large.Size))
				})
				resp := n.do(http.MethodGet, "/files/f")
				defer resp.Body.Close()
				v := &origintest.Verifier{}
				io.CopyN(v, resp.Body, 3000)
				if other, err := n.try(http.MethodGet, "/files/f", fmt.Sprintf("Range: bytes=%d-%d",
					at, at+9)); err == nil {
					_, _ = io.Copy(io.Discard, other.Body) // it may fail
					other.Body.Close()
				}
				close(release)
				_, err := io.Copy(v, resp.Body)
				if err != nil || v.Off != large.Size {
					t.Errorf("plain GET: %d of %d bytes, %v", v.Off, large.Size, err)
				}
			})
		}
	}
}

// TestCodingOfTheStoredResponse: its parts are asked for as it was, whichever client wants them,
// since an origin may compress for those who accept that and not say so in Vary.
func TestCodingOfTheStoredResponse(t *testing.T) {
	n, o := fronting(t, proxy.Config{Memory: 8 << 20})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			large.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Etag", `W/"v1"`)
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write(origintest.Content(0, 0, large.Size))
		_ = z.Close()
	})
	n.expect(206, origintest.Content(0, 0, 10), "/files/f", "Range: bytes=0-9")
	n.expect(206, origintest.Content(0, 5*slab, 5*slab+10), "/files/f", "Accept-Encoding: gzip",
		fmt.Sprintf("Range: bytes=%d-%d", 5*slab, 5*slab+9))
	resp := n.do("GET", "/files/f", "Accept-Encoding: gzip", fmt.Sprintf("Range: bytes=0-9,%d-%d",
		7*slab, 7*slab+9))
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 206 {
		t.Errorf("%s, %v", resp.Status, err)
	}
}

// TestRefusalsAreForgotten: nodes don't tell each other for ever that ranges are refused.
func TestRefusalsAreForgotten(t *testing.T) {
	now := newClock()
	c := newCluster(t, 3, proxy.Config{Memory: 16 << 20, Now: now.Now})
	f := large
	f.Header = maxAge("100000")
	seek := func(i int, path string, h http.HandlerFunc) {
		c.o.Handle(path, h)
		for _, at := range []int64{5 * slab, 8 * slab} {
			c.nodes[i%3].expect(206, origintest.Content(0, at, at+10), "/files"+path,
				fmt.Sprintf("Range: bytes=%d-%d", at, at+9))
		}
	}
	for i := range 16 {
		seek(i, fmt.Sprint("/bad", i), refusing()["403"])
	}
	for round := range 15 {
		now.Advance(10 * time.Second)
		c.o.Forget()
		for i := range 6 {
			seek(i, fmt.Sprint("/good", round, "-", i), f.ServeHTTP)
		}
	}
	if ranges := len(strings.Fields(origintest.Ranges(c.o.Requests()))); ranges < 6 {
		t.Errorf("%d ranges were asked for in 12 seeks in files that give them", ranges)
	}
}
