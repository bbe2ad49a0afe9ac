package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scurrycache/scurry/proxy"
)

// TestHeadOfUnknownLength: a length that isn't known is no other length.
func TestHeadOfUnknownLength(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	release := make(chan struct{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		if r.Method == "HEAD" {
			w.Header().Set("Content-Length", "5")
			return
		}
		io.WriteString(w, "ac")
		w.(http.Flusher).Flush()
		<-release
		io.WriteString(w, "orn")
	})
	resp := n.do("GET", "/files/f")
	n.read(n.do("HEAD", "/files/f", "Cache-Control: no-cache"))
	close(release)
	n.read(resp)
	o.Forget()
	n.expect(200, []byte("acorn"), "/files/f")
	if o.Count() > 0 {
		t.Error("it was thrown away")
	}
}

// TestHeadKeepsVia: what a HEAD updates still says what it came through.
func TestHeadKeepsVia(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Via", "1.1 upstream")
		io.WriteString(w, "acorn")
	})
	n.expect(200, []byte("acorn"), "/files/f")
	n.read(n.do("HEAD", "/files/f", "Cache-Control: no-store, no-cache"))
	n.read(n.do("HEAD", "/files/f", "Cache-Control: no-cache"))
	resp := n.expect(200, []byte("acorn"), "/files/f")
	if got := fmt.Sprint(resp.Header["Via"]); !strings.Contains(got, "scurry") {
		t.Error(got)
	}
}

// TestSpacedFieldName: a field whose name is none keeps no node from understanding another.
func TestSpacedFieldName(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nFoo Bar: "+
			"x\r\nContent-Length: 5\r\n\r\nacorn")
		conn.Close()
	})
	for range 2 {
		for _, n := range c.nodes {
			n.expect(200, []byte("acorn"), "/files/f")
		}
	}
	if got := c.o.Count(); got != 1 {
		t.Errorf("%d origin requests", got)
	}
}

// TestHeadSetsNoCookie: a cookie that comes with a HEAD is for that client alone.
func TestHeadSetsNoCookie(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		if c := r.Header.Get("Cookie"); c != "" {
			w.Header().Set("Set-Cookie", c)
		}
		io.WriteString(w, "acorn")
	})
	n.expect(200, []byte("acorn"), "/files/f")
	n.read(n.do("HEAD", "/files/f", "Cache-Control: no-cache", "Cookie: session=ann"))
	resp := n.expect(200, []byte("acorn"), "/files/f")
	if got := resp.Header["Set-Cookie"]; got != nil {
		t.Errorf("another client got %q", got)
	}
}

// TestCookieOf304: so is one that comes with a 304.
func TestCookieOf304(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{Now: now.Now})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=10")
		w.Header().Set("Etag", `"1"`)
		if r.Header.Get("If-None-Match") != "" {
			w.Header().Set("Set-Cookie", r.Header.Get("Cookie"))
			w.WriteHeader(304)
			return
		}
		io.WriteString(w, "acorn")
	})
	n.expect(200, []byte("acorn"), "/files/f")
	now.Advance(11 * time.Second)
	n.expect(200, []byte("acorn"), "/files/f", "Cookie: session=ann")
	resp := n.expect(200, []byte("acorn"), "/files/f")
	if got := resp.Header["Set-Cookie"]; got != nil {
		t.Errorf("another client got %q", got)
	}
}

// TestHeadOlderThanStored: a HEAD that was asked before a newer response came says nothing of that.
func TestHeadOlderThanStored(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	asked, release := make(chan struct{}), make(chan struct{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		if r.Method == "HEAD" {
			w.Header().Set("X-Title", "old")
			w.Header().Set("Content-Length", "3")
			close(asked)
			<-release
			return
		}
		w.Header().Set("X-Title", "new")
		io.WriteString(w, "new")
	})
	done := make(chan struct{})
	go func() { defer close(done); n.read(n.do("HEAD", "/files/f")) }()
	<-asked
	n.expect(200, []byte("new"), "/files/f")
	close(release)
	<-done
	if got := n.expect(200, []byte("new"), "/files/f").Header.Get("X-Title"); got != "new" {
		t.Errorf("title %q of the new content", got)
	}
	resp, _ := n.read(n.do("HEAD", "/files/f"))
	if got := resp.Header.Get("X-Title"); got != "new" || resp.ContentLength != 3 {
		t.Errorf("title %q and length %d in answer to a HEAD", got, resp.ContentLength)
	}
}

