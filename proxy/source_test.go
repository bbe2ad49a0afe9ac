package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestPartOriginIsBusy: an origin that is overloaded for a moment is asked again.
func TestPartOriginIsBusy(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	busy := 2
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" && busy > 0 {
			busy--
			w.WriteHeader(503)
			return
		}
		large.ServeHTTP(w, r)
	})
	n.expect(200, origintest.Content(0, 0, large.Size), "/files/f")
}

// TestShortPartsAreContinued: an origin may send less than the part it was asked for.
func TestShortPartsAreContinued(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		var start, end int64
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &start, &end); err == nil {
			r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", start, min(end, start+20000)))
		}
		large.ServeHTTP(w, r)
	})
	n.expect(200, origintest.Content(0, 0, large.Size), "/files/f")
	n.reads(large.Size)
}

// TestForeign304IsNotTaken: a 304 about another representation than the stored one renews nothing.
func TestForeign304IsNotTaken(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{Now: now.Now})
	o.Handle("/f", origintest.File{Size: 10, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	n.expect(200, origintest.Content(0, 0, 10), "/files/f")
	v2 := origintest.File{Size: 20, Seed: 2, ETag: `"2"`, Header: maxAge("60")}
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			w.Header().Set("Etag", `"2"`)
			w.WriteHeader(304)
			return
		}
		v2.ServeHTTP(w, r)
	})
	now.Advance(2 * time.Minute)
	n.expect(200, origintest.Content(2, 0, 20), "/files/f")
	n.cacheStatus(n.expect(200, origintest.Content(2, 0, 20), "/files/f"), "hit")
}

// Test304MayForbidStoring: what a 304 says holds from then on.
func Test304MayForbidStoring(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{Now: now.Now})
	f := origintest.File{Size: 3 * first, ETag: `"1"`, Header: maxAge("60")}
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) { f.ServeHTTP(w, r) })
	want := origintest.Content(0, 0, f.Size)
	n.expect(200, want, "/files/f")
	f.Header = http.Header{"Cache-Control": {"no-store"}, "X-New": {"field"}}
	now.Advance(2 * time.Minute)
	resp := n.expect(200, want, "/files/f")
	if resp.Header.Get("X-New") != "field" {
		t.Errorf("the 304's fields are missing: %v", resp.Header)
	}
	if n.Stats().Records != 0 {
		t.Error("the record is still there")
	}
	n.cacheStatus(n.expect(200, want, "/files/f"), "fwd=uri-miss")
}

func TestConditionsOnWhatIsNotStored(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	f := origintest.File{Size: 5000, ETag: `"1"`,
		Header: http.Header{"Cache-Control": {"no-store"}}}
	for i, c := range []struct {
		field  string
		status int
		size   int64
	}{{`If-None-Match: "1"`, 304, 0}, {`If-Match: "2"`, 412, 0}, {"Range: bytes=0-9", 200, 5000},
		{"X: y", 200, 5000}} {
		path := fmt.Sprint("/f", i)
		o.Handle(path, f.ServeHTTP)
		n.expect(c.status, origintest.Content(0, 0, c.size), "/files"+path, c.field)
		if o.Count() != i+1 {
			t.Errorf("%s: %d origin requests", c.field, o.Count()-i)
		}
	}
}

// TestAnyRoundTripperIsAnOrigin: one that says nothing of itself sees placeholders for scheme and
// host.
func TestAnyRoundTripperIsAnOrigin(t *testing.T) {
	oneNode(t) // its origin is asked by this process alone
	var asked []string
	n := newNode(t, proxy.Config{Origin: roundTrip(func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.String())
		return &http.Response{StatusCode: 301,
			Header: http.Header{"Location": {"http://origin.invalid/b"},
				"Cache-Control": {"max-age=9"}}, Request: r}, nil
	})})
	for range 2 {
		resp, b := n.get("/files/a%2Fb?c")
		if resp.StatusCode != 301 || resp.Header.Get("Location") != "/files/b" || len(b) != 0 {
			t.Errorf("%d %v %q", resp.StatusCode, resp.Header, b)
		}
	}
	if fmt.Sprint(asked) != "[http://origin.invalid/a%2Fb?c]" {
		t.Errorf("asked %v", asked)
	}
}

