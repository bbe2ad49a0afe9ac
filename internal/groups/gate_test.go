package groups

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// mind is one of two nodes, each of which takes the other one for the owner of every key.
type mind struct {
	*Group
	other *mind
	loads *atomic.Int64
}

// wanted is a key that a mind looks for.
type wanted struct {
	mind *mind
	key  string
}

func (w *wanted) Fetch(ctx context.Context) ([]byte, error) { return w.mind.other.serve(ctx, w.key) }

func (w *wanted) Load(context.Context) ([]byte, error) {
	w.mind.loads.Add(1)
	return []byte("loaded"), nil
}

func (m *mind) get(ctx context.Context, key string) ([]byte, error) {
	return m.Get(ctx, m.Prefix()+key, &wanted{m, key})
}

// serve answers the other one as a client is answered.
func (m *mind) serve(ctx context.Context, key string) ([]byte, error) {
	if !m.BeginServing(m.Prefix() + key) {
		return nil, errBothWays
	}
	defer m.EndServing(m.Prefix() + key)
	return m.get(ctx, key)
}

// TestNodesOfTwoMindsDontWaitForEachOther: with rings that contradict each other, every Get ends,
// on both nodes at once.
func TestNodesOfTwoMindsDontWaitForEachOther(t *testing.T) {
	var loads atomic.Int64
	var minds [2]*mind
	for i := range minds {
		g, err := Acquire(Config{Budget: 1 << 20, Remote: func(string) bool { return true }})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Release()
		minds[i] = &mind{Group: g, loads: &loads}
	}
	minds[0].other, minds[1].other = minds[1], minds[0]
	var wg sync.WaitGroup
	for i := range 400 {
		wg.Go(func() {
			if b, err := minds[i%2].get(t.Context(), fmt.Sprintf("k%d.0.v", i/8)); string(b) != "loaded" || err != nil {
				t.Errorf("%q, %v", b, err)
			}
		})
	}
	wg.Wait()
	if n := loads.Load(); n < 50 || n > 100 {
		t.Errorf("50 keys were loaded %d times by two nodes", n)
	}
}

func TestGateHasOneDirection(t *testing.T) {
	var g gate
	for range 2 {
		if !g.enter("k", inbound) {
			t.Fatal("it may go in")
		}
	}
	if g.enter("k", outbound) || !g.enter("other", outbound) {
		t.Fatal("a key goes one way at a time, as often as it likes")
	}
	g.leave("k", inbound)
	if g.enter("k", outbound) {
		t.Fatal("one is still in")
	}
	g.leave("k", inbound)
	if !g.enter("k", outbound) || g.enter("k", inbound) {
		t.Fatal("now it goes the other way")
	}
	g.leave("k", outbound)
	g.leave("other", outbound)
	if len(g.under) > 0 {
		t.Error("what has left is still noted")
	}
}
