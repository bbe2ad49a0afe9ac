package proxy_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scurrycache/scurry/internal/origintest"
	"github.com/scurrycache/scurry/origin"
	"github.com/scurrycache/scurry/proxy"
)

// gate is what stands between a node and those who dial it. A test can shut it as networks and
// dying machines do.
type gate struct {
	net.Listener
	target string
	wg     sync.WaitGroup

	mu     sync.Mutex
	closed bool
	hole   chan struct{} // not nil: what comes goes nowhere, until it is closed
	conns  map[net.Conn]bool
}

func newGate(t testing.TB, target string) *gate {
	g := &gate{Listener: origintest.Listen(t), target: target, conns: map[net.Conn]bool{}}
	g.wg.Go(g.serve)
	t.Cleanup(func() {
		g.shut()
		g.open()
		g.Listener.Close()
		g.cut()
		g.wg.Wait()
	})
	return g
}

func (g *gate) serve() {
	for {
		c, err := g.Accept()
		if err != nil {
			return
		}
		g.wg.Go(func() { g.pass(c) })
	}
}

func (g *gate) pass(c net.Conn) {
	defer c.Close()
	g.mu.Lock()
	closed := g.closed
	g.mu.Unlock()
	if closed {
		return
	}
	to, err := net.Dial("tcp", g.target)
	if err != nil {
		return
	}
	defer to.Close()
	g.mu.Lock()
	g.conns[c], g.conns[to] = true, true
	g.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { g.copy(to, c) })
	both.Go(func() { g.copy(c, to) })
	both.Wait()
	g.mu.Lock()
	delete(g.conns, c)
	delete(g.conns, to)
	g.mu.Unlock()
}

func (g *gate) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		g.mu.Lock()
		hole := g.hole
		g.mu.Unlock()
		if hole != nil {
			<-hole
		}
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

// cut breaks all connections.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		c.Close()
	}
}

// refuse breaks all connections and lets nobody in.
func (g *gate) refuse() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.cut()
}

// shut makes a black hole of g: connections stay, or are accepted, and nothing comes through.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hole == nil {
		g.hole = make(chan struct{})
	}
}

// open undoes refuse and shut.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
	if g.hole != nil {
		close(g.hole)
		g.hole = nil
	}
}

// fenced is a cluster whose nodes dial each other through gates, one before each.
type fenced struct {
	*cluster
	gates []*gate
}

func newFenced(t testing.TB, n int, cfg proxy.Config) *fenced {
	t.Helper()
	c := &fenced{cluster: &cluster{o: origintest.New(t), t: t}}
	c.o.Now = cfg.Now
	server := origin.HTTP(c.o.Base)
	t.Cleanup(server.CloseIdleConnections)
	cfg.Origin = server
	listeners, names := listenForPeers(t, n)
	for _, name := range names {
		g := newGate(t, name)
		c.gates = append(c.gates, g)
		c.names = append(c.names, g.Addr().String())
	}
	for i, l := range listeners {
		own := cfg
		own.Cluster.Listener, own.Cluster.Self, own.Cluster.Peers = l, c.names[i], c.names
		c.nodes = append(c.nodes, newNode(t, own))
	}
	c.await(n)
	return c
}

// pathOwnedBy is a path, of those that begin with prefix, that node i owns.
func (c *cluster) pathOwnedBy(i int, prefix string) string {
	for k := 0; ; k++ {
		if path := fmt.Sprint(prefix, k); c.owner(path) == i {
			return path
		}
	}
}

// TestOwnerThatCantBeAsked: whatever keeps an owner from answering, the other nodes answer without
// it, and soon don't even try it; when it is back it owns again.
func TestOwnerThatCantBeAsked(t *testing.T) {
	for name, fail := range map[string]func(*gate){
		"refuses":     (*gate).refuse,
		"black hole":  (*gate).shut,
		"connections": (*gate).cut,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newFenced(t, 3, proxy.Config{Cluster: proxy.Cluster{Heartbeat: 20 * time.Millisecond, MissedHeartbeats: 20}})
			var paths []string
			for i := range 40 {
				path := c.pathOwnedBy(0, fmt.Sprint("f", i, "-"))
				c.o.Handle("/"+path, origintest.File{Size: 3000, Seed: byte(i), ETag: `"1"`,
					Header: maxAge("600")}.ServeHTTP)
				paths = append(paths, path)
			}
			fail(c.gates[0])
			for i, path := range paths {
				for _, n := range c.nodes[1:] {
					n.expect(200, origintest.Content(byte(i), 0, 3000), "/files/"+path)
				}
			}
			if name == "connections" {
				c.await(3)
				return
			}
			for _, n := range c.nodes[1:] {
				eventually(t, "the ring is without the node that is down",
					func() bool { return !slices.Contains(n.Stats().Ring, c.names[0]) })
			}
			c.gates[0].open()
			c.await(3)
			c.o.Forget()
			for i, path := range paths {
				c.nodes[1+i%2].expect(200, origintest.Content(byte(i), 0, 3000), "/files/"+path)
			}
		})
	}
}

