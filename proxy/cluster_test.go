package proxy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// cluster is nodes in front of one origin, each with a client listener and a peer listener of its
// own.
type cluster struct {
	nodes []*node
	names []string // of the nodes, as peers know them
	o     *origintest.Origin
	t     testing.TB
}

// listenForPeers opens peer listeners, for a test that makes a cluster of its own: it needn't be
// run once more among peers.
func listenForPeers(t testing.TB, n int) (listeners []net.Listener, names []string) {
	t.Helper()
	if amongPeers > 1 {
		t.Skip("it makes its own cluster")
	}
	return openForPeers(t, n)
}

func openForPeers(t testing.TB, n int) (listeners []net.Listener, names []string) {
	t.Helper()
	for range n {
		l := origintest.Listen(t)
		listeners, names = append(listeners, l), append(names, l.Addr().String())
	}
	return listeners, names
}

// newCluster makes n nodes that know each other. No peer of theirs counts as dead for being slow,
// unless cfg says so.
func newCluster(t testing.TB, n int, cfg proxy.Config, adjust ...func(i int, cfg *proxy.Config)) *cluster {
	t.Helper()
	c := &cluster{o: origintest.New(t), t: t}
	c.o.Now = cfg.Now
	server := origin.HTTP(c.o.Base)
	t.Cleanup(server.CloseIdleConnections)
	if cfg.Origin == nil {
		cfg.Origin = server
	}
	var listeners []net.Listener
	listeners, c.names = listenForPeers(t, n)
	if cfg.Cluster.MissedHeartbeats == 0 {
		cfg.Cluster.MissedHeartbeats = 100
	}
	for i, l := range listeners {
		own := cfg
		for _, f := range adjust {
			f(i, &own)
		}
		own.Cluster.Listener = l
		if own.Cluster.Members == nil {
			own.Cluster.Peers = c.names
		}
		c.nodes = append(c.nodes, newNode(t, own))
	}
	c.await(n)
	return c
}

// await waits until the first n nodes have each other in their rings, and nobody else.
func (c *cluster) await(n int) {
	c.t.Helper()
	names := slices.Sorted(slices.Values(c.names[:n]))
	for i, node := range c.nodes[:n] {
		eventually(c.t, fmt.Sprintf("node %d has %v in its ring", i, names), func() bool {
			return slices.Equal(node.Stats().Ring, names)
		})
	}
}

// eventually waits for what comes to be so in its own time.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); !so(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not so after 30 s: %s", what)
		}
	}
}

// owner is the node that owns path, by what the log of a request would say.
func (c *cluster) owner(path string) int {
	c.t.Helper()
	return slices.Index(c.names, c.nodes[0].Owner(path))
}

// other is a node that doesn't own path.
func (c *cluster) other(path string) *node { return c.nodes[(c.owner(path)+1)%len(c.nodes)] }

// TestClusterIsOneCache: what one node has fetched no node fetches again, however the clients are
// spread.
func TestClusterIsOneCache(t *testing.T) {
	const keys, clients = 1000, 16
	c := newCluster(t, 5, proxy.Config{Memory: 64 << 20})
	for i := range keys {
		c.o.Handle(fmt.Sprint("/f", i), origintest.File{Size: int64(i), Seed: byte(i), ETag: `"1"`, Header: maxAge("600")}.ServeHTTP)
	}
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for i := range keys {
				i = (i + client*keys/clients) % keys
				n := c.nodes[(i+client)%len(c.nodes)]
				n.expect(200, origintest.Content(byte(i), 0, int64(i)), fmt.Sprint("/files/f", i))
			}
		})
	}
	wg.Wait()
	if got := c.o.Count(); got != keys {
		t.Errorf("%d origin requests for %d files", got, keys)
	}
	for i, n := range c.nodes {
		if s := n.Stats(); s.OriginRequests < keys/10 {
			t.Errorf("node %d made %d of %d origin requests: %+v", i, s.OriginRequests, keys, s)
		}
	}
}

