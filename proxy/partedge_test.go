package proxy_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestUnsatisfiableIsNotStored: a 416 is for the client whose range it is about.
func TestUnsatisfiableIsNotStored(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		switch r.Header.Get("Range") {
		case "": // as much as it likes to send at once
			if r.Header.Get("Cookie") == "" {
				w.Header().Set("Content-Range", "bytes 4-8/9000")
				w.WriteHeader(206)
				w.Write(origintest.Content(0, 4, 9))
				return
			}
			w.Write(origintest.Content(0, 0, 9000))
		default:
			w.Header().Set("Content-Range", "bytes */9000")
			w.WriteHeader(416)
		}
	})
	n.expect(206, origintest.Content(0, 4, 9), "/files/f", "Range: bytes=4-8")
	n.get("/files/f", "Range: bytes=99999-")
	n.expect(200, origintest.Content(0, 0, 9000), "/files/f", "Cookie: whole")
}

// TestPiecesAreNotHeldWhole: a node that doesn't own a content in fragments streams it like any
// other.
func TestPiecesAreNotHeldWhole(t *testing.T) {
	for _, pieces := range []bool{false, true} {
		c := newCluster(t, 2, proxy.Config{Memory: 256 << 20, FirstChunk: 32 << 10,
			MaxChunk: 1 << 20, Slab: 64 << 20})
		const size = 60 << 20
		f := origintest.File{Size: size, ETag: `"1"`, Header: maxAge("600")}
		c.o.Handle("/f", f.ServeHTTP)
		if pieces {
			partOrigin(c.o, f, 0, 5)
		}
		own := c.nodes[c.owner("f")]
		own.get("/files/f", "Range: bytes=0-4")
		resp := own.do("GET", "/files/f")
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		own.get("/files/f", "Range: bytes=50000000-50000004")
		heap := func() int64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		c.other("f").get("/files/f", "Range: bytes=0-4")
		before, start := heap(), time.Now()
		resp = c.other("f").do("GET", "/files/f")
		t.Logf("pieces %v: head after %v, %d MiB more", pieces, time.Since(start),
			(heap()-before)>>20)
		if grown := heap() - before; grown > 20<<20 {
			t.Errorf("pieces %v: %d MiB are held for one client", pieces, grown>>20)
		}
		resp.Body.Close()
	}
}

// TestRelaysThatAreReopened: relays that are opened again and again are safe to look at.
func TestRelaysThatAreReopened(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{Memory: 64 << 20})
	for i := range 150 {
		path := fmt.Sprint("f", i)
		const size = 6 * slab
		c.o.Handle("/"+path, origintest.File{Size: size, ETag: `"1"`,
			Header: maxAge("600")}.ServeHTTP)
		n := c.other(path)
		n.get("/files/"+path, "Range: bytes=0-4")
		var wg sync.WaitGroup
		for k := range 12 {
			wg.Go(func() {
				off := int64(slab + 2000*k + rand.IntN(500))
				n.expect(206, origintest.Content(0, off, off+1000), "/files/"+path,
					fmt.Sprintf("Range: bytes=%d-%d", off, off+999))
			})
		}
		wg.Wait()
	}
}

// TestHeadOfPart: a HEAD of which a part is stored is about the whole (RFC 9110 section 14.2).
func TestHeadOfPart(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		if r.Method == "HEAD" {
			w.Header().Set("Content-Length", "9000")
			return
		}
		w.Header().Set("Content-Range", "bytes 4-8/9000")
		w.WriteHeader(206)
		w.Write(origintest.Content(0, 4, 9))
	})
	n.expect(206, origintest.Content(0, 4, 9), "/files/f", "Range: bytes=4-8")
	resp := n.do("HEAD", "/files/f", "Range: bytes=5-6")
	if resp.StatusCode != 200 {
		t.Errorf("status %d, length %s", resp.StatusCode, resp.Header.Get("Content-Length"))
	}
}

