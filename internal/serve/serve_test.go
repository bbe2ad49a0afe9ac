package serve

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/scurrycache/scurry/internal/decide"
	"github.com/scurrycache/scurry/internal/origintest"
)

// TestCarryOut: each kind of decision is carried out, and the log's entry and the counts are the
// decision's.
func TestCarryOut(t *testing.T) {
	b := newBench(t)
	file := b.handle("a", 3*largest)
	b.handle("stale", 10, "Cache-Control: max-age=0, must-revalidate")
	b.handle("private", 10, "Cache-Control: private")
	content := string(origintest.Content(file.Seed, 0, file.Size))
	for _, c := range []struct {
		name, method, resource string
		lines                  []string
		status                 int
		says                   string // in Cache-Status
		cache, asked           string
	}{
		{"only if cached", "GET", "a", []string{"Cache-Control: only-if-cached"}, 504,
			"detail=only-if-cached", "miss", ""},
		{"miss", "GET", "a", nil, 200, "fwd=uri-miss; fwd-status=200; stored", "miss", "GET"},
		{"hit", "GET", "a", nil, 200, "scurry; hit", "hit", ""},
		{"head", "HEAD", "a", nil, 200, "scurry; hit", "hit", ""},
		{"part", "GET", "a", []string{"Range: bytes=5-9"}, 206, "scurry; hit", "hit", ""},
		{"parts", "GET", "a", []string{"Range: bytes=0-1,5000-5001"}, 206, "scurry; hit", "hit",
			""},
		{"no such part", "GET", "a", []string{"Range: bytes=99999-"}, 416, "scurry; hit", "hit",
			""},
		{"not modified", "GET", "a", []string{`If-None-Match: "1"`}, 304, "scurry; hit", "hit", ""},
		{"failed condition", "GET", "a", []string{`If-Match: "2"`}, 412,
			"fwd=request; fwd-status=304", "revalidated", "GET"},
		{"client's no-cache", "GET", "a", []string{"Cache-Control: no-cache"}, 200,
			"fwd=request; fwd-status=304", "revalidated", "GET"},
		{"client's no-store, which storing is about", "GET", "a",
			[]string{"Cache-Control: no-store"}, 200, "scurry; hit", "hit", ""},
		{"stale, first", "GET", "stale", nil, 200, "fwd=uri-miss", "miss", "GET"},
		{"stale", "GET", "stale", nil, 200, "fwd=stale; fwd-status=304", "revalidated", "GET"},
		{"not stored", "GET", "private", nil, 200, "fwd=uri-miss", "pass", "GET"},
		{"not found", "GET", "none", nil, 404, "fwd=uri-miss; fwd-status=404", "pass", "GET"},
		{"forwarded", "POST", "a", nil, 200, "fwd=method", "pass", "POST"},
		{"invalidated", "GET", "a", nil, 200, "fwd=stale; fwd-status=304", "revalidated", "GET"},
		{"looped", "GET", "a", []string{"Cdn-Loop: loop"}, 508, "detail=loop-detected", "pass", ""},
		{"trace's end", "TRACE", "a", []string{"Max-Forwards: 0"}, 405, "detail=max-forwards",
			"pass", ""},
		{"refused method", "PURGE", "a", nil, 405, "detail=method-not-allowed", "", ""},
	} {
		before := b.counts()
		w := b.ask(c.method, c.resource, c.lines...)
		says := strings.Join(w.Header()["Cache-Status"], ", ")
		if w.Code != c.status || !strings.Contains(says, c.says) || b.aborted {
			t.Errorf("%s: %d, %s, aborted: %t", c.name, w.Code, says, b.aborted)
		}
		if asked := b.asked(); b.entry.Cache != c.cache || asked != c.asked {
			t.Errorf("%s: logged as %q, the origin is asked %q", c.name, b.entry.Cache, asked)
		}
		if c.status == 200 && c.resource == "a" && c.method == "GET" && w.Body.String() != content {
			t.Errorf("%s: %d bytes", c.name, w.Body.Len())
		}
		for o, n := range b.counts() {
			want := before[o]
			if refused := c.status > 499 || c.status == 405; !refused &&
				decide.Outcome(o).String() == c.cache {
				want++
			}
			if n != want {
				t.Errorf("%s: %d are counted as %q, not %d", c.name, n, decide.Outcome(o), want)
			}
		}
	}
}

