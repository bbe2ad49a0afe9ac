package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scurrycache/scurry/proxy"
)

// TestSearchRuleOfAnother: a rule that one response states isn't applied to others, which state none.
func TestSearchRuleOfAnother(t *testing.T) {
	n, o := fronting(t, proxy.Config{NoVarySearch: true})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		h := answering("")
		if r.URL.Query().Has("landing") {
			h = answering(`params=("id")`)
		}
		h(w, r)
	})
	n.expect(200, []byte("id=1"), "/files/f?id=1")
	n.expect(200, []byte("id=2"), "/files/f?id=2")
	n.expect(200, []byte("landing=1"), "/files/f?landing=1")
	n.expect(200, []byte("id=1"), "/files/f?id=1")
	n.expect(200, []byte("id=2"), "/files/f?id=2")
}

// TestSearchRedirect: a redirect that states no rule is for its own URL.
func TestSearchRedirect(t *testing.T) {
	n, o := fronting(t, proxy.Config{NoVarySearch: true})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("go") {
			w.Header().Set("Cache-Control", "max-age=600")
			w.Header().Set("Location", "https://elsewhere.example/?"+r.URL.RawQuery)
			w.WriteHeader(302)
			return
		}
		answering(`params=("user")`)(w, r)
	})
	n.expect(200, []byte("a=1"), "/files/f?a=1")
	for _, q := range []string{"go=1&user=ann", "go=1&user=bob"} {
		resp := n.expect(302, nil, "/files/f?"+q)
		if got := resp.Header.Get("Location"); !strings.HasSuffix(got, q) {
			t.Errorf("%s was sent to %s", q, got)
		}
	}
}

// TestSearchPost: so is the answer to a POST.
func TestSearchPost(t *testing.T) {
	n, o := fronting(t, proxy.Config{NoVarySearch: true})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			w.Header().Set("Content-Location", "/f?"+r.URL.RawQuery)
			answering("")(w, r)
			return
		}
		answering(`params=("user")`)(w, r)
	})
	n.expect(200, []byte("user=ann"), "/files/f?user=ann")
	n.read(n.do("POST", "/files/f?user=bob"))
	if _, b := n.get("/files/f?user=ann"); string(b) == "user=bob" {
		t.Errorf("ann got %s", b)
	}
}

// TestSearchInFlight: what is under way when an equivalent URL is invalidated isn't stored for that.
func TestSearchInFlight(t *testing.T) {
	n, o := fronting(t, proxy.Config{NoVarySearch: true})
	asked, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			return
		}
		body := "new"
		once.Do(func() {
			body = "old"
			close(asked)
			<-release
		})
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("No-Vary-Search", `params=("utm")`)
		io.WriteString(w, body)
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.get("/files/f?utm=1")
	}()
	<-asked
	n.read(n.do("POST", "/files/f"))
	close(release)
	<-done
	n.expect(200, []byte("new"), "/files/f")
}

// TestSearchTellsNoOthersURL: Cache-Status doesn't tell a client what another asked for.
func TestSearchTellsNoOthersURL(t *testing.T) {
	n, o := fronting(t, proxy.Config{NoVarySearch: true})
	o.Handle("/f", answering(`params=("token")`))
	n.get("/files/f?token=secret-of-ann")
	resp, _ := n.get("/files/f?token=bob")
	if got := resp.Header.Get("Cache-Status"); strings.Contains(got, "ann") {
		t.Error(got)
	}
}

// TestSearchMemory: URLs that differ in what doesn't matter take no memory.
func TestSearchMemory(t *testing.T) {
	n, o := fronting(t, proxy.Config{NoVarySearch: true})
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	pad := strings.Repeat("x", 8000)
	before := heap()
	for f := range 4 {
		path := fmt.Sprint("/f", f)
		o.Handle(path, answering(`params=("utm")`))
		n.get("/files" + path)
		for i := range 1000 {
			resp := n.do("GET", fmt.Sprintf("/files%s?a=%d%s", path, i, pad), "Cache-Control: only-if-cached")
			resp.Body.Close()
		}
		o.Forget()
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("%d KiB more, with 1 MiB of cache, after %d origin requests", grown>>10, o.Count())
	}
}

// TestSearchOwnerKnowsBetter: an owner that knows better than the node that asks goes by what it knows.
func TestSearchOwnerKnowsBetter(t *testing.T) {
	now := newClock()
	c := newCluster(t, 2, proxy.Config{NoVarySearch: true, Now: now.Now})
	field := `params=("x")`
	c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) { answering(field)(w, r) })
	own, other := c.nodes[c.owner("f")], c.other("f")
	other.expect(200, []byte("x=1"), "/files/f?x=1")
	now.Advance(time.Second)
	field = ""
	own.expect(200, []byte("y=1"), "/files/f?y=1") // x matters by now, which only the owner knows
	now.Advance(10 * time.Second)                  // more than a lease
	own.expect(200, []byte("x=2"), "/files/f?x=2")
	other.expect(200, []byte("x=2"), "/files/f?x=2")
}