// TestOwnerDiesInMidTransfer: a body whose owner is lost while it is passed on goes on from the
// origin if its validator is strong, else the client sees that it is cut.
func TestOwnerDiesInMidTransfer(t *testing.T) {
	const size, half = 20 << 10, 10 << 10
	for name, test := range map[string]struct {
		file  origintest.File
		fail  func(*gate)
		whole bool
	}{
		"strong, refuses":    {origintest.File{ETag: `"1"`}, (*gate).refuse, true},
		"strong, black hole": {origintest.File{ETag: `"1"`}, (*gate).shut, true},
		"weak, refuses":      {origintest.File{ETag: `W/"1"`}, (*gate).refuse, false},
		"weak, black hole":   {origintest.File{ETag: `W/"1"`}, (*gate).shut, false},
		"no ranges, refuses": {origintest.File{ETag: `"1"`, NoRanges: true}, (*gate).refuse, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newFenced(t, 3, proxy.Config{Cluster: proxy.Cluster{Heartbeat: 20 * time.Millisecond, MissedHeartbeats: 20}})
			path := c.pathOwnedBy(0, "f")
			f := test.file
			f.Size, f.Header = size, maxAge("600")
			lost := make(chan struct{})
			var once sync.Once
			c.o.Handle("/"+path, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Range") != "" {
					f.ServeHTTP(w, r)
					return
				}
				f.ServeHTTP(&pausing{ResponseWriter: w, at: half, until: lost}, r)
			})
			resp := c.nodes[1].do(http.MethodGet, "/files/"+path)
			defer resp.Body.Close()
			v := &origintest.Verifier{}
			if _, err := io.CopyN(v, resp.Body, half); err != nil {
				t.Fatal(err)
			}
			once.Do(func() { test.fail(c.gates[0]) })
			for _, n := range c.nodes[1:] {
				eventually(t, "the owner is missed",
					func() bool { return !slices.Contains(n.Stats().Ring, c.names[0]) })
			}
			close(lost)
			_, err := io.Copy(v, resp.Body)
			if whole := err == nil && v.Off == size; whole != test.whole || v.Wrong {
				t.Errorf("got %d of %d bytes, %v", v.Off, size, err)
			}
			c.nodes[1].expect(200, origintest.Content(0, 0, size), "/files/"+path)
		})
	}
}

// pausing is a ResponseWriter that stops after some bytes until it may go on.
type pausing struct {
	http.ResponseWriter
	sent, at int
	until    <-chan struct{}
}

func (p *pausing) Write(b []byte) (n int, err error) {
	if first := min(len(b), p.at-p.sent); first > 0 {
		n, err = p.ResponseWriter.Write(b[:first])
		p.sent += n
		p.ResponseWriter.(http.Flusher).Flush()
		if p.sent < p.at || err != nil {
			return n, err
		}
		<-p.until
	}
	m, err := p.ResponseWriter.Write(b[n:])
	return n + m, err
}

