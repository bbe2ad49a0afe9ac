package peer

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// ringOf is a ring of nodes on consecutive ports, as people number them; the first is this node.
func ringOf(n int) *ring {
	peers := map[string]*Peer{}
	for i := 1; i < n; i++ {
		peers[fmt.Sprintf("127.0.0.1:%d", 8001+i)] = &Peer{}
	}
	return newRing("127.0.0.1:8001", peers)
}

// TestRingIsBalanced: no node has more than 15 % above the mean share, or below.
func TestRingIsBalanced(t *testing.T) {
	for _, nodes := range []int{3, 10, 50} {
		r := ringOf(nodes)
		share := map[string]int{}
		places := 8000 * nodes
		for i := range places {
			share[r.hash.Get(fmt.Sprintf("%022d.%x", i/3, i%3))]++
		}
		mean := float64(places) / float64(nodes)
		for name, n := range share {
			if ratio := float64(n) / mean; ratio < .85 || ratio > 1.15 {
				t.Errorf("of %d nodes, %s has %.2f times its share", nodes, name, ratio)
			}
		}
		if len(share) != nodes {
			t.Errorf("%d of %d nodes own something", len(share), nodes)
		}
	}
}

// TestNodesAgree: every node finds the same owners, whatever order it was told the others in.
func TestNodesAgree(t *testing.T) {
	names := []string{"a:1", "b:1", "c:1", "d:1"}
	var first []string
	for _, self := range names {
		peers := map[string]*Peer{}
		for _, name := range names {
			if name != self {
				peers[name] = &Peer{}
			}
		}
		r := newRing(self, peers)
		var owners []string
		for i := range 1000 {
			routingKey := fmt.Sprint(i, ".0")
			owners = append(owners, r.hash.Get(routingKey))
			if p := r.peers[r.hash.Get(routingKey)]; (p == nil) != (r.hash.Get(routingKey) == self) {
				t.Fatalf("%s takes %v for the owner of %s, which is %s", self, p, routingKey, r.hash.Get(routingKey))
			}
		}
		if first == nil {
			first = owners
		}
		if !slices.Equal(owners, first) {
			t.Errorf("%s finds other owners than %s", self, names[0])
		}
	}
}

// TestRingIsOfLivePeers, and stays as it is while these and the node's name do.
func TestRingIsOfLivePeers(t *testing.T) {
	log := zerolog.Nop()
	n := &Node{cfg: NodeConfig{Log: &log}, self: "b:1",
		peers: map[string]*Peer{"a:1": {state: Live}, "c:1": {state: Down}}}
	n.ring.Store(newRing(n.self, nil))
	for _, c := range []struct {
		what   string
		change func()
		names  string
		epoch  uint64
	}{
		{"one of two is live", func() {}, "a:1 b:1", 1},
		{"nothing happens", func() {}, "a:1 b:1", 1},
		{"the other comes", func() { n.peers["c:1"].state = Live }, "a:1 b:1 c:1", 2},
		{"one is another process now", func() { n.peers["a:1"] = &Peer{state: Live} },
			"a:1 b:1 c:1", 3},
		{"one goes", func() { n.peers["a:1"].state = Down }, "b:1 c:1", 4},
		{"one that is down is removed", func() { delete(n.peers, "a:1") }, "b:1 c:1", 4},
		{"the node learns another name", func() { n.self = "a:2" }, "a:2 c:1", 5},
		{"the last goes", func() { n.peers["c:1"].state = Leaving }, "a:2", 6},
	} {
		c.change()
		n.rebuildRingLocked()
		r := n.ring.Load()
		if got := strings.Join(r.names, " "); got != c.names || r.epoch != c.epoch {
			t.Errorf("%s: ring %d of %s, want %d of %s", c.what, r.epoch, got, c.epoch, c.names)
		}
		for i := range 100 {
			name, here := n.Owner(fmt.Sprint(i))
			if !slices.Contains(r.names, name) || here != (name == n.self) {
				t.Fatalf("%s: %s owns a key, here: %v", c.what, name, here)
			}
		}
	}
}

// TestFewKeysMove: a node that comes takes its share, and no key moves between the others.
func TestFewKeysMove(t *testing.T) {
	before, after := ringOf(5), ringOf(6)
	const places = 20000
	moved := 0
	for i := range places {
		routingKey := fmt.Sprint(i, ".0")
		was, is := before.hash.Get(routingKey), after.hash.Get(routingKey)
		if was == is {
			continue
		}
		moved++
		if is != "127.0.0.1:8006" {
			t.Fatalf("%s moved from %s to %s", routingKey, was, is)
		}
	}
	if share := float64(moved) / places; share < .85/6 || share > 1.15/6 {
		t.Errorf("%.3f of the keys moved to the sixth node", share)
	}
}
