package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// partOrigin answers requests for /f: one without Range with the part [start, end), which nobody
// asked for, others as told.
func partOrigin(o *origintest.Origin, f origintest.File, start, end int64) {
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") == "" {
			r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", start, end-1))
		}
		f.ServeHTTP(w, r)
	})
}

// TestPartIsKept: what an origin sends a part of is answered from that part, and the origin is
// asked for what is missing, and for no more (RFC 9111 sections 3.3 and 3.4).
func TestPartIsKept(t *testing.T) {
	for _, size := range []int64{10, first, first + 1, 3 * first, most + 3, slab + 5, 2*slab +
		most} {
		for _, at := range [][2]int64{{0, 5}, {4, 9}, {size - 3, size}, {size / 3, size/3 +
			size/2}} {
			start, end := at[0], at[1]
			t.Run(fmt.Sprintf("%d-%d of %d", start, end, size), func(t *testing.T) {
				n, o := fronting(t, proxy.Config{})
				partOrigin(o, origintest.File{Size: size, ETag: `"1"`, Header: maxAge("600")},
					start, end)
				span := func(from, to int64) string {
					return fmt.Sprintf("Range: bytes=%d-%d", from,
						to-1)
				}
				want := func(from, to int64) []byte { return origintest.Content(0, from, to) }

				n.expect(206, want(start, end), "/files/f", span(start, end))
				resp := n.expect(206, want(start+1, end-1), "/files/f", span(start+1, end-1))
				// in a cluster another slab has another owner, who doesn't have the part
				here := amongPeers <= 1 || end <= slab
				if here {
					n.cacheStatus(resp, "hit")
				}
				if got := resp.Header.Get("Content-Range"); got != fmt.Sprintf("bytes %d-%d/%d",
					start+1, end-2, size) {
					t.Errorf("Content-Range %q", got)
				}
				if here && (o.Count() != 1 || o.Requests()[0].Header.Get("Range") != "") {
					t.Errorf("asked %d times: %q", o.Count(), origintest.Ranges(o.Requests()))
				}
				resp = n.expect(200, want(0, size), "/files/f")
				if amongPeers <= 1 && end-start < size {
					n.cacheStatus(resp, "fwd=partial")
				}
				asked, hits := o.Count(), n.Proxy.Stats().Hits
				resp = n.expect(200, want(0, size), "/files/f")
				if amongPeers <= 1 { // else it depends on what the others say in time
					n.cacheStatus(resp, "hit")
				}
				eventually(t, "that was a hit", func() bool {
					return n.Proxy.Stats().Hits == hits+
						1
				})
				if o.Count() != asked {
					t.Errorf("the origin was asked for what is held: %q",
						origintest.Ranges(o.Requests()))
				}
				n.expect(206, want(0, size-1), "/files/f", span(0, size-1))
				for _, r := range o.Requests()[1:] {
					if r.Header.Get("If-Range") != `"1"` {
						t.Errorf("asked for a part without If-Range: %v", r.Header)
					}
				}
				if size <= slab { // no byte is fetched twice
					n.reads(size)
				}
			})
		}
	}
}

