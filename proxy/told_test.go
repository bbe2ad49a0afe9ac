package proxy_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// toldFiles are what the origin has for TestEachOriginRequestIsToldByItsCause: small and large,
// all, some and none of which can be asked for in parts, fresh and to be validated, stored and not.
func toldFiles() map[string]http.HandlerFunc {
	stale := http.Header{"Cache-Control": {"max-age=0"}}
	return map[string]http.HandlerFunc{
		"small":  origintest.File{Size: 100, ETag: `"1"`, Header: maxAge("600")}.ServeHTTP,
		"chunks": origintest.File{Size: 20 << 10, ETag: `"1"`, Header: maxAge("600")}.ServeHTTP,
		"slabs": origintest.File{Size: 4*slab + 100, ETag: `"1"`,
			Header: maxAge("600")}.ServeHTTP,
		"slabs2": origintest.File{Size: 7*slab - 100, ETag: `"1"`,
			Header: maxAge("600")}.ServeHTTP,
		"refuses": unparted(origintest.File{Size: 3*slab + 10, ETag: `"1"`,
			Header: maxAge("600")}),
		"noranges": origintest.File{Size: 3 * slab, NoRanges: true,
			Header: maxAge("600")}.ServeHTTP,
		"chunked": origintest.File{Size: 20 << 10, NoRanges: true, Chunked: true,
			Header: maxAge("600")}.ServeHTTP,
		"validated": origintest.File{Size: slab + 10, ETag: `"1"`, Header: stale}.ServeHTTP,
		"private": origintest.File{Size: 20 << 10, ETag: `"1"`,
			Header: http.Header{"Cache-Control": {"private"}}}.ServeHTTP,
		"parts":   partly(origintest.File{Size: 2*slab + 10, ETag: `"1"`, Header: maxAge("600")}),
		"missing": http.NotFound,
	}
}

// unparted makes f one that advertises ranges and gives none.
func unparted(f origintest.File) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		f.ServeHTTP(w, r)
	}
}

// partly makes f one of which some comes where all is asked for.
func partly(f origintest.File) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") == "" && r.Method == http.MethodGet {
			r.Header.Set("Range", "bytes=100-70000")
		}
		f.ServeHTTP(w, r)
	}
}

// wish is a request for what has size bytes.
func wish(random *rand.Rand, path string, size int) *http.Request {
	method := "GET"
	if random.IntN(10) == 0 {
		method = "HEAD"
	}
	r := httptest.NewRequest(method, "/files/"+path, nil)
	at := func() int { return random.IntN(size) }
	switch from := at(); random.IntN(5) {
	case 0:
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	case 1:
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, from+at()))
	case 2:
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d,-%d", from, from+random.IntN(100),
			1+random.IntN(100)))
	}
	return r
}

// TestEachOriginRequestIsToldByItsCause: whatever clients ask for at once, of whichever node, each
// request to the origin is made for one of theirs, which its line in the log names. That one's line
// says miss, partial, revalidated or pass, and the lines of all others, for which the origin wasn't
// asked, hit or collapsed. The counters agree with the lines. Nothing is served stale here, since
// that says nothing of the origin: it may have been asked for a newer one, in vain or in the
// background.
func TestEachOriginRequestIsToldByItsCause(t *testing.T) {
	auditing(t, func(t *testing.T, a *audit) {
		files := toldFiles()
		for path, h := range files {
			a.o.Handle("/"+path, h)
		}
		paths := slices.Sorted(maps.Keys(files))
		for seed := range uint64(20) {
			var clients sync.WaitGroup
			for c := range uint64(6) {
				clients.Go(func() {
					random := rand.New(rand.NewPCG(seed, c))
					// all clients want the same at once, now and then
					together := rand.New(rand.NewPCG(seed, 99))
					for range 12 {
						path := paths[together.IntN(len(paths))]
						if random.IntN(2) == 0 {
							path = paths[random.IntN(len(paths))]
						}
						a.wish(random.IntN(len(a.nodes)), wish(random, path, 4*slab))
					}
				})
			}
			clients.Wait()
		}
		a.told()
	})
}

