package peer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

type peeking struct{}

var errPeeked = errors.New("not held")

// TestKeepsIsCertain: what a group was seen to hold isn't evicted while Keeps says that it is kept,
// in either of its caches; and it says so for long enough to be of use while others come and go.
func TestKeepsIsCertain(t *testing.T) {
	const budget, largest = 1 << 20, 2 << 10
	for name, node := range map[string]func() *Node{
		"alone": func() *Node { return nil },
		"peers": func() *Node {
			a, b := start(t, NodeConfig{}), start(t, NodeConfig{})
			meet(a, b)
			a.awaitState(t, b.name, Live)
			return a.Node
		},
	} {
		t.Run(name, func(t *testing.T) {
			load := func(ctx context.Context, _ string) ([]byte, error) {
				if ctx.Value(peeking{}) != nil {
					return nil, errPeeked
				}
				return make([]byte, largest-rand.IntN(10)), nil
			}
			n := node()
			fetch := func(ctx context.Context, _, key string) ([]byte, error) { return load(ctx, key) }
			g, err := Acquire(GroupConfig{Budget: budget, Load: load, Owner: owners(n), Fetch: fetch})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Release()
			keys := map[bool][]string{} // by whether a peer owns them: then they are in the hot cache, if at all
			for i := range 1500 {
				key := fmt.Sprintf("%d.0.x", i)
				afar := n != nil && n.Owner(RoutingKey(key)) != nil
				keys[afar] = append(keys[afar], g.Prefix()+key)
			}
			kept, evicting := 0, 0
			for range 1000 {
				some := keys[n != nil && rand.IntN(2) == 0]
				pick := func() string { return some[rand.IntN(len(some))] }
				get := func(most int) {
					for range rand.IntN(most) {
						_, _ = g.Get(t.Context(), pick())
					}
				}
				get(100)
				peek := context.WithValue(t.Context(), peeking{}, true)
				m, held := g.Mark(), []string(nil)
				for range rand.IntN(30) {
					if key := pick(); g.has(peek, key) {
						held = append(held, key)
					}
				}
				get(600)
				if !g.Keeps(m, largest) {
					continue
				}
				if kept++; g.Mark().evictions != m.evictions {
					evicting++
				}
				for _, key := range held {
					if !g.has(peek, key) {
						t.Fatalf("%s was evicted", key)
					}
				}
			}
			if kept < 20 || evicting < 20 {
				t.Errorf("kept %d times, %d of them while values were evicted", kept, evicting)
			}
		})
	}
}

// has tells whether g holds key, if under peek nothing is loaded.
func (g *Group) has(peek context.Context, key string) bool {
	_, err := g.Get(peek, key)
	return err == nil
}
