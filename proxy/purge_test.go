package proxy_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// versions is an origin's resource that is another one each time it is asked for, under the same
// validator. While it is down, it answers 503; while it is the same, 304.
type versions struct {
	count      atomic.Int64
	down, same atomic.Bool
	header     http.Header
}

func (v *versions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case v.down.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case v.same.Load() && r.Header.Get("If-None-Match") != "":
		w.Header().Set("Etag", `"same"`)
		w.Header().Set("Cache-Control", "max-age=600")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h := w.Header()
	h.Set("Etag", `"same"`)
	h.Set("Cache-Control", "max-age=600")
	for name, values := range v.header {
		h[name] = values
	}
	fmt.Fprintf(w, "version %d of %s for %q\n", v.count.Add(1), r.URL, r.Header.Get("X-Variant"))
}

// purge purges q, which is to be acknowledged.
func (n *node) purge(q proxy.PurgeRequest) proxy.PurgeResult {
	n.t.Helper()
	r, err := n.Purge(n.t.Context(), q)
	if err != nil || !r.Complete() {
		n.t.Fatalf("%+v: %+v, %v", q, r, err)
	}
	return r
}

// TestPurgeScopes: what each kind of purge is about, and what it isn't.
func TestPurgeScopes(t *testing.T) {
	oneNode(t)
	header := http.Header{"Vary": {"X-Variant"}, "Cache-Groups": {`"g", "h"`}}
	paths := []string{"/a", "/a?q=1", "/a?q=2", "/a/b", "/a/b/c?q", "/ab", "/c/"}
	for _, c := range []struct {
		purge proxy.PurgeRequest
		gone  string // the indexes of the paths
	}{
		{proxy.PurgeRequest{URLs: []string{"/files/a"}}, "0"},
		{proxy.PurgeRequest{URLs: []string{"http://example.com/files/%61?q=1"}}, "1"},
		{proxy.PurgeRequest{URLs: []string{"/zk?key=a", "/files/c/"}}, "06"},
		{proxy.PurgeRequest{URLs: []string{"/files/a?other"}, Queries: true}, "012"},
		{proxy.PurgeRequest{URLs: []string{"/files/none"}}, ""},
		{proxy.PurgeRequest{Prefixes: []string{"/files/a"}}, "01234"},
		{proxy.PurgeRequest{Prefixes: []string{"/files/a/"}}, "01234"},
		{proxy.PurgeRequest{Prefixes: []string{"/files/a/b"}}, "34"},
		{proxy.PurgeRequest{Prefixes: []string{"/files/"}}, "0123456"},
		{proxy.PurgeRequest{Groups: []string{"h"}}, "0123456"},
		{proxy.PurgeRequest{Groups: []string{"i"}}, ""},
		{proxy.PurgeRequest{All: true}, "0123456"},
	} {
		for _, c.purge.Soft = range []bool{false, true} {
			n, o := fronting(t, proxy.Config{})
			v := &versions{header: header}
			for _, path := range paths {
				path, _, _ = strings.Cut(path, "?")
				o.Handle(path, v.ServeHTTP)
			}
			stored := map[string]string{}
			for _, path := range paths {
				for _, variant := range []string{"x", "y"} {
					_, b := n.get("/files"+path, "X-Variant: "+variant)
					stored[path+variant] = string(b)
				}
			}
			purged := n.purge(c.purge).Nodes[0].Purged
			if want := 2 * len(c.gone); purged != want {
				t.Errorf("%+v: %d are purged, want %d", c.purge, purged, want)
			}
			for i, path := range paths {
				for _, variant := range []string{"x", "y"} {
					_, b := n.get("/files"+path, "X-Variant: "+variant)
					if gone := strings.Contains(c.gone,
						fmt.Sprint(i)); gone != (string(b) != stored[path+variant]) {
						t.Errorf("%+v: %s is now %s", c.purge, path, b)
					}
				}
			}
		}
	}
}

