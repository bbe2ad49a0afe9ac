package peer

import (
	"fmt"
	"slices"
	"testing"
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