func (b *bench) counts() (all [decide.Outcomes]int64) {
	for o := range all {
		all[o] = b.Count(decide.Outcome(o))
	}
	return all
}

// TestHitIsTheSame: what Hit answers is what Resource answers, to the last field.
func TestHitIsTheSame(t *testing.T) {
	b := newBench(t)
	b.handle("a", largest, "Content-Location: "+b.o.URL+"/b", "Cache-Status: far; hit", "X-Two: 2")
	b.handle("small", 100)
	b.handle("empty", 0)
	for _, resource := range []string{"a", "small", "empty"} {
		b.held(resource)
		for _, method := range []string{"GET", "HEAD"} {
			for _, line := range []string{
				"Accept: */*", `If-None-Match: "1"`, `If-None-Match: "2"`, "Range: bytes=0-0",
				"Range: bytes=1000-3000",
				"Range: bytes=-10", "Range: bytes=3-", "Range: bytes=x",
				"If-Modified-Since: Sat, 01 Feb 2025 00:00:00 GMT",
			} {
				text, ok := b.hit(method, resource, line)
				if !ok {
					if w := b.ask(method, resource, line); w.Code != 416 {
						t.Errorf("%s %s, %s: no hit, but %d", method, resource, line, w.Code)
					}
					continue
				}
				resp, content := parsed(t, method, text)
				w := b.ask(method, resource, line)
				for _, h := range []http.Header{resp.Header, w.Header()} {
					h.Del("Age") // a second may have begun
					h.Set("Cache-Status", strings.Split(h.Get("Cache-Status"), "; ttl=")[0])
				}
				if resp.StatusCode != w.Code || content != w.Body.String() ||
					!reflect.DeepEqual(resp.Header, w.Header()) {
					t.Errorf("%s %s, %s: %d and %d, %d bytes and %d\n%v\n%v", method, resource,
						line, resp.StatusCode,
						w.Code, len(content), w.Body.Len(), resp.Header, w.Header())
				}
			}
		}
	}
}

// TestHitNeedsMemory: what isn't a plain hit isn't one, and asks no one.
func TestHitNeedsMemory(t *testing.T) {
	b := newBench(t)
	b.handle("a", 3*largest)
	b.handle("stale", 10, "Cache-Control: max-age=0")
	b.ask("GET", "a")
	b.ask("GET", "stale")
	b.o.Forget()
	for name, q := range map[string][]string{
		"not stored": {"GET", "b"}, "a method": {"POST", "a"}, "stale": {"GET", "stale"},
		"several parts": {"GET", "a", "Range: bytes=0-1,4-5"}, "no-cache": {"GET", "a",
			"Cache-Control: no-cache"},
		"nothing satisfies": {"GET", "a", "Range: bytes=99999-"},
	} {
		if text, ok := b.hit(q[0], q[1], q[2:]...); ok {
			t.Errorf("%s: %.100s", name, text)
		}
	}
	if asked := b.asked(); asked != "" {
		t.Errorf("the origin is asked %q", asked)
	}
}

// TestPartsHoldNoRoom: however many responses with several parts there have been, there is room for
// sending from memory.
func TestPartsHoldNoRoom(t *testing.T) {
	b := newBench(t)
	b.handle("a", 3*largest)
	b.held("a", "Range: bytes=4096-8191")
	for i := range 200 {
		if w := b.ask("GET", "a", "Range: bytes=0-9,4096-8191"); w.Code != 206 {
			t.Fatalf("request %d: %d", i, w.Code)
		}
	}
	b.held("a", "Range: bytes=4096-8191")
}

// TestCut: a response whose content breaks off is aborted, and not ended.
func TestCut(t *testing.T) {
	b := newBench(t)
	const told = 10 * slab
	b.o.Handle("/a", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "655360")
		_, _ = w.Write(origintest.Content(0, 0, 5*largest))
		panic(http.ErrAbortHandler)
	})
	if w := b.ask("GET", "a"); !b.aborted || w.Body.Len() >= told {
		t.Errorf("%d bytes, aborted: %t", w.Body.Len(), b.aborted)
	}
	if w := b.ask("GET", "a"); w.Code == 200 && !b.aborted {
		t.Errorf("what has broken off is stored: %d bytes", w.Body.Len())
	}
}