// TestPurgeIsHardOrSoft: what is purged softly is stale, and what is purged hard is gone, even if
// the origin is down, on a node that owns it and on one that has a copy.
func TestPurgeIsHardOrSoft(t *testing.T) {
	now := newClock()
	c := newCluster(t, 2, proxy.Config{Now: now.Now})
	files := map[string]*versions{}
	open := func(path string, header http.Header) {
		files[path] = &versions{header: header}
		c.o.Handle("/"+path, files[path].ServeHTTP)
		for _, n := range c.nodes {
			n.get("/files/" + path)
		}
	}
	swr := http.Header{"Cache-Control": {"max-age=600, stale-while-revalidate=60"}}
	for _, path := range []string{"hard", "soft", "same", "down", "harddown"} {
		open(path, nil)
	}
	open("meanwhile", swr)
	now.Advance(time.Second)
	for path := range files {
		q := proxy.PurgeRequest{URLs: []string{"/files/" + path}, Soft: !strings.HasPrefix(path,
			"hard")}
		if r := c.nodes[0].purge(q); len(r.Nodes) != 2 || r.Nodes[0].Purged != 1 ||
			r.Nodes[1].Purged != 1 {
			t.Errorf("%s: %+v", path, r)
		}
	}
	files["same"].same.Store(true)
	files["down"].down.Store(true)
	files["harddown"].down.Store(true)
	for i, n := range c.nodes {
		for path, want := range map[string]string{"hard": "version 2", "soft": "version 2",
			"same": "version 1", "down": "version 1"} {
			resp, b := n.get("/files/" + path)
			if resp.StatusCode != 200 || !strings.HasPrefix(string(b), want) {
				t.Errorf("node %d, %s: %d %s %s", i, path, resp.StatusCode, b,
					resp.Header["Cache-Status"])
			}
		}
		if resp, _ := n.get("/files/harddown"); resp.StatusCode < 500 {
			t.Errorf("node %d: what was purged is served: %d", i, resp.StatusCode)
		}
	}
	if resp, _ := c.nodes[0].get("/files/same"); !strings.Contains(resp.Header.Get("Cache-Status"),
		"; hit") {
		t.Errorf("what has been validated isn't fresh: %s", resp.Header["Cache-Status"])
	}
	for i, n := range c.nodes { // it is stale, and is validated meanwhile
		resp, b := n.get("/files/meanwhile")
		if !strings.HasPrefix(string(b), "version 1") && i == 0 ||
			!strings.Contains(resp.Header.Get("Cache-Status"), "; hit") {
			t.Errorf("node %d: %s %s", i, b, resp.Header["Cache-Status"])
		}
		eventually(t, "a new version has come in the background", func() bool {
			_, b := n.get("/files/meanwhile")
			return strings.HasPrefix(string(b), "version 2")
		})
	}
}

// TestPurgeByID: a purge with an ID happens once.
func TestPurgeByID(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/a", (&versions{}).ServeHTTP)
	q := proxy.PurgeRequest{URLs: []string{"/files/a"}, ID: "x"}
	_, before := n.get("/files/a")
	first := n.purge(q)
	_, b := n.get("/files/a")
	if string(b) == string(before) {
		t.Error("it isn't purged")
	}
	again := n.purge(q)
	if again.Nodes[0] != first.Nodes[0] || again.ID != "x" {
		t.Errorf("%+v, then %+v", first, again)
	}
	n.expect(200, b, "/files/a")
	q.Soft = true
	if _, err := n.Purge(t.Context(), q); err != proxy.ErrPurgeID {
		t.Errorf("another purge with the same id: %v", err)
	}
	if got := n.Stats().Purges; got != 1 {
		t.Errorf("%d purges are counted", got)
	}
	for _, q := range []proxy.PurgeRequest{{}, {URLs: []string{"/elsewhere/a"}},
		{Prefixes: []string{"/files/a?q"}}, {All: true, Groups: []string{"g"}}} {
		if _, err := n.Purge(t.Context(), q); err == nil {
			t.Errorf("%+v: no error", q)
		}
	}
}

