package groups

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/scurrycache/scurry/internal/race"
)

// counted is a group, and the keys that have been put into it.
type counted struct {
	*Group
	keys []string
}

func (c *counted) put(bytes int) {
	key := fmt.Sprintf("%s%08d", c.Prefix(), len(c.keys))
	c.keys = append(c.keys, key)
	c.Put(key, make([]byte, bytes))
}

// takes is how many bytes its values take with what groupcache spends on them, by looking.
func (c *counted) takes() (bytes, items int64) {
	for _, key := range c.keys {
		if b, ok := c.Peek(key); ok {
			bytes += int64(len(key)+len(b)) + itemBytes
			items++
		}
	}
	return bytes, items
}

// TestReservedMemoryIsLeftAlone: values never take what is reserved, however many come, however
// often some are used, and whatever the group was used for before.
func TestReservedMemoryIsLeftAlone(t *testing.T) {
	const budget = 1<<20 + 4321
	for _, size := range []int{100, 1000, 10_000} {
		if race.Enabled && size == 100 {
			continue // a hundred thousand values in one goroutine
		}
		for range 2 { // the second time with the first one's group
			g := &counted{Group: acquire(t, budget)}
			r := rand.New(rand.NewPCG(1, uint64(size)))
			for n := int64(0); n <= budget/2; n += budget / 8 {
				g.Reserve(n)
				for put := 0; put < budget; put += size {
					g.put(size)
					for range r.IntN(10) {
						g.Peek(g.keys[max(0, len(g.keys)-1-r.IntN(1000))])
					}
				}
				u := g.Usage()
				takes, items := g.takes()
				if takes > budget-n || takes < (budget-n)*94/100-int64(size) {
					t.Errorf("values of %d bytes take %d of %d bytes, of which %d are reserved", size, takes, budget, n)
				}
				if u.Items != items || u.Bytes != takes-items*itemBytes || u.Items+u.Evictions != int64(len(g.keys)) {
					t.Errorf("%d items and %d bytes are held of %d: %+v", items, takes-items*itemBytes, len(g.keys), u)
				}
			}
			g.Release()
		}
	}
}

// TestReservedMemoryComesBack: what isn't reserved any more goes to values as these come.
func TestReservedMemoryComesBack(t *testing.T) {
	const budget, size = 1<<20 + 77, 3000
	g := &counted{Group: acquire(t, budget)}
	for range 3 {
		g.Reserve(budget / 2)
		for range budget / size {
			g.put(size)
		}
		if u := g.Usage(); u.Bytes > budget/2 {
			t.Errorf("%d bytes are held beside %d", u.Bytes, budget/2)
		}
		g.Reserve(budget / 64)
		for range 2 * budget / size {
			g.put(size)
		}
		takes, _ := g.takes()
		if u := g.Usage(); takes < budget*96/100 || u.Bytes < budget*90/100 {
			t.Errorf("%d bytes are taken of %d: %+v", takes, budget, u)
		}
		if room := g.Room(); room > budget*63/64 || room < budget*92/100 {
			t.Errorf("there is room for %d bytes", room)
		}
	}
}

// TestReservingWhileValuesCome: many may put, look and reserve at once.
func TestReservingWhileValuesCome(t *testing.T) {
	const budget, size, each = 1<<20 + 99, 2000, 500
	g := acquire(t, budget)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range each {
				key := fmt.Sprintf("%s%d.%04d", g.Prefix(), w, i)
				g.Put(key, make([]byte, size))
				g.Reserve(rand.Int64N(budget / 2))
				g.Peek(key)
				if u := g.Usage(); u.Bytes > budget {
					t.Errorf("%+v is more than the budget", u)
				}
			}
		})
	}
	wg.Wait()
	g.Reserve(budget / 2)
	if u, room := g.Usage(), g.Room(); u.Bytes > room || room > budget/2 || u.Items+u.Evictions != 4*each {
		t.Errorf("in %d bytes: %+v", room, u)
	}
}

// TestReservingIsntLookingUp: what fillers cost isn't counted as use.
func TestReservingIsntLookingUp(t *testing.T) {
	g := acquire(t, 1<<20)
	g.Put(g.Prefix()+"k", make([]byte, 1000))
	before := g.Usage()
	for n := range int64(100) {
		g.Reserve(n * 5000)
	}
	if u := g.Usage(); u != before {
		t.Errorf("%+v, and before it was reserved %+v", u, before)
	}
}

// TestEmptyingIsCheap: what it takes to empty a group doesn't go by its budget.
func TestEmptyingIsCheap(t *testing.T) {
	for budget := int64(1 << 30); budget <= 1<<40; budget <<= 5 {
		g := acquire(t, budget)
		g.Put(g.Prefix()+"k", make([]byte, 1000))
		was := g.pooled.fillers.Load()
		g.Release()
		if n := g.pooled.fillers.Load() - was; n > 20_000 {
			t.Errorf("%d fillers emptied a group of %d bytes", n, budget)
		}
		if n := len(g.pooled.filler); n < 1000 {
			t.Errorf("a filler has %d bytes", n)
		}
	}
}

// TestReleaseWithoutValues: a group that has held none isn't emptied, and its next tenant has what
// another one has: all of the budget, less what it reserves itself.
func TestReleaseWithoutValues(t *testing.T) {
	const budget, size = 1<<20 + 55, 3000
	for round := range 3 {
		g := acquire(t, budget)
		g.Reserve(budget / 2)
		was := g.pooled.fillers.Load()
		pooled := g.pooled
		g.Release()
		if n := pooled.fillers.Load() - was; n > 0 {
			t.Errorf("round %d: %d fillers emptied it", round, n)
		}
		g = acquire(t, budget)
		if g.pooled != pooled {
			t.Fatal("the next tenant has another group")
		}
		if u := g.Usage(); u != (Usage{}) {
			t.Errorf("round %d: it begins with %+v", round, u)
		}
		c := &counted{Group: g}
		g.Reserve(budget / 2)
		for n := range int64(10) {
			if u := g.Usage(); u.Items != n || u.Bytes < n*size || u.Evictions > 0 {
				t.Errorf("round %d: of %d values, it holds %+v", round, n, u)
			}
			c.put(size)
		}
		for _, reserved := range []int64{0, budget / 2, budget / 4} {
			g.Reserve(reserved)
			for range 2 * budget / size {
				c.put(size)
			}
			most := budget - reserved
			if u, room := g.Usage(), g.Room(); u.Bytes > room || u.Bytes < most*85/100 || room > most {
				t.Errorf("round %d, beside %d: %d bytes are held, there is room for %d", round,
					reserved, u.Bytes, room)
			}
		}
		g.Release()
		if n := pooled.fillers.Load() - was; n < 256 {
			t.Errorf("round %d: values are left, behind %d fillers", round, n)
		}
	}
}
