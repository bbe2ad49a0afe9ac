package popular

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func same(name string) string { return name }

// TestTop: few requests are all counted, and forgotten after some minutes.
func TestTop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Table
		if top, oneIn := p.Top(5, same); len(top) != 0 || oneIn != 1 {
			t.Errorf("at first: %v, one in %d", top, oneIn)
		}
		n := uint64(0)
		for range 10 {
			for range 3 {
				p.Count(n, "a", 100)
				p.Count(n+1, "b", 1)
				p.Count(n+2, "a", 100)
				n += 3
			}
			time.Sleep(time.Second) // of the bubble's clock
		}
		p.Count(n, strings.Repeat("l", longest+1), 1)
		top, oneIn := p.Top(5, same)
		if len(top) != 2 || top[0].Name != "a" || top[1].Name != "b" || oneIn != 1 ||
			!near(top[0].RequestsPerSecond, 6) || !near(top[1].RequestsPerSecond, 3) ||
			!near(top[0].BytesPerSecond, 600) {
			t.Errorf("%+v, one in %d", top, oneIn)
		}
		if top, _ := p.Top(1, func(string) string { return "all" }); len(top) != 1 ||
			!near(top[0].RequestsPerSecond, 9) {
			t.Errorf("as one: %+v", top)
		}
		time.Sleep(20 * span)
		if top, _ := p.Top(1, same); top[0].RequestsPerSecond > 1e-6 {
			t.Errorf("after 20 minutes: %+v", top)
		}
	})
}

func near(got, want float64) bool { return math.Abs(got-want) < want/10 }

// TestSample: of many requests few are taken in. The rates are right all the same, also where names
// are asked for in turn, and of a long tail nothing is above what is asked for often.
func TestSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Table
		r := rand.New(rand.NewPCG(1, 2))
		n := uint64(0)
		for range 120 {
			for range 8 {
				for i := range 512 {
					name := fmt.Sprint("tail", r.IntN(100_000))
					if i%4 == 0 {
						name = fmt.Sprint("hot", i/4%8)
					}
					p.Count(n, name, 10)
					n++
				}
				time.Sleep(time.Second / 8)
			}
		}
		top, oneIn := p.Top(9, same)
		if oneIn < 8 || oneIn > 32 {
			t.Errorf("one in %d", oneIn)
		}
		for i, a := range top {
			if hot := strings.HasPrefix(a.Name, "hot"); hot != (i < 8) || hot &&
				math.Abs(a.RequestsPerSecond-128) > 26 {
				t.Errorf("%d: %+v", i, a)
			}
		}
		time.Sleep(time.Second)
		for range 20 {
			for range 1000 {
				p.Count(n, "few", 1)
				n++
			}
			time.Sleep(10 * time.Second)
		}
		if _, now := p.Top(1, same); now >= oneIn {
			t.Errorf("one in %d with few requests, and one in %d with many", now, oneIn)
		}
	})
}

// TestConcurrent is for the race detector.
func TestConcurrent(t *testing.T) {
	var p Table
	var all sync.WaitGroup
	for worker := range uint64(4) {
		all.Go(func() {
			for i := range uint64(2000) {
				p.Count(i, fmt.Sprint(worker, i), 1)
			}
		})
	}
	all.Go(func() {
		for range 20 {
			p.Top(3, same)
		}
	})
	all.Wait()
	if top, _ := p.Top(1000, same); len(top) > names {
		t.Errorf("%d names", len(top))
	}
}

// TestNoAllocation: what isn't in the sample, or in the table already, allocates nothing.
func TestNoAllocation(t *testing.T) {
	var p Table
	n := uint64(0)
	if got := testing.AllocsPerRun(5000, func() { n++; p.Count(n, "a", 1) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkCount(b *testing.B) {
	var p Table
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		n++
		p.Count(n, "/files/a", 1024)
	}
}