// TestPartIsStreamed: a part that the origin has begun to send is answered from at once.
func TestPartIsStreamed(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	more := make(chan int64)
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", "bytes 0-4999/9000")
		w.Header().Set("Content-Length", "5000")
		w.Header().Set("Etag", `"1"`)
		w.WriteHeader(206)
		w.(http.Flusher).Flush()
		for sent := int64(0); sent < 5000; sent += 1000 {
			select {
			case end := <-more:
				w.Write(origintest.Content(0, end-1000, end))
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	})
	resp := n.do("GET", "/files/f", "Range: bytes=500-2499")
	defer resp.Body.Close()
	v := origintest.Verifier{Off: 500}
	for sent := int64(1000); sent <= 5000; sent += 1000 {
		more <- sent
		if want := min(sent, 2500) - v.Off; want > 0 {
			if _, err := io.CopyN(&v, resp.Body, want); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestPartThatCantBeJoined: without a strong validator a part answers for what it holds, and for
// nothing else.
func TestPartThatCantBeJoined(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Etag", `W/"1"`)
		if r.Header.Get("Cookie") != "" { // a client who is to see the whole
			w.Write(origintest.Content(0, 0, 9000))
			return
		}
		w.Header().Set("Content-Range", "bytes 4-8/9000")
		w.WriteHeader(206)
		w.Write(origintest.Content(0, 4, 9))
	})
	n.expect(206, origintest.Content(0, 4, 9), "/files/f", "Range: bytes=4-8")
	n.cacheStatus(n.expect(206, origintest.Content(0, 5, 7), "/files/f", "Range: bytes=5-6"), "hit")
	n.cacheStatus(n.expect(304, nil, "/files/f", "Range: bytes=5-6", `If-None-Match: "1"`), "hit")
	if o.Count() != 1 {
		t.Errorf("%d origin requests", o.Count())
	}
	if resp := n.do("HEAD", "/files/f", "Range: bytes=5-6",
		"Cookie: whole"); resp.StatusCode != 200 || resp.Header.Get("Content-Range") != "" {
		t.Errorf("HEAD: %d, %v", resp.StatusCode, resp.Header)
	}
	for _, fields := range [][]string{nil, {"Range: bytes=3-5"}, {"Range: bytes=8-9"},
		{"Range: bytes=-2"}, {"Range: bytes=5-6,8-8"}, {"Range: bytes=5-6", `If-Range: W/"1"`}} {
		fields = append(fields, "Cookie: whole")
		o.Forget()
		resp, b := n.get("/files/f", fields...)
		if (resp.StatusCode != 200 && resp.StatusCode != 206) || o.Count() > 1 {
			t.Errorf("%v: %d, %d bytes, %d origin requests", fields, resp.StatusCode, len(b),
				o.Count())
		}
		if fields[0] == "Cookie: whole" && len(b) != 9000 {
			t.Errorf("%d bytes of the whole", len(b))
		}
	}
	n.cacheStatus(n.expect(206, origintest.Content(0, 5, 7), "/files/f", "Range: bytes=5-6"), "hit")
}

// TestPartsThatContradictThemselvesArePassedOn and answer for nothing.
func TestPartsThatContradictThemselvesArePassedOn(t *testing.T) {
	for _, field := range []string{"bytes 4-9/10", "bytes 4-8/8", "bytes 4-8/*", "bytes */10",
		"lines 4-8/10", "", "bytes 8-4/10"} {
		t.Run(field, func(t *testing.T) {
			n, o := fronting(t, proxy.Config{})
			n.odd = true
			o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "max-age=600")
				w.Header().Set("Etag", `"1"`)
				if field != "" {
					w.Header().Set("Content-Range", field)
				}
				w.WriteHeader(206)
				io.WriteString(w, "acorn")
			})
			for i := range 2 {
				n.expect(206, []byte("acorn"), "/files/f", "Range: bytes=4-8")
				if o.Count() != i+1 {
					t.Errorf("%d origin requests after %d", o.Count(), i+1)
				}
			}
		})
	}
}

// TestRangesOfWhatIsNotKept: the range that a client wants of a content that is too large to be
// kept, and can't be asked for under a validator, is kept as a part.
func TestRangesOfWhatIsNotKept(t *testing.T) {
	const size = 4 * memory
	n, o := fronting(t, proxy.Config{})
	whole := origintest.File{Size: size, ETag: `W/"1"`, Header: maxAge("600")}
	o.Handle("/f", whole.ServeHTTP)
	resp := n.do("GET", "/files/f")
	io.CopyN(io.Discard, resp.Body, 1000)
	resp.Body.Close()
	o.Forget()
	for i := range 3 {
		resp := n.expect(206, origintest.Content(0, 2*memory, 2*memory+5000), "/files/f",
			"Range: bytes="+strconv.Itoa(2*memory)+"-"+strconv.Itoa(2*memory+4999))
		if got := resp.Header.Get("Content-Range"); got != fmt.Sprintf("bytes %d-%d/%d", 2*memory,
			2*memory+4999, size) {
			t.Errorf("Content-Range %q", got)
		}
		if i > 0 && !strings.Contains(resp.Header.Get("Cache-Status"), "hit") {
			t.Errorf("Cache-Status %q", resp.Header.Get("Cache-Status"))
		}
	}
	n.expect(206, origintest.Content(0, 2*memory+10, 2*memory+20), "/files/f", "Range: bytes="+
		strconv.Itoa(2*memory+10)+"-"+strconv.Itoa(2*memory+19))
	// It may have been forgotten by then how large it is, which has to be asked for.
	if got := strings.TrimSpace(origintest.Ranges(o.Requests())); got != fmt.Sprintf("%d-%d",
		2*memory, 2*memory+4999) {
		t.Errorf("the origin was asked for %q", got)
	}
	o.Forget()
	n.expect(206, origintest.Content(0, 3*memory, 3*memory+9), "/files/f", "Range: bytes="+
		strconv.Itoa(3*memory)+"-"+strconv.Itoa(3*memory+8))
	if got := origintest.Ranges(o.Requests()); got != fmt.Sprintf("%d-%d", 3*memory, 3*memory+8) {
		t.Errorf("then the origin was asked for %q", got)
	}
}