// TestVaryByWhoAsks: what anyone may share, and varies by a field that tells who asks, is found
// again.
func TestVaryByWhoAsks(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=600")
		w.Header().Set("Vary", "X-Forwarded-Proto")
		io.WriteString(w, "x")
	})
	for range 5 {
		n.expect(200, []byte("x"), "/files/f", "Authorization: Basic YTpi")
	}
	if got := o.Count(); got > 1 {
		t.Errorf("%d origin requests for what anyone may share", got)
	}
}

// TestIdentityIsOurs: what the origin is told of who asks is what this node says.
func TestIdentityIsOurs(t *testing.T) {
	now := newClock()
	n, o := fronting(t, proxy.Config{Now: now.Now})
	var mu sync.Mutex
	var seen []string
	asked, release := make(chan struct{}), make(chan struct{})
	count := 0
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		count++
		mine := count
		if r.Header.Get("Authorization") != "" {
			seen = append(seen, r.Header.Get("X-Forwarded-For"))
		}
		mu.Unlock()
		w.Header().Set("Cache-Control", "max-age=10")
		switch mine {
		case 1:
			w.Header().Set("Cache-Control", "public, max-age=10")
		case 2:
			close(asked)
			<-release
		}
		io.WriteString(w, "x")
	})
	n.expect(200, []byte("x"), "/files/f")
	now.Advance(20 * time.Second)
	var wg sync.WaitGroup
	wg.Go(func() { n.get("/files/f") })
	<-asked
	wg.Go(func() { n.get("/files/f", "Authorization: Basic YTpi", "X-Forwarded-For: 10.9.9.9") })
	close(release)
	wg.Wait()
	if len(seen) != 1 || seen[0] == "10.9.9.9" {
		t.Errorf("X-Forwarded-For of requests with Authorization: %q", seen)
	}
}

// TestHeadThroughAnotherNode: a HEAD is answered alike through each node: from what the owner has
// stored, stale if need be.
func TestHeadThroughAnotherNode(t *testing.T) {
	now := newClock()
	c := newCluster(t, 3, proxy.Config{Now: now.Now})
	broken := make(chan bool, 1)
	broken <- false
	c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		away := <-broken
		broken <- away
		if away {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Cache-Control", "max-age=10")
		w.Header().Set("Etag", `"1"`)
		io.WriteString(w, "acorn")
	})
	c.nodes[c.owner("f")].expect(200, []byte("acorn"), "/files/f")
	now.Advance(20 * time.Second)
	<-broken
	broken <- true
	for i, n := range c.nodes {
		resp := n.do("HEAD", "/files/f")
		if resp.StatusCode != 200 || !strings.Contains(resp.Header.Get("Cache-Status"),
			"hit; ttl=-10") {
			t.Errorf("through node %d: %d, %v", i, resp.StatusCode, resp.Header["Cache-Status"])
		}
	}
}

// TestUnaskedSwitch: an origin that switches to another protocol unasked gets its client a 502.
func TestUnaskedSwitch(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "foo")
		w.WriteHeader(http.StatusSwitchingProtocols)
	})
	for range 2 {
		if resp := n.do("GET", "/files/f"); resp.StatusCode != 502 ||
			!strings.Contains(resp.Header.Get("Proxy-Status"), "http_protocol_error") {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
	}
}

// TestTrailersOfRequests reach the origin (RFC 9110 section 6.5).
func TestTrailersOfRequests(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	came := make(chan http.Header, 1)
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		came <- r.Trailer
	})
	n.raw("POST /files/f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: " +
		"Checksum\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\nChecksum: 42\r\n\r\n")
	if trailer := <-came; trailer.Get("Checksum") != "42" {
		t.Errorf("%v", trailer)
	}
}

// TestManyInterimResponses: all that come at once are passed on.
func TestManyInterimResponses(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		for range 50 {
			w.WriteHeader(http.StatusEarlyHints)
		}
		io.WriteString(w, "acorn")
	})
	if got := strings.Count(n.raw("GET /files/f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
		"103 Early Hints"); got != 50 {
		t.Errorf("%d of 50", got)
	}
}

// TestPartThatIsAllThereIs: an origin that answers everything with the same part isn't asked again
// and again.
func TestPartThatIsAllThereIs(t *testing.T) {
	n, o := fronting(t, proxy.Config{})
	o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"1"`)
		w.Header().Set("Content-Range", "bytes 0-9/100")
		w.WriteHeader(206)
		io.WriteString(w, "0123456789")
	})
	n.get("/files/f")
	if got := o.Count(); got > 4 {
		t.Errorf("%d origin requests", got)
	}
}