// TestClusterCollapses: clients of all nodes share one origin request for a cold file.
func TestClusterCollapses(t *testing.T) {
	const size = 8 << 20
	clients := 300
	if raceEnabled { // it makes reading slow
		clients = 60
	}
	for name, f := range map[string]origintest.File{
		"known length":   {ETag: `"1"`},
		"unknown length": {Chunked: true},
		"no ranges":      {NoRanges: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 3, proxy.Config{Memory: 64 << 20, FirstChunk: 32 << 10, MaxChunk: 1 << 20, Slab: 16 << 20})
			f.Size, f.Header = size, maxAge("600")
			asked := make(chan bool)
			c.o.Handle("/big", func(w http.ResponseWriter, r *http.Request) {
				<-asked
				f.ServeHTTP(w, r)
			})
			var wg, begun sync.WaitGroup
			for i := range clients {
				begun.Add(1)
				wg.Go(func() {
					begun.Done()
					resp, err := c.nodes[i%3].try(http.MethodGet, "/files/big")
					if err != nil {
						t.Error(err)
						return
					}
					defer resp.Body.Close()
					v := &origintest.Verifier{}
					if n, err := io.Copy(v, resp.Body); n != size || err != nil {
						t.Errorf("client %d: %d bytes, %v", i, n, err)
					}
				})
			}
			begun.Wait()
			close(asked)
			wg.Wait()
			if got := c.o.Count(); got != 1 {
				t.Errorf("%d origin requests", got)
			}
		})
	}
}

// TestClusterPassesWhatIsNotStorable: one origin request for each client, and no client gets
// another's answer.
func TestClusterPassesWhatIsNotStorable(t *testing.T) {
	const clients = 30
	c := newCluster(t, 3, proxy.Config{})
	c.o.Handle("/mine", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, r.Header.Get("Cookie")+strings.Repeat(".", 100_000))
	})
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			me := fmt.Sprint("me=", i)
			resp, b := c.nodes[i%3].get("/files/mine", "Cookie: "+me)
			if got := strings.TrimRight(string(b), "."); got != me || len(b) != len(me)+100_000 {
				t.Errorf("client %d got the answer to %q, %d bytes: %v", i, got, len(b), resp.Header)
			}
		})
	}
	wg.Wait()
	if got := c.o.Count(); got != clients {
		t.Errorf("%d origin requests for %d clients", got, clients)
	}
}

// slabOwners tells which of all owns each slab of the file of that size at /files/f and so on,
// where name is what comes after the f: that one asks the origin for a part of it. The file is
// asked for by another spelling, which has the same owners.
func slabOwners(n *node, o *origintest.Origin, all []*proxy.Proxy, name string, f origintest.File) (owners []int) {
	n.t.Helper()
	o.Handle("/%66"+name, f.ServeHTTP)
	asked := func() (counts []int64) {
		for _, p := range all {
			counts = append(counts, p.Stats().OriginRequests)
		}
		return counts
	}
	for at := int64(0); at < f.Size; at += slab {
		before := asked()
		n.expect(206, origintest.Content(f.Seed, at, at+1), "/files/%66"+name, fmt.Sprintf("Range: bytes=%d-%d", at, at))
		owner, after := -1, asked()
		for i := range all {
			if after[i] > before[i] && owner < 0 {
				owner = i
			} else if after[i] > before[i] {
				n.t.Errorf("nodes %d and %d both asked for the part at %d", owner, i, at)
			}
		}
		owners = append(owners, owner)
	}
	return owners
}

// spans counts the runs of slabs that have one owner: the body that is open at the border of two
// that have different ones is taken over there, by one request, and any other is read on.
func spans(owners []int) int { return max(1, len(slices.Compact(slices.Clone(owners)))) }

