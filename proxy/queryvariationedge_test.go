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

// TestSearchRuleOfAnother: a rule that one response states isn't applied to others, which state
// none.
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

// TestSearchInFlight: what is under way when an equivalent URL is invalidated isn't stored for
// that.
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
	if raceEnabled {
		t.Skip("the race detector needs memory of its own")
	}
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
			resp := n.do("GET", fmt.Sprintf("/files%s?a=%d%s", path, i, pad),
				"Cache-Control: only-if-cached")
			resp.Body.Close()
		}
		o.Forget()
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("%d KiB more, with 1 MiB of cache, after %d origin requests", grown>>10, o.Count())
	}
}

// TestSearchOwnerKnowsBetter: an owner that knows better than the node that asks goes by what it
// knows.
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

// with answers with the query, a rule and a lifetime.
func with(w http.ResponseWriter, r *http.Request, rule, age string) {
	w.Header().Set("Cache-Control", "max-age="+age)
	if rule != "" {
		w.Header().Set("No-Vary-Search", rule)
	}
	io.WriteString(w, r.URL.RawQuery)
}

// TestSearchTooLong: a query whose canonical form is too long for a key is for itself.
func TestSearchTooLong(t *testing.T) {
	n, o := fronting(t, proxy.Config{NoVarySearch: true})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		with(w, r, `params=("utm")`,
			"600")
	})
	long := "a=" + strings.Repeat("!", 4000)
	n.expect(200, []byte(long), "/files/f?"+long)
	n.expect(200, []byte(""), "/files/f")
}

// TestSearchesTooLong: two of them that differ are two.
func TestSearchesTooLong(t *testing.T) {
	n, o := fronting(t, proxy.Config{NoVarySearch: true})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		with(w, r, `params=("utm")`,
			"600")
	})
	long := "a=" + strings.Repeat("!", 4000)
	for _, end := range []string{"1", "2"} {
		if _, b := n.get("/files/f?" + long + end); string(b) != long+end {
			t.Errorf("a=!!!…%s got the answer to a=!!!…%s", end, b[len(b)-1:])
		}
	}
}

// TestSearchValidated: what a validation brings instead is for the URL that was validated.
func TestSearchValidated(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{NoVarySearch: true, Now: now.Now})
	rule := `params=("u")`
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) { with(w, r, rule, "10") })
	n.expect(200, []byte("u=1"), "/files/f?u=1")
	now.Advance(20 * time.Second)
	rule = "" // u matters by now
	n.expect(200, []byte("u=2"), "/files/f?u=2")
	n.expect(200, []byte("u=2"), "/files/f?u=2")
}

// TestSearchValidatedInTheBackground: so it is if nobody waits for it.
func TestSearchValidatedInTheBackground(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{NoVarySearch: true, Now: now.Now})
	var mu sync.Mutex
	rule := `params=("u")`
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		with(w, r, rule, "10, stale-while-revalidate=600")
	})
	n.expect(200, []byte("u=1"), "/files/f?u=1")
	now.Advance(20 * time.Second)
	mu.Lock()
	rule = ""
	mu.Unlock()
	before := o.Count()
	n.expect(200, []byte("u=1"), "/files/f?u=1") // stale, validated meanwhile
	eventually(t, "validated", func() bool { return o.Count() > before })
	eventually(t, "what came is for its own URL", func() bool {
		_, b := n.get("/files/f")
		return len(b) == 0
	})
}

// TestSearchOwnersOwnRule: an owner with another rule than the node that asks doesn't answer with
// another's response.
func TestSearchOwnersOwnRule(t *testing.T) {
	c := newCluster(t, 2, proxy.Config{NoVarySearch: true})
	c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		rule := ""
		if r.URL.Query().Has("z") {
			rule = `params=("u")`
		}
		with(w, r, rule, "600")
	})
	own, other := c.nodes[c.owner("f")], c.other("f")
	own.expect(200, []byte(""), "/files/f")
	own.expect(200, []byte("z=1"), "/files/f?z=1")
	other.expect(200, []byte("u=2"), "/files/f?u=2")
}

