package proxy_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// audit is nodes whose answers are held against what their origin was asked.
type audit struct {
	t        *testing.T
	nodes    []*node
	o        *origintest.Origin
	books    []logbook
	outcomes map[string]int64 // that were logged
}

// auditing calls test with one node, and with three.
func auditing(t *testing.T, test func(t *testing.T, a *audit)) {
	oneNode(t)
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			a := &audit{t: t, o: origintest.New(t), books: make([]logbook, n),
				outcomes: map[string]int64{}}
			server := origin.HTTP(a.o.Base)
			t.Cleanup(server.CloseIdleConnections)
			listeners, names := listenForPeers(t, n)
			for i := range n {
				logger := zerolog.New(&a.books[i])
				cfg := proxy.Config{Origin: server, Logger: &logger}
				if n > 1 {
					cfg.Cluster = proxy.Cluster{Listener: listeners[i], Peers: names,
						MissedHeartbeats: 100}
				}
				a.nodes = append(a.nodes, newNode(t, cfg))
			}
			if n > 1 {
				(&cluster{nodes: a.nodes, names: names, o: a.o, t: t}).await(n)
			}
			test(t, a)
		})
	}
}

// ask has the i-th node answer, and returns what it says in Cache-Status and in its log, and how
// often the origin was asked for it.
func (a *audit) ask(i int, w http.ResponseWriter, path string, fields ...string) (status,
	logged string, asked int) {
	a.t.Helper()
	i %= len(a.nodes)
	r := httptest.NewRequestWithContext(a.t.Context(), "GET", path, nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Set(name, value)
	}
	r.RemoteAddr = fmt.Sprint("192.0.2.1:", rand.IntN(1<<16)) // others may be answered meanwhile
	before := a.o.Count()
	a.nodes[i].Proxy.ServeHTTP(w, r)
	lines := a.books[i].lines(a.t, "request")
	a.books[i].clear()
	own := slices.IndexFunc(lines, func(line map[string]any) bool { return line["remote"] == r.RemoteAddr })
	logged, ok := lines[own]["cache"].(string)
	if !ok {
		a.t.Fatalf("%s %q: logged %v", path, fields, lines[own])
	}
	a.outcomes[logged]++
	return w.Header().Get("Cache-Status"), logged, a.o.Count() - before
}

// expect checks an answer of the i-th node. What another node hasn't said in time that it holds,
// Cache-Status doesn't call a hit.
func (a *audit) expect(i int, wantStatus, wantLogged, path string, fields ...string) {
	a.t.Helper()
	status, logged, asked := a.ask(i, httptest.NewRecorder(), path, fields...)
	late := len(a.nodes) > 1 && wantLogged == "hit" && strings.HasPrefix(status,
		"scurry; fwd=partial; ")
	said := late || strings.HasPrefix(status, "scurry; "+wantStatus)
	if !said || logged != wantLogged || (asked == 0) != (wantLogged == "hit") {
		a.t.Errorf("%s %q of node %d: %s, logged %s, and the origin was asked %d times; want %s, %s",
			path, fields, i%len(a.nodes), status, logged, asked, wantStatus, wantLogged)
	}
}

// whole waits until the nodes hold all of a file.
func (a *audit) whole(path string) {
	a.t.Helper()
	eventually(a.t, path+" is held as a whole", func() bool {
		_, logged, _ := a.ask(0, httptest.NewRecorder(), path)
		return logged == "hit"
	})
}

// TestFreshButNotHeld: what is fresh is a hit only where all of its content that is sent is held.
func TestFreshButNotHeld(t *testing.T) {
	auditing(t, func(t *testing.T, a *audit) {
		const size = 3*slab + 10
		for i := range a.nodes {
			path := fmt.Sprint("/f", i)
			a.o.Handle(path, origintest.File{Size: size, ETag: `"1"`,
				Header: maxAge("600")}.ServeHTTP)
			path = "/files" + path
			last, ends := fmt.Sprintf("Range: bytes=%d-", 2*slab),
				fmt.Sprintf("Range: bytes=0-9,%d-%d", 3*slab, 3*slab+5)
			a.expect(i, "fwd=uri-miss", "miss", path, "Range: bytes=0-9")
			a.expect(i+1, "fwd=partial; ttl=", "partial", path, ends)
			a.expect(i+2, "fwd=partial; ttl=", "partial", path, last)
			a.whole(path)
			for k := range 3 {
				a.expect(i+k, "hit; ", "hit", path)
				a.expect(i+k, "hit; ", "hit", path, "Range: bytes=0-9")
				a.expect(i+k, "hit; ", "hit", path, last)
				a.expect(i+k, "hit; ", "hit", path, ends)
			}
			a.evict()
			a.expect(i+2, "fwd=partial; ttl=", "partial", path)
			a.whole(path)
			a.expect(i+2, "hit; ", "hit", path)
		}
	})
}

// evict has everything that is held make room, for what is asked for again.
func (a *audit) evict() {
	for range 4 * len(a.nodes) { // few, so that records stay
		path := "/" + strconv.Itoa(rand.Int())
		a.o.Handle(path, origintest.File{Size: memory / 2, ETag: `"1"`,
			Header: maxAge("600")}.ServeHTTP)
		for range 2 {
			a.ask(rand.IntN(len(a.nodes)), httptest.NewRecorder(), "/files"+path)
			a.whole("/files" + path)
		}
	}
}

