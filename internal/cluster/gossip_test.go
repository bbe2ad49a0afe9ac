package cluster

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// The pace of the tests: fast, but not so fast that a busy machine makes nodes take each other for
// dead all the time.
const probe = 100 * time.Millisecond

// node is a Gossip that is watched.
type node struct {
	*Gossip
	*watcher
	problems chan error

	mu  sync.Mutex
	log []string
}

// Write keeps a line of the log.
func (n *node) Write(line []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log = append(n.log, string(line))
	if err := problemIn(line); err != nil {
		n.problems <- err
	}
	return len(line), nil
}

// gossip starts a node with the peer address peer, which the test's end closes.
func gossip(t *testing.T, peer string, c GossipConfig) *node {
	t.Helper()
	n := &node{problems: make(chan error, 1000)}
	c.PeerAddr, c.Probe = peer, probe
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	c.Log = zerolog.New(n)
	var err error
	if n.Gossip, err = OpenGossip(c); err != nil {
		t.Fatal(err)
	}
	n.watcher = watch(t, n.Gossip)
	t.Cleanup(func() {
		n.stop()
		if t.Failed() {
			t.Logf("%s logged:\n%s", peer, strings.Join(n.log, ""))
		}
	})
	return n
}

// stop closes the node. Those that Leave before are missed at once.
func (n *node) stop() {
	n.t.Helper()
	n.watcher.cancel()
	if err := n.Close(); err != nil {
		n.t.Error(err)
	}
}

// problem is the next problem that n tells.
func (n *node) problem() error {
	n.t.Helper()
	select {
	case err := <-n.problems:
		return err
	case <-time.After(patience):
		n.t.Fatal("no problem was told")
		return nil
	}
}

// keys is that key, if it is one.
func keys(key []byte) [][]byte {
	if key == nil {
		return nil
	}
	return [][]byte{key}
}

// three is three nodes that know each other.
func three(t *testing.T, key []byte) (a, b, c *node) {
	t.Helper()
	a = gossip(t, "a:1", GossipConfig{Keys: keys(key)})
	a.want("a:1") // at once: there is nobody to join
	b = gossip(t, "b:2", GossipConfig{Keys: keys(key), Join: []string{a.Addr()}})
	c = gossip(t, "c:3", GossipConfig{Keys: keys(key), Join: []string{b.Addr()}})
	for _, n := range []*node{a, b, c} {
		n.until("a:1", "b:2", "c:3")
	}
	return a, b, c
}

func TestGossipLeave(t *testing.T) {
	t.Parallel()
	a, b, c := three(t, []byte("0123456789abcdef"))
	if err := c.Leave(patience); err != nil {
		t.Error(err)
	}
	c.until("a:1", "b:2")
	a.until("a:1", "b:2")
	b.until("a:1", "b:2")
	if err := c.Leave(patience); err != nil {
		t.Errorf("left twice: %v", err)
	}
	// no time to tell, but it goes all the same
	wantError(t, b.Leave(-1), "leave the cluster", "timeout")
	a.until("a:1")
}

func TestGossipDeathAndReturn(t *testing.T) {
	t.Parallel()
	a, b, c := three(t, nil)
	addr := c.Addr()
	c.stop()
	a.until("a:1", "b:2")
	b.until("a:1", "b:2")

	c = gossip(t, "c:3", GossipConfig{Listen: addr, Join: []string{a.Addr(), addr}})
	for _, n := range []*node{a, b, c} {
		n.until("a:1", "b:2", "c:3")
	}
	c.stop()
	a.until("a:1", "b:2")
	// at another address
	gossip(t, "c:3", GossipConfig{Join: []string{a.Addr()}}).until("a:1", "b:2", "c:3")
	a.until("a:1", "b:2", "c:3")
	b.until("a:1", "b:2", "c:3")
}

func TestGossipNodeThatJoinsNobodyIsFoundAgain(t *testing.T) {
	t.Parallel()
	seed := gossip(t, "a:1", GossipConfig{})
	b := gossip(t, "b:2", GossipConfig{Join: []string{seed.Addr()}})
	b.until("a:1", "b:2")
	c := gossip(t, "c:3", GossipConfig{Join: []string{seed.Addr()}})
	c.until("a:1", "b:2", "c:3")
	b.until("a:1", "b:2", "c:3")
	seed.stop()
	b.until("b:2", "c:3")
	c.until("b:2", "c:3")

	// It knows nobody, and those who know where it was aren't alone.
	again := gossip(t, "a:1", GossipConfig{Listen: seed.Addr()})
	for _, n := range []*node{again, b, c} {
		n.until("a:1", "b:2", "c:3")
	}
}

func TestGossipFirstNodesAnswerLater(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	b := gossip(t, "b:2", GossipConfig{Join: []string{addr, "127.0.0.1:1"}})
	b.want("b:2")
	wantError(t, b.problem(), "no other node answers at "+addr+", 127.0.0.1:1", "refused",
		"tried again")
	a := gossip(t, "a:1", GossipConfig{Listen: addr, Join: []string{addr}}) // nobody but itself
	a.until("a:1", "b:2")
	b.until("a:1", "b:2")
	if len(a.problems)+len(b.problems) > 0 {
		t.Errorf("problems beyond the first: %d, %d", len(a.problems), len(b.problems))
	}
}

