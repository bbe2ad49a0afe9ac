package groups

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// TestEvictionAge: what is evicted next was used as long ago as the oldest marker says that is left,
// whatever is used meanwhile.
func TestEvictionAge(t *testing.T) {
	const budget, size = markerLeast, 16 << 10
	g, err := Acquire(Config{Budget: budget})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Release()
	if age := g.EvictionAge(); age != 0 {
		t.Errorf("of an empty group: %v", age)
	}
	n := 0
	put := func(bytes int) (at time.Time) {
		for range bytes / size {
			g.Put(g.Prefix()+fmt.Sprint("f", n), make([]byte, size))
			g.Peek(g.Prefix() + "f0") // which is used all the time, and stays
			n++
		}
		return time.Now()
	}
	check := func(when string, after, before time.Time) {
		t.Helper()
		runtime.GC() // has what is evicted freed
		now := time.Now()
		if age := g.EvictionAge(); age < now.Sub(before) || age > time.Since(after) {
			t.Errorf("%s: %v, which is not from %v to %v", when, age, now.Sub(before), time.Since(after))
		}
	}
	start := time.Now()
	end := put(size)
	check("after the first", start, end)
	half := put(budget / 2)
	check("half full", start, end)
	u := g.Usage()
	if u.Items != int64(n) || u.Evictions != 0 {
		t.Errorf("%d values are held: %+v", n, u)
	}
	put(budget) // and so what came in the first half has gone
	check("full", half, time.Now())
	if u = g.Usage(); u.Items+u.Evictions != int64(n) || u.Evictions == 0 {
		t.Errorf("of %d values: %+v", n, u)
	}
	if _, ok := g.Peek(g.Prefix() + "f0"); !ok {
		t.Error("what is used all the time has gone")
	}
}