// TestSearchRuleOf304: a response that gets its rule by a 304 is found under its new key.
func TestSearchRuleOf304(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{NoVarySearch: true, Now: now.Now})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Cache-Control", "max-age=100")
		if r.Header.Get("If-None-Match") != "" {
			w.Header().Set("No-Vary-Search", `params=("u")`)
			w.WriteHeader(304)
			return
		}
		io.WriteString(w, "x")
	})
	n.expect(200, []byte("x"), "/files/f?u=1")
	now.Advance(200 * time.Second)
	n.expect(200, []byte("x"), "/files/f?u=1")
	now.Advance(200 * time.Second)
	n.expect(200, []byte("x"), "/files/f?u=1")
	o.Forget()
	for range 5 {
		n.expect(200, []byte("x"), "/files/f?u=1")
	}
	if got := o.Count(); got > 0 {
		t.Errorf("%d origin requests for 5 requests of what has just been validated", got)
	}
}

// TestSearchInvalidatedWithoutRule: what is stored by a rule that has been forgotten meanwhile is
// invalidated with its URL.
func TestSearchInvalidatedWithoutRule(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{NoVarySearch: true, Now: now.Now})
	body := "old"
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			body = "new"
			return
		}
		w.Header().Set("Cache-Control", "max-age=600")
		if !r.URL.Query().Has("plain") {
			w.Header().Set("No-Vary-Search", `params=("u")`)
		}
		io.WriteString(w, body)
	})
	n.expect(200, []byte("old"), "/files/f?u=2")
	now.Advance(time.Second)
	n.expect(200, []byte("old"), "/files/f?plain=1") // which states no rule
	now.Advance(time.Second)
	n.read(n.do("POST", "/files/f?u=2"))
	n.expect(200, []byte("new"), "/files/f?z=1") // which states it again
	n.expect(200, []byte("new"), "/files/f?u=2")
}

// TestSearchAsked: the origin is asked for URLs that clients have asked for, and no others.
func TestSearchAsked(t *testing.T) {
	now := newClock()
	c := newCluster(t, 2, proxy.Config{NoVarySearch: true, Now: now.Now})
	var mu sync.Mutex
	seen := map[string]int{}
	c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.Method+" "+r.URL.RawQuery]++
		mu.Unlock()
		with(w, r, `params=("u"), key-order`, "10, stale-while-revalidate=600")
	})
	own, other := c.nodes[c.owner("f")], c.other("f")
	other.expect(200, []byte("u=1&b=2&a=1"), "/files/f?u=1&b=2&a=1")
	for range 3 {
		now.Advance(11 * time.Second)
		before := c.o.Count()
		other.expect(200, []byte("u=1&b=2&a=1"), "/files/f?u=2&b=2&a=1")
		// The clock mustn't go on before it is stored: while that is under way, nobody validates it
		// again.
		eventually(t, "it is validated", func() bool {
			resp := own.expect(200, []byte("u=1&b=2&a=1"), "/files/f?u=3&b=2&a=1")
			return c.o.Count() > before && !strings.Contains(resp.Header.Get("Cache-Status"),
				"ttl=-")
		})
	}
	mu.Lock()
	defer mu.Unlock()
	for q := range seen {
		if q == "GET a=1&b=2" {
			t.Errorf("the origin was asked for %v: nobody asked for %s", seen, q)
		}
	}
}

// TestSearchValidatedByOwner: so it is by way of the owner.
func TestSearchValidatedByOwner(t *testing.T) {
	now := newClock()
	c := newCluster(t, 2, proxy.Config{NoVarySearch: true, Now: now.Now})
	rule := `params=("u")`
	c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) { with(w, r, rule, "10") })
	other := c.other("f")
	other.expect(200, []byte("u=1"), "/files/f?u=1")
	now.Advance(20 * time.Second)
	rule = ""
	other.expect(200, []byte("u=2"), "/files/f?u=2")
}
