package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/proxy"
)

// TestWhatWasTakenBackIsGoneEverywhere: the node that learns that a response may no longer be
// stored drops its copy, too.
func TestWhatWasTakenBackIsGoneEverywhere(t *testing.T) {
	for _, i := range []int{0, 1} {
		c := newCluster(t, 2, proxy.Config{})
		path := c.pathOwnedBy(0, "f")
		say := "old"
		c.o.Handle("/"+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", map[string]string{"old": "max-age=600",
				"new": "no-store"}[say])
			_, _ = io.WriteString(w, say)
		})
		c.nodes[i].expect(200, []byte("old"), "/files/"+path)
		say = "new"
		c.nodes[i].expect(200, []byte("new"), "/files/"+path, "Cache-Control: no-cache")
		c.nodes[i].expect(200, []byte("new"), "/files/"+path)
	}
}

// TestStaleVariantIsForThoseWhoSelectIt: when the origin fails, what its owner has stored is given
// to those alone whom it selects, though all of them waited for the same question.
func TestStaleVariantIsForThoseWhoSelectIt(t *testing.T) {
	clock := newClock()
	c := newCluster(t, 2, proxy.Config{Now: clock.Now})
	path := c.pathOwnedBy(0, "f")
	asked, failing := make(chan bool, 100), make(chan bool)
	var mu sync.Mutex
	down := false
	c.o.Handle("/"+path, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		failed := down
		mu.Unlock()
		if failed {
			asked <- true
			<-failing
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Cache-Control", "max-age=10")
		w.Header().Set("Vary", "Accept-Language")
		_, _ = io.WriteString(w, "in "+r.Header.Get("Accept-Language"))
	})
	c.nodes[0].expect(200, []byte("in de"), "/files/"+path, "Accept-Language: de")
	clock.Advance(time.Minute)
	mu.Lock()
	down = true
	mu.Unlock()
	var wg sync.WaitGroup
	for i := range 20 {
		lang := []string{"de", "en"}[i%2]
		wg.Go(func() {
			resp, b := c.nodes[1].get("/files/"+path, "Accept-Language: "+lang)
			if resp.StatusCode == 200 && string(b) != "in "+lang {
				t.Errorf("a client that wants %s got %q", lang, b)
			}
		})
	}
	<-asked
	close(failing)
	wg.Wait()
}

// TestPartThatFailsIsAskedForByItsOwner alone: what the owner finds out about the origin, no other
// node finds out again.
func TestPartThatFailsIsAskedForByItsOwner(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	f := origintest.File{Size: 4 * slab, ETag: `"1"`, Header: maxAge("600")}
	c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusNotFound) // for good
			return
		}
		f.ServeHTTP(w, r)
	})
	for _, n := range c.nodes {
		n.expect(206, origintest.Content(0, 0, 10), "/files/f", "Range: bytes=0-9")
	}
	asking := 0
	c.nodes[0].get("/files/f", fmt.Sprintf("Range: bytes=%d-%d", slab, slab+9))
	for _, r := range c.o.Requests() {
		if r.Header.Get("Range") != "" && r.Header.Get("If-Range") != "" {
			asking++
		}
	}
	if asking > 4 { // each time that the request began anew
		t.Errorf("the origin was asked for the part %d times", asking)
	}
}

// TestInvalidationThatAnOwnerMissed: a node that couldn't be told of a write learns of it when
// contact returns.
func TestInvalidationThatAnOwnerMissed(t *testing.T) {
	clock := newClock()
	c := newFenced(t, 2, proxy.Config{Now: clock.Now,
		Cluster: proxy.Cluster{Heartbeat: 10 * time.Millisecond, MissedHeartbeats: 20,
			Lease: time.Minute}})
	path := c.pathOwnedBy(0, "f")
	var mu sync.Mutex
	content := "old"
	c.o.Handle("/"+path, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPut {
			content = "new"
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Cache-Control", "max-age=86400")
		_, _ = io.WriteString(w, content)
	})
	c.nodes[1].expect(200, []byte("old"), "/files/"+path)
	c.gates[0].refuse()
	c.nodes[1].do(http.MethodPut, "/files/"+path).Body.Close()
	c.gates[0].open()
	c.await(2)
	for range 2 {
		for _, n := range c.nodes {
			n.expect(200, []byte("new"), "/files/"+path)
		}
		clock.Advance(2 * time.Minute)
	}
}

