package peer

import (
	"fmt"
	"math"
	"testing"
)

// TestShares holds the shares that are worked out against where the ring sends keys.
func TestShares(t *testing.T) {
	const keys = 40_000
	for n := 1; n <= 5; n++ {
		names, peers := []string{"self"}, map[string]*Peer{}
		for i := 1; i < n; i++ {
			name := fmt.Sprintf("10.0.0.%d:8001", i)
			peers[name] = &Peer{name: name, state: Live}
		}
		r := newRing(names[0], peers)
		owned := map[string]int{}
		for key := range keys {
			owned[r.hash.Get(fmt.Sprint("key ", key))]++
		}
		sum := 0.0
		for i, s := range sharesOf(r.names) {
			got := float64(owned[s.Name]) / keys
			if s.Name != r.names[i] || math.Abs(got-s.Share) > .02 {
				t.Errorf("%d nodes: %s has %.3f of the keys, and a share of %.3f", n, s.Name, got, s.Share)
			}
			sum += s.Share
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("%d nodes: the shares add up to %v", n, sum)
		}
	}
}