// TestPartitionHeals: nodes that were out of contact for longer than a lease validate what they
// own, once, since others may have stood in for them.
func TestPartitionHeals(t *testing.T) {
	clock := newClock()
	c := newFenced(t, 2, proxy.Config{Now: clock.Now,
		Cluster: proxy.Cluster{Heartbeat: 10 * time.Millisecond, MissedHeartbeats: 20,
			Lease: time.Millisecond}})
	path := c.pathOwnedBy(0, "f")
	f := origintest.File{Size: 3000, ETag: `"1"`, Header: maxAge("600")}
	c.o.Handle("/"+path, f.ServeHTTP)
	c.nodes[0].expect(200, origintest.Content(0, 0, 3000), "/files/"+path)
	for _, g := range c.gates {
		g.refuse()
	}
	for _, n := range c.nodes {
		eventually(t, "it is alone", func() bool { return len(n.Stats().Ring) == 1 })
	}
	f.ETag, f.Seed = `"2"`, 9
	c.o.Handle("/"+path, f.ServeHTTP)
	c.nodes[1].expect(200, origintest.Content(9, 0, 3000), "/files/"+path)
	clock.Advance(time.Second)
	for _, g := range c.gates {
		g.open()
	}
	c.await(2)
	for _, n := range c.nodes {
		n.expect(200, origintest.Content(9, 0, 3000), "/files/"+path)
	}
	c.o.Forget()
	for _, n := range c.nodes {
		n.expect(200, origintest.Content(9, 0, 3000), "/files/"+path)
	}
	if got := c.o.Count(); got != 0 {
		t.Errorf("%d origin requests once everything is validated", got)
	}
}

// switchboard is Members that a test sets.
type switchboard struct {
	mu  sync.Mutex
	set func([]string)
	all []string
	up  chan struct{} // closed once Watch has been called
}

func newSwitchboard(all []string) *switchboard {
	return &switchboard{all: all, up: make(chan struct{})}
}

func (s *switchboard) Watch(ctx context.Context, set func([]string)) error {
	s.mu.Lock()
	s.set = set
	s.mu.Unlock()
	set(s.all)
	close(s.up)
	<-ctx.Done()
	return nil
}

func (s *switchboard) flip(r *rand.Rand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var some []string
	for _, name := range s.all {
		if r.IntN(3) > 0 {
			some = append(some, name)
		}
	}
	s.set(some)
}

// newSwitched makes n nodes each of which is told by a switchboard of its own who the nodes are: at
// first the first known ones.
func newSwitched(t testing.TB, n, known int, cfg proxy.Config) (*cluster, []*switchboard) {
	t.Helper()
	listeners, names := listenForPeers(t, n)
	c := &cluster{o: origintest.New(t), t: t, names: names}
	server := origin.HTTP(c.o.Base)
	t.Cleanup(server.CloseIdleConnections)
	cfg.Origin = server
	var boards []*switchboard
	for i, l := range listeners {
		board := newSwitchboard(names[:known])
		boards = append(boards, board)
		cfg.Cluster = proxy.Cluster{Listener: l, Self: names[i], Members: board,
			MissedHeartbeats: 100}
		c.nodes = append(c.nodes, newNode(t, cfg))
		<-board.up
	}
	c.await(known)
	return c, boards
}

// TestRingsFlip: rings change at random, each node's for itself, while clients read, a third of
// whom go away. Nobody hangs, and nobody gets a wrong byte.
func TestRingsFlip(t *testing.T) {
	const clients, size = 100, 3*slab + 1234
	c, boards := newSwitched(t, 3, 3, proxy.Config{})
	for i, f := range []origintest.File{{ETag: `"1"`}, {ETag: `"1"`, Chunked: true},
		{NoRanges: true}, {ETag: `W/"1"`}} {
		f.Size, f.Seed, f.Header = size, byte(i), maxAge("1")
		c.o.Handle(fmt.Sprint("/f", i), f.ServeHTTP)
	}
	stop := make(chan struct{})
	var flipping, reading sync.WaitGroup
	flipping.Go(func() {
		r := rand.New(rand.NewPCG(1, 2))
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				boards[r.IntN(3)].flip(r)
			}
		}
	})
	for i := range clients {
		reading.Go(func() {
			for round := range 3 {
				k := (i + round) % 4
				resp, err := c.nodes[(i+round)%3].try(http.MethodGet, fmt.Sprint("/files/f", k))
				if err != nil {
					t.Error(err)
					return
				}
				v := &origintest.Verifier{Seed: byte(k)}
				if i%3 == 0 {
					_, err = io.CopyN(v, resp.Body, int64(i)*size/clients)
				} else {
					_, err = io.Copy(v, resp.Body)
				}
				resp.Body.Close()
				if v.Wrong || resp.StatusCode != 200 || (err == nil && i%3 > 0 && v.Off != size) {
					t.Errorf("client %d, file %d: %s, %d of %d bytes, %v", i, k, resp.Status, v.Off,
						size, err)
				}
				if err != nil && k == 0 {
					t.Errorf("client %d: a body with a strong validator broke at %d: %v", i, v.Off,
						err)
				}
			}
		})
	}
	reading.Wait()
	close(stop)
	flipping.Wait()
}