// TestSlabsAreSpread: each byte of a large file is fetched once, by the node that owns the slab,
// and by one request for as many slabs in a row as that owns.
func TestSlabsAreSpread(t *testing.T) {
	const slabs = 24
	c := newCluster(t, 3, proxy.Config{Memory: 8 << 20})
	f := origintest.File{Size: slabs * slab, ETag: `"1"`, Header: maxAge("600")}
	c.o.Handle("/f", f.ServeHTTP)
	all := []*proxy.Proxy{c.nodes[0].Proxy, c.nodes[1].Proxy, c.nodes[2].Proxy}
	owners := slabOwners(c.nodes[0], c.o, all, "", f)
	c.nodes[0].expect(200, origintest.Content(0, 0, f.Size), "/files/%66")
	eventually(t, "all of the other spelling has been read", func() bool {
		return all[0].Stats().OriginBytes+all[1].Stats().OriginBytes+all[2].Stats().OriginBytes == f.Size
	})
	var bytes, want []int64
	for _, p := range all {
		bytes, want = append(bytes, p.Stats().OriginBytes), append(want, 0)
	}
	for _, owner := range owners {
		want[owner] += slab
	}
	c.o.Forget()
	for _, n := range c.nodes {
		v := &origintest.Verifier{}
		resp := n.do(http.MethodGet, "/files/f")
		if got, err := io.Copy(v, resp.Body); got != f.Size || err != nil {
			t.Fatalf("%d bytes, %v", got, err)
		}
		resp.Body.Close()
	}
	if got := c.o.Count(); got != spans(owners) {
		t.Errorf("%d origin requests for slabs of %v: %s", got, owners, origintest.Ranges(c.o.Requests()))
	}
	for i, p := range all {
		if got := p.Stats().OriginBytes - bytes[i]; got != want[i] || got == 0 {
			t.Errorf("node %d fetched %d bytes, and owns %d", i, got, want[i])
		}
	}
}

// TestBytesArriveThroughAnOwner is TestBytesArriveAsTheyCome with clients of other nodes than the
// owner.
func TestBytesArriveThroughAnOwner(t *testing.T) {
	for _, length := range []int64{20 << 10, -1} {
		t.Run(fmt.Sprint(length), func(t *testing.T) {
			c := newCluster(t, 3, proxy.Config{})
			more := make(chan int64)
			c.o.Handle("/drip", origintest.Drip(7, length, maxAge("60"), more))
			var clients []*http.Response
			join := func(i int, has int64) {
				resp := c.nodes[(c.owner("drip")+1+i)%3].do(http.MethodGet, "/files/drip")
				t.Cleanup(func() { resp.Body.Close() })
				receive(t, resp.Body, 0, has)
				clients = append(clients, resp)
			}
			join(0, 0)
			for sent := int64(0); sent < 20<<10; sent += 1 << 10 {
				if i := sent >> 10; i == 5 || i == 7 || i == 8 {
					for j := range 5 {
						join(j, sent)
					}
				}
				more <- sent + 1<<10
				for _, client := range clients {
					receive(t, client.Body, sent, sent+1<<10)
				}
			}
			close(more)
			for i, client := range clients {
				if n, err := client.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("client %d ends with %d bytes, %v", i, n, err)
				}
			}
			if c.o.Count() != 1 {
				t.Errorf("%d origin requests", c.o.Count())
			}
			for _, n := range c.nodes {
				n.cacheStatus(n.expect(200, origintest.Content(7, 0, 20<<10), "/files/drip"), "hit")
			}
		})
	}
}

// TestLaterSlabsArriveThroughTheirOwners shows the same of a slab that isn't the first, and of one
// that was evicted: the origin sends on only when the client has what it sent.
func TestLaterSlabsArriveThroughTheirOwners(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	const size = 8 * slab
	step := make(chan int64)
	var dripping bool // parts are sent in pieces of as many bytes as step says
	c.o.Handle("/large", func(w http.ResponseWriter, r *http.Request) {
		f := origintest.File{Size: size, Seed: 7, ETag: `"1"`, Header: maxAge("600")}
		if !dripping || r.Header.Get("Range") == "" {
			f.ServeHTTP(w, r)
			return
		}
		var start, last int64
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &start, &last); err != nil {
			t.Error(err)
		}
		w.Header().Set("Etag", `"1"`)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, last, size))
		w.Header().Set("Content-Length", fmt.Sprint(last+1-start))
		w.WriteHeader(http.StatusPartialContent)
		w.(http.Flusher).Flush()
		for sent := start; sent <= last; {
			select {
			case n := <-step:
				end := min(sent+n, last+1)
				_, _ = w.Write(origintest.Content(7, sent, end))
				w.(http.Flusher).Flush()
				sent = end
			case <-r.Context().Done():
				return
			}
		}
	})
	c.nodes[0].expect(206, origintest.Content(7, 0, 100), "/files/large", "Range: bytes=0-99")
	dripping = true
	for s := int64(1); s < 4; s++ {
		n := c.nodes[s%3]
		start := s * slab
		resp := n.do(http.MethodGet, "/files/large", fmt.Sprintf("Range: bytes=%d-%d", start, start+slab-1))
		for off := int64(0); off < slab; off += 4 << 10 {
			step <- 4 << 10
			receive(t, resp.Body, start+off, start+off+4<<10)
		}
		resp.Body.Close()
	}
}

