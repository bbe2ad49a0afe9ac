package chunks

import (
	"fmt"
	"strings"
	"testing"
)

// openFull opens a cache whose main is full.
func openFull(t *testing.T) *Cache {
	c := open(t, Config{
		Budget: 1 << 20, Largest: 4 << 10,
		Unversioned: func(key string) (before, after string) {
			before, _, _ = strings.Cut(key, "/")
			return before, ""
		},
	})
	crawl(c, "first")
	if !c.Full() {
		t.Fatal("main isn't full")
	}
	return c
}

// crawl has ten times as much come as there is room for.
func crawl(c *Cache, name string) {
	for i := range 10 << 20 / (4 << 10) {
		c.Put(fmt.Sprint(c.Prefix(), name, i), make([]byte, 4<<10), false)
	}
}

// TestWhatIsAdmitted: what comes when main is full survives a crawl if it is wanted by several
// requests, has come before, under whatever version, or is used. A look isn't a use.
func TestWhatIsAdmitted(t *testing.T) {
	nut := []byte("nut")
	for name, c := range map[string]struct {
		come  func(c *Cache, key string)
		stays bool
	}{
		"once":    {func(c *Cache, key string) {}, false},
		"looked":  {func(c *Cache, key string) { c.Peek(key); c.Peek(key) }, false},
		"used":    {func(c *Cache, key string) { c.Use(key) }, true},
		"got":     {func(c *Cache, key string) { _, _ = c.Get(t.Context(), key, nil) }, true},
		"served":  {func(c *Cache, key string) { c.Serve(key[len(c.Prefix()):]) }, true},
		"wanted":  {func(c *Cache, key string) { c.Put(key, nut, true) }, true},
		"again":   {func(c *Cache, key string) { c.Put(key, nut, false) }, true},
		"version": {func(c *Cache, key string) { c.Put(c.Prefix()+"k/2", nut, false) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			cache := openFull(t)
			key := cache.Prefix() + "k/1"
			if cache.Put(key, nut, false) {
				t.Fatal("main holds what has come for the first time")
			}
			c.come(cache, key)
			crawl(cache, "second")
			if _, ok := cache.Peek(key); ok != c.stays {
				t.Errorf("held after a crawl: %v, want %v", ok, c.stays)
			}
			if _, ok := cache.Peek(cache.Prefix() + "k/2"); ok != (name == "version") {
				t.Errorf("another version is held: %v", ok)
			}
		})
	}
}

// TestHitsAllocateAsGroupcacheDoes: a hit in main, or on probation, allocates no more than the
// group's own.
func TestHitsAllocateAsGroupcacheDoes(t *testing.T) {
	c := openFull(t)
	main, trial := c.Prefix()+"main", c.Prefix()+"trial"
	c.Put(main, []byte("nut"), true)
	c.Put(trial, []byte("nut"), false)
	own := testing.AllocsPerRun(100, func() { c.Group.Peek(main) })
	for _, key := range []string{main, trial} {
		if n := testing.AllocsPerRun(100, func() { c.Peek(key) }); n > own {
			t.Errorf("%v allocations, groupcache has %v", n, own)
		}
	}
	if n := testing.AllocsPerRun(100, func() { c.Use(main) }); n > own {
		t.Errorf("a use has %v allocations, groupcache %v", n, own)
	}
}

// TestWhatTheDoorkeeperTakes: it knows what came last, forgets the rest, and takes 16 bytes for
// each chunk that main has room for.
func TestWhatTheDoorkeeperTakes(t *testing.T) {
	const chunks, size = 10_000, 2 << 10
	d := doorkeeper{memory: chunks * size}
	hash := func(i int) uint64 { return (uint64(i) + 1) * 0x9e3779b97f4a7c15 }
	for i := range 10 * chunks {
		if d.knows(hash(i), size) {
			t.Fatalf("chunk %d is known before it has come", i)
		}
		if bytes := 8 * (len(d.younger.places) + len(d.older.places)); bytes > 16*chunks {
			t.Fatalf("%d bytes are taken for %d chunks", bytes, chunks)
		}
	}
	for _, i := range []int{10*chunks - 1, 10*chunks - chunks/2} {
		if !d.knows(hash(i), size) {
			t.Errorf("chunk %d isn't known any more", i)
		}
	}
	for _, i := range []int{0, 8 * chunks} {
		if d.knows(hash(i), size) {
			t.Errorf("chunk %d isn't forgotten", i)
		}
	}
}

// TestSmallMemoryHasNoProbation: where probation had room for a few chunks only, main holds all.
func TestSmallMemoryHasNoProbation(t *testing.T) {
	c := open(t, Config{Budget: 1 << 20, Largest: 128 << 10})
	if crawl(c, "first"); c.Full() || !c.Put(c.Prefix()+"k", []byte("nut"), false) {
		t.Error("main doesn't hold what comes")
	}
	if came, room := c.Trial(); came != 0 || room != 0 {
		t.Errorf("probation has %d of %d bytes", came, room)
	}
}

// TestCrawlAfterABurst: what main holds is left by a crawl although others have reserved memory and
// given it up, before main was full or since, and whatever has used it meanwhile. What is wanted
// gets that memory in the end.
func TestCrawlAfterABurst(t *testing.T) {
	const budget, size, burst = 1 << 20, 4 << 10, 1 << 18
	for _, full := range []bool{false, true} {
		t.Run(fmt.Sprintf("full=%v", full), func(t *testing.T) {
			c := open(t, Config{Budget: budget, Largest: size})
			c.Reserve(budget / 16)
			put := func(name string, n int, wanted bool) {
				for i := range n {
					c.Put(fmt.Sprint(c.Prefix(), name, i), make([]byte, size), wanted)
				}
			}
			held := func(name string, n int) (held int) {
				for i := range n {
					if _, ok := c.Peek(fmt.Sprint(c.Prefix(), name, i)); ok {
						held++
					}
				}
				return held
			}
			const hot = budget / 2 / size
			if full {
				crawl(c, "before")
			}
			put("hot", hot, true)
			for i := range 3 {
				c.Reserve(burst)
				crawl(c, fmt.Sprint("burst", i))
				c.Reserve(budget / 16)
				put(fmt.Sprint("few", i), 5, true)
				crawl(c, fmt.Sprint("crawl", i))
				if n := held("hot", hot); n < hot {
					t.Errorf("%d of %d hot chunks are left after %d crawls", n, hot, i+1)
				}
				if u, room := c.Usage().Bytes, c.Room(); u < room*9/10 || room < budget*7/8 {
					t.Errorf("%d of %d bytes are held", u, room)
				}
			}
			put("wanted", 2*budget/size, true)
			if _, room := c.Turnover(); room < (budget-budget/8-budget/16)*19/20 {
				t.Errorf("main has %d bytes", room)
			}
			if u, room := c.Group.Usage().Bytes, c.Room(); u < room*8/10 || u > room {
				t.Errorf("main holds %d bytes where there is room for %d", u, room)
			}
		})
	}
}