// wish has the i-th node answer r. The answer is aborted if bytes that can't be asked for again are
// evicted in its way.
func (a *audit) wish(i int, r *http.Request) {
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			panic(v)
		}
	}()
	a.nodes[i].Proxy.ServeHTTP(httptest.NewRecorder(), r)
}

// told checks that the lines about requests tell of those to the origin what is true.
func (a *audit) told() {
	a.t.Helper()
	var origin []map[string]any
	eventually(a.t, "each origin request has its line", func() bool {
		origin = nil
		for i := range a.books {
			origin = append(origin, a.books[i].lines(a.t, "origin")...)
		}
		return len(origin) == a.o.Count()
	})
	causes := map[any][]string{}
	for _, line := range origin {
		id := line["request"]
		causes[id] = append(causes[id], fmt.Sprint(line["method"], line["url"], line["range"],
			line["reason"], line["status"]))
	}
	outcomes := map[string]int64{}
	for i := range a.books {
		for _, line := range a.books[i].lines(a.t, "request") {
			logged, asked := fmt.Sprint(line["cache"]), causes[line["id"]]
			delete(causes, line["id"])
			if status := line["status"].(float64); status < 500 { // failures are counted apart
				outcomes[logged]++
			}
			if free := strings.Contains("hit collapsed", logged); free != (len(asked) == 0) {
				a.t.Errorf("node %d logged %s of %v %v, %v: the origin was asked %q",
					i, logged, line["method"], line["uri"], line["status"], asked)
			}
		}
	}
	if len(causes) > 0 {
		a.t.Errorf("the origin was asked for requests that nobody made: %v", causes)
	}
	counted := map[string]int64{}
	for _, n := range a.nodes {
		s := n.Stats()
		for name, n := range map[string]int64{
			"hit": s.Hits, "miss": s.Misses, "partial": s.Partial, "collapsed": s.Collapsed,
			"revalidated": s.Revalidated, "pass": s.Passed,
		} {
			if counted[name] += n; counted[name] == 0 {
				delete(counted, name)
			}
		}
	}
	if fmt.Sprint(counted) != fmt.Sprint(outcomes) {
		a.t.Errorf("counted %v, logged %v", counted, outcomes)
	}
	for _, outcome := range []string{"hit", "miss", "partial", "collapsed", "revalidated", "pass"} {
		if outcomes[outcome] == 0 {
			a.t.Errorf("nothing is logged as %s: %v", outcome, outcomes)
		}
	}
}

// TestNoByteIsAskedForAcrossABorder: a node that happens to have the beginning of another node's
// slab doesn't ask the origin for the rest of it.
func TestNoByteIsAskedForAcrossABorder(t *testing.T) {
	const size, slabs = 3*slab + 10, 4
	c := newCluster(t, 3, proxy.Config{})
	for i := range 3 {
		path := fmt.Sprint("/f", i)
		c.o.Handle(path, origintest.File{Size: size, ETag: `"1"`, Header: maxAge("600")}.ServeHTTP)
		before := int64(0)
		for _, n := range c.nodes {
			before += n.Stats().OriginBytes
		}
		for _, n := range c.nodes {
			for range 60 { // one in ten of what comes from an owner stays
				for k := range int64(slabs) {
					span := fmt.Sprintf("Range: bytes=%d-%d", k*slab, k*slab+1)
					n.expect(206, origintest.Content(0, k*slab, k*slab+2), "/files"+path, span)
				}
			}
		}
		c.nodes[i].expect(200, origintest.Content(0, 0, size), "/files"+path)
		all := -before
		for _, n := range c.nodes {
			all += n.Stats().OriginBytes
		}
		if all != size {
			t.Errorf("%d bytes came from the origin, of %d", all, size)
		}
	}
	hot := int64(0)
	for _, n := range c.nodes {
		hot += n.Stats().HotChunks
	}
	if hot == 0 {
		t.Error("no node has a chunk of another's")
	}
}