// TestOddKeysThroughAPeer: a key arrives at its owner as it was sent.
func TestOddKeysThroughAPeer(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	for i, path := range []string{"a%20b", "a+b", "a%2Fb", "%E6%96%87/%C3%A9", "a//b", "q?a=b%20c&d=+", "q?", strings.Repeat("long", 512), "%25", "~.-_"} {
		c.o.Handle("/"+strings.SplitN(path, "?", 2)[0], func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=600")
			_, _ = io.WriteString(w, r.RequestURI)
		})
		c.o.Forget()
		for _, n := range c.nodes {
			n.expect(200, []byte("/"+path), "/files/"+path)
		}
		if got := c.o.Count(); got != 1 {
			t.Errorf("%d: %.20s: %d origin requests", i, path, got)
		}
	}
}

// TestVaryInACluster: each variant is fetched once, whichever node is asked for it, and given to
// those alone who want it.
func TestVaryInACluster(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	c.o.Handle("/v", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Vary", "Accept-Language")
		w.Header().Set("Etag", `"`+r.Header.Get("Accept-Language")+`"`)
		_, _ = io.WriteString(w, "in "+r.Header.Get("Accept-Language"))
	})
	langs := []string{"de", "en", "fr", "it", "nl"}
	var wg sync.WaitGroup
	for i := range 90 {
		wg.Go(func() {
			lang := langs[i%len(langs)]
			c.nodes[i%3].expect(200, []byte("in "+lang), "/files/v", "Accept-Language: "+lang)
		})
	}
	wg.Wait()
	if got := c.o.Count(); got != len(langs) {
		t.Errorf("%d origin requests for %d variants", got, len(langs))
	}
}

// TestRequestFieldsReachTheOrigin: the owner asks the origin with the fields of the client that
// asked another node.
func TestRequestFieldsReachTheOrigin(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	c.o.Handle("/h", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		_, _ = io.WriteString(w, r.Header.Get("X-Wish"))
	})
	c.other("h").expect(200, []byte("nuts"), "/files/h", "X-Wish: nuts")
	r := c.o.Requests()[0]
	if via := r.Header.Get("Via"); via != "1.1 scurry" {
		t.Errorf("Via %q", via)
	}
}

// TestInvalidationReachesAllNodes: after a PUT through one node, none answers from what was stored
// before.
func TestInvalidationReachesAllNodes(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	var mu sync.Mutex
	content := "old"
	c.o.Handle("/f", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPut {
			content = "new"
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Cache-Control", "max-age=600")
		_, _ = io.WriteString(w, content)
	})
	for _, n := range c.nodes {
		n.expect(200, []byte("old"), "/files/f")
	}
	if resp, _ := c.nodes[1].read(c.nodes[1].do(http.MethodPut, "/files/f")); resp.StatusCode != 204 {
		t.Fatal(resp.Status)
	}
	for _, n := range c.nodes {
		n.expect(200, []byte("new"), "/files/f")
	}
}