// TestGossipKeysChange: the key of all nodes is replaced in three steps, none of which keeps nodes
// apart, also if they are taken one node after the other. Then the old key admits nobody.
func TestGossipKeysChange(t *testing.T) {
	t.Parallel()
	old, next := []byte("0123456789abcdef"), []byte("0123456789abcdef01234567")
	a, b, c := three(t, old)
	for i, step := range [][][]byte{{old, next}, {next, old}, {next}} {
		for j, n := range []*node{a, b, c} {
			if err := n.SetKeys(step); err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprintf("d%d%d:4", i, j) // who joins now reaches all of them
			d := gossip(t, name, GossipConfig{Keys: step, Join: []string{a.Addr()}})
			d.until("a:1", "b:2", "c:3", name)
			for _, n := range []*node{a, b, c} {
				n.until("a:1", "b:2", "c:3", name)
			}
			if err := d.Leave(patience); err != nil {
				t.Error(err)
			}
			d.stop()
			for _, n := range []*node{a, b, c} {
				n.until("a:1", "b:2", "c:3")
			}
		}
	}
	late := gossip(t, "late:5", GossipConfig{Keys: keys(old), Join: []string{a.Addr()}})
	wantError(t, late.problem(), "no other node answers at "+a.Addr())
	if a.SetKeys(nil) == nil || gossip(t, "open:1", GossipConfig{}).SetKeys(keys(old)) == nil {
		t.Error("encryption can be turned on or off")
	}
}

func TestGossipWrongKeyIsNotAdmitted(t *testing.T) {
	t.Parallel()
	a := gossip(t, "a:1", GossipConfig{Keys: [][]byte{[]byte("0123456789abcdef")}})
	a.want("a:1")
	for _, key := range [][]byte{[]byte("0123456789abcdeX"), nil,
		[]byte("0123456789abcdef01234567")} {
		b := gossip(t, "b:2", GossipConfig{Keys: keys(key), Join: []string{a.Addr()}})
		b.want("b:2")
		wantError(t, b.problem(), "no other node answers at "+a.Addr())
		// A second Watch says what is known by now.
		for _, n := range []*node{a, b} {
			w := watch(t, n.Gossip)
			w.want(n.cfg.PeerAddr)
			w.end()
		}
		b.stop()
	}
	if len(a.lists) > 0 {
		t.Errorf("%q were admitted", <-a.lists)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.ContainsFunc(a.log, func(line string) bool {
		return strings.HasPrefix(line, `{"level":"warn","message":"failed to receive: `)
	}) {
		t.Errorf("the log doesn't tell of it: %q", a.log)
	}
}

func TestGossipSameName(t *testing.T) {
	a := gossip(t, "a:1", GossipConfig{})
	gossip(t, "a:1", GossipConfig{Join: []string{a.Addr()}})
	wantError(t, a.problem(), `two nodes are called "a:1"`, a.Addr(),
		"an address of its own by --self")
}

func TestGossipClosed(t *testing.T) {
	g, err := OpenGossip(GossipConfig{PeerAddr: "a:1", Listen: "127.0.0.1:0",
		Join: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, g)
	w.want("a:1")
	for range 2 {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
	late := watch(t, g)
	late.want("a:1")
	late.end()
	w.end()
}

func TestGossipNeverWatched(t *testing.T) {
	g, err := OpenGossip(GossipConfig{PeerAddr: "a:1", Listen: "localhost:0",
		Join: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Leave(0); err != nil {
		t.Error(err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

func TestGossipAddr(t *testing.T) {
	free := freeAddr(t)
	_, port, _ := net.SplitHostPort(free)
	for _, c := range []struct{ peer, listen, host, port string }{
		{"10.0.0.1:8001", "127.0.0.1:0", "127.0.0.1", ""},
		{"127.0.0.1:8001", ":0", "127.0.0.1", ""},
		{"127.0.0.1:8001", "0.0.0.0:0", "127.0.0.1", ""},
		{"10.0.0.1:8001", free, "127.0.0.1", port},
	} {
		g, err := OpenGossip(GossipConfig{PeerAddr: c.peer, Listen: c.listen})
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		host, port, err := net.SplitHostPort(g.Addr())
		if err != nil || host != c.host || port == "0" || (c.port != "" && port != c.port) {
			t.Errorf("%+v: it is at %s", c, g.Addr())
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenGossipErrors(t *testing.T) {
	taken := gossip(t, "a:1", GossipConfig{})
	for _, c := range []struct {
		cfg   GossipConfig
		parts []string
	}{
		{GossipConfig{PeerAddr: "a:1", Listen: taken.Addr()}, []string{taken.Addr(), "in use"}},
		{GossipConfig{PeerAddr: "a:1", Listen: "192.0.2.1:0"}, []string{"listen tcp 192.0.2.1:0"}},
		{GossipConfig{PeerAddr: "none.invalid:1", Listen: ":0"},
			[]string{"can't tell where other nodes reach it"}},
	} {
		g, err := OpenGossip(c.cfg)
		wantError(t, err, c.parts...)
		if err == nil {
			_ = g.Close()
		}
	}
}

// freeAddr is an address on which nothing listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
