package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// TestClusterIsOneCache: what one node has fetched no node fetches again, however the clients are
// spread.
func TestClusterIsOneCache(t *testing.T) {
	const keys, clients = 1000, 16
	c := newCluster(t, 5, proxy.Config{Memory: 64 << 20})
	for i := range keys {
		c.o.Handle(fmt.Sprint("/f", i), origintest.File{Size: int64(i), Seed: byte(i), ETag: `"1"`,
			Header: maxAge("600")}.ServeHTTP)
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
			c := newCluster(t, 3, proxy.Config{Memory: 64 << 20, FirstChunk: 32 << 10,
				MaxChunk: 1 << 20, Slab: 16 << 20})
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
				t.Errorf("client %d got the answer to %q, %d bytes: %v", i, got, len(b),
					resp.Header)
			}
		})
	}
	wg.Wait()
	if got := c.o.Count(); got != clients {
		t.Errorf("%d origin requests for %d clients", got, clients)
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
	if resp, _ := c.nodes[1].read(c.nodes[1].do(http.MethodPut,
		"/files/f")); resp.StatusCode != 204 {
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
	c.o.Handle("/dead", func(w http.ResponseWriter,
		r *http.Request) {
		panic(http.ErrAbortHandler)
	})
	c.o.Server.Config.ErrorLog = quiet
	resp, _ := c.other("dead").get("/files/dead")
	if resp.StatusCode != 502 || !strings.HasPrefix(resp.Header.Get("Proxy-Status"),
		"scurry; error=") {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	// net/http's client asks a second time when a connection that it had used before breaks.
	if got := c.o.Count(); got > 2 || c.other("dead").Stats().OriginRequests != 0 {
		t.Errorf("%d origin requests, of which %d by another node than the owner", got,
			c.other("dead").Stats().OriginRequests)
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
		// the content may be asked for, too
		if origin := int64(c.o.Count()); asks < wantAsks || asks > wantAsks+1 ||
			origin != wantOrigin {
			t.Errorf("%d asks of peers and %d of the origin, want %d and %d", asks, origin,
				wantAsks, wantOrigin)
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

// TestNodesComeAndGo: a change of the ring moves a share of the keys; what the new owner of a key
// finds it validates or fetches, and chunks that are held already stay good.
func TestNodesComeAndGo(t *testing.T) {
	const files = 300
	c, boards := newSwitched(t, 4, 3, proxy.Config{Memory: 32 << 20})
	for i := range files {
		c.o.Handle(fmt.Sprint("/f", i), origintest.File{Size: 20 << 10, Seed: byte(i), ETag: `"1"`,
			Header: maxAge("600")}.ServeHTTP)
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
		c.nodes = append(c.nodes, newNode(t, proxy.Config{Origin: server, Logger: &logger,
			Cluster: proxy.Cluster{
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
		eventually(t, "the request is logged", func() bool {
			return len(books[i].lines(t,
				"request")) == 1
		})
		line := books[i].lines(t, "request")[0]
		for field, value := range want[i] {
			if line[field] != value {
				t.Errorf("node %d: %s is %v, want %v", i, field, line[field], value)
			}
		}
		eventually(t, "peers have joined", func() bool {
			return len(books[i].lines(t,
				"peer joined")) >= 2
		})
		if i == 0 { // when its body has been read to the end, which no client waits for
			eventually(t, "the origin's answer is logged",
				func() bool { return len(books[i].lines(t, "origin")) == 1 })
		}
		if asked := len(books[i].lines(t, "origin")); (asked == 1) != (i == 0) {
			t.Errorf("node %d logged %d origin requests", i, asked)
		}
	}
	if origin, request := books[0].lines(t, "origin")[0], books[1].lines(t,
		"request")[0]; origin["request"] != request["id"] {
		t.Errorf("the owner asked the origin for %v, the client's request was %v",
			origin["request"], request["id"])
	}
}