// TestFickleVary: an origin whose Vary is another each time gets a request from each client, and
// none an answer for another.
func TestFickleVary(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", fmt.Sprint("X-", o.Count()))
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, r.Header.Get("X-1")+r.Header.Get("X-2")+r.Header.Get("X-3"))
	})
	n.expect(200, []byte("a"), "/files/f", "X-1: a")
	n.expect(200, []byte("b"), "/files/f", "X-2: b")
	n.expect(200, []byte("a"), "/files/f", "X-1: a")
}

// TestShortPartsOfUnknownLength: the end of a part isn't the end of a body whose length isn't known
// yet.
func TestShortPartsOfUnknownLength(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	f := origintest.File{Size: 50000, ETag: `"1"`, Header: maxAge("60"), Chunked: true}
	ranged := f
	ranged.Chunked = false
	o.Handle("/f", dropping(f, 10000, func(w http.ResponseWriter, r *http.Request) {
		var start int64
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &start); err == nil {
			r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", start, min(start+9999, 49999)))
		}
		ranged.ServeHTTP(w, r)
	}))
	for range 2 {
		n.expect(200, origintest.Content(0, 0, 50000), "/files/f")
	}
	if o.Count() != 5 {
		t.Errorf("asked for %q", origintest.Ranges(o.Requests()))
	}
}

// TestValidatorThatStaysTheSame: an origin may change a file and keep its ETag, however strong.
// Lengths tell, if nothing else does.
func TestValidatorThatStaysTheSame(t *testing.T) {
	for name, f := range map[string]origintest.File{
		"ranges":  {ETag: `"1"`},
		"none":    {ETag: `"1"`, NoRanges: true},
		"chunked": {ETag: `"1"`, Chunked: true},
	} {
		t.Run(name, func(t *testing.T) {
			now := newClock()
			n, o := fronting(t, proxy.Config{Now: now.Now})
			for i, size := range []int64{100, 5000, 300} {
				f.Size, f.Seed = size, byte(i)
				f.Header = http.Header{"Cache-Control": {"max-age=60"}}
				o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
					r.Header.Del("If-None-Match")
					f.ServeHTTP(w, r)
				})
				for range 3 {
					n.expect(200, origintest.Content(byte(i), 0, size), "/files/f")
				}
				now.Advance(2 * time.Minute)
			}
		})
	}
}

// TestNoStoreOfOneClientIsItsOwn: it keeps an answer from being stored, and does nothing to what
// is.
func TestNoStoreOfOneClientIsItsOwn(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{Now: now.Now})
	o.Handle("/f", origintest.File{Size: 10, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	want := origintest.Content(0, 0, 10)
	n.expect(200, want, "/files/f")
	n.cacheStatus(n.expect(200, want, "/files/f", "Cache-Control: no-cache, no-store"),
		"fwd=request")
	n.cacheStatus(n.expect(200, want, "/files/f"), "hit")
	now.Advance(2 * time.Minute)
	n.cacheStatus(n.expect(200, want, "/files/f", "Cache-Control: no-store"), "fwd=request")
	n.cacheStatus(n.expect(200, want, "/files/f"), "fwd=stale; fwd-status=304")
}

// TestContentTypeIsTheOrigins: none is made up where the origin gives none.
func TestContentTypeIsTheOrigins(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	for _, cc := range []string{"max-age=60", "no-store"} {
		o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = nil
			w.Header().Set("Cache-Control", cc)
			w.Header().Set("X-Content-Type-Options", "nosniff")
			io.WriteString(w, "<html><script>alert(1)</script>")
		})
		for _, fields := range [][]string{nil, nil, {"Range: bytes=6-20"}, {"Authorization: x"}} {
			resp, _ := n.get("/files/f?"+cc, fields...)
			if got, ok := resp.Header["Content-Type"]; ok {
				t.Errorf("%s %v: Content-Type %q", cc, fields, got)
			}
		}
	}
}