// TestWarmSendsNoContent: a warming request holds the content, and its response has the head only.
// What isn't stored isn't asked for once that is known.
func TestWarmSendsNoContent(t *testing.T) {
	b := newBench(t)
	b.handle("a", largest)
	b.handle("private", 10, "Cache-Control: private")
	warm := func(resource string) (status, length string) {
		t.Helper()
		w := b.answer(b.Warm, request("GET", resource, nil), resource)
		if w.Body.Len() > 0 || b.entry.Note != "warm" {
			t.Errorf("%s: %d bytes, noted as %q", resource, w.Body.Len(), b.entry.Note)
		}
		return w.Result().Status, w.Header().Get("Content-Length")
	}
	if status, length := warm("a"); status != "200 OK" || length != "4096" || b.asked() != "GET" {
		t.Error(status, length)
	}
	if b.held("a"); b.asked() != "" {
		t.Error("it wasn't held")
	}
	warm("private")
	b.o.Forget()
	if status, length := warm("private"); status != "200 OK" || length != "0" || b.asked() != "" {
		t.Error(status, length)
	}
}

// TestRequest: what a request says of its connection, and what means nothing in it, decides
// nothing.
func TestRequest(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		method string
		lines  []string
		want   decide.Request
	}{
		{"GET", []string{"Connection: x-hop, close", "X-Hop: 1", "Accept: a"},
			decide.Request{Header: fields("Accept: a")}},
		{"GET", []string{"Range: bytes=0-"}, decide.Request{Header: fields("Range: bytes=0-")}},
		{"HEAD", []string{"Range: bytes=0-", `If-Range: "1"`, "Accept: a"},
			decide.Request{Header: fields("Accept: a")}},
		{"OPTIONS", []string{"Max-Forwards: 0"}, decide.Request{Exhausted: true,
			Header: fields("Max-Forwards: 0")}},
		{"GET", []string{"Max-Forwards: 0"}, decide.Request{Header: fields("Max-Forwards: 0")}},
		{"GET", []string{"Authorization: Basic eA=="}, decide.Request{Authorized: true,
			Header: fields("Authorization: Basic eA==")}},
		{"GET", []string{"Cdn-Loop: other, loop; v=1"}, decide.Request{Looped: true,
			Header: fields("Cdn-Loop: other, loop; v=1")}},
		{"GET", []string{"Connection: upgrade", "Upgrade: websocket"},
			decide.Request{Header: fields()}},
	} {
		c.want.Method, c.want.Resource = c.method, "a"
		c.want.Bare = !strings.HasPrefix(c.lines[0], "Range") || c.method == "HEAD"
		r := request(c.method, "a", c.lines)
		sent := r.Header.Clone()
		if got := b.Request(r, "a"); !reflect.DeepEqual(got, c.want) || !reflect.DeepEqual(r.Header,
			sent) {
			t.Errorf("%s %q: %+v, and the client's own %v", c.method, c.lines, got, r.Header)
		}
	}
	b.WebSocket = true
	r := request("GET", "a", []string{"Connection: Upgrade", "Upgrade: WebSocket"})
	if !b.Request(r, "a").Upgrade {
		t.Error("an upgrade is declined")
	}
	if r.Header.Set("Upgrade", "h2c"); b.Request(r, "a").Upgrade {
		t.Error("an upgrade to any protocol is taken")
	}
}

// TestPostIsKept: the answer to a POST that says that it is what a GET would get is stored, unless
// it is too large.
func TestPostIsKept(t *testing.T) {
	for size, kept := range map[int]bool{100: true, 1 << 10: true, 1<<10 + 1: false} {
		b := newBench(t)
		b.o.Handle("/a", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header()["Content-Location"] = []string{"/a"}
			w.Header()["Cache-Control"] = []string{"max-age=3600"}
			_, _ = w.Write(origintest.Content(0, 0, int64(size)))
		})
		if w := b.ask("POST", "a"); w.Code != 200 || w.Body.Len() != size {
			t.Errorf("%d bytes: %d, %d bytes", size, w.Code, w.Body.Len())
		}
		b.ask("GET", "a")
		if hit := b.entry.Cache == "hit"; hit != kept {
			t.Errorf("%d bytes: a GET is a %s", size, b.entry.Cache)
		}
	}
}
