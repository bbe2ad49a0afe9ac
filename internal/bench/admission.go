package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/scurrycache/scurry/internal/chunks"
	"github.com/scurrycache/scurry/internal/groups"
)

// The admission mode runs traces of requests through caches of a tenth of what the traces ask for,
// and compares hits: groupcache by itself (LRU), package chunks, and otter (W-TinyLFU). All values
// are equally large.

const (
	traceRequests = 1_000_000
	traceKeys     = 50_000
	traceHeld     = traceKeys / 10 // what a cache has room for
	traceValue    = 4 << 10        // bytes
	// what groupcache takes for a key and a value, less the value
	traceItem = 178 + 10
)

// contender is a cache, which may hold a key once that has been put.
type contender struct {
	prefix string // of its keys
	has    func(key string) bool
	put    func(key string)
	close  func()
}

// get reports whether c holds a key. If not, it may from then on.
func (c *contender) get(key string) (hit bool) {
	key = c.prefix + key
	if hit = c.has(key); !hit {
		c.put(key)
	}
	return hit
}

var traceContent [traceValue]byte

func compareAdmission(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "hits in %\tLRU\tscurry\tW-TinyLFU\tscurry - W-TinyLFU\t")
	for _, tr := range traces() {
		var hits []float64
		for _, open := range []func() (*contender, error){openLRU, openChunks, openOtter} {
			c, err := open()
			if err != nil {
				return err
			}
			hits = append(hits, tr.hits(c))
			c.close()
		}
		fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%.1f\t%+.1f\t\n", tr.name, hits[0], hits[1], hits[2],
			hits[1]-hits[2])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return compareHitCost(w)
}

func openLRU() (*contender, error) {
	g, err := groups.Acquire(groups.Config{Budget: traceHeld * (traceValue + traceItem)})
	if err != nil {
		return nil, err
	}
	return &contender{g.Prefix(), func(key string) bool {
		_, ok := g.Peek(key)
		return ok
	}, func(key string) { g.Put(key, traceContent[:]) }, g.Release}, nil
}

func openChunks() (*contender, error) {
	c, err := chunks.New(chunks.Config{
		Budget: traceHeld * (traceValue + traceItem), Largest: traceValue,
	})
	if err != nil {
		return nil, err
	}
	return &contender{c.Prefix(), func(key string) bool {
		_, ok := c.Use(key)
		return ok
	}, func(key string) { c.Put(key, traceContent[:], false) }, c.Close}, nil
}

func openOtter() (*contender, error) {
	c, err := otter.New(&otter.Options[string, struct{}]{
		MaximumSize: traceHeld, Executor: func(f func()) { f() },
	})
	if err != nil {
		return nil, err
	}
	return &contender{"", func(key string) bool {
		_, ok := c.GetIfPresent(key)
		return ok
	}, func(key string) { c.Set(key, struct{}{}) }, func() { c.StopAllGoroutines() }}, nil
}

// trace is a series of requests.
type trace struct {
	name string
	keys []uint64
}

func (t trace) hits(c *contender) (percent float64) {
	n := 0
	for _, key := range t.keys {
		if c.get(strconv.FormatUint(key, 36)) {
			n++
		}
	}
	return 100 * float64(n) / float64(len(t.keys))
}

func traces() []trace {
	r := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.01, 1, traceKeys-1)
	steep := rand.NewZipf(r, 1.2, 1, traceKeys-1)
	list := []trace{{name: "Zipf, 1.01"}, {name: "Zipf, 1.2"},
		{name: "files asked for once, scans"},
		{name: "drifting popularity"}}
	once, scan := uint64(traceRequests), 0
	for i := range uint64(traceRequests) {
		key := zipf.Uint64()
		list[0].keys = append(list[0].keys, key)
		list[1].keys = append(list[1].keys, steep.Uint64())
		list[3].keys = append(list[3].keys, key+i/50)
		if scan == 0 && r.IntN(30_000) == 0 {
			scan = 2 * traceHeld
		}
		if scan > 0 || r.IntN(10) < 3 {
			scan, once = max(0, scan-1), once+1
			key = once
		}
		list[2].keys = append(list[2].keys, key)
	}
	return list
}

// compareHitCost compares the time of a hit with that of groupcache's group.
func compareHitCost(w io.Writer) error {
	lru, err := openLRU()
	if err != nil {
		return err
	}
	defer lru.close()
	ours, err := openChunks()
	if err != nil {
		return err
	}
	defer ours.close()
	var keys []string
	for i := range traceHeld / 2 {
		keys = append(keys, strconv.Itoa(i))
	}
	const rounds = 21
	same := func(ns float64) float64 { return ns }
	var times [2][]float64
	for range rounds {
		for i, c := range []*contender{lru, ours} {
			begin, n := time.Now(), 0
			for range 40 {
				for _, key := range keys {
					c.get(key)
					n++
				}
			}
			times[i] = append(times[i], float64(time.Since(begin).Nanoseconds())/float64(n))
		}
	}
	_, err = fmt.Fprintf(w, "\na hit takes groupcache %.0f ns, and scurry %.0f ns\n",
		median(times[0], same), median(times[1], same))
	return err
}