// TestFailureIsSharedByTheCluster: an origin that doesn't answer is asked by the owner alone, and
// an error that it answers is an answer.
func TestFailureIsSharedByTheCluster(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	c.o.Handle("/dead", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	c.o.Server.Config.ErrorLog = quiet
	resp, _ := c.other("dead").get("/files/dead")
	if resp.StatusCode != 502 || !strings.HasPrefix(resp.Header.Get("Proxy-Status"), "scurry; error=") {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	// net/http's client asks a second time when a connection that it had used before breaks.
	if got := c.o.Count(); got > 2 || c.other("dead").Stats().OriginRequests != 0 {
		t.Errorf("%d origin requests, of which %d by another node than the owner", got, c.other("dead").Stats().OriginRequests)
	}
	c.o.Forget()
	for _, n := range c.nodes {
		if resp, _ := n.get("/files/none"); resp.StatusCode != 404 {
			t.Error(resp.Status)
		}
	}
	if got := c.o.Count(); got != 1 {
		t.Errorf("%d origin requests for a file that doesn't exist", got)
	}
}

// TestLeases: a node answers from its copy of another's record for a lease, and asks the owner
// then, who answers without the origin as long as the record is fresh.
func TestLeases(t *testing.T) {
	clock := newClock()
	c := newCluster(t, 3, proxy.Config{Now: clock.Now})
	c.o.Handle("/f", origintest.File{Size: 10, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	n := c.other("f")
	ask := func(wantStatus string, wantAsks, wantOrigin int64) {
		t.Helper()
		before := n.Stats().Peers
		c.o.Forget()
		n.cacheStatus(n.expect(200, origintest.Content(0, 0, 10), "/files/f"), wantStatus)
		var asks int64
		for i, p := range n.Stats().Peers {
			asks += p.Requests - before[i].Requests
		}
		if origin := int64(c.o.Count()); asks < wantAsks || asks > wantAsks+1 || origin != wantOrigin { // the content may be asked for, too
			t.Errorf("%d asks of peers and %d of the origin, want %d and %d", asks, origin, wantAsks, wantOrigin)
		}
	}
	ask(`fwd=uri-miss; fwd-status=200; stored; ttl=60; key="f"; detail=peer`, 1, 1)
	ask("hit", 0, 0)
	clock.Advance(4900 * time.Millisecond)
	ask("hit", 0, 0)
	clock.Advance(200 * time.Millisecond)
	ask("hit; ttl=5", 1, 0)
	ask("hit", 0, 0)
	clock.Advance(56 * time.Second)
	ask(`fwd=stale; fwd-status=304; ttl=60; key="f"; detail=peer`, 1, 1)
	ask("hit", 0, 0)
}

// TestForeignKeysStayOut: what a node reads of other nodes' keys isn't in its main cache; what is
// popular comes to its hot one.
func TestForeignKeysStayOut(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	c.o.Handle("/f", origintest.File{Size: 30 << 10, ETag: `"1"`, Header: maxAge("600")}.ServeHTTP)
	n := c.other("f")
	want := origintest.Content(0, 0, 30<<10)
	n.expect(200, want, "/files/f")
	if s := n.Stats(); s.Chunks != 0 {
		t.Errorf("%d chunks of another's in the main cache", s.Chunks)
	}
	for _, n := range c.nodes {
		eventually(t, "the file is served from this node's memory", func() bool {
			peers := func() (asks int64) {
				for _, p := range n.Stats().Peers {
					asks += p.Requests
				}
				return asks
			}
			before := peers()
			n.expect(200, want, "/files/f")
			return peers() == before
		})
	}
	if s := n.Stats(); s.Chunks != 0 || s.HotChunks == 0 || s.HotHits == 0 {
		t.Errorf("after it has become popular: %+v", s)
	}
	if got := c.o.Count(); got != 1 {
		t.Errorf("%d origin requests", got)
	}
}

// TestHeadAndOnlyIfCachedAskTheOwner: the cache is one, so what its owner has is cached.
func TestHeadAndOnlyIfCachedAskTheOwner(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	c.o.Handle("/f", origintest.File{Size: 10, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	owner := c.nodes[c.owner("f")]
	a, b := c.nodes[(c.owner("f")+1)%3], c.nodes[(c.owner("f")+2)%3]
	if resp, _ := a.get("/files/f", "Cache-Control: only-if-cached"); resp.StatusCode != 504 {
		t.Errorf("only-if-cached of what isn't: %s", resp.Status)
	}
	owner.expect(200, origintest.Content(0, 0, 10), "/files/f")
	c.o.Forget()
	a.expect(200, origintest.Content(0, 0, 10), "/files/f", "Cache-Control: only-if-cached")
	resp := b.do(http.MethodHead, "/files/f")
	resp.Body.Close()
	b.cacheStatus(resp, "hit")
	if c.o.Count() != 0 {
		t.Errorf("%d origin requests", c.o.Count())
	}
}

// TestRequestDirectivesInACluster: a client that wants a stored response validated has it
// validated, by the owner.
func TestRequestDirectivesInACluster(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	c.o.Handle("/f", origintest.File{Size: 10, ETag: `"1"`, Header: maxAge("60")}.ServeHTTP)
	for i, n := range c.nodes {
		n.expect(200, origintest.Content(0, 0, 10), "/files/f")
		resp := n.expect(200, origintest.Content(0, 0, 10), "/files/f", "Cache-Control: no-cache")
		n.cacheStatus(resp, "fwd=request; fwd-status=304")
		if got, want := c.o.Count(), 2+i; got != want {
			t.Errorf("node %d: %d origin requests, want %d", i, got, want)
		}
	}
}

// TestInterimResponsesAndTrailersPass: the client whose request reached the origin sees all of its
// answer, whichever node it asked.
func TestInterimResponsesAndTrailersPass(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	c.o.Handle("/hints", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Trailer", "Checksum")
		_, _ = io.WriteString(w, "nuts")
		w.(http.Flusher).Flush()
		w.Header().Set("Checksum", "42")
	})
	for i, n := range c.nodes {
		var hints []string
		trace := &httptrace.ClientTrace{Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(status, h.Get("Link")))
			return nil
		}}
		req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, n.URL+"/files/hints", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := n.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, b := n.read(resp)
		if string(b) != "nuts" || resp.Trailer.Get("Checksum") != "42" || resp.Header["Link"] != nil ||
			!slices.Equal(hints, []string{"103</style.css>; rel=preload"}) {
			t.Errorf("node %d: %q, hints %v, header %v, trailer %v", i, b, hints, resp.Header, resp.Trailer)
		}
		for _, n := range c.nodes { // what isn't stored is asked for past the owner for a while; not in this test
			n.do(http.MethodPut, "/files/hints").Body.Close()
		}
	}
}

// TestEvictedChunksAreRefilledThroughTheirOwner: what the owner had to evict it fetches again,
// once, for whoever asks.
func TestEvictedChunksAreRefilledThroughTheirOwner(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	f := origintest.File{Size: 40 << 10, ETag: `"1"`, Header: maxAge("600")}
	path := c.pathOwnedBy(0, "f")
	c.o.Handle("/"+path, f.ServeHTTP)
	c.nodes[1].expect(200, origintest.Content(0, 0, f.Size), "/files/"+path)
	other := origintest.File{Size: 60 << 10, Header: maxAge("600"), ETag: `"1"`}
	for i := range 40 { // twice the memory
		p := c.pathOwnedBy(0, fmt.Sprint("other", i, "-"))
		c.o.Handle("/"+p, other.ServeHTTP)
		c.nodes[0].expect(200, origintest.Content(0, 0, other.Size), "/files/"+p)
	}
	c.o.Forget()
	for range 2 {
		c.nodes[2].expect(200, origintest.Content(0, 0, f.Size), "/files/"+path)
	}
	if got := origintest.Ranges(c.o.Requests()); got != "0-40959" {
		t.Errorf("origin was asked for %q, want the evicted file once", got)
	}
}

// TestNodesComeAndGo: a change of the ring moves a share of the keys; what the new owner of a key
// finds it validates or fetches, and chunks that are held already stay good.
func TestNodesComeAndGo(t *testing.T) {
	const files = 300
	c, boards := newSwitched(t, 4, 3, proxy.Config{Memory: 32 << 20})
	for i := range files {
		c.o.Handle(fmt.Sprint("/f", i), origintest.File{Size: 20 << 10, Seed: byte(i), ETag: `"1"`, Header: maxAge("600")}.ServeHTTP)
		c.nodes[0].expect(200, origintest.Content(byte(i), 0, 20<<10), fmt.Sprint("/files/f", i))
	}
	for _, b := range boards {
		b.set(c.names)
	}
	c.await(4)
	c.o.Forget()
	for i := range files {
		c.nodes[0].expect(200, origintest.Content(byte(i), 0, 20<<10), fmt.Sprint("/files/f", i))
	}
	if got := c.o.Count(); got < files/8 || got > files*3/8 {
		t.Errorf("%d of %d files were asked for again when a fourth node came", got, files)
	}
	for _, b := range boards {
		b.set(c.names[:3])
	}
	c.await(3)
	c.o.Forget()
	for i := range files {
		c.nodes[0].expect(200, origintest.Content(byte(i), 0, 20<<10), fmt.Sprint("/files/f", i))
	}
	// The former owners have dropped the records of what they didn't own, but not the chunks: a
	// body is cut when its version is known and held.
	if got := c.o.Count(); got > files*3/8 {
		t.Errorf("%d of %d files were asked for again when it went", got, files)
	}
}

// TestClusterLogs: the log tells who owns what was asked for, who it came from, and which node
// asked the origin.
func TestClusterLogs(t *testing.T) {
	var books [3]logbook
	listeners, names := listenForPeers(t, 3)
	c := &cluster{o: origintest.New(t), t: t, names: names}
	server := origin.HTTP(c.o.Base)
	t.Cleanup(server.CloseIdleConnections)
	for i := range 3 {
		logger := zerolog.New(&books[i])
		c.nodes = append(c.nodes, newNode(t, proxy.Config{Origin: server, Logger: &logger, Cluster: proxy.Cluster{
			Listener: listeners[i], Peers: names, MissedHeartbeats: 100,
		}}))
	}
	c.await(3)
	path := c.pathOwnedBy(0, "f")
	c.o.Handle("/"+path, origintest.File{Size: 5000, ETag: `"1"`, Header: maxAge("600")}.ServeHTTP)
	for _, i := range []int{1, 0, 2} {
		c.nodes[i].expect(200, origintest.Content(0, 0, 5000), "/files/"+path)
	}
	want := []map[string]any{
		{"cache": "hit", "source": "memory", "owner": names[0], "peer": nil},
		{"cache": "miss", "source": "peer", "owner": names[0], "peer": names[0]},
		{"cache": "hit", "source": "peer", "owner": names[0], "peer": names[0]},
	}
	for i := range books {
		eventually(t, "the request is logged", func() bool { return len(books[i].lines(t, "request")) == 1 })
		line := books[i].lines(t, "request")[0]
		for field, value := range want[i] {
			if line[field] != value {
				t.Errorf("node %d: %s is %v, want %v", i, field, line[field], value)
			}
		}
		eventually(t, "peers have joined", func() bool { return len(books[i].lines(t, "peer joined")) >= 2 })
		if i == 0 { // when its body has been read to the end, which no client waits for
			eventually(t, "the origin's answer is logged", func() bool { return len(books[i].lines(t, "origin")) == 1 })
		}
		if asked := len(books[i].lines(t, "origin")); (asked == 1) != (i == 0) {
			t.Errorf("node %d logged %d origin requests", i, asked)
		}
	}
	if origin, request := books[0].lines(t, "origin")[0], books[1].lines(t, "request")[0]; origin["request"] != request["id"] {
		t.Errorf("the owner asked the origin for %v, the client's request was %v", origin["request"], request["id"])
	}
}

// TestAuthorizedRequestsAreIdentified: what goes to the origin for one client tells it of that
// client, through whichever node.
func TestAuthorizedRequestsAreIdentified(t *testing.T) {
	c := newCluster(t, 3, proxy.Config{})
	path := c.pathOwnedBy(0, "f")
	c.o.Handle("/"+path, origintest.File{Size: 10, Header: maxAge("60")}.ServeHTTP)
	for i := range 3 {
		c.o.Forget()
		c.nodes[i].expect(200, origintest.Content(0, 0, 10), "/files/"+path, "Authorization: Basic YTpi", "X-Forwarded-For: 192.0.2.1")
		got := c.o.Requests()[0].Header
		if got.Get("X-Forwarded-For") != "192.0.2.1, 127.0.0.1" || got.Get("Forwarded") == "" || got.Get("Authorization") == "" {
			t.Errorf("through node %d: %v", i, got)
		}
	}
	c.o.Forget()
	c.nodes[1].expect(200, origintest.Content(0, 0, 10), "/files/"+path, "X-Forwarded-For: 192.0.2.1")
	if got := c.o.Requests()[0].Header; got.Get("X-Forwarded-For") != "" {
		t.Errorf("of what is for all: %v", got)
	}
}