// TestFreshButOnItsWay: who gets what is still being read for another shares that origin request.
func TestFreshButOnItsWay(t *testing.T) {
	for name, f := range map[string]origintest.File{
		"ranges":   {Size: 40 << 10, ETag: `"1"`, Header: maxAge("600")},
		"noranges": {Size: 40 << 10, NoRanges: true, Header: maxAge("600")},
		"chunked":  {Size: 40 << 10, NoRanges: true, Chunked: true, Header: maxAge("600")},
	} {
		t.Run(name, func(t *testing.T) {
			auditing(t, func(t *testing.T, a *audit) {
				for i := range a.nodes {
					gate := make(chan struct{})
					path := fmt.Sprint("/f", i)
					a.o.Handle(path, func(w http.ResponseWriter, r *http.Request) {
						f.ServeHTTP(&gated{ResponseWriter: w, left: 20 << 10, gate: gate}, r)
					})
					var first sync.WaitGroup
					begun := &stuck{httptest.NewRecorder(), make(chan struct{})}
					first.Go(func() {
						a.nodes[0].Proxy.ServeHTTP(begun, httptest.NewRequest("GET",
							"/files"+path, nil))
					})
					begun.wrote <- struct{}{}
					go func() {
						for {
							select {
							case begun.wrote <- struct{}{}:
							case <-t.Context().Done():
								return
							}
						}
					}()
					opened := make(chan struct{})
					go func() { <-opened; close(gate) }()
					w := &opening{ResponseRecorder: httptest.NewRecorder(), opened: opened}
					status, logged, asked := a.ask(i, w, "/files"+path)
					if !strings.HasPrefix(status, "scurry; fwd=") || !strings.Contains(status,
						"; collapsed; ") || logged != "collapsed" || asked != 0 {
						t.Errorf("%s, logged %s, and the origin was asked %d times", status, logged,
							asked)
					}
					first.Wait()
					a.expect(0, "hit; ", "hit", "/files"+path)
				}
			})
		})
	}
}

// opening is a client who tells when the head has come.
type opening struct {
	*httptest.ResponseRecorder
	opened chan struct{}
	once   sync.Once
}

func (o *opening) WriteHeader(status int) {
	o.ResponseRecorder.WriteHeader(status)
	o.once.Do(func() { close(o.opened) })
}

// TestEvictedWhileSent: the head says what was true when it was sent, the log what came of it.
func TestEvictedWhileSent(t *testing.T) {
	oneNode(t)
	auditing(t, func(t *testing.T, a *audit) {
		const size = memory / 4
		a.o.Handle("/f", origintest.File{Size: size, ETag: `"1"`, Header: maxAge("600")}.ServeHTTP)
		a.ask(0, httptest.NewRecorder(), "/files/f")
		a.whole("/files/f")
		w := &evicting{ResponseRecorder: httptest.NewRecorder(), evict: a.evict}
		hits := a.nodes[0].Stats().Hits
		r := httptest.NewRequest("GET", "/files/f", nil)
		a.nodes[0].Proxy.ServeHTTP(w, r)
		lines := a.books[0].lines(t, "request")
		line := lines[len(lines)-1]
		if status := w.Header().Get("Cache-Status"); !strings.HasPrefix(status, "scurry; hit") ||
			line["cache"] == "hit" || line["source"] == "memory" {
			t.Errorf("%s, logged %v from %v", status, line["cache"], line["source"])
		}
		if w.Body.Len() != size || a.nodes[0].Stats().Partial == 0 && len(a.nodes) == 1 {
			t.Errorf("%d bytes, %+v after %d hits", w.Body.Len(), a.nodes[0].Stats(), hits)
		}
	})
}

// evicting is a client in whose way everything is evicted.
type evicting struct {
	*httptest.ResponseRecorder
	evict func()
	once  sync.Once
}

func (e *evicting) Write(b []byte) (int, error) {
	e.once.Do(e.evict)
	return e.ResponseRecorder.Write(b)
}

// TestHitsAreWithoutTheOrigin: whatever is asked for, in whatever order, of however little memory,
// the origin isn't asked for what is said to be a hit, and the log and the counters say of
// everything what is true.
func TestHitsAreWithoutTheOrigin(t *testing.T) {
	auditing(t, func(t *testing.T, a *audit) {
		const files = 12
		for i := range files {
			a.o.Handle(fmt.Sprint("/f", i), origintest.File{Size: int64(i) * slab / 3,
				Seed: byte(i), ETag: `"1"`, Header: maxAge("600")}.ServeHTTP)
		}
		random := rand.New(rand.NewPCG(1, 2))
		for range 600 {
			file, fields := 1+random.IntN(files-1), []string(nil)
			if size := file * slab / 3; random.IntN(2) == 0 {
				at := random.IntN(size)
				fields = []string{fmt.Sprintf("Range: bytes=%d-%d", at, at+random.IntN(size))}
			}
			status, logged, asked := a.ask(random.IntN(3), httptest.NewRecorder(),
				fmt.Sprint("/files/f", file), fields...)
			free := logged == "hit" || logged == "collapsed"
			if said := strings.HasPrefix(status, "scurry; hit"); said && !free ||
				free != (asked == 0) {
				t.Errorf("f%d %q: %s, logged %s, and the origin was asked %d times", file, fields,
					status, logged, asked)
			}
		}
		var hits, partial, misses, collapsed int64
		for _, n := range a.nodes {
			s := n.Stats()
			hits, partial, misses, collapsed = hits+s.Hits, partial+s.Partial, misses+s.Misses,
				collapsed+s.Collapsed
		}
		if hits != a.outcomes["hit"] || partial != a.outcomes["partial"] ||
			misses != a.outcomes["miss"] || collapsed != a.outcomes["collapsed"] {
			t.Errorf("%d hits, %d partial, %d misses, %d collapsed; logged: %v", hits, partial,
				misses, collapsed, a.outcomes)
		}
		if hits == 0 || partial == 0 {
			t.Errorf("logged: %v", a.outcomes)
		}
	})
}
