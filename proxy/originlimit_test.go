package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// gateway is an origin's handler that holds requests back, and notes how many there are at once.
type gateway struct {
	now, peak, came atomic.Int64
	goOn            chan struct{}
	file            origintest.File
}

func newGateway(f origintest.File) *gateway { return &gateway{goOn: make(chan struct{}), file: f} }

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := g.now.Add(1)
	defer g.now.Add(-1)
	for peak := g.peak.Load(); n > peak && !g.peak.CompareAndSwap(peak, n); peak = g.peak.Load() {
	}
	g.came.Add(1)
	<-g.goOn
	g.file.ServeHTTP(w, r)
}

// TestOriginRequests: no more are sent to the origin at once than may be, some wait, and others get
// a 503. Clients that ask for the same count once. A hit doesn't wait.
func TestOriginRequests(t *testing.T) {
	const slots, queue = 2, 3
	l := newLimited(t, proxy.Limits{OriginRequests: slots, OriginQueue: queue})
	g := newGateway(origintest.File{Size: 100, Header: maxAge("60")})
	for i := range slots + queue + 1 {
		l.o.Handle(fmt.Sprint("/", i), g.ServeHTTP)
	}
	l.get("/files/f")
	var clients sync.WaitGroup
	for i := range slots + queue {
		for range 8 {
			clients.Go(func() {
				l.expect(200, origintest.Content(0, 0, 100), fmt.Sprint("/files/",
					i))
			})
		}
		if i < slots {
			eventually(t, "it has come to the origin",
				func() bool { return g.came.Load() == int64(i+1) })
		}
	}
	eventually(t, "the queue is full", func() bool { return l.Stats().OriginWaiting == queue })
	resp, _ := l.get(fmt.Sprint("/files/", slots+queue))
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" ||
		l.Stats().Refused.Origin != 1 {
		t.Errorf("%s, %v, %+v", resp.Status, resp.Header, l.Stats().Refused)
	}
	l.cacheStatus(resp, "fwd=uri-miss")
	l.cacheStatus(resp, "detail=connection_limit_reached")
	for lane := range 2 {
		if resp := l.ask(lane, "/files/f"); resp.StatusCode != http.StatusOK {
			t.Errorf("a hit by %s: %s", laneNames[lane], resp.Status)
		}
	}
	close(g.goOn)
	clients.Wait()
	if g.peak.Load() != slots || g.came.Load() != slots+queue {
		t.Errorf("%d came to the origin, %d at once", g.came.Load(), g.peak.Load())
	}
}