// TestPurgeMethod: PURGE at the address for clients.
func TestPurgeMethod(t *testing.T) {
	for _, c := range []struct {
		from   string
		fields []string
		status int
	}{
		{"", nil, 405}, {"10.0.0.0/8", nil, 403}, {"127.0.0.0/8",
			[]string{"X-Forwarded-For: 127.0.0.1"}, 403},
		{"127.0.0.0/8", nil, 200}, {"127.0.0.0/8", []string{"Surrogate-Key: g"}, 200},
		{"127.0.0.0/8", []string{"Surrogate-Key: h"}, 0},
		{"127.0.0.0/8", []string{"Surrogate-Key: ,"}, 400},
	} {
		cfg := proxy.Config{}
		if c.from != "" {
			cfg.PurgeFrom = []netip.Prefix{netip.MustParsePrefix(c.from)}
		}
		n, o := fronting(t, cfg)
		o.Handle("/a", (&versions{header: http.Header{"Cache-Groups": {`"g"`}}}).ServeHTTP)
		_, before := n.get("/files/a")
		resp, b := n.read(n.do("PURGE", "/files/a", c.fields...))
		_, after := n.get("/files/a")
		purged := c.status == 200
		if c.status == 0 { // it purges another group
			c.status = 200
		}
		if resp.StatusCode != c.status || purged == (string(after) == string(before)) {
			t.Errorf("%+v: %d %s", c, resp.StatusCode, b)
		}
		for _, r := range o.Requests() {
			if r.Method == "PURGE" {
				t.Errorf("%+v: it has reached the origin", c)
			}
		}
	}
	if _, err := proxy.New(proxy.Config{Origin: http.DefaultTransport,
		PurgeFrom: make([]netip.Prefix, 1)}); err == nil {
		t.Error("a network that is none is taken")
	}
}