// TestOwnershipThatWentAndCameBack: what another node has owned meanwhile isn't answered from what
// this one had before.
func TestOwnershipThatWentAndCameBack(t *testing.T) {
	c, boards := newSwitched(t, 2, 2, proxy.Config{})
	path := c.pathOwnedBy(1, "f")
	f := origintest.File{Size: 3000, Seed: 1, ETag: `"1"`, Header: maxAge("600")}
	c.o.Handle("/"+path, f.ServeHTTP)
	boards[0].set(c.names[:1]) // now node 0 owns it
	c.nodes[0].expect(200, origintest.Content(1, 0, 3000), "/files/"+path)
	boards[0].set(c.names) // now it doesn't
	c.await(2)
	f.Seed, f.ETag = 2, `"2"`
	c.o.Handle("/"+path, f.ServeHTTP)
	c.nodes[1].expect(200, origintest.Content(2, 0, 3000), "/files/"+path)
	boards[0].set(c.names[:1]) // now it does again
	c.nodes[0].expect(200, origintest.Content(2, 0, 3000), "/files/"+path)
}

// TestUnrepeatableBodyIsWholeOrBegunAnew: of a body that its owner can't ask for again, and has
// lost a part of, another node sends no head that it can't make good.
func TestUnrepeatableBodyIsWholeOrBegunAnew(t *testing.T) {
	c := newCluster(t, 2, proxy.Config{})
	f := origintest.File{Size: 60 << 10, NoRanges: true, Header: maxAge("600")}
	path := c.pathOwnedBy(0, "f")
	c.o.Handle("/"+path, f.ServeHTTP)
	c.nodes[0].expect(200, origintest.Content(0, 0, f.Size), "/files/"+path)
	eventually(t, "it is kept", func() bool { return c.nodes[0].Stats().LiveFills == 0 })
	c.nodes[1].expect(200, origintest.Content(0, 0, f.Size), "/files/"+path)
	other := origintest.File{Size: 60 << 10, Header: maxAge("600"), ETag: `"1"`}
	for i := range 40 { // twice the memory
		p := c.pathOwnedBy(0, fmt.Sprint("other", i, "-"))
		c.o.Handle("/"+p, other.ServeHTTP)
		c.nodes[0].expect(200, origintest.Content(0, 0, other.Size), "/files/"+p)
		// its first chunk stays
		c.nodes[1].expect(206, origintest.Content(0, 0, 10), "/files/"+path, "Range: bytes=0-9")
	}
	c.nodes[1].expect(200, origintest.Content(0, 0, f.Size), "/files/"+path)
}

// TestOnlyIfCachedOfManyVariants: that nothing is stored for one client says nothing of another's
// variant.
func TestOnlyIfCachedOfManyVariants(t *testing.T) {
	c := newCluster(t, 2, proxy.Config{})
	path := c.pathOwnedBy(0, "f")
	c.o.Handle("/"+path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Vary", "Accept-Language")
		_, _ = io.WriteString(w, "in "+r.Header.Get("Accept-Language"))
	})
	c.nodes[0].expect(200, []byte("in de"), "/files/"+path, "Accept-Language: de")
	var wg sync.WaitGroup
	for i := range 100 {
		lang, want := "de", 200
		if i%2 == 1 {
			lang, want = "en", 504
		}
		wg.Go(func() {
			resp, _ := c.nodes[1].get("/files/"+path, "Accept-Language: "+lang,
				"Cache-Control: only-if-cached")
			if resp.StatusCode != want {
				t.Errorf("%s: %s", lang, resp.Status)
			}
		})
	}
	wg.Wait()
}

// TestDeadOriginIsAskedNowAndThen: a copy whose lease has ended while neither its owner nor the
// origin can be reached is served stale, and the origin isn't asked for each client.
func TestDeadOriginIsAskedNowAndThen(t *testing.T) {
	clock := newClock()
	c := newFenced(t, 2, proxy.Config{Now: clock.Now,
		Cluster: proxy.Cluster{Heartbeat: 10 * time.Millisecond, MissedHeartbeats: 20}})
	path := c.pathOwnedBy(0, "f")
	down := false
	c.o.Handle("/"+path, func(w http.ResponseWriter, r *http.Request) {
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Etag", `"1"`)
	})
	for range 2 {
		c.nodes[1].expect(200, nil, "/files/"+path)
	}
	c.gates[0].refuse()
	eventually(t, "it is alone", func() bool { return len(c.nodes[1].Stats().Ring) == 1 })
	down = true
	clock.Advance(61 * time.Second)
	c.o.Forget()
	for range 5 {
		c.nodes[1].expect(200, nil, "/files/"+path)
	}
	if n := c.o.Count(); n != 1 {
		t.Errorf("%d origin requests", n)
	}
}