// TestSlotsComeBack: whatever comes of a request to the origin, its place is free after it.
func TestSlotsComeBack(t *testing.T) {
	l := newLimited(t, proxy.Limits{OriginRequests: 1, OriginQueue: -1})
	l.o.Handle("/private", origintest.File{Size: 5000,
		Header: http.Header{"Cache-Control": {"no-store"}}}.ServeHTTP)
	l.o.Handle("/stale", origintest.File{Size: 700, ETag: `"1"`, Header: maxAge("0")}.ServeHTTP)
	l.o.Handle("/large", origintest.File{Size: 3*slab + 7, ETag: `"1"`,
		Header: maxAge("60")}.ServeHTTP)
	l.o.Handle("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	})
	l.o.Handle("/post", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	free := func() {
		t.Helper()
		l.o.Handle("/free", origintest.File{Size: 1,
			Header: http.Header{"Cache-Control": {"no-store"}}}.ServeHTTP)
		eventually(t, "there is room", func() bool {
			resp, _ := l.get("/files/free")
			return resp.StatusCode == http.StatusOK
		})
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions,
		http.MethodPost} {
		for _, path := range []string{"f", "private", "stale", "stale", "large", "cut", "post",
			"missing"} {
			resp, err := l.try(method, "/files/"+path)
			if err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			free()
		}
	}
	resp := l.do(http.MethodGet, "/files/private") // of which nothing is read
	resp.Body.Close()
	free()
	l.get("/files/large", "Range: bytes=150000-150009")
	free()
}

// idle waits until the origin answers nothing, which may be after a client has got all of it.
func (l *limited) idle() {
	l.t.Helper()
	eventually(l.t, "there is room", func() bool { return l.Stats().OriginInFlight == 0 })
}

// TestRevalidationYields: while there is no room, what is stale is served, its validation in the
// background is put off, and so is an answer that would be a 503.
func TestRevalidationYields(t *testing.T) {
	l := newLimited(t, proxy.Limits{OriginRequests: 1, OriginQueue: -1})
	meanwhile := http.Header{"Cache-Control": {"max-age=10, stale-while-revalidate=100"}}
	l.o.Handle("/meanwhile", origintest.File{Size: 100, ETag: `"1"`, Header: meanwhile}.ServeHTTP)
	l.o.Handle("/onerror", origintest.File{Size: 100, ETag: `"1"`, Header: maxAge("10")}.ServeHTTP)
	l.get("/files/meanwhile")
	l.idle()
	l.get("/files/onerror")
	l.idle()
	l.now.Advance(20 * time.Second)
	g := newGateway(origintest.File{Size: 1})
	l.o.Handle("/slow", g.ServeHTTP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.get("/files/slow")
	}()
	eventually(t, "the origin is busy", func() bool { return g.came.Load() == 1 })
	content := origintest.Content(0, 0, 100)
	l.cacheStatus(l.expect(200, content, "/files/meanwhile"), "hit; ttl=-10")
	eventually(t, "the validation yields", func() bool { return l.Stats().Refused.OriginYielded == 1 })
	l.cacheStatus(l.expect(200, content, "/files/onerror"), "detail=connection_limit_reached")
	close(g.goOn)
	<-done
	l.idle()
	l.now.Advance(3 * time.Second)
	eventually(t, "it is validated", func() bool {
		resp, _ := l.get("/files/meanwhile")
		return !strings.Contains(resp.Header.Get("Cache-Status"), "ttl=-")
	})
	if s := l.Stats(); s.Refused.OriginYielded < 1 || s.Refused.Origin != 1 {
		t.Errorf("%+v", s.Refused)
	}
}

// TestOriginRequestsOfPeers: what other nodes ask an owner for waits there, and its refusal is the
// answer for all: no other node asks the origin in its place.
func TestOriginRequestsOfPeers(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{Limits: proxy.Limits{OriginRequests: 1, OriginQueue: 1}})
	g := newGateway(origintest.File{Size: 100, Header: maxAge("60")})
	var paths []string // of one owner
	for i := 0; len(paths) < 3; i++ {
		if path := fmt.Sprint("p", i); c.owner(path) == 0 {
			c.o.Handle("/"+path, g.ServeHTTP)
			paths = append(paths, path)
		}
	}
	var clients sync.WaitGroup
	for i, path := range paths[:2] {
		for _, n := range c.nodes {
			clients.Go(func() { n.expect(200, origintest.Content(0, 0, 100), "/files/"+path) })
		}
		if i == 0 {
			eventually(t, "the origin is busy", func() bool { return g.came.Load() == 1 })
		}
	}
	eventually(t, "the queue is full", func() bool { return c.nodes[0].Stats().OriginWaiting == 1 })
	for i, n := range c.nodes {
		resp, _ := n.get("/files/" + paths[2])
		if resp.StatusCode != http.StatusServiceUnavailable ||
			resp.Header.Get("Retry-After") == "" {
			t.Errorf("node %d: %s, %v", i, resp.Status, resp.Header)
		}
	}
	if g.came.Load() != 1 {
		t.Errorf("%d requests have come to the origin", g.came.Load())
	}
	close(g.goOn)
	clients.Wait()
	if g.peak.Load() != 1 {
		t.Errorf("%d requests came to the origin at once", g.peak.Load())
	}
}