// TestPartIsRenewed: a part that the origin confirms is kept.
func TestPartIsRenewed(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{Now: now.Now})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=10")
		w.Header().Set("Etag", `W/"1"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(304)
			return
		}
		w.Header().Set("Content-Range", "bytes 4-8/9000")
		w.WriteHeader(206)
		w.Write(origintest.Content(0, 4, 9))
	})
	n.expect(206, origintest.Content(0, 4, 9), "/files/f", "Range: bytes=4-8")
	now.Advance(11 * time.Second)
	n.expect(206, origintest.Content(0, 4, 9), "/files/f", "Range: bytes=4-8")
	o.Forget()
	n.cacheStatus(n.expect(206, origintest.Content(0, 4, 9), "/files/f", "Range: bytes=4-8"), "hit")
}

// TestRangesOfWhatHasNone: an origin that gives no ranges of a large content isn't asked more often
// than need be.
func TestRangesOfWhatHasNone(t *testing.T) {
	const size = 4 * memory
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", origintest.File{Size: size, ETag: `W/"1"`, NoRanges: true,
		Header: maxAge("600")}.ServeHTTP)
	resp := n.do("GET", "/files/f")
	io.CopyN(io.Discard, resp.Body, 1000)
	resp.Body.Close()
	for i := range 4 {
		o.Forget()
		before := n.Stats().OriginBytes
		resp := n.do("GET", "/files/f", "Range: bytes=3000000-3000009")
		io.CopyN(io.Discard, resp.Body, 1000)
		resp.Body.Close()
		eventually(t, "nothing is being read", func() bool { return n.Stats().LiveFills == 0 })
		if o.Count() > 2 {
			t.Errorf("%d: %d, %d requests, %d KiB: %q", i, resp.StatusCode, o.Count(),
				(n.Stats().OriginBytes-before)>>10, origintest.Ranges(o.Requests()))
		}
	}
}

// TestPartsPushOutNoVariants: parts of one key leave its variants where they are.
func TestPartsPushOutNoVariants(t *testing.T) {
	const size = 4 * memory
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		f := origintest.File{Size: size, ETag: `W/"1"`,
			Header: http.Header{"Cache-Control": {"max-age=600"}, "Vary": {"Accept-Language"}}}
		if r.Header.Get("Accept-Language") == "de" {
			f.Size, f.Seed = 100, 1
		}
		f.ServeHTTP(w, r)
	})
	n.expect(200, origintest.Content(1, 0, 100), "/files/f", "Accept-Language: de")
	resp := n.do("GET", "/files/f")
	io.CopyN(io.Discard, resp.Body, 1000)
	resp.Body.Close()
	for i := range 40 {
		n.expect(206, origintest.Content(0, int64(i), int64(i)+1), "/files/f",
			fmt.Sprintf("Range: bytes=%d-%d", i, i))
		n.expect(206, origintest.Content(0, 2*memory+int64(i), 2*memory+int64(i)+1), "/files/f",
			fmt.Sprintf("Range: bytes=%d-%d", 2*memory+i, 2*memory+i))
	}
	o.Forget()
	n.expect(200, origintest.Content(1, 0, 100), "/files/f", "Accept-Language: de")
	if o.Count() > 0 {
		t.Error("the other variant is gone")
	}
}

// TestPartsOfTheEndless: parts of equal length, of what is too long to be joined, aren't taken for
// each other.
func TestPartsOfTheEndless(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		var start, end int64
		if _, err := fmt.Sscanf(r.Header.Get("Range")+r.Header.Get("X-Range"), "bytes=%d-%d",
			&start, &end); err != nil {
			start, end = 0, 4
		}
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Etag", `"1"`)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/9223372036854775807", start, end))
		w.WriteHeader(206)
		w.Write(origintest.Content(0, start, end+1))
	})
	n.expect(206, origintest.Content(0, 0, 5), "/files/f", "Range: bytes=0-4")
	for range 20 { // which of the two is wrong is a matter of chance
		n.expect(206, origintest.Content(0, 100, 105), "/files/f", "Range: bytes=100-104")
		n.expect(206, origintest.Content(0, 0, 5), "/files/f", "Range: bytes=0-4")
	}
}

// TestPartOfWhatWasForgotten: chunks that are held from before a version was forgotten are found
// among its fragments.
func TestPartOfWhatWasForgotten(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	partOrigin(o, origintest.File{Size: 9000, ETag: `"1"`,
		Header: http.Header{"Cache-Control": {"max-age=600"}, "Cache-Groups": {`"G"`}}}, 0, 5)
	o.Handle("/g", func(w http.ResponseWriter,
		r *http.Request) {
		w.Header().Set("Cache-Group-Invalidation", `"G"`)
	})
	n.expect(206, origintest.Content(0, 0, 5), "/files/f", "Range: bytes=0-4")
	n.expect(200, origintest.Content(0, 0, 9000), "/files/f")
	// the record goes, as it does when it is evicted; the chunks stay
	n.read(n.do("POST", "/files/g"))
	n.expect(206, origintest.Content(0, 0, 5), "/files/f", "Range: bytes=0-4")
	n.expect(206, origintest.Content(0, 2000, 2010), "/files/f", "Range: bytes=2000-2009")
}