// TestSlowClientOfAnotherNode: what a slow client has yet to read isn't sent twice from node to
// node, nor all of it held.
func TestSlowClientOfAnotherNode(t *testing.T) {
	const size = 32 << 20
	c := newCluster(t, 2, proxy.Config{Memory: 256 << 20, FirstChunk: 32 << 10, MaxChunk: 1 << 20,
		Slab: 64 << 20})
	path := c.pathOwnedBy(0, "f")
	c.o.Handle("/"+path, origintest.File{Size: size, ETag: `"1"`, Header: maxAge("600")}.ServeHTTP)
	resp := c.nodes[1].do(http.MethodGet, "/files/"+path)
	defer resp.Body.Close()
	v := &origintest.Verifier{}
	if _, err := io.CopyN(v, resp.Body, 1); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the owner has it all", func() bool { s := c.nodes[0].Stats(); return s.LiveFills == 0 && s.OriginBytes == size })
	if _, err := io.Copy(v, resp.Body); err != nil || v.Off != size {
		t.Fatalf("%d bytes, %v", v.Off, err)
	}
	if in := c.nodes[1].Stats().Peers[slices.IndexFunc(c.nodes[1].Stats().Peers,
		func(p proxy.PeerStats) bool { return p.Name == c.names[0] })].BytesIn; in > size*11/10 {
		t.Errorf("%d bytes came from the owner for a file of %d: %+v", in, size, c.nodes[1].Stats())
	}
}

// TestPassedBodyEndsWithItsClient: a body that isn't stored isn't read on for a client of another
// node who has gone.
func TestPassedBodyEndsWithItsClient(t *testing.T) {
	c := newCluster(t, 2, proxy.Config{})
	path := c.pathOwnedBy(0, "f")
	gone := make(chan bool)
	c.o.Handle("/"+path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, strings.Repeat("x", 1000))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	})
	resp := c.nodes[1].do(http.MethodGet, "/files/"+path)
	if _, err := io.ReadFull(resp.Body, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	<-gone
}

// TestChangeIsToldToTheOwner: a node that owns a part of a large file may be the one that finds out
// that the origin has another content by now, after the head has been sent. Then the response is
// cut, once on each node at the most, and whoever comes next gets the new content. No response has
// bytes of both.
func TestChangeIsToldToTheOwner(t *testing.T) {
	for _, nodes := range []int{2, 3} {
		c := newCluster(t, nodes, proxy.Config{Memory: 16 << 20})
		const size = 24 * slab // more than is read ahead
		f := [2]origintest.File{
			{Seed: 1, Size: size, ETag: `"1"`, Header: maxAge("600")},
			{Seed: 2, Size: size, ETag: `"2"`, Header: maxAge("600")},
		}
		want := [2][]byte{origintest.Content(1, 0, size), origintest.Content(2, 0, size)}
		cuts := 0
		for i := range 8 { // whose slabs have other owners each
			path := fmt.Sprint("/", i)
			c.o.Handle(path, f[0].ServeHTTP)
			c.nodes[0].expect(206, want[0][:100], "/files"+path, "Range: bytes=0-99")
			c.o.Handle(path, f[1].ServeHTTP)
			for tries, left := 0, nodes; left > 0; tries++ {
				n := c.nodes[left-1]
				resp, err := n.try(http.MethodGet, "/files"+path)
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				// the old one is fresh, and may be held
				whole := err == nil && (bytes.Equal(b, want[0]) || bytes.Equal(b, want[1]))
				switch {
				case !whole && (err == nil || !bytes.HasPrefix(want[0], b)):
					t.Fatalf("%d bytes, which are of neither content, %v", len(b), err)
				case whole:
					left--
				case tries > 2*nodes+10:
					t.Fatalf("%s is cut each time, at %d", path, len(b))
				default:
					cuts++
				}
			}
		}
		if cuts > 8*nodes {
			t.Errorf("%d responses are cut", cuts)
		}
		t.Logf("%d nodes: %d responses are cut", nodes, cuts)
	}
}