// TestPurgeNamesWhoMissesIt: a node that isn't there hasn't acknowledged, and the others have.
func TestPurgeNamesWhoMissesIt(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	c.o.Handle("/a", (&versions{}).ServeHTTP)
	for _, n := range c.nodes {
		n.get("/files/a")
	}
	if err := c.nodes[2].Proxy.Close(); err != nil {
		t.Fatal(err)
	}
	c.await(2)
	r, err := c.nodes[0].Purge(t.Context(), proxy.PurgeRequest{All: true})
	if err != nil || r.Complete() || len(r.Nodes) != 3 || r.Nodes[0].Name != c.names[0] {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, n := range r.Nodes {
		if missing := n.Name == c.names[2]; missing != (n.Err != nil) || missing &&
			!strings.HasPrefix(n.Err.Error(), "it is down: ") {
			t.Errorf("%+v", n)
		}
	}
}

// TestPurgeTellsUntilWhen: of a node that hasn't acknowledged the purge of a URL, it is told until when
// it may use what the others had of that, and "unknown" where they can't know.
func TestPurgeTellsUntilWhen(t *testing.T) {
	now := newClock()
	c := newCluster(t, 3, proxy.Config{Now: now.Now, MaxStale: time.Hour,
		Cluster: proxy.Cluster{Lease: 7 * time.Second}})
	if err := c.nodes[2].Proxy.Close(); err != nil {
		t.Fatal(err)
	}
	c.await(2)
	const unknown = -1
	control := map[string]string{
		"must": "max-age=600, must-revalidate", "fresh": "max-age=60",
		"meanwhile": "max-age=60, stale-while-revalidate=7200",
		"error":     "max-age=60, stale-if-error=5", "never": "no-cache", "soft": "max-age=60",
		"q": "max-age=60", "none": "no-store",
	}
	for path, value := range control {
		h := http.Header{"Cache-Control": {value}}
		c.o.Handle("/"+path, origintest.File{Size: 10, ETag: `"1"`, Header: h}.ServeHTTP)
		c.nodes[1].get("/files/" + path)
	}
	now.Advance(20 * time.Second) // the node that is away may have validated it since
	purge := func(q proxy.PurgeRequest) proxy.NodePurge {
		r, err := c.nodes[0].Purge(t.Context(), q)
		if err != nil || len(r.Nodes) != 3 {
			t.Fatalf("%+v, %v", r, err)
		}
		for _, n := range r.Nodes {
			if n.Name == c.names[2] {
				return n
			}
			if n.Err != nil || !n.OldUntil.IsZero() || !n.CopiesUntil.IsZero() {
				t.Errorf("%+v", n)
			}
		}
		return proxy.NodePurge{}
	}
	purge(proxy.PurgeRequest{URLs: []string{"/files/soft"}, Soft: true})
	for _, tt := range []struct {
		q    proxy.PurgeRequest
		want int // seconds
	}{
		{proxy.PurgeRequest{URLs: []string{"/files/must"}}, 600},
		{proxy.PurgeRequest{URLs: []string{"/files/must"}}, unknown}, // nothing is left that tells
		{proxy.PurgeRequest{URLs: []string{"/files/fresh"}}, 3660},
		{proxy.PurgeRequest{URLs: []string{"/files/meanwhile"}, Soft: true}, 7260},
		{proxy.PurgeRequest{URLs: []string{"/files/error"}}, 65},
		{proxy.PurgeRequest{URLs: []string{"/files/never"}}, 0},
		{proxy.PurgeRequest{URLs: []string{"/files/soft"}}, unknown},
		{proxy.PurgeRequest{URLs: []string{"/files/none"}}, unknown},
		{proxy.PurgeRequest{URLs: []string{"/files/q"}, Queries: true}, unknown},
		{proxy.PurgeRequest{URLs: []string{"/files/q", "/files/more"}}, unknown},
		{proxy.PurgeRequest{Prefixes: []string{"/files"}}, unknown},
	} {
		n, want := purge(tt.q), time.Time{}
		if tt.want != unknown {
			want = now.Now().Add(time.Duration(tt.want) * time.Second)
		}
		if n.Err == nil || !n.OldUntil.Equal(want) || !n.CopiesUntil.Equal(now.Now().Add(7*time.Second)) {
			t.Errorf("%+v: %v, want %v; %+v", tt.q, n.OldUntil.Sub(now.Now()), tt.want, n)
		}
	}
	if s := c.nodes[0].Stats(); s.Purges != 12 || s.PurgesIncomplete != 12 {
		t.Errorf("%d purges, of which %d aren't complete", s.Purges, s.PurgesIncomplete)
	}
}

// TestPurgeWhileClosing: purges that are under way when a proxy closes end, and those that come later
// reach no other node.
func TestPurgeWhileClosing(t *testing.T) {
	c := newCluster(t, 2, proxy.Config{})
	c.o.Handle("/a", (&versions{}).ServeHTTP)
	n := c.nodes[0]
	var purging sync.WaitGroup
	begun, closed := make(chan struct{}, 100), make(chan struct{})
	for range 4 {
		purging.Go(func() {
			for {
				select {
				case <-closed:
					return
				default:
				}
				q := proxy.PurgeRequest{URLs: []string{"/files/a"}}
				if _, err := n.Purge(t.Context(), q); err != nil {
					t.Error(err)
				}
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	n.get("/files/a")
	<-begun
	if err := n.Proxy.Close(); err != nil {
		t.Error(err)
	}
	close(closed)
	purging.Wait()
	r, err := n.Purge(t.Context(), proxy.PurgeRequest{All: true})
	if err != nil || r.Complete() || r.Nodes[0].Err != nil {
		t.Errorf("once it is closed: %+v, %v", r, err)
	}
}
